import TestReports

/// Which checks decide whether a task is done.
enum TaskTargets {
  /// Without a task: everything that failed at the baseline. With one: the failing tests that it names; all failing
  /// tests when it names the test command or says that the tests fail; nil when it names no check at all.
  static func targets(task: String?, command: TestCommand, isUsersOwn: Bool, baseline: TestReport) -> [String]? {
    let failing = baseline.isNamed ? baseline.failing : (baseline.exitStatus == 0 ? [] : [command.shell])
    guard let task else { return failing }
    let named = failing.filter { name in names(of: name).contains { task.contains($0) } }
    if !named.isEmpty { return named }
    guard !failing.isEmpty else { return nil }
    if isUsersOwn || task.contains(command.shell) || mentionsTests(task) { return failing }
    return nil
  }

  /// A test's full name and, when it is telling enough, its last part.
  private static func names(of name: String) -> [String] {
    let separators: Set<Character> = [":", ".", "/", " ", ">"]
    let last = name.split(whereSeparator: separators.contains).last.map(String.init) ?? name
    return last.count >= 6 && last.contains(where: { $0 == "_" || $0.isUppercase }) ? [name, last] : [name]
  }

  private static func mentionsTests(_ task: String) -> Bool {
    let text = task.lowercased()
    return text.contains("test") && ["fail", "broken", "red", "pass"].contains { text.contains($0) }
      || ["pytest", "unittest", "cargo test", "go test", "swift test", "npm test", "ctest", "make test", "make check"]
        .contains { text.contains($0) }
  }
}
