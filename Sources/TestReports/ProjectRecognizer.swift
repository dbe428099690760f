public import Paths

/// Finds out how a project is tested, from the files that each ecosystem's tools look for.
///
/// It looks at the project directory, its test directories and, when that shows nothing, one level below: never at the
/// whole tree.
public enum ProjectRecognizer {
  /// Test commands of a project, the best first; empty when nothing was recognised.
  /// - Parameters:
  ///   - files: the files of the checkout.
  ///   - directory: the project's directory in it; the directories of the commands are relative to this one.
  public static func recognize(_ files: some ProjectFiles, directory: RepoPath) -> [TestCommand] {
    let here = ProjectDirectory(files: files, path: directory)
    let found = commands(here)
    if !found.isEmpty { return found }
    var below: [TestCommand] = []
    for entry in here.entries().prefix(64) where entry.isDirectory && !entry.name.hasPrefix(".") {
      if let path = here.at(entry.name), let inner = RepoPath(entry.name), below.count < 8 {
        below += commands(ProjectDirectory(files: files, path: path, below: inner))
      }
    }
    return below
  }

  private static func commands(_ here: ProjectDirectory<some ProjectFiles>) -> [TestCommand] {
    let names = Set(here.entries().map(\.name))
    guard !names.isEmpty else { return [] }
    var found: [TestCommand] = []
    func add(_ shell: String, _ framework: Framework, _ reason: String, setup: String? = nil) {
      found.append(
        TestCommand(shell: shell, framework: framework, directory: here.below, reason: reason, setup: setup))
    }
    if names.contains("Package.swift") { add("swift test", .swift, "Package.swift", setup: "swift package resolve") }
    if names.contains("Cargo.toml") { add("cargo test", .cargo, "Cargo.toml", setup: "cargo fetch") }
    if names.contains("go.mod") { add("go test ./...", .go, "go.mod", setup: "go mod download") }
    if let python = PythonProject(here, names: names).command { found.append(python) }
    found += node(here, names: names)
    found += java(here, names: names)
    found += make(here, names: names)
    if names.contains("CMakeLists.txt"), let text = here.text("CMakeLists.txt"),
      text.contains("add_test") || text.contains("enable_testing") || text.contains("include(CTest)")
        || text.contains("gtest_discover_tests")
    {
      add(
        "cmake -S . -B build && cmake --build build && ctest --test-dir build --output-on-failure", .ctest,
        "CMakeLists.txt has tests", setup: nil)
    }
    if names.contains("t"), here.entries("t").contains(where: { $0.name.hasSuffix(".t") }) {
      add("prove -lr t", .tap, "t/*.t", setup: "cpanm --installdeps .")
    }
    return found
  }

  private static func node(_ here: ProjectDirectory<some ProjectFiles>, names: Set<String>) -> [TestCommand] {
    var setup: String? = names.contains("package.json") ? "npm install" : nil
    var manager = "npm"
    if names.contains("package-lock.json") || names.contains("npm-shrinkwrap.json") { setup = "npm ci" }
    if names.contains("pnpm-lock.yaml") { (setup, manager) = ("pnpm install --frozen-lockfile", "pnpm") }
    if names.contains("yarn.lock") { (setup, manager) = ("yarn install --frozen-lockfile", "yarn") }
    if let script = here.packageScripts?["test"], !script.isEmpty, !script.contains("no test specified") {
      let shell = "\(manager) test"
      let finding = CommandRecognizer(directory: here).framework(of: shell)
      return [
        TestCommand(
          shell: shell, framework: finding?.framework ?? .node, directory: here.below,
          reason: "package.json has a test script", setup: setup)
      ]
    }
    let looksLikeTest = { (name: String) in
      let base = name.split(separator: ".")
      return base.count >= 2 && ["js", "mjs", "cjs", "ts"].contains(String(base[base.count - 1]))
        && (base.dropLast().last == "test" || base.dropLast().last == "spec" || name.hasPrefix("test"))
    }
    let hasTests =
      names.contains(where: looksLikeTest)
      || ["test", "tests", "__tests__"].contains { directory in
        here.entries(directory).contains {
          // Without a manifest, only names that say so: other projects have scripts, too.
          setup != nil ? $0.name.hasSuffix("js") || $0.name.hasSuffix("ts") : looksLikeTest($0.name)
        }
      }
    guard hasTests else { return [] }
    return [
      TestCommand(
        shell: "node --test", framework: .node, directory: here.below,
        reason: setup == nil ? "JavaScript test files" : "package.json without a test script, and test files",
        setup: setup)
    ]
  }

