import JSON
import Paths

/// Which lines each test ran, as the `coverage` tool answers.
struct Coverage: Sendable {
  struct Test: Sendable {
    var name: String
    /// Lines by file; the path is in its quoted text form.
    var lines: [String: [ClosedRange<Int>]]
  }

  var tests: [Test]

  /// Reads `{"tests": [{"name": …, "files": {path: [[first, last], …]}}]}`; a line alone may stand for its range.
  init?(json: JSONValue) {
    guard let encoded = json["tests"]?.array else { return nil }
    tests = []
    for value in encoded.prefix(5000) {
      guard let name = value["name"]?.string, let files = value["files"]?.object else { continue }
      var lines: [String: [ClosedRange<Int>]] = [:]
      for member in files.members {
        let ranges = (member.value.array ?? []).compactMap(Self.range)
        if !ranges.isEmpty { lines[member.name] = ranges }
      }
      tests.append(Test(name: name, lines: lines))
    }
    if tests.isEmpty { return nil }
  }

  private static func range(_ value: JSONValue) -> ClosedRange<Int>? {
    if let line = value.int { return line >= 1 ? line...line : nil }
    guard let first = value[0]?.int, let last = value[1]?.int, first >= 1, last >= first, last - first < 1_000_000
    else { return nil }
    return first...last
  }
}
