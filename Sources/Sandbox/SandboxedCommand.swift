/// One command to run inside a sandbox: what it executes, what it sees and what it may use. All paths are absolute host
/// paths as bytes.
public struct SandboxedCommand: Sendable {
  /// The program and its arguments. The program is looked up on the `PATH` of ``environment`` inside the view.
  public var arguments: [[UInt8]]
  /// The complete environment; nothing is inherited. The sandbox itself adds `HOME`, `TMPDIR` and `USER`.
  public var environment: [String: String]
  /// Where the command starts.
  public var workingDirectory: [UInt8]
  /// Bytes for standard input; nil is an empty input.
  public var input: [UInt8]?
  /// The copy-on-write tree.
  public var workspace: WorkspaceMount
  /// Further trees of the same kind: a linked worktree's git directory lies outside the workspace.
  public var extraMounts: [WorkspaceMount] = []
  /// What else can be read.
  public var view: SandboxView
  /// What it may use.
  public var limits: SandboxLimits
  /// Whether and how the programs that it executes are watched; nil for not at all.
  public var watch: ExecWatch?
  /// What it may reach; nil for nothing.
  public var network: NetworkAccess?

  /// A command with everything that it needs to be told.
  public init(
    arguments: [[UInt8]], environment: [String: String], workingDirectory: [UInt8], input: [UInt8]? = nil,
    workspace: WorkspaceMount, view: SandboxView, limits: SandboxLimits
  ) {
    self.arguments = arguments
    self.environment = environment
    self.workingDirectory = workingDirectory
    self.input = input
    self.workspace = workspace
    self.view = view
    self.limits = limits
  }

  /// The names of all variables that the command gets, the sandbox's own among them.
  public var variableNames: [String] { Plan.environment(self).map(\.0) }
}

/// How the workspace comes to its path.
public enum WorkspaceMount: Sendable, Hashable {
  /// An overlay: `lowers` (top first; the last is the checkout itself) below `upper`, mounted at `mountPoint`, which is
  /// the checkout's own path. `work` is a directory on the filesystem of `upper` for
  /// overlayfs's scratch directories.
  case overlay(lowers: [[UInt8]], upper: [UInt8], work: [UInt8], mountPoint: [UInt8])
  /// A plain directory bound read-write at `mountPoint`: the fallback where overlays are refused.
  case copy(directory: [UInt8], mountPoint: [UInt8])
}

/// What a command sees beside its workspace.
public struct SandboxView: Sendable, Hashable {
  /// Host directories and files that are visible read-only, in addition to the system directories.
  public var readOnly: [[UInt8]]
  /// Host directories bound read-only at another path inside: adaptors for test runners.
  public var readOnlyAt: [Binding]
  /// Host directories bound read-write at another path inside: where adaptors leave their results.
  public var readWriteAt: [Binding]
  /// Paths that are hidden: a file appears empty and unreadable, a directory empty.
  public var masked: [[UInt8]]
  /// Host files shown in place of a path of the workspace, read-only: the cleaned `.git/config`.
  public var replaced: [Binding]

  /// A host path and the path at which it is seen inside.
  public struct Binding: Sendable, Hashable {
    /// The path on the host.
    public var source: [UInt8]
    /// The path inside.
    public var destination: [UInt8]

    /// Binds `source` at `destination`.
    public init(source: [UInt8], destination: [UInt8]) {
      self.source = source
      self.destination = destination
    }
  }

  /// A view of the system directories and what is named here.
  public init(
    readOnly: [[UInt8]] = [], readOnlyAt: [Binding] = [], readWriteAt: [Binding] = [], masked: [[UInt8]] = [],
    replaced: [Binding] = []
  ) {
    self.readOnly = readOnly
    self.readOnlyAt = readOnlyAt
    self.readWriteAt = readWriteAt
    self.masked = masked
    self.replaced = replaced
  }
}

