/// Tells tests that could not start, because a tool or a dependency is missing, from tests that fail.
///
/// It is asked only when no test passed. An import error that the project's own code causes is not a start failure:
/// repairing it is the work.
struct StartFailures {
  let lines: [Bytes]
  let framework: Framework
  let exitStatus: Int32?
  /// What usually installs the project's dependencies.
  let setup: String?
  let outcomes: [TestOutcome]
  /// What every error outside tests was missing; nil when one of them had another cause.
  let missingModules: [String]?

  func find() -> StartFailure? {
    if let modules = missingModules, let first = modules.first, outcomes.isEmpty { return pythonModule(first) }
    if let failure = program() { return failure }
    // From here on the output is read: text that tests print must not be taken for the tool's own words.
    guard outcomes.isEmpty || framework == .node || framework == .tap else { return nil }
    switch framework {
    case .pytest, .unittest: return python()
    case .node, .tap: return node()
    case .cargo: return cargo()
    case .go: return go()
    case .junit: return java()
    case .ctest: return cmake()
    case .swift: return swift()
    case .exitStatus: return outcomes.isEmpty ? python() ?? node() ?? cargo() ?? cmake() : nil
    }
  }

  private func first<T>(_ match: (Bytes) -> T?) -> T? {
    for line in lines.prefix(200_000) { if let found = match(line) { return found } }
    return nil
  }

  private func has(_ text: String) -> Bool { first { $0.contains(text) ? true : nil } != nil }

  // Programs.

  /// A program that the shell, make or npm did not find: `sh: 1: pytest: not found`, `bash: line 1: x: command not found`,
  /// `make: x: No such file or directory`, `env: 'x': No such file or directory`.
  private func program() -> StartFailure? {
    guard outcomes.isEmpty else { return nil }
    let shells = ["sh", "bash", "dash", "/bin/sh", "/bin/bash", "zsh", "/usr/bin/sh", "/usr/bin/bash"]
    let name = first { line -> String? in
      let parts = line.text.components(separatedBy: ": ", limit: 6)
      guard parts.count >= 3, let last = parts.last else { return nil }
      let isShell = shells.contains(parts[0])
      if isShell, last == "not found" || last == "command not found" { return parts[parts.count - 2] }
      if isShell, last == "No such file or directory", exitStatus == 127 { return parts[parts.count - 2] }
      if parts[0] == "make" || parts[0].hasPrefix("make["), last == "No such file or directory" || last == "not found",
        parts.count == 3
      {
        return parts[1]
      }
      if parts[0] == "env" || parts[0] == "/usr/bin/env", last == "No such file or directory" {
        return String(parts[1].filter { !"'‘’".contains($0) })
      }
      if last == "Permission denied", isShell, exitStatus == 126 { return parts[parts.count - 2] }
      return nil
    }
    guard let name, !name.isEmpty else {
      return exitStatus == 127 && lines.count < 20
        ? StartFailure(
          missing: "a program", message: "The test command starts a program that is not installed (exit status 127).",
          suggestedSetup: setup) : nil
    }
    return missingProgram(name)
  }

  private func missingProgram(_ name: String) -> StartFailure {
    let base = String(name.split(separator: "/").last ?? "")
    if exitStatus == 126 {
      return StartFailure(missing: name, message: "\(name) cannot be executed: permission denied.")
    }
    let suggestion: String? =
      switch base {
      case "pytest", "py.test": setup ?? "python3 -m pip install pytest"
      case "tox", "nox", "nose2", "coverage", "poetry", "pipenv", "uv": "python3 -m pip install \(base)"
      case "python", "python3": "apt-get install -y python3"
      case "npm", "node", "nodejs", "npx": "apt-get install -y nodejs npm"
      case "make", "cmake", "maven", "gradle", "ninja", "gcc", "g++", "cc", "clang", "prove", "cargo": apt(base)
      case "ctest": "apt-get install -y cmake"
      case "mvn": "apt-get install -y maven"
      case "java", "javac": "apt-get install -y default-jdk"
      case "go": "apt-get install -y golang"
      case "jest", "mocha", "vitest", "ava", "tape", "tap", "tsc", "eslint", "standard", "c8", "nyc", "ts-node":
        setup ?? "npm ci"
      default: framework == .node ? setup ?? "npm ci" : setup
      }
    return StartFailure(
      missing: base.isEmpty ? name : base,
      message: "The test command starts \(base.isEmpty ? name : base), which is not installed.",
      suggestedSetup: suggestion)
  }

  private func apt(_ name: String) -> String {
    let package = ["cc": "gcc", "prove": "perl"][name] ?? name
    return "apt-get install -y \(package)"
  }

  // Python.

  private func pythonModule(_ name: String) -> StartFailure {
    StartFailure(
      missing: name, message: "The Python module \(name) is not installed, and the project does not contain it.",
      suggestedSetup: setup ?? "python3 -m pip install \(Self.distribution(of: name))")
  }

