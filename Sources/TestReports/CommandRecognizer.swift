internal import Paths

/// Finds out which test tool a command starts, from its words and, for wrappers, from what those run.
///
/// Only the reading of the results depends on it: what a run means is never judged by its command's text.
struct CommandRecognizer<Files: ProjectFiles> {
  let directory: ProjectDirectory<Files>
  /// How many wrappers deep to look.
  private static var maximumDepth: Int { 5 }

  /// The tool, and a clause saying where it was seen.
  struct Finding: Equatable {
    var framework: Framework
    var reason: String
  }

  /// The tool that a shell text starts; the last one when it starts several.
  func framework(of shell: String, depth: Int = 0) -> Finding? {
    guard depth < Self.maximumDepth else { return nil }
    var found: Finding?
    for command in ShellCommand.parse(shell) {
      if let next = framework(of: command.texts, depth: depth), next.framework != .exitStatus || found == nil {
        found = next
      }
    }
    return found
  }

  private func framework(of words: [String], depth: Int) -> Finding? {
    let words = Self.withoutWrappers(words)
    guard let program = words.first else { return nil }
    let name = String(program.split(separator: "/").last ?? "")
    let arguments = Array(words.dropFirst())
    if let framework = Self.direct(name, arguments) {
      return Finding(framework: framework, reason: "the command starts \(name)")
    }
    if Self.isPython(name) { return python(arguments, depth: depth) }
    switch name {
    case "sh", "bash", "dash", "zsh", "ksh":
      if let index = arguments.firstIndex(where: { $0.hasPrefix("-") && $0.hasSuffix("c") && !$0.hasPrefix("--") }),
        index + 1 < arguments.count
      {
        return framework(of: arguments[index + 1], depth: depth + 1)
      }
      return arguments.first { !$0.hasPrefix("-") }.flatMap { script($0, depth: depth) }
    case "make", "gmake": return make(arguments, depth: depth)
    case "npm", "pnpm", "yarn", "bun": return packageManager(name, arguments, depth: depth)
    case "node", "nodejs": return node(arguments)
    case "tox", "nox": return tox(depth: depth)
    case "just": return justfile(arguments, depth: depth)
    case "cd", "export", "set", "echo", "exit", "for", "source", ".", "pip", "cmake", "gcc", "cc", "ninja": return nil
    default: return script(program, depth: depth)
    }
  }

  /// Tools whose own name says all.
  private static func direct(_ name: String, _ arguments: [String]) -> Framework? {
    let first = arguments.first { !$0.hasPrefix("-") && !$0.hasPrefix("+") }
    switch name {
    case "pytest", "py.test": return .pytest
    case "swift": return first == "test" ? .swift : nil
    case "go": return first == "test" ? .go : nil
    case "gotestsum": return .go
    case "cargo": return first == "test" || first == "t" || first == "nextest" ? .cargo : nil
    case "mvn", "mvnw", "gradle", "gradlew", "ant", "mvnd", "sbt", "bazel": return .junit
    case "ctest": return .ctest
    case "prove", "tape", "tap", "bats": return .tap
    case "mocha", "_mocha", "jest", "ava", "vitest", "c8", "nyc": return .node
    case "unittest", "trial", "nose2", "stestr", "green": return .unittest
    default: return nil
    }
  }

  static func isPython(_ name: String) -> Bool {
    guard name.hasPrefix("python") || name.hasPrefix("pypy") else { return false }
    return name.drop { $0.isLetter }.allSatisfy { $0.isNumber || $0 == "." }
  }

  /// Drops programs that only run another one: `env`, `timeout 60`, `poetry run`, `npx`, `coverage run`.
  static func withoutWrappers(_ words: [String]) -> [String] {
    var words = words[...]
    var rounds = 0
    while let first = words.first, rounds < 8 {
      rounds += 1
      let name = String(first.split(separator: "/").last ?? "")
      let rest = words.dropFirst()
      switch name {
      case "env", "nice", "nohup", "stdbuf", "xvfb-run", "sudo", "setsid", "command", "exec", "npx", "bunx", "c8",
        "nyc",
        "cross-env", "dotenv":
        let next = rest.drop { $0.hasPrefix("-") || $0.contains("=") }
        if next.isEmpty { return Array(words) }
        words = next
      case "timeout":
        let next = rest.drop { $0.hasPrefix("-") }.dropFirst()
        if next.isEmpty { return Array(words) }
        words = next
      case "poetry", "pipenv", "pdm", "hatch", "rye", "uv", "bundle":
        guard let run = rest.first, run == "run" || run == "exec" else { return Array(words) }
        words = rest.dropFirst().drop { $0.hasPrefix("-") }
      case "pnpm", "yarn", "npm":
        guard let exec = rest.first, exec == "exec" || exec == "dlx" else { return Array(words) }
        words = rest.dropFirst().drop { $0 == "--" }
      case "coverage":
        guard rest.first == "run" else { return Array(words) }
        words = ["python"] + rest.dropFirst()
      default: return Array(words)
      }
    }
    return Array(words)
  }

