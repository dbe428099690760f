public import Sandbox

/// How all commands of a run are watched, in its workspace and every copy of it.
public struct CommandSupervision: Sendable {
  /// Whether and how the programs that a command executes are watched. Asked on the task that runs the command.
  public var watch: @Sendable () -> ExecWatch?
  /// What a command may reach; nil for nothing. Asked on the task that runs the command.
  public var network: @Sendable () -> NetworkAccess?
  /// Told how each command ended, and under what it ran, on the task that ran it, before the result is handed back.
  public var ended: @Sendable (CommandResult, CommandSetting) -> Void

  /// A supervision.
  public init(
    watch: @escaping @Sendable () -> ExecWatch?, network: @escaping @Sendable () -> NetworkAccess?,
    ended: @escaping @Sendable (CommandResult, CommandSetting) -> Void
  ) {
    self.watch = watch
    self.network = network
    self.ended = ended
  }
}

extension Workspace {
  /// Puts a supervision in force for every later command here and in the workspaces that share this one's base. A command
  /// that is given a watch or a network of its own has these instead.
  public nonisolated func supervise(_ supervision: CommandSupervision) {
    shared.supervise(supervision)
  }
}
