internal import Paths

extension TestCommand {
  /// Names beyond this many, or this many bytes of them, are not put on a command line.
  private static let maximumNames = 400
  private static let maximumBytes = 60_000

  /// The same command narrowed to these tests; nil when its tool does not permit that, or its text is not understood.
  ///
  /// It runs at least the named tests and may run a few more: tools that select by pattern or by file cannot do better.
  public func selecting(_ names: [String]) -> TestCommand? {
    guard !names.isEmpty, names.count <= Self.maximumNames,
      names.reduce(0, { $0 + $1.utf8.count }) <= Self.maximumBytes,
      names.allSatisfy({ !$0.utf8.contains(0) && !$0.hasSuffix("…") })
    else { return nil }
    var editor = ShellEditor(shell)
    let isDone: Bool
    switch framework {
    case .pytest: isDone = editor.selectPytest(names)
    case .unittest: isDone = editor.selectUnittest(names)
    case .swift: isDone = editor.selectSwift(names)
    case .go: isDone = editor.selectGo(names)
    case .cargo: isDone = editor.selectCargo(names)
    case .node: isDone = editor.selectNode(names)
    case .tap: isDone = editor.selectLoop(names) || editor.selectProve(names)
    case .junit: isDone = editor.selectJUnit(names)
    case .ctest: isDone = editor.selectCTest(names)
    case .exitStatus: isDone = false
    }
    guard isDone else { return nil }
    var command = self
    command.shell = editor.text
    command.reason = "\(names.count == 1 ? "one test" : "\(names.count) tests") of: \(shell)"
    return command
  }
}

/// Changes words of one command in a shell text: the last one, reached by `&&` or `;` only.
private struct ShellEditor {
  private(set) var text: String
  private let commands: [ShellCommand]

  init(_ shell: String) {
    text = shell
    commands = ShellCommand.parse(shell)
  }

  /// The command that runs the tests: the last, and nothing that could not be followed stands around it.
  private var last: ShellCommand? {
    guard let last = commands.last, !last.redirects, last.separator.isEmpty || last.separator == ";",
      commands.dropLast().allSatisfy({ $0.separator == "&&" || $0.separator == ";" }),
      !commands.contains(where: { ["for", "while", "case", "done", "fi", "esac"].contains($0.words.first?.text ?? "") })
    else { return nil }
    return last
  }

  /// The words of the last command behind its program, when the program is one of these.
  private func arguments(_ isProgram: ([String]) -> Int?) -> [ShellWord]? {
    guard let last else { return nil }
    let texts = last.texts
    let unwrapped = CommandRecognizer<NoFiles>.withoutWrappers(texts)
    // `coverage run` is unwrapped to a python that the text does not hold.
    guard texts.suffix(unwrapped.count) == unwrapped[...], let count = isProgram(unwrapped) else { return nil }
    return Array(last.words.suffix(unwrapped.count).dropFirst(count))
  }

  private static func name(_ word: String?) -> String { String((word ?? "").split(separator: "/").last ?? "") }

  /// Removes words and appends others at the command's end.
  private mutating func replace(_ removed: [ShellWord], appending words: [String]) {
    guard let end = last?.words.last?.range.upperBound else { return }
    var bytes = Array(text.utf8)
    bytes.insert(contentsOf: words.map { " " + $0 }.joined().utf8, at: end)
    for word in removed.sorted(by: { $0.range.lowerBound > $1.range.lowerBound }) {
      var range = word.range
      if range.lowerBound > 0, bytes[range.lowerBound - 1] == 0x20 { range = range.lowerBound - 1..<range.upperBound }
      bytes.removeSubrange(range)
    }
    text = String(decoding: bytes, as: UTF8.self)
  }

