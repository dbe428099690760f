import CLinux
import Glibc
public import Paths
public import Sandbox

/// What a command in a workspace did and left.
public struct CommandRun: Sendable {
  /// How it ended, and its output.
  public let result: CommandResult
  /// The regular files that it left in `/run/codeagent/results`, by their path there.
  public let results: [String: [UInt8]]
  /// Under what it ran.
  public let setting: CommandSetting
}

/// Under what a command ran: as it was applied, whatever had been asked for.
public struct CommandSetting: Sendable, Hashable {
  /// How the sandbox held it.
  public let level: SandboxLevel
  /// How its files were copied.
  public let mode: Workspace.Mode
  /// Whether it could reach any host.
  public let hasNetwork: Bool
  /// Whether the programs that it started were watched.
  public let isWatched: Bool
  /// How many paths of the checkout were hidden from it.
  public let hidden: Int
  /// What it could use.
  public let limits: SandboxLimits
  /// The names of its variables, sorted.
  public let variables: [String]
}

extension Workspace {
  /// The largest file that is taken from a command's results, in bytes.
  public static var largestResult: Int { 64 << 20 }

  /// Where adaptors are seen inside.
  public static var adaptorDirectory: String { "/run/codeagent/adaptor" }

  /// Where results are collected inside.
  public static var resultsDirectory: String { "/run/codeagent/results" }

  /// Runs a shell command line in the sandbox; see
  /// ``run(arguments:directory:environment:input:limits:adaptors:collectResults:watch:network:onOutput:)``.
  public func run(
    shell: String, directory: RepoPath = .root, environment: [String: String] = [:], input: [UInt8]? = nil,
    limits: SandboxLimits = .standard, adaptors: [String: [UInt8]] = [:], collectResults: Bool = false,
    watch: ExecWatch? = nil, network: NetworkAccess? = nil, onOutput: (@Sendable ([UInt8]) -> Void)? = nil
  ) async throws(WorkspaceError) -> CommandRun {
    try await run(
      arguments: ["/bin/sh", "-c", shell].map { Array($0.utf8) }, directory: directory, environment: environment,
      input: input, limits: limits, adaptors: adaptors, collectResults: collectResults, watch: watch, network: network,
      onOutput: onOutput)
  }

  /// Runs a program in the sandbox, on this workspace's files at the checkout's own path. Waits for a command that is
  /// running here; cancelling the task ends the command and everything it started.
  /// - Parameters:
  ///   - directory: where it starts.
  ///   - environment: in addition to the view's, and before it.
  ///   - adaptors: files that it finds in ``adaptorDirectory``, read-only, by name.
  ///   - collectResults: gives it an empty ``resultsDirectory`` to write to, and returns the files it left there.
  ///   - watch: how the programs that it executes are watched; nil for as ``supervise(_:)`` says, or not at all.
  ///   - network: what it may reach; nil for as ``supervise(_:)`` says, or nothing.
  /// - Throws: `notFound` and `notADirectory` about the directory, `sandboxUnavailable`, `noSpace`.
  public func run(
    arguments: [[UInt8]], directory: RepoPath = .root, environment: [String: String] = [:], input: [UInt8]? = nil,
    limits: SandboxLimits = .standard, adaptors: [String: [UInt8]] = [:], collectResults: Bool = false,
    watch: ExecWatch? = nil, network: NetworkAccess? = nil, onOutput: (@Sendable ([UInt8]) -> Void)? = nil
  ) async throws(WorkspaceError) -> CommandRun {
    await acquire()
    defer { release() }
    guard metadata(try canonical(directory))?.kind == .directory else {
      let exists = metadata(directory) != nil
      throw WorkspaceError(
        exists ? .notADirectory : .notFound, exists ? "\(directory) is not a directory" : "there is no \(directory)")
    }
    var command = SandboxedCommand(
      arguments: arguments, environment: view.environment.merging(environment) { $1 },
      workingDirectory: directory.isRoot ? location.root : location.root + [0x2f] + directory.bytes, input: input,
      workspace: tree.mount, view: try sandboxView(), limits: limits)
    command.extraMounts = extras.map(\.mount)
    let supervision = shared.supervision
    command.watch = watch ?? supervision?.watch()
    command.network = network ?? supervision?.network()
    if !adaptors.isEmpty { command.view.readOnlyAt.append(try adaptorBinding(adaptors)) }
    let results = collectResults ? try ResultsDirectory(shared.storage) : nil
    defer { results?.remove() }
    if let results { command.view.readWriteAt.append(results.binding) }
    scanner.layerWillChange()
    let result = try await execute(&command, onOutput: onOutput)
    let setting = setting(of: command)
    supervision?.ended(result, setting)
    return CommandRun(result: result, results: try results?.collect() ?? [:], setting: setting)
  }

