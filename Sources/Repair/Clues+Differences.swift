/// Reads pairs of computed and wanted values out of the assertion messages of many frameworks.
extension Clues {
  static func differences(in text: String) -> [Difference] {
    var result: [Difference] = []
    func add(_ first: some StringProtocol, _ second: some StringProtocol) {
      let first = trimmed(first)
      let second = trimmed(second)
      guard first != second, !first.isEmpty, !second.isEmpty, first.utf8.count < 400, second.utf8.count < 400 else {
        return
      }
      result.append(Difference(actual: first, expected: second))
    }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).prefix(120).map(String.init)
    var plus: String?
    var minus: String?
    var named: [String: String] = [:]
    for line in lines {
      // unittest and pytest: `AssertionError: 1 != 2`, `assert 1 == 2`; node: `1 !== 2`.
      for separator in [" !== ", " != ", " == "] {
        guard let middle = line.firstRange(of: separator) else { continue }
        var left = line[..<middle.lowerBound]
        for lead in ["AssertionError: ", "assert ", "differ: ", "Error: "] {
          if let found = left.firstRange(of: lead) { left = left[found.upperBound...] }
        }
        add(left, line[middle.upperBound...])
        break
      }
      // JUnit, Rust, Go, XCTest.
      for (start, middle, isExpectedFirst) in Self.phrases {
        guard let opening = line.firstRange(of: start) else { continue }
        let rest = line[opening.upperBound...]
        guard let separator = rest.firstRange(of: middle) else { continue }
        let first = rest[..<separator.lowerBound]
        let second = rest[separator.upperBound...]
        if isExpectedFirst { add(second, first) } else { add(first, second) }
      }
      for label in ["left", "right", "expected", "actual", "Expected", "Actual", "got", "want", "Received"] {
        let bare = line.drop { $0 == " " || $0 == "\t" || $0 == "#" || $0 == "E" }
        guard bare.hasPrefix(label + ":") else { continue }
        named[label.lowercased()] = String(bare.dropFirst(label.count + 1))
      }
      // Diffs: `+ actual` and `- expected` (node), or the other way round (unittest, pytest).
      let bare = line.drop { $0 == " " || $0 == "E" }
      if bare.hasPrefix("+ "), plus == nil, !bare.hasPrefix("+ actual") { plus = String(bare.dropFirst(2)) }
      if bare.hasPrefix("- "), minus == nil, !bare.hasPrefix("- expected") { minus = String(bare.dropFirst(2)) }
    }
    if let plus, let minus {
      add(plus, minus)
      add(minus, plus)
    }
    if let left = named["left"], let right = named["right"] { add(left, right) }
    if let actual = named["actual"] ?? named["got"] ?? named["received"],
      let expected = named["expected"] ?? named["want"]
    {
      add(actual, expected)
    }
    return result
  }

  private static let phrases: [(String, String, Bool)] = [
    ("expected: <", "> but was: <", true), ("expected:<", "> but was:<", true), ("expected ", " but was ", true),
    ("expected ", " to equal ", false), ("expected ", ", got ", true), ("Expected ", ", got ", true),
    ("want ", ", got ", true), ("got ", ", want ", false), ("got ", ", expected ", false), ("got: ", ", want: ", false),
    ("= ", ", want ", false), ("= ", "; want ", false), ("failed: (\"", "\") is not equal to (\"", false),
  ]

  private static func trimmed(_ text: some StringProtocol) -> String {
    var result = Substring(text)
    while let first = result.first, " \t\"<E".contains(first), first != "\"" || result.last != "\"" {
      result = result.dropFirst()
    }
    while let last = result.last, " \t,>)\r".contains(last), last != ")" || !result.contains("(") {
      result = result.dropLast()
    }
    return String(result)
  }
}

extension Clues.Difference {
  /// The parts in which the two texts differ, whole words at least.
  var core: (actual: String, expected: String) {
    let left = Array(actual.utf8)
    let right = Array(expected.utf8)
    var prefix = 0
    while prefix < left.count, prefix < right.count, left[prefix] == right[prefix] { prefix += 1 }
    var suffix = 0
    while suffix < left.count - prefix, suffix < right.count - prefix,
      left[left.count - 1 - suffix] == right[right.count - 1 - suffix]
    {
      suffix += 1
    }
    // Numbers are taken whole: 12 and 13 differ in 12 and 13.
    while prefix > 0, (0x30...0x39).contains(left[prefix - 1]) { prefix -= 1 }
    while suffix > 0, (0x30...0x39).contains(left[left.count - suffix]) { suffix -= 1 }
    return (
      String(decoding: left[prefix..<(left.count - suffix)], as: UTF8.self),
      String(decoding: right[prefix..<(right.count - suffix)], as: UTF8.self)
    )
  }
}
