import Glibc

/// Runs commands where they can do no harm: in a view of the file system that holds what they need, on a copy-on-write
/// workspace, without network, privileges, or anything of the user's, and within limits.
///
/// Commands are started and watched by one thread of this process; `run` may be called from anywhere, several at once.
/// Commands on the same upper directory run one after another, in the order in which they were given; nobody else may
/// change that directory, or the layers below it, while one runs.
public final class Sandbox: Sendable {
  let host: HostSetting

  /// Finds the tools. Nothing is run yet: ``probe()`` does that.
  /// - Parameters:
  ///   - launcher: the path of `codeagent-launch`; see ``locateLauncher()``.
  ///   - level: how commands are held.
  /// - Throws: ``SandboxError`` of kind ``SandboxError/Kind/launcherMissing`` or ``SandboxError/Kind/unavailable``.
  public init(launcher: [UInt8], level: SandboxLevel = .full) throws(SandboxError) {
    host = try HostSetting(launcher: launcher, level: level)
  }

  /// A sandbox of the strongest level that this system offers among those that policy admits, each tried by running a
  /// command.
  /// - Throws: what stands in the way of the strongest of them when none can be had.
  public static func strongest(
    launcher: [UInt8], admitting levels: Set<SandboxLevel>
  ) async throws(SandboxError) -> Sandbox {
    var first: SandboxError?
    for level in SandboxLevel.allCases where levels.contains(level) {
      do throws(SandboxError) {
        let sandbox = try Sandbox(launcher: launcher, level: level)
        try await sandbox.tryOut()
        return sandbox
      } catch {
        first = first ?? error
      }
    }
    throw first ?? SandboxError(.unavailable, "policy admits no level of the sandbox")
  }

  /// The user and group that own what commands write, and must own the upper directories: nil when that is the user
  /// himself, an unprivileged pair when the agent runs as root.
  public var payloadOwner: (uid: UInt32, gid: UInt32)? { host.payload }

  /// The unprivileged user and group that run the commands of a process that is root; nil where the process's own user
  /// does. Being called root in a user namespace of one's own is not being root.
  public static var hostPayload: (uid: UInt32, gid: UInt32)? { HostSetting.payload }

  /// How commands are held.
  public var level: SandboxLevel { host.level }

  /// The programs that hold commands, by name: their paths.
  public var programs: [String: [UInt8]] { ["codeagent-launch": host.launcher] }

  /// The home directory that commands see.
  public static let home = Plan.home

  /// Runs one command to its end. When this returns, no process of it is left.
  ///
  /// - Parameters:
  ///   - command: what to run and what it sees and may use.
  ///   - onOutput: called with output as it comes, on the thread that serves all commands: it must not block.
  /// - Returns: how the command ended. Limits and cancellation are results.
  /// - Throws: ``SandboxError`` when the command was never run.
  public func run(
    _ command: SandboxedCommand, onOutput: (@Sendable ([UInt8]) -> Void)? = nil
  ) async throws(SandboxError) -> CommandResult {
    let thread = ProcessThread.shared
    let id = thread.newID()
    let result = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        thread.start(
          ProcessRequest(
            id: id, command: command, host: host, onOutput: onOutput, completion: { continuation.resume(returning: $0) }
          ))
        // Cancelled before it was started: the handler's message came first and found nothing.
        if Task.isCancelled { thread.cancel(id) }
      }
    } onCancel: {
      thread.cancel(id)
    }
    return try result.get()
  }

  /// `codeagent-launch` in the directory of the running executable, which may be a test bundle.
  public static func locateLauncher() -> [UInt8]? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = readlink("/proc/self/exe", &buffer, buffer.count)
    guard count > 0 else { return nil }
    let image = buffer[..<count].map { UInt8(bitPattern: $0) }
    guard let slash = image.lastIndex(of: UInt8(ascii: "/")) else { return nil }
    let path = Array(image[...slash] + Array("codeagent-launch".utf8))
    return withCPath(path) { access($0, X_OK) } == 0 ? path : nil
  }
}
