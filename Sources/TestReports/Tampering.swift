public import Paths

/// A sign that a change weakens what proves it. Advice: a person or a stricter rule decides.
public struct TamperFlag: Sendable, Hashable {
  /// What kind of sign it is.
  public var kind: Kind
  /// The file.
  public var path: RepoPath
  /// The line in the new content, from 1; nil when it is about the file as a whole.
  public var line: Int?
  /// What was seen, in one sentence, with the line quoted when there is one.
  public var text: String

  /// Kinds of signs.
  public enum Kind: String, Sendable, Hashable, CaseIterable {
    /// A test file was changed.
    case testEdited
    /// A test file was deleted.
    case testDeleted
    /// A file that decides how tests run was added, changed or deleted.
    case configurationEdited
    /// A test is skipped, expected to fail, or singled out.
    case skipAdded
    /// A test file asserts less than before.
    case assertionsRemoved
    /// An equality that holds for everything.
    case alwaysEqual
    /// A test runner, its assertions, or the clock is replaced.
    case runnerPatched
    /// A literal that a failing test expects stands in the code.
    case expectedLiteral
    /// The code asks whether, or by which test, it is run.
    case testDetected
    /// Tested code ends the process.
    case earlyExit
    /// The change reaches for the channel that results come back by.
    case resultChannel
  }

  /// A flag.
  public init(kind: Kind, path: RepoPath, line: Int? = nil, text: String) {
    self.kind = kind
    self.path = path
    self.line = line
    self.text = text
  }
}

/// Looks through a change for signs that it weakens its own proof.
///
/// The rules are conservative: they look at added lines only, leave comments out, and say what stands there, not why. A
/// change that does what a rule names for good reasons is flagged all the same; one that hides it well is not.
public enum Tampering {
  /// One file's content before and after; nil where it did not or does not exist.
  public struct Change: Sendable {
    /// The file.
    public var path: RepoPath
    /// Its content in the base.
    public var old: [UInt8]?
    /// Its content after the change.
    public var new: [UInt8]?

    /// A changed file.
    public init(path: RepoPath, old: [UInt8]?, new: [UInt8]?) {
      self.path = path
      self.old = old
      self.new = new
    }
  }

  /// Flags of one change at most.
  static let maximumFlags = 200
  /// Bytes of one file that are looked at.
  static let maximumBytes = 4 << 20

  /// All signs in a change, file by file.
  /// - Parameter failing: the report of the base: what its failures expect must not simply be written into the code.
  public static func flags(in changes: [Change], failing: TestReport? = nil) -> [TamperFlag] {
    let expected = failing.map(ExpectedLiterals.init)
    var flags: [TamperFlag] = []
    for change in changes where change.old != change.new {
      guard flags.count < maximumFlags else { break }
      let isTest = TestPaths.isTest(change.path)
      let isConfiguration = TestPaths.isTestConfiguration(change.path)
      var file = ChangedFile(change)
      if isConfiguration { file.flagWhole(.configurationEdited, "decides how tests run") }
      if isTest, change.old != nil {
        change.new == nil
          ? file.flagWhole(.testDeleted, "is a test file") : file.flagWhole(.testEdited, "is a test file")
      }
      file.flagSkips()
      if isTest { file.flagFewerAssertions() } else { file.flagCode(expected) }
      file.flagResultChannel()
      flags += file.flags
    }
    return Array(flags.prefix(maximumFlags))
  }
}

/// One file of a change, its added lines, and what was found in them.
struct ChangedFile {
  let path: RepoPath
  let language: Language
  private let old: [UInt8]
  private let new: [UInt8]
  private let lines: [Bytes]
  /// Indices of lines that the old content did not have, comments left out.
  private let added: [Int]
  private let verb: String
  private(set) var flags: [TamperFlag] = []

  enum Language { case python, javascript, go, rust, swift, java, c, ruby, other }