  private static func java(_ here: ProjectDirectory<some ProjectFiles>, names: Set<String>) -> [TestCommand] {
    var found: [TestCommand] = []
    if names.contains("pom.xml") {
      let maven = names.contains("mvnw") && !names.contains(".mvn") ? "./mvnw" : "mvn"
      found.append(
        TestCommand(
          shell: "\(maven) -o -q test", framework: .junit, directory: here.below, reason: "pom.xml",
          setup: "mvn -q test-compile dependency:go-offline"))
    }
    if names.contains("build.gradle") || names.contains("build.gradle.kts") {
      let gradle = names.contains("gradlew") ? "./gradlew" : "gradle"
      found.append(
        TestCommand(
          shell: "\(gradle) --offline test", framework: .junit, directory: here.below, reason: "build.gradle",
          setup: "\(gradle) testClasses"))
    }
    return found
  }

  private static func make(_ here: ProjectDirectory<some ProjectFiles>, names: Set<String>) -> [TestCommand] {
    guard let file = ["GNUmakefile", "makefile", "Makefile"].first(where: names.contains), let text = here.text(file)
    else { return [] }
    let makefile = Makefile(text)
    return ["test", "check", "tests"].filter(makefile.has).prefix(1).map { target in
      let finding = CommandRecognizer(directory: here).framework(of: "make \(target)")
      return TestCommand(
        shell: "make \(target)", framework: finding?.framework ?? .tap, directory: here.below,
        reason: "\(file) has a target \(target)")
    }
  }
}

/// A Python project's way of testing: pytest or unittest, decided by configuration, then by what test files import.
private struct PythonProject<Files: ProjectFiles> {
  let here: ProjectDirectory<Files>
  let names: Set<String>

  init(_ here: ProjectDirectory<Files>, names: Set<String>) {
    self.here = here
    self.names = names
  }

  /// Where tests are, the files found there, and whether that directory is a package.
  private struct Tests {
    var directory: String
    var files: [String]
    var isPackage: Bool
  }

  private var tests: [Tests] {
    var candidates = ["tests", "test", "Tests", "testing", "."]
    // Tests inside the package: `pkg/tests`, `src/pkg/tests`.
    let packages = here.entries().filter(\.isDirectory).map(\.name) + here.entries("src").map { "src/" + $0.name }
    for package in packages.prefix(40) where !package.hasPrefix(".") {
      candidates += ["\(package)/tests", "\(package)/test"]
    }
    return candidates.compactMap { directory in
      let entries = here.entries(directory)
      var files = entries.filter { !$0.isDirectory && Self.isTestFile($0.name) }.map(\.name)
      if files.isEmpty, directory != "." {
        for inner in entries.prefix(40) where inner.isDirectory && !inner.name.hasPrefix(".") {
          files += here.entries("\(directory)/\(inner.name)").filter { Self.isTestFile($0.name) }
            .map { "\(inner.name)/\($0.name)" }
        }
      }
      guard !files.isEmpty else { return nil }
      return Tests(
        directory: directory, files: files, isPackage: here.exists("\(directory)/__init__.py") && directory != ".")
    }
  }

  private static func isTestFile(_ name: String) -> Bool {
    name.hasSuffix(".py") && (name.hasPrefix("test") || name.hasSuffix("_test.py") || name.hasSuffix("_tests.py"))
  }

  var command: TestCommand? {
    let tests = tests
    let isProject = ["pyproject.toml", "setup.py", "setup.cfg", "requirements.txt", "pytest.ini", "tox.ini", "Pipfile"]
      .contains(where: names.contains)
    if names.contains("manage.py"), here.text("manage.py")?.contains("django") == true, pytestReason(tests) == nil {
      return command("\(python) manage.py test", .unittest, "manage.py of Django")
    }
    guard let first = tests.first else {
      guard isProject, let reason = pytestReason([]) else { return nil }
      return command("\(path)\(python) -m pytest", .pytest, reason)
    }
    if let reason = pytestReason(tests) { return command("\(path)\(python) -m pytest", .pytest, reason) }
    // A `-s` directory must be importable from the top: without `__init__.py` it is its own top.
    var shell = "\(path)\(python) -m unittest discover"
    if first.directory != "." {
      shell += " -s \(first.directory.shellQuoted)"
      if first.isPackage { shell += " -t ." }
    }
    if first.files.allSatisfy({ !$0.hasPrefix("test") && !$0.contains("/test") }) {
      shell += first.files.contains { $0.hasSuffix("_tests.py") } ? " -p '*_tests.py'" : " -p '*_test.py'"
    }
    return command(
      shell, .unittest, "\(first.directory == "." ? "" : first.directory + "/")\(first.files[0]) uses unittest")
  }

