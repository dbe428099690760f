import Paths
import TestReports

/// Which files are tests or decide how tests run. They are read, and never patched.
enum TestFiles {
  static func isTest(_ path: RepoPath) -> Bool {
    let components = path.components.map { String(decoding: $0, as: UTF8.self) }
    let parts = components.map { $0.lowercased() }
    guard let name = parts.last else { return false }
    if parts.dropLast().contains(where: directories.contains)
      || components.dropLast().contains(where: { $0.hasSuffix("Tests") })
    {
      return true
    }
    let stem = name.split(separator: ".").first.map(String.init) ?? name
    if stem.hasPrefix("test_") || stem.hasSuffix("_test") || stem.hasSuffix("_tests") || stem.hasSuffix("_spec") {
      return true
    }
    if stem == "test" || stem == "tests" || stem == "conftest" || stem == "setup" || stem == "sitecustomize"
      || stem == "noxfile"
    {
      return true
    }
    if name.contains(".test.") || name.contains(".spec.") || name.contains("-test.") { return true }
    let original = path.name
    return original.ends(with: "Test.java") || original.ends(with: "Tests.java") || original.ends(with: "Tests.swift")
      || original.ends(with: "Test.kt") || original.ends(with: "Tests.cs")
      || original.starts(with: "Test".utf8) && original.ends(with: ".java")
  }

  private static let directories: Set<String> = [
    "test", "tests", "spec", "specs", "__tests__", "testdata", "fixtures", "e2e", "node_modules", "vendor",
    "third_party",
    ".venv", "venv", "site-packages", ".build", ".git",
  ]
}

extension [UInt8] {
  fileprivate func ends(with text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}