  private func python(_ arguments: [String], depth: Int) -> Finding? {
    var index = 0
    while index < arguments.count {
      let word = arguments[index]
      if word == "-m" || (word.hasPrefix("-") && !word.hasPrefix("--") && word.hasSuffix("m")) {
        guard index + 1 < arguments.count else { return nil }
        let module = arguments[index + 1]
        switch module {
        case "pytest", "py.test": return Finding(framework: .pytest, reason: "the command starts pytest")
        case "unittest", "xmlrunner", "nose2", "twisted.trial", "green", "django", "testtools.run", "subunit.run":
          return Finding(framework: .unittest, reason: "the command starts \(module)")
        case "coverage", "trace", "cProfile":
          let rest = arguments[(index + 2)...]
          return python(Array(rest.first == "run" ? rest.dropFirst() : rest), depth: depth)
        case "tox", "nox": return tox(depth: depth)
        default: return pythonFile(module.replacing(".", with: "/") + ".py") ?? pythonFile(module + "/__main__.py")
        }
      }
      if word == "-c" {
        guard index + 1 < arguments.count else { return nil }
        return Self.pythonSource(arguments[index + 1], reason: "the command's own Python text")
      }
      if word.hasPrefix("-") {
        index += word == "-W" || word == "-X" ? 2 : 1
        continue
      }
      if word.hasSuffix("setup.py") || word.hasSuffix("manage.py") {
        return arguments.contains("test") ? Finding(framework: .unittest, reason: "\(word) test runs unittest") : nil
      }
      return pythonFile(word)
    }
    return nil
  }

  private func pythonFile(_ path: String) -> Finding? {
    directory.text(path).flatMap { Self.pythonSource($0, reason: "\(path) runs it") }
  }

  private static func pythonSource(_ text: String, reason: String) -> Finding? {
    if text.contains("pytest.main") || text.contains("import pytest") {
      return Finding(framework: .pytest, reason: reason)
    }
    if text.contains("unittest") || text.contains("doctest") { return Finding(framework: .unittest, reason: reason) }
    return Finding(framework: .exitStatus, reason: reason)
  }

  private func node(_ arguments: [String]) -> Finding? {
    if arguments.contains(where: { $0 == "--test" || $0.hasPrefix("--test-") }) {
      return Finding(framework: .node, reason: "the command starts node --test")
    }
    // A script that is run by itself prints TAP with tape, tap and node:test alike.
    return Finding(framework: .tap, reason: "the command runs scripts with node")
  }

  private func packageManager(_ name: String, _ arguments: [String], depth: Int) -> Finding? {
    var words = arguments.filter { !$0.hasPrefix("-") }
    if words.first == "run" || words.first == "run-script" { words.removeFirst() }
    guard var script = words.first else { return nil }
    if script == "t" || script == "tst" { script = "test" }
    guard let text = directory.packageScripts?[script] else {
      return script == "test" ? Finding(framework: .node, reason: "the command starts \(name) test") : nil
    }
    let found = framework(of: text, depth: depth + 1)
    return Finding(framework: found?.framework ?? .node, reason: "script \(script) of package.json")
  }

  private func tox(depth: Int) -> Finding? {
    for file in ["tox.ini", "noxfile.py", "pyproject.toml", "setup.cfg"] {
      guard let text = directory.text(file) else { continue }
      if text.contains("pytest") { return Finding(framework: .pytest, reason: "\(file) names pytest") }
      if text.contains("unittest") { return Finding(framework: .unittest, reason: "\(file) names unittest") }
    }
    return nil
  }

  private func script(_ path: String, depth: Int) -> Finding? {
    let relative = path.hasPrefix("./") ? String(path.dropFirst(2)) : path
    guard let text = directory.text(relative) else { return nil }
    let firstLine = text.prefix { !$0.isNewline }
    if firstLine.hasPrefix("#!"), firstLine.contains("python") { return pythonFile(relative) }
    if firstLine.hasPrefix("#!"), firstLine.contains("node") { return node([relative]) }
    guard !text.utf8.prefix(512).contains(0) else { return nil }
    return framework(of: text, depth: depth + 1).map {
      Finding(framework: $0.framework, reason: "\(relative) runs it")
    }
  }