  private func setting(of command: SandboxedCommand) -> CommandSetting {
    CommandSetting(
      level: sandbox.level, mode: mode, hasNetwork: command.network != nil, isWatched: command.watch != nil,
      hidden: command.view.masked.count, limits: command.limits, variables: command.variableNames)
  }

  /// Runs a program that does nothing, so that ``mode`` is known and a missing sandbox is said before it is needed.
  /// - Throws: `sandboxUnavailable`, `noSpace` for the copy where overlays are refused.
  public func prepare() async throws(WorkspaceError) {
    _ = try await run(arguments: [Array("/bin/true".utf8)])
  }

  private func execute(
    _ command: inout SandboxedCommand, onOutput: (@Sendable ([UInt8]) -> Void)?
  ) async throws(WorkspaceError) -> CommandResult {
    if tree.isCopy { try openWayToCopy() }
    do throws(SandboxError) {
      return try await sandbox.run(command, onOutput: onOutput)
    } catch {
      guard error.kind == .overlayRefused, !tree.isCopy else { throw Self.failure(error) }
      try becomeCopy(error.message)
    }
    command.workspace = tree.mount
    command.extraMounts = extras.map(\.mount)
    try openWayToCopy()
    let copied = command
    do throws(SandboxError) { return try await sandbox.run(copied, onOutput: onOutput) } catch {
      throw Self.failure(error)
    }
  }

  /// Where nothing can be mounted, commands of another user must be able to go to the copy, and to nothing else here.
  private func openWayToCopy() throws(WorkspaceError) {
    guard sandbox.level == .container, sandbox.payloadOwner != nil else { return }
    let storage = shared.storage
    storage.directory.changePermissions(0o711)
    for name in ["main", "siblings", "results", "adaptors"] {
      storage.directory.subdirectory(Array(name.utf8))?.changePermissions(0o711)
    }
    try Descriptor.directory(tree.place).changePermissions(0o711)
    for index in storage.path.indices where index > 0 && storage.path[index] == 0x2f {
      let above = Array(storage.path[..<index])
      var status = stat()
      guard withPath(above, { stat($0, &status) }) == 0, status.st_mode & 0o001 == 0 else { continue }
      throw WorkspaceError(
        .sandboxUnavailable, "commands run as another user, who may not pass \(Quoting.quote(above))",
        hint: "set XDG_STATE_HOME to a directory that everybody may pass, such as /var/lib")
    }
  }

  private static func failure(_ error: SandboxError) -> WorkspaceError {
    let kind: WorkspaceError.Kind =
      switch error.kind {
      case .unavailable, .launcherMissing, .overlayRefused, .setUpFailed: .sandboxUnavailable
      case .workingDirectory: .notADirectory
      case .commandNotFound: .notFound
      case .commandNotExecutable: .unreadable
      case .invalidCommand: .outside
      }
    return WorkspaceError(kind, error.message, hint: error.hint)
  }

  private func sandboxView() throws(WorkspaceError) -> SandboxView {
    var masked: [[UInt8]] = []
    for path in view.masked {
      // Only what is there: a mask would otherwise make the path.
      guard let node = try? tree.merged.node(path), node.status.kind == .regular || node.directory != nil else {
        continue
      }
      masked.append(location.root + [0x2f] + path.bytes)
    }
    return SandboxView(readOnly: view.toolchainRoots, masked: masked)
  }

  /// Writes the adaptors once for each content they have, readable for the payload's user.
  private func adaptorBinding(_ adaptors: [String: [UInt8]]) throws(WorkspaceError) -> SandboxView.Binding {
    SandboxView.Binding(
      source: try shared.adaptorDirectory(adaptors), destination: Array(Self.adaptorDirectory.utf8))
  }
}
