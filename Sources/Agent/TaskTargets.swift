import TestReports

/// Which checks decide whether a task is done.
enum TaskTargets {
  /// Without a task: everything that failed at the baseline. With one: the failing tests that it names; all failing
  /// tests when it names the test command or says that the tests fail; nil when it names no check at all.
  ///
  /// An empty list stands for what a build error hid: nothing failed by name, and nothing could.
  static func targets(task: String?, command: TestCommand, isUsersOwn: Bool, baseline: TestReport) -> [String]? {
    let failing = baseline.isNamed ? baseline.failing : (baseline.exitStatus == 0 ? [] : [command.shell])
    guard let task else { return failing }
    let text = Array(task.utf8)
    let named = failing.filter { name in names(of: name).contains { mentions(text, $0) } }
    if !named.isEmpty { return named }
    let isBroken = !failing.isEmpty || !baseline.buildErrors.isEmpty
    guard isBroken else { return nil }
    if isUsersOwn || task.contains(command.shell) || saysThatTestsFail(task) { return failing }
    return nil
  }

  /// A test's full name and, when it is telling enough, its last part.
  private static func names(of name: String) -> [String] {
    let separators: Set<Character> = [":", ".", "/", " ", ">"]
    let last = name.split(whereSeparator: separators.contains).last.map(String.init) ?? name
    return last.count >= 6 && last.contains(where: { $0 == "_" || $0.isUppercase }) ? [name, last] : [name]
  }

  /// True when a text holds a name, and not as part of a longer one.
  private static func mentions(_ text: [UInt8], _ name: String) -> Bool {
    let name = Array(name.utf8)
    guard !name.isEmpty, text.count >= name.count else { return false }
    func continuesName(_ index: Int) -> Bool {
      guard text.indices.contains(index) else { return false }
      let byte = text[index]
      return byte == UInt8(ascii: "_") || byte >= 0x80
        || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
    return text.withUnsafeBufferPointer { bytes in
      for start in 0...(bytes.count - name.count) where bytes[start] == name[0] {
        if bytes[start..<start + name.count].elementsEqual(name), !continuesName(start - 1),
          !continuesName(start + name.count)
        {
          return true
        }
      }
      return false
    }
  }

  /// True when a task says that tests, or what they need to start, are broken: by whole words.
  private static func saysThatTestsFail(_ task: String) -> Bool {
    let text = task.lowercased()
    let words = Set(text.split { !$0.isLetter && !$0.isNumber }.map(String.init))
    let subjects: Set = ["test", "tests", "testsuite", "suite", "spec", "specs", "build", "ci"]
    let states: Set = [
      "fail", "fails", "failing", "failed", "failure", "failures", "broken", "breaks", "red", "pass", "passes",
      "passing",
      "error", "errors", "green",
    ]
    return !words.isDisjoint(with: subjects) && !words.isDisjoint(with: states)
      || [
        "pytest", "unittest", "cargo test", "go test", "swift test", "npm test", "ctest", "make test", "make check",
      ].contains { text.contains($0) }
  }
}