  private func make(_ arguments: [String], depth: Int) -> Finding? {
    var targets: [String] = []
    var makefiles = ["GNUmakefile", "makefile", "Makefile"]
    var inside = directory
    var index = 0
    while index < arguments.count {
      let word = arguments[index]
      index += 1
      if word == "-f" || word == "-C", index < arguments.count {
        if word == "-f" { makefiles = [arguments[index]] }
        if word == "-C", let path = inside.at(arguments[index]) {
          inside = ProjectDirectory(files: inside.files, path: path)
        }
        index += 1
      } else if !word.hasPrefix("-"), !word.contains("=") {
        targets.append(word)
      }
    }
    guard let file = makefiles.first(where: inside.exists), let text = inside.text(file) else {
      return Finding(framework: .tap, reason: "the command starts make")
    }
    let makefile = Makefile(text)
    let recognizer = CommandRecognizer(directory: inside)
    for target in targets.isEmpty ? [makefile.firstTarget].compactMap(\.self) : targets {
      for line in makefile.recipe(of: target) {
        if let found = recognizer.framework(of: line, depth: depth + 1), found.framework != .exitStatus {
          return Finding(framework: found.framework, reason: "target \(target) of \(file) runs it")
        }
      }
    }
    return Finding(framework: .tap, reason: "target \(targets.last ?? "") of \(file)")
  }

  private func justfile(_ arguments: [String], depth: Int) -> Finding? {
    guard let text = directory.text("justfile") ?? directory.text("Justfile") else { return nil }
    let makefile = Makefile(text)
    let target = arguments.first { !$0.hasPrefix("-") } ?? makefile.firstTarget ?? ""
    return makefile.recipe(of: target).lazy.compactMap { self.framework(of: $0, depth: depth + 1) }.first
  }
}

/// Targets and recipes of a makefile, without expansion of functions: enough to see which tools a target starts.
struct Makefile {
  private var recipes: [String: [String]] = [:]
  private var prerequisites: [String: [String]] = [:]
  private var variables: [String: String] = [:]
  private(set) var firstTarget: String?

  init(_ text: String) {
    var targets: [String] = []
    var isContinued = false
    for line in text.split(separator: "\n", maxSplits: 20_000, omittingEmptySubsequences: false) {
      let isRecipe =
        line.hasPrefix("\t") || (isContinued && !targets.isEmpty) || (line.hasPrefix("  ") && !targets.isEmpty)
      isContinued = line.hasSuffix("\\")
      if isRecipe {
        let command = line.drop { " \t@-+".contains($0) }
        for target in targets { recipes[target, default: []].append(String(command)) }
        continue
      }
      guard let first = line.first, first != "#", !first.isWhitespace else { continue }
      if let equals = line.firstIndex(of: "="),
        equals < (line.firstIndex(of: ":").map { line[$0...].hasPrefix(":=") ? line.endIndex : $0 } ?? line.endIndex)
      {
        let name = line[..<equals].prefix { $0.isLetter || $0.isNumber || $0 == "_" }
        variables[String(name)] = String(line[line.index(after: equals)...].drop { $0 == " " })
      } else if let colon = line.firstIndex(of: ":") {
        targets = line[..<colon].split(separator: " ").map(String.init)
        let after = line[line.index(after: colon)...].prefix { $0 != "#" }
        let parts = after.split(separator: ";", maxSplits: 1, omittingEmptySubsequences: false)
        for target in targets {
          prerequisites[target, default: []] += (parts.first ?? "").split(separator: " ").map(String.init)
          if parts.count == 2 { recipes[target, default: []].append(String(parts[1])) }
          if firstTarget == nil, !target.hasPrefix(".") { firstTarget = target }
        }
      }
    }
  }

  /// True when the target is there.
  func has(_ target: String) -> Bool { prerequisites[target] != nil }

  /// The commands of a target and, three deep, of what it depends on; simple variables are filled in.
  func recipe(of target: String, depth: Int = 0) -> [String] {
    var lines = (recipes[target] ?? []).prefix(100).map(expanded)
    if depth < 3 {
      for other in (prerequisites[target] ?? []).prefix(20) { lines += recipe(of: other, depth: depth + 1).prefix(100) }
    }
    return lines
  }

  private func expanded(_ line: String) -> String {
    var line = line
    for round in 0..<3 where line.contains("$") {
      for (name, value) in variables where line.utf8.count < 10_000 {
        line = line.replacing("$(\(name))", with: value).replacing("${\(name)}", with: value)
      }
      if round == 2 { break }
    }
    return line.replacing("$$", with: "$").replacing("$(MAKE)", with: "make")
  }
}