  /// The words that are not options nor values of options; nil when an unknown option may have one of them as its value.
  private static func positional(_ words: [ShellWord], valued: Set<String>) -> [ShellWord]? {
    var found: [ShellWord] = []
    var index = 0
    while index < words.count {
      let text = words[index].text
      index += 1
      if text.hasPrefix("-") {
        if text.contains("=") || text == "--" { continue }
        if valued.contains(text) {
          index += 1
        } else if text.hasPrefix("--"), !plainOptions.contains(text), index < words.count,
          !words[index].text.hasPrefix("-"), !looksLikePath(words[index].text)
        {
          return nil
        }
      } else if text.contains("$") || text.contains("`") {
        return nil
      } else {
        found.append(words[index - 1])
      }
    }
    return found
  }

  private static func looksLikePath(_ text: String) -> Bool {
    text.contains("/") || text.contains("::") || text.contains("*") || text.hasSuffix(".py") || text.hasSuffix("js")
      || ["test", "tests", "unit", "t", "spec", "."].contains(text)
  }

  private static let plainOptions: Set<String> = [
    "--verbose", "--quiet", "--exitfirst", "--strict", "--strict-markers", "--strict-config", "--showlocals",
    "--no-header",
    "--no-summary", "--disable-warnings", "--doctest-modules", "--last-failed", "--failed-first", "--cache-clear",
    "--test", "--no-warnings", "--experimental-test-coverage", "--test-only", "--watch", "--full-trace", "--no-cov",
  ]

  // Tools.

  mutating func selectPytest(_ names: [String]) -> Bool {
    let found = arguments { words in
      if ["pytest", "py.test"].contains(Self.name(words.first)) { return 1 }
      guard CommandRecognizer<NoFiles>.isPython(Self.name(words.first)),
        let index = words.firstIndex(of: "-m"), index + 1 < words.count, words[index + 1] == "pytest",
        words[1..<index].allSatisfy({ $0.hasPrefix("-") })
      else { return nil }
      return index + 2
    }
    let valued: Set<String> = [
      "-k", "-m", "-p", "-c", "-o", "-n", "-r", "-W", "--maxfail", "--tb", "--durations", "--durations-min",
      "--rootdir",
      "--confcutdir", "--ignore", "--ignore-glob", "--deselect", "--junitxml", "--junit-xml", "--basetemp", "--cov",
      "--cov-report", "--cov-config", "--cov-fail-under", "--timeout", "--timeout-method", "--log-level",
      "--log-cli-level", "--capture", "--color", "--import-mode", "--dist", "--numprocesses", "--override-ini",
      "--reruns",
      "--verbosity", "--pythonwarnings", "--config-file", "--ds", "--asyncio-mode",
    ]
    guard let found, let paths = Self.positional(found, valued: valued), names.allSatisfy({ $0.contains("::") }) else {
      return false
    }
    replace(paths, appending: names.map(\.shellQuoted))
    return true
  }

  mutating func selectUnittest(_ names: [String]) -> Bool {
    let found = arguments { words in
      guard CommandRecognizer<NoFiles>.isPython(Self.name(words.first)) else { return nil }
      if words.count > 1, words[1].hasSuffix("manage.py"), words.contains("test") { return 2 }
      guard let index = words.firstIndex(of: "-m"), index + 1 < words.count, words[index + 1] == "unittest" else {
        return nil
      }
      return index + 2
    }
    // Several `-k` select what any of them matches.
    guard let found, !found.contains(where: { $0.text == "-k" }),
      names.allSatisfy({ $0.contains(".") && !$0.contains("*") && !$0.contains(" ") })
    else { return false }
    replace([], appending: names.flatMap { ["-k", $0.shellQuoted] })
    return true
  }

