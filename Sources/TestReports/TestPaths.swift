public import Paths

/// Which files are tests, and which decide how tests are run, by the conventions of each ecosystem.
///
/// The judge takes both from the base: a change may not prove itself by what it did to them. What is neither may be
/// changed by a fix: sources, and the manifests `Package.swift`, `Cargo.toml`, `go.mod` and `CMakeLists.txt`, which list
/// sources and dependencies and which a fix can need. Tests inside source files (Rust's `#[cfg(test)]`) cannot be told
/// apart by path; ``Tampering`` looks at their text.
public enum TestPaths {
  /// True for a file of tests, of their data or snapshots: by its directory, or by its name.
  /// - Parameter project: the project's own directory: names above it say nothing, such as `test` in
  ///   `test/projects/ledger/src/ledger.py`.
  public static func isTest(_ path: RepoPath, in project: RepoPath = .root) -> Bool {
    let components = (path.relative(to: project) ?? path).components.map { String(decoding: $0, as: UTF8.self) }
    guard let name = components.last else { return false }
    if components.dropLast().contains(where: isTestDirectory) { return true }
    return isTestName(name)
  }

  private static let directories: Set<String> = [
    "test", "tests", "Tests", "Test", "__tests__", "spec", "specs", "testdata", "test_data", "test-data", "androidTest",
    "integrationTest", "__snapshots__", "__mocks__", "e2e", "unittests", "unit_tests",
  ]

  private static func isTestDirectory(_ name: String) -> Bool {
    directories.contains(name) || name.hasSuffix(".Tests") || name.hasSuffix(".Test")
  }

  private static func isTestName(_ name: String) -> Bool {
    guard let dot = name.lastIndex(of: "."), dot != name.startIndex else { return false }
    let stem = name[..<dot]
    let kind = String(name[name.index(after: dot)...])
    switch kind {
    case "py", "pyi":
      return stem.hasPrefix("test_") || stem.hasSuffix("_test") || stem.hasSuffix("_tests") || stem == "tests"
        || stem == "test"
    case "go": return stem.hasSuffix("_test")
    case "js", "mjs", "cjs", "jsx", "ts", "mts", "cts", "tsx", "coffee", "vue":
      let parts = stem.split(separator: ".")
      return parts.last == "test" || parts.last == "spec" || parts.last == "tests" && parts.count > 1
        || stem.hasPrefix("test-") || stem.hasPrefix("test_") || stem.hasSuffix("-test") || stem.hasSuffix("_test")
        || stem == "test"
    case "swift", "m", "mm": return stem.hasSuffix("Tests") || stem.hasSuffix("TestCase")
    case "java", "kt", "kts", "groovy", "scala":
      return ["Test", "Tests", "TestCase", "IT", "Spec", "TestSuite"].contains { stem.hasSuffix($0) }
        || isWordPrefix("Test", of: stem)
    case "cs", "vb", "fs", "php": return stem.hasSuffix("Test") || stem.hasSuffix("Tests")
    case "rs": return stem == "tests" || stem == "test" || stem.hasSuffix("_test") || stem.hasSuffix("_tests")
    case "rb": return stem.hasSuffix("_spec") || stem.hasSuffix("_test") || stem.hasPrefix("test_")
    case "exs", "erl", "hs", "ml", "dart", "lua", "zig":
      return stem.hasSuffix("_test") || stem.hasSuffix("_SUITE") || stem.hasSuffix("Spec") || stem.hasPrefix("test_")
    case "c", "cc", "cpp", "cxx", "h", "hpp":
      return stem.hasPrefix("test_") || stem.hasSuffix("_test") || stem.hasSuffix("_tests")
        || stem.hasSuffix("_unittest") || stem == "test" || stem == "tests"
    case "t", "bats", "snap", "feature": return true
    default: return false
    }
  }

  /// `TestLedger`, not `Testament`.
  private static func isWordPrefix(_ prefix: String, of stem: Substring) -> Bool {
    guard stem.hasPrefix(prefix), let next = stem.dropFirst(prefix.count).first else { return false }
    return next.isUppercase
  }

  /// True for a file that decides which tests run, how, or with what: configuration of runners, hooks that Python loads by
  /// itself, makefiles, lock files, CI workflows, and installed runners.
  public static func isTestConfiguration(_ path: RepoPath) -> Bool {
    let components = path.components.map { String(decoding: $0, as: UTF8.self) }
    guard let name = components.last else { return false }
    if names.contains(name) { return true }
    if prefixes.contains(where: name.hasPrefix) || suffixes.contains(where: name.hasSuffix) { return true }
    let directories = components.dropLast()
    if directories.contains(where: { directoryNames.contains($0) }) { return true }
    // Programs that the test command may start.
    return directories.suffix(2) == [".venv", "bin"] || directories.suffix(2) == ["node_modules", ".bin"]
  }

  private static let names: Set<String> = [
    // Python
    "conftest.py", "pytest.ini", ".pytest.ini", "pytest.toml", "tox.ini", "tox.toml", "setup.cfg", "pyproject.toml",
    "noxfile.py", "sitecustomize.py", "usercustomize.py", ".coveragerc", "nose.cfg", "unittest.cfg", "runtests.py",
    // make and its like
    "Makefile", "makefile", "GNUmakefile", "justfile", "Justfile", "Taskfile.yml", "Rakefile", "CTestConfig.cmake",
    "CTestCustom.cmake", "CTestTestfile.cmake",
    // JavaScript
    "package.json", ".npmrc", ".nycrc", ".nycrc.json", ".c8rc.json", ".taprc", ".babelrc", "karma.conf.js",
    "angular.json",
    // Java
    "pom.xml", "build.gradle", "build.gradle.kts", "settings.gradle", "settings.gradle.kts", "gradle.properties",
    "gradlew", "mvnw", "testng.xml", "junit-platform.properties", "build.xml",
    // others
    "phpunit.xml", "phpunit.xml.dist", ".rspec", ".proverc", "nextest.toml", "Jenkinsfile", ".gitlab-ci.yml",
    ".travis.yml", "azure-pipelines.yml", "bitbucket-pipelines.yml", "appveyor.yml", ".appveyor.yml", ".cirrus.yml",
    // lock files
    "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "bun.lockb", "poetry.lock",
    "Pipfile.lock", "uv.lock", "pdm.lock", "Cargo.lock", "go.sum", "go.work.sum", "Package.resolved", "Gemfile.lock",
    "composer.lock", "gradle.lockfile", "mix.lock", "pubspec.lock",
  ]
  private static let prefixes = [
    "Makefile.", "jest.config.", "jest.setup.", "vitest.config.", "vitest.workspace.", "vitest.setup.", ".mocharc",
    "ava.config.", "playwright.config.", "cypress.config.", "web-test-runner.config.", "babel.config.",
  ]
  private static let suffixes = [".pth", ".xctestplan", ".mk"]
  private static let directoryNames: Set<String> = [
    ".github", ".circleci", ".ci", ".mvn", ".cargo", ".config", ".buildkite",
  ]
}
