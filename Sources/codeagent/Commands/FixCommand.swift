import Access
import Agent
import ArgumentParser
import Glibc
import Workspace

/// `codeagent fix`: repairs a project in a copy, proves it, records it, and hands over the change.
struct FixCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fix",
    abstract: "Repair a project in a sandboxed copy, prove it, and hand over a patch.",
    discussion: """
      Without a task it repairs what the tests say is broken. Without --model (and without a configured model) the \
      built-in engine searches for the repair on this machine: no code leaves it. The checkout stays untouched \
      unless --apply, --branch or --patch says otherwise, and then only a proven change is delivered.

      EXAMPLES
        codeagent fix
        codeagent fix ~/src/app --test 'make check' --apply
        codeagent fix . "names with a dot cannot log in" --model openai/gpt-5.5
        glab issue view 12 | codeagent fix . --issue - --branch fix-12
        codeagent fix . "the total is cut off" --image screenshot.png
        codeagent fix --json --model vllm/qwen3-coder --max-cost 0.50 --timeout 15m

      EXIT CODES
        0 proven fixed, or nothing to fix    5 the provider failed (resumable)
        1 not fixed                          6 no sandbox
        2 usage                              7 repository or delivery conflict
        3 refused by policy                  8 no record
        4 budget spent                       9 passes the tests, but unconfirmed
        128+n ended by signal n
      """)

  @Argument(help: "A git repository, a directory in one, or any directory.")
  var path = "."

  @Argument(help: "What is to be done, in words.")
  var words: [String] = []

  @Option(help: "The same as TASK.")
  var task: String?

  @Option(help: "Read the task from a file, or from standard input (-).")
  var issue: String?

  @Option(help: "A picture that belongs to the task, such as a screenshot; sent to the model. May be repeated.")
  var image: [String] = []

  @Option(help: "The command that checks the project; recognised when not given.")
  var test: String?

  @Option(help: "A command that prepares the project first, in the sandbox.")
  var setup: String?

  @Option(help: "The model, as PROVIDER/NAME; `builtin` is the built-in engine.")
  var model: String?

  @Option(help: "Play the answers of a cassette (see `runs export`) instead of asking a model.")
  var replay: String?

  @Flag(help: "Write the proven change into the checkout.")
  var apply = false

  @Option(help: "Commit the proven change to a new branch of this name.")
  var branch: String?

  @Option(help: "Write the change as a patch to a file, or to standard output (-).")
  var patch: String?

  @Flag(help: "Deliver a change that passes the tests but is not confirmed (exit code 9 all the same).")
  var yes = false

  @Flag(help: "Go on when the model stops without a proven change, until a budget ends.")
  var keepGoing = false

  @OptionGroup var policy: PolicyOptions
  @OptionGroup var budget: BudgetOptions
  @OptionGroup var output: OutputOptions

  mutating func validate() throws {
    if words.count > 0, task != nil { throw ValidationError("give the task once: as TASK or as --task") }
    if issue != nil, task != nil || !words.isEmpty {
      throw ValidationError("give the task once: --issue, --task or TASK")
    }
    if replay != nil, model != nil { throw ValidationError("--replay plays recorded answers: it takes no --model") }
    if patch == "-", output.json { throw ValidationError("--json and --patch - both write to standard output") }
  }

  mutating func run() async throws {
    let reporter = Reporter(json: output.json)
    let options = self
    try await reporter.run { () async throws -> (RunResult, [UInt8]?) in
      let location = try CheckoutLocation.resolve(Array(options.path.utf8))
      let text = try options.taskText()
      let assembly = try Assembly(
        model: options.model, location: location, isHeadless: options.output.json,
        cassette: try options.replay.map(CassetteFile.read), policyMode: options.policy.policyMode)
      var request = RunRequest(
        task: text, testCommand: options.test ?? assembly.settings.test,
        setup: options.setup ?? assembly.settings.setup, budget: try options.budget.budget(assembly),
        limits: assembly.settings.sandbox.limits)
      request.keepsGoing = options.keepGoing
      request.images = try ImageFile.read(options.image)
      if !request.images.isEmpty, assembly.isEngine {
        throw UsageFailure("the built-in engine looks at no pictures", advice: "name a model with --model")
      }
      // A screenshot may show text that nobody here wrote, like an issue's.
      if options.issue != nil || !request.images.isEmpty { request.labels = [Label.outsideText] }
      request.delivery.apply = options.apply
      request.delivery.branch = options.branch
      request.delivery.patch = options.patch != nil
      request.delivery.acceptUnconfirmed = options.yes
      if let file = options.patch, file != "-" { try PatchFile.checkWritable(file) }
      let services = try await assembly.services()
      let result = try await Runs(services: services, observe: reporter.observe).start(request, at: location)
      let deliversPatch = result.outcome == .fixed || result.outcome == .unconfirmed && options.yes
      await RunClosing(assembly: assembly, store: services.store).close(
        result, patchFile: deliversPatch ? options.patch : nil, root: location.root)
      return (result, deliversPatch && options.patch != nil ? result.diff.flatMap(\.patch) : nil)
    } deliverPatch: { bytes in
      try PatchFile.write(bytes, to: options.patch ?? "-")
    }
  }

  /// The task's words, or nil.
  private func taskText() throws(UsageFailure) -> String? {
    if let issue {
      let text = try TextInput.read(issue)
      guard !text.allSatisfy(\.isWhitespace) else { throw UsageFailure("the issue is empty") }
      return text
    }
    let text = task ?? (words.isEmpty ? nil : words.joined(separator: " "))
    guard let text, !text.allSatisfy(\.isWhitespace) else { return nil }
    return text
  }
}