/// What a command may use before it is stopped.
public struct SandboxLimits: Sendable, Hashable {
  /// Wall clock, in seconds.
  public var wallSeconds: Double
  /// CPU time of one process, in seconds.
  public var cpuSeconds: Int
  /// Resident memory of the whole tree, in bytes.
  public var memoryBytes: Int
  /// Processes and threads of the tree.
  public var processes: Int
  /// Size of one file, in bytes.
  public var fileBytes: Int
  /// Output kept from the start and from the end, in bytes each; the rest is counted and dropped.
  public var outputKeptBytes: Int
  /// Output after which the command is stopped, in bytes.
  public var outputBytes: Int
  /// Bytes that the workspace's upper directory may grow by.
  public var diskBytes: Int
  /// Files and directories that the workspace's upper directory may grow by.
  public var diskFiles: Int

  /// Generous limits for a build or test run on a developer's machine.
  public static let standard = SandboxLimits(
    wallSeconds: 600, cpuSeconds: 3600, memoryBytes: 8 << 30, processes: 4096, fileBytes: 8 << 30,
    outputKeptBytes: 256 << 10, outputBytes: 256 << 20, diskBytes: 16 << 30)

  /// Limits, each of them named.
  public init(
    wallSeconds: Double, cpuSeconds: Int, memoryBytes: Int, processes: Int, fileBytes: Int, outputKeptBytes: Int,
    outputBytes: Int, diskBytes: Int, diskFiles: Int = 2_000_000
  ) {
    self.wallSeconds = wallSeconds
    self.cpuSeconds = cpuSeconds
    self.memoryBytes = memoryBytes
    self.processes = processes
    self.fileBytes = fileBytes
    self.outputKeptBytes = outputKeptBytes
    self.outputBytes = outputBytes
    self.diskBytes = diskBytes
    self.diskFiles = diskFiles
  }
}

/// How a sandboxed command ended.
public struct CommandResult: Sendable, Hashable {
  /// Why it ended.
  public var status: Status
  /// Standard output and standard error as one stream, in the order written: the start, and when that was not all, the
  /// end.
  public var output: CapturedOutput
  /// Wall clock, in seconds.
  public var duration: Double
  /// CPU time of the tree, in seconds; nil where it could not be measured.
  public var cpuSeconds: Double?
  /// Peak resident memory of the largest process, in bytes; nil where it could not be measured.
  public var peakMemoryBytes: Int?
  /// What it executed; nil when that was not watched.
  public var execs: ExecSummary?
  /// The connections that it asked for, the first thousand.
  public var connections: [ConnectionRecord]
  /// How many these were in all.
  public var connectionTotal: Int

  /// Why a command ended.
  public enum Status: Sendable, Hashable {
    /// It exited by itself.
    case exited(Int32)
    /// A signal ended it.
    case signaled(Int32)
    /// It was stopped because it went over a limit.
    case overrun(Overrun)
    /// The caller cancelled it.
    case cancelled
  }

  /// A limit that was passed.
  public enum Overrun: String, Sendable, Hashable {
    /// Wall clock.
    case time
    /// Memory.
    case memory
    /// Processes and threads.
    case processes
    /// Output.
    case output
    /// Disk: bytes, files, or the size of one file.
    case disk
  }

  /// The result of one command.
  public init(
    status: Status, output: CapturedOutput, duration: Double, cpuSeconds: Double? = nil, peakMemoryBytes: Int? = nil,
    execs: ExecSummary? = nil, connections: [ConnectionRecord] = [], connectionTotal: Int = 0
  ) {
    self.execs = execs
    self.connections = connections
    self.connectionTotal = connectionTotal
    self.status = status
    self.output = output
    self.duration = duration
    self.cpuSeconds = cpuSeconds
    self.peakMemoryBytes = peakMemoryBytes
  }
}

/// A command's output with its middle dropped when it was long.
public struct CapturedOutput: Sendable, Hashable {
  /// The first bytes.
  public var head: [UInt8]
  /// The last bytes, when the output was longer than what is kept; else empty.
  public var tail: [UInt8]
  /// How many bytes were written in all.
  public var totalBytes: Int

  /// Output as captured.
  public init(head: [UInt8], tail: [UInt8] = [], totalBytes: Int) {
    self.head = head
    self.tail = tail
    self.totalBytes = totalBytes
  }

  /// Bytes that were dropped between head and tail.
  public var droppedBytes: Int { totalBytes - head.count - tail.count }
}
