import Access
import ArgumentParser
import Glibc
import Paths
import Sandbox
import Synchronization
import Workspace

/// `codeagent sandbox`: the very sandbox that runs use, for users and tests.
struct SandboxCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "sandbox", abstract: "Run a command in the sandbox that runs use; see, keep or drop what it changed.",
    discussion: """
      All four share one sandbox of the checkout, unless --id or --new says otherwise.

      EXAMPLES
        codeagent sandbox run -- make check
        codeagent sandbox run --cwd ~/src/app -- sh -c 'id; ls ~'
        codeagent sandbox diff
        codeagent sandbox export --to /tmp/result
      """,
    subcommands: [Run.self, Diff.self, Export.self, Discard.self])

  /// Runs one command.
  struct Run: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Run one command; its exit status is the command's, 125 when the sandbox itself fails.")

    @Option(help: "The directory to run in; its checkout is the workspace.") var cwd = "."
    @Option(help: "A sandbox of this name instead of the checkout's own.") var id: String?
    @Flag(help: "A fresh sandbox, dropped afterwards.") var new = false
    @Option(help: "Stop the command after this time, such as 90s or 15m.") var timeout: String?
    @Flag(help: "Watch every program that it executes, and list them at the end. Debuggers do not work inside then.")
    var watch = false
    @Option(name: .customLong("forbid"), help: "Never run this program, whatever starts it. May be repeated.")
    var forbidden: [String] = []
    @Option(
      name: .customLong("allow-host"),
      help: "Let it reach this host, as NAME, NAME:PORT or *.DOMAIN; the port is 443. May be repeated.")
    var allowedHosts: [String] = []
    @Option(
      name: .customLong("endpoint"),
      help: "Let it reach this endpoint of the configuration, by its name. May be repeated; see docs/sandbox.md.")
    var endpoints: [String] = []
    @Flag(help: "Where a container refuses namespaces, run at the level for containers; see docs/sandbox.md.")
    var admitContainer = false
    @Flag(help: "Try the sandbox's promises first, and refuse to run when one does not hold.") var enforce = false
    @Flag(help: "Pass the output on byte by byte, escape sequences included.") var raw = false
    @Argument(parsing: .postTerminator, help: "The command.") var command: [String] = []

    mutating func run() async throws {
      guard !command.isEmpty else { throw ValidationError("name a command after --") }
      do {
        let place = try SandboxPlace(directory: cwd, id: new ? "new-\(getpid())" : id)
        var limits = place.limits
        if let timeout {
          guard let seconds = BudgetOptions.seconds(timeout) else {
            throw UsageFailure("--timeout takes a time such as 90s")
          }
          limits.wallSeconds = seconds
        }
        let sandbox = try await place.sandbox(admittingContainer: admitContainer)
        if enforce { _ = try await sandbox.assure() }
        let workspace = try await place.open(sandbox)
        let arguments = command.map { Array($0.utf8) }
        let execs = execWatch()
        let network =
          allowedHosts.isEmpty && endpoints.isEmpty
          ? nil : NetworkAccess(hosts: allowedHosts, endpoints: try place.endpoints(endpoints))
        let output = CommandOutput(isRaw: raw)
        let task = Task {
          try await workspace.run(
            arguments: arguments, directory: place.location.project, environment: [:], limits: limits,
            watch: execs, network: network, onOutput: { output.write($0) })
        }
        Signals.onStop { task.cancel() }
        let run: CommandRun
        do {
          run = try await task.value
        } catch let error as WorkspaceError {
          // As a shell says it; everything else is the sandbox's own failure.
          guard error.kind == .notFound || error.kind == .unreadable else { throw error }
          Output.error("codeagent: \(Display.safe(error.message))")
          if new { try await workspace.discard() }
          throw ExitStatus(code: error.kind == .notFound ? 127 : 126)
        }
        output.finish()
        report(run.result)
        if new { try await workspace.discard() }
        switch run.result.status {
        case .exited(let code): throw ExitStatus(code: code)
        case .signaled(let signal): throw ExitStatus(code: 128 + signal)
        case .cancelled: throw ExitStatus(code: 128 + (Signals.received ?? SIGTERM))
        case .overrun(let overrun):
          Output.error("codeagent: the command was stopped: over the limit on \(overrun.rawValue)")
          throw ExitStatus(code: overrun == .time ? 124 : 137)
        }
      } catch let failure as any ReportableFailure {
        Output.error(
          "codeagent: \(Display.safe(failure.sentence))" + (failure.advice.map { " (\(Display.safe($0)))" } ?? ""))
        throw ExitStatus(code: 125)
      }
    }

    private func execWatch() -> ExecWatch? {
      guard !forbidden.isEmpty else { return watch ? ExecWatch() : nil }
      let names = Set(forbidden.map { Array($0.utf8) })
      return ExecWatch(programs: forbidden) { event in
        guard let name = event.identities.first(where: names.contains) else { return .allow }
        return .deny(rule: "--forbid \(String(decoding: name, as: UTF8.self))")
      }
    }

    /// What was executed and reached, beside the output.
    private func report(_ result: CommandResult) {
      let text = { (bytes: [UInt8]) in Display.safe(bytes) }
      if watch, let execs = result.execs {
        Output.error("codeagent: \(execs.total) programs were executed")
        for record in execs.records {
          let words = record.event.arguments.prefix(20).map { Display.line(text($0), width: 80) }
          let ending: String =
            switch record.ending {
            case .exited(let code): "exit \(code)"
            case .signaled(let signal): "signal \(signal)"
            case .replaced: "replaced"
            case nil: "ended with the sandbox"
            }
          Output.error(
            "  \(record.event.number) < \(record.event.parent)  \(text(record.event.executable))  "
              + "[\(words.joined(separator: " "))]  \(ending)")
        }
      }
      for record in result.execs?.denied ?? [] {
        Output.error("codeagent: \(text(record.event.executable)) was denied by \(Display.safe(record.deniedBy ?? ""))")
      }
      for connection in result.connections {
        var host = "\(Display.safe(connection.request.host)):\(connection.request.port)"
        if let exchange = connection.exchange {
          host += " \(exchange.method) \(Display.line(text(exchange.path), width: 200)) \(exchange.status)"
        }
        let outcome =
          connection.refusal.map { "refused: \(Display.safe($0))" }
          ?? "\(connection.sentBytes) bytes sent, \(connection.receivedBytes) received"
        Output.error("codeagent: \(host) \(outcome)")
      }
    }
  }

  /// Shows what it changed.
  struct Diff: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show what the sandbox changed, as a patch.")

    @Argument(help: "A directory of the checkout.") var directory = "."
    @Option(help: "The sandbox of this name.") var id: String?
    @Flag(help: "Only names and counts.") var stat = false
    @Flag(help: "The patch byte by byte, escape sequences included.") var raw = false

    mutating func run() async throws {
      let workspace = try await SandboxPlace(directory: directory, id: id).open()
      let snapshot = try await workspace.snapshot()
      let style = Style(hasColor: TerminalTraits.detect(Environment.current).hasColor)
      for file in try await workspace.diff(from: nil, to: snapshot) {
        if stat {
          Output.write(DiffText.render(file, style: style, mostLines: 0))
        } else {
          Output.write(raw ? file.patch : OutputEscaper.escape(file.patch))
        }
        if Self.addsHostileText(file.patch) {
          Output.error("\(file.path): the change adds control, bidirectional or invisible characters")
        }
      }
      for left in snapshot.leftOut { Output.error("left out: \(left.path) (\(left.reason))") }
      if snapshot.ignoredChanges.count > 0 {
        Output.error("\(snapshot.ignoredChanges.count) changed files are ignored by git and not shown")
      }
    }
  }

  /// Brings changes back.
  struct Export: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write what the sandbox changed into the checkout, or into another directory.")

    @Argument(help: "A directory of the checkout.") var directory = "."
    @Option(help: "The sandbox of this name.") var id: String?
    @Option(help: "Write into this directory instead of the checkout.") var to: String?
    @Flag(
      help: "Bring back what steers agents, editors, hooks or automation, too, where policy lets a person approve it.")
    var approve = false

    mutating func run() async throws {
      let place = try SandboxPlace(directory: directory, id: id)
      let workspace = try await place.open()
      let snapshot = try place.deliverable(try await workspace.snapshot(), approved: approve)
      let report: DeliveryReport
      if let to {
        report = try await workspace.export(snapshot, to: Array(to.utf8))
      } else {
        report = try await workspace.deliver(snapshot, as: .apply)
      }
      for path in report.written { Output.write("\(path)\n") }
      for left in report.leftOut { Output.error("left out: \(left.path) (\(left.reason))") }
    }
  }

  /// Drops it.
  struct Discard: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Drop the sandbox and all that it changed.")

    @Argument(help: "A directory of the checkout.") var directory = "."
    @Option(help: "The sandbox of this name.") var id: String?

    mutating func run() async throws {
      try Workspace.removeStorage(try SandboxPlace(directory: directory, id: id).storage)
    }
  }
}