  init(_ change: Tampering.Change) {
    path = change.path
    old = Array((change.old ?? []).prefix(Tampering.maximumBytes))
    new = Array((change.new ?? []).prefix(Tampering.maximumBytes))
    verb = change.old == nil ? "is added" : change.new == nil ? "is deleted" : "is changed"
    language = Self.language(of: change.path)
    lines = new.contains(0) ? [] : OutputLines(new).lines
    // Lines are compared as a multiset: moved ones are not added.
    var known: [Bytes: Int] = [:]
    if !old.contains(0) { for line in OutputLines(old).lines { known[line.trimmed, default: 0] += 1 } }
    var added: [Int] = []
    for (index, line) in lines.enumerated() {
      let text = line.trimmed
      if let count = known[text], count > 0 {
        known[text] = count - 1
      } else if !text.isEmpty, !Self.isComment(text, language) {
        added.append(index)
      }
    }
    self.added = added
  }

  private static func language(of path: RepoPath) -> Language {
    let name = String(decoding: path.name, as: UTF8.self)
    switch name.split(separator: ".").last ?? "" {
    case "py", "pyi", "pyx": return .python
    case "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx": return .javascript
    case "go": return .go
    case "rs": return .rust
    case "swift": return .swift
    case "java", "kt", "kts", "groovy", "scala", "cs": return .java
    case "c", "h", "cc", "cpp", "cxx", "hpp", "m", "mm": return .c
    case "rb": return .ruby
    default: return .other
    }
  }

  private static func isComment(_ text: Bytes, _ language: Language) -> Bool {
    switch language {
    case .python, .ruby: return text.first == UInt8(ascii: "#")
    case .javascript, .go, .rust, .swift, .java, .c: return text.starts("//") || text.starts("/*") || text.starts("* ")
    case .other: return false
    }
  }

  private mutating func flag(_ kind: TamperFlag.Kind, _ index: Int, _ what: String) {
    guard flags.count < Tampering.maximumFlags, !flags.contains(where: { $0.kind == kind && $0.line == index + 1 })
    else { return }
    let quoted = ReportBuilder.cut(lines[index].trimmed.text, to: 160)
    flags.append(TamperFlag(kind: kind, path: path, line: index + 1, text: "\(what): \(quoted)"))
  }

  mutating func flagWhole(_ kind: TamperFlag.Kind, _ what: String) {
    flags.append(TamperFlag(kind: kind, path: path, text: "\(path) \(what) and \(verb)."))
  }

  // Tests.

  private static let skips: [(Language, [String])] = [
    (
      .python,
      [
        "pytest.mark.skip", "pytest.mark.xfail", "pytest.skip(", "pytest.xfail(", "pytest.importorskip(",
        "unittest.skip",
        "self.skipTest(", "SkipTest", "expectedFailure", "collect_ignore", "__test__ = False", "@skip",
      ]
    ),
    (
      .javascript,
      [
        ".skip(", ".only(", ".todo(", "xit(", "xdescribe(", "xtest(", "fit(", "fdescribe(", "skip: true", "only: true",
        "todo: true", "this.skip(", "t.skip(",
      ]
    ),
    (.go, ["t.Skip(", "t.Skipf(", "t.SkipNow(", "b.Skip(", "//go:build ignore"]), (.rust, ["#[ignore"]),
    (.swift, ["XCTSkip", ".disabled(", "withKnownIssue", "XCTExpectFailure"]),
    (.java, ["@Disabled", "@Ignore", "assumeTrue(", "assumeFalse(", "assumeThat(", "enabled = false"]),
    (.c, ["GTEST_SKIP", "DISABLED_", "TEST_IGNORE"]), (.ruby, ["skip(", "pending(", "xit ", "xdescribe ", "skip \""]),
  ]

  mutating func flagSkips() {
    guard let patterns = Self.skips.first(where: { $0.0 == language })?.1 else { return }
    for index in added {
      let line = lines[index]
      if let pattern = patterns.first(where: { line.containsWord($0) }) {
        flag(.skipAdded, index, "A test is skipped, expected to fail, or singled out (`\(pattern)`)")
      }
    }
  }