  mutating func selectSwift(_ names: [String]) -> Bool {
    let found = arguments { $0.prefix(2) == ["swift", "test"] ? 2 : nil }
    guard let found, !found.contains(where: { $0.text.hasPrefix("--filter") || $0.text.hasPrefix("--skip") }) else {
      return false
    }
    var filters: [String] = []
    for name in names {
      // A display name is not part of what filters see.
      if name.hasPrefix("\"") { return false }
      if name.hasSuffix(")") {
        filters.append((name.contains("/") || name.contains(".") ? "^" : "[./]") + name.regexEscaped)
      } else {
        guard let dot = name.lastIndex(of: ".") else { return false }
        filters.append("[.]" + "\(name[..<dot])/\(name[name.index(after: dot)...])".regexEscaped + "$")
      }
    }
    replace([], appending: filters.flatMap { ["--filter", $0.shellQuoted] })
    return true
  }

  mutating func selectGo(_ names: [String]) -> Bool {
    let found = arguments { $0.prefix(2) == ["go", "test"] ? 2 : nil }
    guard let found,
      !found.contains(where: { $0.text.hasPrefix("-run") || $0.text == "-args" || $0.text.hasPrefix("-bench") })
    else { return false }
    var tests: [String] = []
    for name in names {
      let start = ["Test", "Example", "Fuzz"].compactMap { name.firstRange(of: ".\($0)")?.lowerBound }.min()
      guard let start else { return false }
      let test = String(name[name.index(after: start)...].prefix { $0 != "/" })
      guard test.utf8.allSatisfy(\.isWord) else { return false }
      if !tests.contains(test) { tests.append(test) }
    }
    replace([], appending: ["-run", "^(\(tests.joined(separator: "|")))$".shellQuoted])
    return true
  }

  mutating func selectCargo(_ names: [String]) -> Bool {
    let found = arguments {
      $0.first == "cargo" && ($0.dropFirst().first == "test" || $0.dropFirst().first == "t") ? 2 : nil
    }
    let valued: Set<String> = [
      "-p", "--package", "--test", "--bin", "--example", "--bench", "--features", "-F", "--target", "--manifest-path",
      "-j", "--jobs", "--profile", "--color", "--config", "-Z", "--target-dir", "--message-format", "--exclude",
    ]
    guard let found else { return false }
    let own = Array(found.prefix { $0.text != "--" })
    let passed = found.dropFirst(own.count + 1)
    guard Self.positional(own, valued: valued)?.isEmpty == true, passed.allSatisfy({ $0.text.hasPrefix("-") }),
      names.allSatisfy({ !$0.contains(" - ") })
    else { return false }
    // The name of the test program in front is ours, unless the output did not say it.
    let tests = names.flatMap { name -> [String] in
      guard let range = name.firstRange(of: "::") else { return [name] }
      return [String(name[range.upperBound...]), name]
    }
    replace([], appending: (own.count == found.count ? ["--"] : []) + ["--exact"] + tests.map(\.shellQuoted))
    return true
  }

  /// The files of tests named `file::test`; nil when one has no file.
  private static func files(_ names: [String]) -> [String]? {
    var files: [String] = []
    for name in names {
      let file = String(name.firstRange(of: "::").map { name[..<$0.lowerBound] } ?? name[...])
      guard file.contains("."), !file.contains(" "), !file.hasPrefix("\""), !file.hasPrefix("-") else { return nil }
      if !files.contains(file) { files.append(file) }
    }
    return files
  }

  mutating func selectNode(_ names: [String]) -> Bool {
    let found = arguments { words in
      ["node", "nodejs"].contains(Self.name(words.first)) && words.contains("--test") ? 1 : nil
    }
    let valued: Set<String> = [
      "--test-reporter", "--test-reporter-destination", "--test-name-pattern", "--test-concurrency", "--test-timeout",
      "--import", "--require", "-r", "--loader", "--experimental-loader", "-C", "--conditions",
    ]
    guard let found, let paths = Self.positional(found, valued: valued), let files = Self.files(names) else {
      return false
    }
    replace(paths, appending: files.map(\.shellQuoted))
    return true
  }