extension SandboxCommand.Diff {
  /// Whether a line that a patch adds holds what a terminal would obey or an eye would miss.
  fileprivate static func addsHostileText(_ patch: [UInt8]) -> Bool {
    patch.split(separator: 0x0a).contains {
      $0.first == UInt8(ascii: "+") && OutputEscaper.isHostile(Array($0.last == 0x0d ? $0.dropLast() : $0))
    }
  }
}

/// What a command writes, made harmless for the terminal unless it is wanted as it is.
private final class CommandOutput: Sendable {
  private let isRaw: Bool
  private let escaper = Mutex(OutputEscaper())

  init(isRaw: Bool) { self.isRaw = isRaw }

  func write(_ bytes: [UInt8]) { Output.write(isRaw ? bytes : escaper.withLock { $0.escape(bytes) }) }

  func finish() { Output.write(escaper.withLock { $0.finish() }) }
}

/// Where the sandbox of a checkout is kept.
struct SandboxPlace: Sendable {
  let location: CheckoutLocation
  let storage: [UInt8]
  private let assembly: Assembly

  init(directory: String, id: String?) throws {
    location = try CheckoutLocation.resolve(Array(directory.utf8))
    assembly = try Assembly(location: location)
    if let id, id.isEmpty || id.contains("/") || id.hasPrefix(".") {
      throw UsageFailure("--id takes a plain name, not '\(id)'")
    }
    // The directory's name is readable and, by the hash, unique for the checkout's path.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in location.root { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    let name = (location.root.split(separator: UInt8(ascii: "/")).last.map { Array($0) } ?? []).filter {
      $0 > 0x20 && $0 < 0x7f
    }
    let state = try Directories.state(assembly.environment)
    storage =
      Array("\(state)/sandboxes/".utf8) + name + Array("-\(String(hash, radix: 16))".utf8)
      + (id.map { Array("@\($0)".utf8) } ?? [])
  }

  /// The sandbox: the strongest level of those admitted.
  func sandbox(admittingContainer: Bool) async throws -> Sandbox {
    try await assembly.sandbox(admitting: admittingContainer ? [.container] : [])
  }

  /// Endpoints as configured, by their names.
  func endpoints(_ names: [String]) throws(UsageFailure) -> [NetworkEndpoint] {
    try assembly.settings.endpoints.resolved(assembly.environment, named: names)
  }

  /// Limits as configured.
  var limits: SandboxLimits { assembly.settings.sandbox.limits }

  /// A snapshot without what policy forbids to deliver, or wants approved and is not.
  func deliverable(_ snapshot: Snapshot, approved: Bool) throws -> Snapshot {
    var snapshot = snapshot
    // What one answer names is left out, and the rest is asked about again: at most as often as there are files.
    while !snapshot.changes.isEmpty {
      let decision = try assembly.decideDelivery(snapshot.changes.map(\.path), approved: approved)
      if decision.outcome == .permit { break }
      Output.error("codeagent: \(Display.safe(decision.reason))")
      let refused = Set(decision.paths)
      let rest = snapshot.leavingOut(refused, for: .protectedName)
      if rest.changes.count == snapshot.changes.count {
        return snapshot.leavingOut(Set(snapshot.changes.map(\.path)), for: .protectedName)
      }
      snapshot = rest
    }
    return snapshot
  }

  /// The workspace as it was left, or a new one.
  func open(_ given: Sandbox? = nil) async throws -> Workspace {
    let sandbox: Sandbox
    if let given { sandbox = given } else { sandbox = try await assembly.sandbox() }
    let view = try assembly.commandView()
    try Directories.make(Array("\(try Directories.state(assembly.environment))/sandboxes".utf8))
    var isStored = stat()
    let state = (storage + Array("/state".utf8)).map { CChar(bitPattern: $0) } + [0]
    guard lstat(state, &isStored) == 0 else {
      return try await Workspace.open(location, storage: storage, sandbox: sandbox, view: view)
    }
    return try await Workspace.reopen(location, storage: storage, sandbox: sandbox, view: view)
  }
}