  private static let assertions = [
    "assert", "expect(", "#expect", "#require", "XCTAssert", ".should", "t.Error", "t.Fatal", "require.", "REQUIRE(",
    "CHECK(", "EXPECT_", "ASSERT_", "verify(", "t.equal", "t.deepEqual", "t.ok(", "t.same", "is_deeply(",
  ]

  private static func countAssertions(_ bytes: [UInt8], _ language: Language) -> Int {
    var count = 0
    for line in OutputLines(bytes).lines where !isComment(line.trimmed, language) {
      if assertions.contains(where: { line.containsWord($0) }) { count += 1 }
    }
    return count
  }

  mutating func flagFewerAssertions() {
    guard verb == "is changed" else { return }
    let before = Self.countAssertions(old, language)
    let after = Self.countAssertions(new, language)
    if after < before {
      flags.append(
        TamperFlag(
          kind: .assertionsRemoved, path: path,
          text: "\(path) had \(before) lines with assertions and has \(after) now."))
    }
  }

  // Code.

  private static let detections = [
    "PYTEST_CURRENT_TEST", "PYTEST_VERSION", "JEST_WORKER_ID", "NODE_TEST_CONTEXT", "XCTestConfigurationFilePath",
    "VITEST", "testing.Testing()", "flag.Lookup(\"test.", "cfg!(test)", "isRunningTests", "GTEST_",
    "CARGO_TARGET_TMPDIR",
    "HARNESS_ACTIVE", "environ[\"CI\"]", "environ['CI']", "environ.get(\"CI\"", "environ.get('CI'", "getenv(\"CI\")",
    "getenv('CI')", "env.CI", "Getenv(\"CI\")", "env[\"CI\"]", "NODE_ENV === 'test'", "NODE_ENV === \"test\"",
    "NODE_ENV == 'test'", "NODE_ENV == \"test\"",
  ]
  private static let introspection = [
    "inspect.stack(", "inspect.currentframe(", "sys._getframe(", "traceback.extract_stack(",
  ]
  private static let runners = ["pytest", "unittest", "_pytest", "doctest"]

  private static let exits: [(Language, [String])] = [
    (.python, ["os._exit(", "sys.exit(", "raise SystemExit", "os.kill(os.getpid()", "os.abort("]),
    (.javascript, ["process.exit(", "process.reallyExit(", "process.abort("]), (.go, ["os.Exit(", "syscall.Exit("]),
    (.rust, ["process::exit(", "process::abort("]), (.swift, ["exit(0", "_exit(", "abort()"]),
    (.java, ["System.exit(", "Runtime.getRuntime().halt(", "exitProcess("]),
    (.c, ["exit(0", "_exit(", "_Exit(", "quick_exit("]),
    (.ruby, ["exit!", "Kernel.exit", "exit 0"]),
  ]

  mutating func flagCode(_ expected: ExpectedLiterals?) {
    let exits = Self.exits.first { $0.0 == language }?.1 ?? []
    for index in added {
      let line = lines[index]
      if let pattern = exits.first(where: { line.containsWord($0) }) {
        flag(.earlyExit, index, "The code ends the process (`\(pattern)`)")
      }
      if Self.detections.contains(where: { line.contains($0) }) {
        flag(.testDetected, index, "The code asks whether it is being tested")
      } else if Self.introspection.contains(where: { line.contains($0) }) {
        flag(.testDetected, index, "The code looks at who calls it")
      } else if line.contains("sys.modules"), Self.runners.contains(where: { line.containsWord($0) }) {
        flag(.testDetected, index, "The code asks whether a test runner is loaded")
      } else if let name = expected?.testName(in: line) {
        flag(.testDetected, index, "The code names the failing test `\(name)`")
      }
      flagPatch(index, line)
      if let literal = expected?.literal(in: line) {
        flag(.expectedLiteral, index, "The code holds the value `\(literal)` that a failing test expects")
      }
    }
    flagAlwaysEqual()
  }