  /// The distribution that provides a module, where the names differ.
  private static func distribution(of module: String) -> String {
    [
      "yaml": "pyyaml", "PIL": "pillow", "cv2": "opencv-python", "sklearn": "scikit-learn", "bs4": "beautifulsoup4",
      "dateutil": "python-dateutil", "attr": "attrs", "Crypto": "pycryptodome", "dotenv": "python-dotenv",
      "pkg_resources": "setuptools", "serial": "pyserial", "git": "gitpython", "OpenSSL": "pyopenssl",
    ][module] ?? module
  }

  private func python() -> StartFailure? {
    if let line = first({ $0.contains("No module named ") && $0.contains("python") && !$0.starts("E ") ? $0 : nil }),
      let name = line.cutLast(at: "No module named ")?.after.text,
      ["pytest", "nose2", "tox", "coverage", "xmlrunner", "nox", "unittest"].contains(name.filter { $0 != "'" })
    {
      let name = name.filter { $0 != "'" }
      return StartFailure(
        missing: name, message: "Python has no module \(name).",
        suggestedSetup: setup ?? "python3 -m pip install \(name)")
    }
    // Options of a pytest plugin that is not there: they come from the project's own `addopts`.
    if let line = first({ $0.contains("unrecognized arguments: ") ? $0 : nil }),
      let option = line.cut(at: "unrecognized arguments: ")?.after.words.first?.text
    {
      let plugins = [
        "--cov": "pytest-cov", "--timeout": "pytest-timeout", "-n": "pytest-xdist", "--numprocesses": "pytest-xdist",
        "--dist": "pytest-xdist", "--benchmark": "pytest-benchmark", "--asyncio": "pytest-asyncio",
        "--mypy": "pytest-mypy", "--flake8": "pytest-flake8", "--black": "pytest-black", "--ds": "pytest-django",
        "--reruns": "pytest-rerunfailures", "--html": "pytest-html", "--randomly": "pytest-randomly",
      ]
      if let plugin = plugins.first(where: { option.hasPrefix($0.key) })?.value {
        return StartFailure(
          missing: plugin, message: "pytest does not know the option \(option): its plugin \(plugin) is not installed.",
          suggestedSetup: setup ?? "python3 -m pip install \(plugin)")
      }
    }
    if let line = first({ $0.contains("Missing required plugins: ") ? $0 : nil }),
      let names = line.cut(at: "Missing required plugins: ")?.after.text
    {
      return StartFailure(
        missing: names, message: "pytest misses the plugins that the project requires: \(names).",
        suggestedSetup: setup ?? "python3 -m pip install \(names.replacing(",", with: ""))")
    }
    // Without an adaptor nothing tells whether a module is the project's own, unless everybody knows it.
    let modules = lines.compactMap { line -> String? in
      guard let quoted = line.cut(at: "ModuleNotFoundError: No module named '")?.after else { return nil }
      return quoted.prefix { $0 != UInt8(ascii: "'") && $0 != UInt8(ascii: ".") }.text
    }
    if let module = modules.first, modules.allSatisfy(Self.wellKnown.contains), outcomes.isEmpty {
      return pythonModule(module)
    }
    return nil
  }

  private static let wellKnown: Set<String> = [
    "numpy", "pandas", "scipy", "requests", "yaml", "hypothesis", "attr", "attrs", "six", "mock", "django", "flask",
    "pytest", "setuptools", "pkg_resources", "jinja2", "click", "sqlalchemy", "dateutil", "pytz", "lxml", "PIL",
    "matplotlib", "pydantic", "aiohttp", "httpx", "rich", "typing_extensions", "nose", "freezegun", "responses",
    "toml", "tomli", "packaging", "simplejson", "docutils", "pygments", "werkzeug", "cryptography", "sklearn", "torch",
  ]

  // Node.

  /// `Cannot find module 'tape'`, `Cannot find package 'tape' imported from …`: a name that is not a path.
  private func node() -> StartFailure? {
    guard outcomes.allSatisfy({ $0.result != .passed }) else { return nil }
    let name = first { line -> String? in
      for prefix in ["Cannot find module '", "Cannot find package '"] {
        guard let quoted = line.cut(at: prefix)?.after else { continue }
        let name = quoted.prefix { $0 != UInt8(ascii: "'") }.text
        if !name.hasPrefix("."), !name.hasPrefix("/"), !name.hasPrefix("node:"), !name.isEmpty { return name }
      }
      return nil
    }
    if let name {
      let parts = name.split(separator: "/")
      let package = name.hasPrefix("@") ? parts.prefix(2).joined(separator: "/") : String(parts.first ?? "")
      return StartFailure(
        missing: package, message: "The npm package \(package) is not installed.", suggestedSetup: setup ?? "npm ci")
    }
    if has("node_modules missing") || has("Local package.json exists, but node_modules missing") {
      return StartFailure(
        missing: "node_modules", message: "The project's npm packages are not installed.",
        suggestedSetup: setup ?? "npm ci")
    }
    return nil
  }

