/// Watches every program that a command executes, as the kernel resolved it and before its first instruction.
///
/// It is not containment: an interpreter does what its script says, and an altered copy is another program. The view and
/// the network are what contains. While it is on, no debugger and no leak checker works inside (they trace, and what is
/// traced cannot be traced again), so `detect_leaks=0` is set for the address sanitizer.
public struct ExecWatch: Sendable {
  /// Decides about each exec; nil records only. Called on the thread that serves all commands, while the program waits:
  /// it must neither block nor take long.
  public var authorize: (@Sendable (ExecEvent) -> ExecVerdict)?
  /// Decides about an exec that ``authorize`` lets wait, in its own time: the program waits, stopped, and the command's wall
  /// clock stands still. Cancelled when the command ends. Nil denies.
  public var decide: (@Sendable (ExecEvent) async -> ExecVerdict)?
  /// Programs, by name, whose unaltered copies under other names are recognised: those that rules speak of.
  public var programs: [String]
  /// How many execs are recorded one by one; all are counted.
  public var recorded: Int

  /// A watch.
  public init(
    programs: [String] = [], recorded: Int = 1000, authorize: (@Sendable (ExecEvent) -> ExecVerdict)? = nil,
    decide: (@Sendable (ExecEvent) async -> ExecVerdict)? = nil
  ) {
    self.decide = decide
    self.programs = programs
    self.recorded = recorded
    self.authorize = authorize
  }

  /// The rule by which a program is denied whose image cannot be seen, where there are rules at all.
  public static let unidentified = "sandbox/unidentified-program"
  /// The rule by which a program is denied that waited too long, or could not be let wait.
  public static let undecided = "sandbox/undecided-program"
  /// How long the programs of a command may wait in all, in seconds: its other processes go on meanwhile.
  public static let patience = 1800.0
}

/// What is to become of an exec.
public enum ExecVerdict: Sendable, Hashable {
  /// It goes on.
  case allow
  /// The process is killed before the program's first instruction. The rule is named in the command's result.
  case deny(rule: String)
  /// It waits for ``ExecWatch/decide``.
  case wait
}

/// One program about to run. Paths are those of the view.
public struct ExecEvent: Sendable, Hashable {
  /// Counts the execs of a command from 1.
  public var number: Int
  /// The exec whose program started this process; 0 for the sandbox itself.
  public var parent: Int
  /// The process's id inside.
  public var process: Int
  /// Seconds since the command was started.
  public var time: Double
  /// The program as the kernel resolved it, links and interpreter lines followed; empty when it cannot be seen.
  public var executable: [UInt8]
  /// The path that was given to execve(2): for a script, the script's (`AT_EXECFN`).
  public var givenPath: [UInt8]
  /// The arguments, the first of which is what the program is told that it is called.
  public var arguments: [[UInt8]]
  /// Whether there were more arguments than are kept (24 KiB).
  public var argumentsAreCut: Bool
  /// Where it starts.
  public var workingDirectory: [UInt8]
  /// What an image without an interpreter, as a dynamic loader is, was given as its first argument; else empty.
  public var target: [UInt8]
  /// Those of ``ExecWatch/programs`` (and of the known loaders and multi-call programs) whose content this one's, or its
  /// target's, equals.
  public var copyOf: [String]

  /// An event with all that was seen.
  public init(
    number: Int, parent: Int, process: Int, time: Double, executable: [UInt8], givenPath: [UInt8], arguments: [[UInt8]],
    argumentsAreCut: Bool = false, workingDirectory: [UInt8], target: [UInt8] = [], copyOf: [String] = []
  ) {
    self.number = number
    self.parent = parent
    self.process = process
    self.time = time
    self.executable = executable
    self.givenPath = givenPath
    self.arguments = arguments
    self.argumentsAreCut = argumentsAreCut
    self.workingDirectory = workingDirectory
    self.target = target
    self.copyOf = copyOf
  }

  /// Everything that this program can be called, paths and names: a rule that forbids any of them forbids it. The image,
  /// what execve was given, `argv[0]`, the applet of a multi-call program, what a dynamic loader loads, and programs of
  /// which it is a copy.
  public var identities: [[UInt8]] {
    var found: [[UInt8]] = []
    func add(_ path: [UInt8]) {
      guard !path.isEmpty else { return }
      if !found.contains(path) { found.append(path) }
      let name = Self.name(path)
      if !name.isEmpty, !found.contains(name) { found.append(name) }
    }
    add(executable)
    let deleted = Array(" (deleted)".utf8)
    if executable.count > deleted.count, executable.suffix(deleted.count).elementsEqual(deleted) {
      add(Array(executable.dropLast(deleted.count)))
    }
    add(givenPath)
    // A login shell's begins with a dash.
    let zeroth = arguments.first.map { Array($0.first == UInt8(ascii: "-") ? $0.dropFirst() : $0[...]) } ?? []
    add(zeroth)
    for name in copyOf { add(Array(name.utf8)) }
    if isOne(of: Self.multiCalls) {
      let called = Self.name(zeroth)
      let isItself = Self.multiCalls.contains { called.elementsEqual($0.utf8) } || called == Self.name(executable)
      if isItself, arguments.count > 1 { add(arguments[1]) }
    }
    if isLoader { add(target) }
    return found
  }

  /// Programs that are many, told apart by their name or first argument.
  static let multiCalls = [
    "busybox", "busybox.static", "toybox", "coreutils", "uutils", "crypto-policies", "sbase-box",
  ]

  private func isOne(of names: [String]) -> Bool {
    let name = Self.name(executable)
    return names.contains { name.elementsEqual($0.utf8) || copyOf.contains($0) }
  }

  private var isLoader: Bool {
    let name = String(decoding: Self.name(executable), as: UTF8.self)
    return ([name] + copyOf).contains { $0.hasPrefix("ld-") || $0.hasPrefix("ld.so") || $0.hasPrefix("ld64") }
  }

  static func name(_ path: [UInt8]) -> [UInt8] {
    path.lastIndex(of: UInt8(ascii: "/")).map { Array(path[($0 + 1)...]) } ?? path
  }
}

/// An exec and what became of it.
public struct ExecRecord: Sendable, Hashable {
  /// What was executed.
  public var event: ExecEvent
  /// The rule that denied it; nil when it ran.
  public var deniedBy: String?
  /// How it ended; nil when the sandbox ended first.
  public var ending: Ending?
  /// Seconds from the exec to its end.
  public var duration: Double?
  /// Processor time of the process and of the children that it waited for, in seconds.
  public var cpuSeconds: Double?
  /// Peak resident memory of the process or of the largest of these children, in bytes.
  public var peakMemoryBytes: Int?

  /// How a program ends.
  public enum Ending: Sendable, Hashable {
    /// It exited by itself.
    case exited(Int32)
    /// A signal ended it.
    case signaled(Int32)
    /// Its process executed another program.
    case replaced
  }
}

/// What a watched command executed.
public struct ExecSummary: Sendable, Hashable {
  /// The first execs, as many as the watch records, in their order.
  public var records: [ExecRecord] = []
  /// Those that were denied, the first thousand of them.
  public var denied: [ExecRecord] = []
  /// How many there were.
  public var total = 0
  /// How many were denied.
  public var deniedTotal = 0
  /// How often each program ran, by its resolved path: the first thousand programs.
  public var counts: [[UInt8]: Int] = [:]

  /// Nothing yet.
  public init() {}
}