  private func command(_ shell: String, _ framework: Framework, _ reason: String) -> TestCommand {
    TestCommand(shell: shell, framework: framework, directory: here.below, reason: reason, setup: setup)
  }

  /// The project's own virtual environment when it has one.
  private var python: String {
    for environment in [".venv", "venv"] where here.exists("\(environment)/bin/python") {
      return "\(environment)/bin/python"
    }
    return "python3"
  }

  /// `PYTHONPATH=src ` for a project of src layout whose tests do not say so themselves: the code under test must be
  /// the one that is edited, not an installed copy.
  private var path: String {
    let packages = here.entries("src").filter { $0.isDirectory && here.exists("src/\($0.name)/__init__.py") }
    let modules = here.entries("src").filter { $0.name.hasSuffix(".py") }
    guard !packages.isEmpty || !modules.isEmpty else { return "" }
    for file in ["pyproject.toml", "pytest.ini", "setup.cfg", "tox.ini", "conftest.py", "tests/conftest.py"] {
      if let text = here.text(file), text.contains("pythonpath") || text.contains("sys.path") { return "" }
    }
    return "PYTHONPATH=src "
  }

  private var setup: String? {
    for file in [
      "requirements-dev.txt", "requirements_dev.txt", "dev-requirements.txt", "requirements-test.txt",
      "test-requirements.txt", "requirements/dev.txt", "requirements/test.txt", "requirements.txt",
    ] where here.exists(file) {
      return "\(python) -m pip install -r \(file)"
    }
    if let text = here.text("pyproject.toml") {
      for extra in ["test", "tests", "testing", "dev"] where text.contains("\n\(extra) = [") {
        return "\(python) -m pip install -e '.[\(extra)]'"
      }
      return text.contains("[build-system]") || text.contains("[project]") ? "\(python) -m pip install -e ." : nil
    }
    return here.exists("setup.py") ? "\(python) -m pip install -e ." : nil
  }

  /// Why this is a pytest project; nil when nothing says so.
  private func pytestReason(_ tests: [Tests]) -> String? {
    if names.contains("pytest.ini") || names.contains(".pytest.ini") { return "pytest.ini" }
    for (file, mark) in [("pyproject.toml", "[tool.pytest"), ("setup.cfg", "[tool:pytest]"), ("tox.ini", "[pytest]")] {
      if here.text(file)?.contains(mark) == true { return "\(file) configures pytest" }
    }
    for directory in [""] + tests.map({ $0.directory == "." ? "" : $0.directory + "/" }) {
      if here.exists("\(directory)conftest.py") { return "\(directory)conftest.py" }
    }
    for file in [
      "pyproject.toml", "setup.cfg", "setup.py", "tox.ini", "noxfile.py", "requirements.txt",
      "requirements-dev.txt", "requirements_dev.txt", "dev-requirements.txt", "requirements-test.txt",
      "test-requirements.txt", "requirements/dev.txt", "requirements/test.txt", "Pipfile", "Makefile",
    ] where names.contains(String(file.prefix { $0 != "/" })) {
      if here.text(file)?.contains("pytest") == true { return "\(file) names pytest" }
    }
    var usesUnittest = false
    for test in tests {
      for file in test.files.prefix(8) {
        let relative = test.directory == "." ? file : "\(test.directory)/\(file)"
        guard let text = here.text(relative) else { continue }
        if text.contains("import pytest") || text.contains("from pytest") { return "\(relative) imports pytest" }
        if text.contains("unittest") { usesUnittest = true; continue }
        if text.hasPrefix("def test") || text.contains("\ndef test") { return "\(relative) has test functions" }
      }
    }
    return usesUnittest || tests.isEmpty ? nil : "test files without unittest"
  }
}