  // Compiled languages.

  private func cargo() -> StartFailure? {
    if has("error: no such command: `nextest`") {
      return StartFailure(
        missing: "cargo-nextest", message: "cargo nextest is not installed.",
        suggestedSetup: "cargo install cargo-nextest")
    }
    let marks = [
      "you're using offline mode", "Could not resolve host", "failed to download", "no matching package named",
      "failed to fetch `", "Unable to update registry", "spurious network error", "attempting to make an HTTP request",
      "failed to get `",
    ]
    guard let line = first({ line in marks.contains { line.contains($0) } ? line : nil }) else { return nil }
    let package =
      first { line -> String? in
        for prefix in ["no matching package named `", "failed to download `", "failed to get `"] {
          if let name = line.cut(at: prefix)?.after { return name.prefix { $0 != UInt8(ascii: "`") }.text }
        }
        return nil
      } ?? ReportBuilder.cut(line.trimmed.text, to: 80)
    return StartFailure(
      missing: package, message: "Cargo has no copy of the dependency \(package), and there is no network.",
      suggestedSetup: setup ?? "cargo fetch")
  }

  private func go() -> StartFailure? {
    let marks = [
      "module lookup disabled", "dial tcp", "no required module provides package", "missing go.sum entry",
      "cannot find module providing package", "go.mod requires go >= ", "toolchain not available",
    ]
    guard let line = first({ line in marks.contains { line.contains($0) } ? line : nil }) else { return nil }
    let text = ReportBuilder.cut(line.trimmed.text, to: 200)
    if line.contains("go.mod requires go >= ") || line.contains("toolchain not available") {
      return StartFailure(missing: "a newer Go", message: "The installed Go is too old: \(text).")
    }
    return StartFailure(
      missing: line.words.first { $0.contains("/") }?.text ?? "a module",
      message: "Go has no copy of a module that the project needs: \(text).", suggestedSetup: setup ?? "go mod download"
    )
  }

  private func java() -> StartFailure? {
    let marks = [
      " in offline mode", "Could not resolve dependencies", "Could not transfer artifact", "No cached version of",
      "Non-resolvable", "UnknownHostException", "Could not resolve plugin", "could not be resolved",
    ]
    if let line = first({ line in marks.contains { line.contains($0) } ? line : nil }) {
      let name = line.words.first { $0.filter { $0 == UInt8(ascii: ":") }.count >= 2 && !$0.contains("//") }?.text
      return StartFailure(
        missing: name ?? "Java dependencies",
        message: "Maven or Gradle cannot resolve \(name ?? "a dependency") without network.", suggestedSetup: setup)
    }
    if has("JAVA_HOME") && (has("is not defined correctly") || has("is not set and no 'java'")) {
      return StartFailure(
        missing: "java", message: "No Java was found.", suggestedSetup: "apt-get install -y default-jdk")
    }
    return nil
  }

  private func cmake() -> StartFailure? {
    if has("No tests were found!!!") || has("No test configuration file found!") || has("is not a directory")
      || has("Cannot find file: ") || has("Failed to change working directory to")
    {
      return StartFailure(
        missing: "a CMake build directory", message: "ctest found no configured tests: the project is not built yet.",
        suggestedSetup: setup ?? "cmake -S . -B build && cmake --build build")
    }
    if let name = first({ line -> String? in
      guard
        let rest = line.cut(at: "Could not find a package configuration file provided by \"")?.after
          ?? line.cut(at: "Could NOT find ")?.after
      else { return nil }
      return rest.prefix { $0.isWord || $0 == UInt8(ascii: "-") }.text
    }), !name.isEmpty {
      return StartFailure(
        missing: name, message: "CMake cannot find \(name), which the project needs.", suggestedSetup: setup)
    }
    return nil
  }

  private func swift() -> StartFailure? {
    let marks = [
      "ailed to clone repository", "Could not resolve host", "couldn’t fetch updates", "unable to access '",
    ]
    guard let line = first({ line in marks.contains { line.contains($0) } ? line : nil }) else { return nil }
    var name = line.words.first { $0.contains("://") }?.text.filter { !"'’,;".contains($0) }
    if name?.last == ":" { name?.removeLast() }
    return StartFailure(
      missing: name ?? "a package", message: "SwiftPM has no copy of \(name ?? "a package"), and there is no network.",
      suggestedSetup: setup ?? "swift package resolve")
  }
}

extension String {
  /// The parts between separators, at most `limit` of them: the last ones are kept whole at the front.
  func components(separatedBy separator: String, limit: Int) -> [String] {
    let parts = split(separator: separator, omittingEmptySubsequences: false).map(String.init)
    return parts.count <= limit ? parts : []
  }
}