  private mutating func flagPatch(_ index: Int, _ line: Bytes) {
    let text = line.trimmed
    switch language {
    case .python:
      for module in ["unittest", "pytest", "_pytest", "time", "builtins", "datetime", "doctest"] {
        if text.starts(module + "."), text.isAssignment {
          flag(.runnerPatched, index, "The code replaces something of the module \(module)")
          return
        }
        if text.contains("setattr(\(module)") {
          flag(.runnerPatched, index, "The code replaces something of the module \(module)")
          return
        }
      }
      if text.starts("sys.modules["), text.isAssignment {
        flag(.runnerPatched, index, "The code replaces a loaded module")
      } else if (text.starts("import ") || text.starts("from ")),
        ["pytest", "_pytest", "unittest"].contains(where: { text.words.dropFirst().first?.starts($0) == true })
      {
        flag(.runnerPatched, index, "The code imports a test framework")
      } else if text.contains("pytest_runtest_makereport") || text.contains("pytest_collection_modifyitems") {
        flag(.runnerPatched, index, "The code hooks into pytest")
      }
    case .javascript:
      for name in [
        "assert.", "expect.", "process.exit", "process.on('exit'", "process.on(\"exit\"", "global.test", "global.it",
        "globalThis.test", "globalThis.it", "Date.now", "console.log",
      ] where text.starts(name) && (text.isAssignment || name.contains("on(")) {
        flag(.runnerPatched, index, "The code replaces what tests rely on (`\(name)`)")
        return
      }
      if text.contains("node:test") || text.contains("require('assert')."), text.isAssignment,
        text.contains(".prototype")
      {
        flag(.runnerPatched, index, "The code replaces something of a test framework")
      }
    default: break
    }
  }

  private mutating func flagAlwaysEqual() {
    let heads: [String]
    switch language {
    case .python: heads = ["def __eq__(", "def __ne__("]
    case .java: heads = ["boolean equals(", "fun equals("]
    case .swift: heads = ["static func == ", "static func ==("]
    case .c: heads = ["bool operator=="]
    case .ruby: heads = ["def =="]
    case .rust: heads = ["fn eq(&self"]
    default: return
    }
    let isAdded = Set(added)
    for (index, line) in lines.enumerated() where heads.contains(where: { line.contains($0) }) {
      // The head's own line, or one of the two below it when only that was added.
      for below in index...Swift.min(index + 2, lines.count - 1) {
        let text = lines[below].trimmed
        let isTrue =
          ["return True", "return true", "return true;", "true", "{ true }", "True"].contains {
            text.elementsEqual($0.utf8)
          }
          || text.ends("{ true }") || text.ends("{ return true }") || text.ends("{ return true; }")
          || text.ends("= true")
          || text.ends(": return True")
        if isTrue, isAdded.contains(below) || isAdded.contains(index) {
          flag(.alwaysEqual, below, "An equality holds for everything")
          break
        }
      }
    }
  }

  mutating func flagResultChannel() {
    for index in added {
      let line = lines[index]
      if line.contains("CODEAGENT_") || line.contains("/run/codeagent") || line.contains("codeagent_report") {
        flag(.resultChannel, index, "The change reaches for the channel that test results come back by")
      }
    }
  }
}

extension Bytes {
  /// True when the text occurs, and does not continue a longer word to its left.
  func containsWord(_ needle: String) -> Bool {
    var rest = self
    while let range = rest.range(of: needle) {
      let isFree =
        range.lowerBound == startIndex || !self[range.lowerBound - 1].isWord
        || !(needle.utf8.first?.isWord ?? false)
      if isFree { return true }
      rest = self[range.upperBound...]
    }
    return false
  }

  /// `a.b = c`, neither a comparison nor an argument.
  var isAssignment: Bool {
    guard let equals = firstIndex(of: UInt8(ascii: "=")) else { return false }
    let next = equals + 1 < endIndex ? self[equals + 1] : 0
    let before = equals > startIndex ? self[equals - 1] : 0
    return next != UInt8(ascii: "=") && !"=!<>+-*/".utf8.contains(before)
      && !self[..<equals].contains(UInt8(ascii: "("))
  }
}