/// What a run may spend, as options.
struct BudgetOptions: ParsableArguments {
  @Option(help: "The most answers to ask of the model.")
  var maxTurns: Int?

  @Option(help: "The most tokens to spend, read and written.")
  var maxTokens: Int?

  @Option(help: "The most dollars to spend; an unknown price ends the run.")
  var maxCost: Double?

  @Option(help: "The most time, such as 90s, 15m or 1h.")
  var timeout: String?

  mutating func validate() throws {
    for (name, value) in [("--max-turns", maxTurns), ("--max-tokens", maxTokens)] {
      if let value, value < 1 { throw ValidationError("\(name) must be at least 1") }
    }
    if let maxCost, !(maxCost > 0 && maxCost < 1e9) { throw ValidationError("--max-cost must be a positive amount") }
    if let timeout, Self.seconds(timeout) == nil {
      throw ValidationError("--timeout takes a time such as 90s, 15m or 1h, not '\(timeout)'")
    }
  }

  /// The options over the configuration over the defaults.
  func budget(_ assembly: Assembly) throws(UsageFailure) -> Budget {
    let settings = assembly.settings
    var budget = Budget()
    budget.turns = maxTurns ?? settings.maximumTurns ?? budget.turns
    budget.tokens = maxTokens ?? settings.maximumTokens
    budget.microdollars = maxCost.map { Int($0 * 1e6) } ?? settings.maximumMicrodollars
    budget.seconds =
      timeout.flatMap(Self.seconds) ?? settings.timeout ?? (assembly.isEngine ? 60 : budget.seconds)
    return budget
  }

  /// Reads `90`, `90s`, `15m` and `1h`.
  static func seconds(_ text: String) -> Double? {
    let units: [Character: Double] = ["s": 1, "m": 60, "h": 3600]
    let unit = text.last.flatMap { units[$0] }
    guard let number = Double(unit == nil ? text : String(text.dropLast())), number > 0, number < 1e7 else {
      return nil
    }
    return number * (unit ?? 1)
  }
}

/// How policies are taken.
struct PolicyOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "`log` records what the user's and the repository's policies would refuse, and does not enforce them.",
      valueName: "enforce|log"))
  var policyMode = PolicyMode.enforce
}

extension PolicyMode: ExpressibleByArgument {}

/// How a command reports.
struct OutputOptions: ParsableArguments {
  @Flag(help: "Write one JSON object a line (docs/json.md).")
  var json = false
}

/// Patches that users ask for.
enum PatchFile {
  /// Fails before any work is done when the file cannot be written.
  static func checkWritable(_ file: String) throws(UsageFailure) {
    let slash = file.lastIndex(of: "/")
    let directory = slash.map { $0 == file.startIndex ? "/" : String(file[..<$0]) } ?? "."
    guard access(directory, W_OK) == 0 else {
      throw UsageFailure("\(file) cannot be written: \(String(cString: strerror(errno)))")
    }
  }

  /// Writes the whole patch, or nothing: to a temporary file that takes the name when it is complete.
  static func write(_ bytes: [UInt8], to file: String) throws(UsageFailure) {
    if file == "-" {
      Output.write(bytes)
      return
    }
    let temporary = file + ".codeagent-\(getpid())"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else {
      throw UsageFailure("\(file) cannot be written: \(String(cString: strerror(errno)))")
    }
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { break }
      rest = rest.dropFirst(count)
    }
    let isWhole = rest.isEmpty && fsync(descriptor) == 0
    close(descriptor)
    guard isWhole, rename(temporary, file) == 0 else {
      let reason = String(cString: strerror(errno))
      unlink(temporary)
      throw UsageFailure("\(file) cannot be written: \(reason)")
    }
  }
}