  mutating func selectProve(_ names: [String]) -> Bool {
    let found = arguments { Self.name($0.first) == "prove" ? 1 : nil }
    let valued: Set<String> = ["-I", "-e", "--exec", "-j", "--jobs", "-P", "-M", "--harness", "--formatter", "-a"]
    guard let found, let paths = Self.positional(found, valued: valued), let files = Self.files(names) else {
      return false
    }
    replace(paths, appending: files.map(\.shellQuoted))
    return true
  }

  /// `for f in test/*.js; do node $f || r=1; done; exit $r`: only the files of the names go round.
  mutating func selectLoop(_ names: [String]) -> Bool {
    let loops = commands.filter { $0.words.first?.text == "for" }
    guard loops.count == 1, let loop = loops.first, loop.words.count > 3, loop.words[2].text == "in",
      let files = Self.files(names), let first = loop.words.dropFirst(3).first, let last = loop.words.last
    else { return false }
    var bytes = Array(text.utf8)
    bytes.replaceSubrange(
      first.range.lowerBound..<last.range.upperBound, with: files.map(\.shellQuoted).joined(separator: " ").utf8)
    text = String(decoding: bytes, as: UTF8.self)
    return true
  }

  mutating func selectJUnit(_ names: [String]) -> Bool {
    var methods: [String: Set<String>] = [:]
    var classes: [String] = []
    for name in names {
      guard let range = name.firstRange(of: "::") else { return false }
      let type = String(name[..<range.lowerBound])
      // Parameters and display names are no part of a method's name.
      let method = String(name[range.upperBound...].prefix { $0.isLetter || $0.isNumber || $0 == "_" || $0 == "$" })
      guard !type.isEmpty, type.allSatisfy({ $0.isLetter || $0.isNumber || "._$".contains($0) }) else { return false }
      if methods[type] == nil { classes.append(type) }
      methods[type, default: []].insert(method)
    }
    let maven = arguments { ["mvn", "mvnw", "mvnd"].contains(Self.name($0.first)) ? 1 : nil }
    if let maven, !maven.contains(where: { $0.text.hasPrefix("-Dtest") }) {
      let patterns = classes.map { type in
        let all = (methods[type] ?? []).sorted()
        return all.contains("") ? type : "\(type)#\(all.joined(separator: "+"))"
      }
      replace(
        [],
        appending: [
          "-Dtest=\(patterns.joined(separator: ","))".shellQuoted, "-DfailIfNoTests=false",
          "-Dsurefire.failIfNoSpecifiedTests=false",
        ])
      return true
    }
    let gradle = arguments { ["gradle", "gradlew"].contains(Self.name($0.first)) ? 1 : nil }
    if let gradle, gradle.last?.text == "test", !gradle.contains(where: { $0.text == "--tests" }) {
      let patterns = classes.flatMap { type in
        (methods[type] ?? []).sorted().map { $0.isEmpty ? type : "\(type).\($0)" }
      }
      replace([], appending: patterns.flatMap { ["--tests", $0.shellQuoted] })
      return true
    }
    return false
  }

  mutating func selectCTest(_ names: [String]) -> Bool {
    let found = arguments { Self.name($0.first) == "ctest" ? 1 : nil }
    guard let found, !found.contains(where: { $0.text == "-R" || $0.text.hasPrefix("--tests-regex") }) else {
      return false
    }
    replace([], appending: ["-R", "^(\(names.map(\.regexEscaped).joined(separator: "|")))$".shellQuoted])
    return true
  }
}

/// A project of which nothing is known.
private struct NoFiles: ProjectFiles {
  func exists(_ path: RepoPath) -> Bool { false }
  func read(_ path: RepoPath) -> [UInt8]? { nil }
  func list(_ dir: RepoPath) -> [(name: [UInt8], isDirectory: Bool)] { [] }
}

extension String {
  /// The text as a regular expression that matches itself.
  fileprivate var regexEscaped: String {
    var result = ""
    for character in self {
      if "\\.[]{}()*+?^$|".contains(character) { result.append("\\") }
      result.append(character)
    }
    return result
  }
}
