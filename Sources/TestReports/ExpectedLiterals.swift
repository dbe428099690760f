/// What failing tests expect: literals in their messages and sources, and their names.
struct ExpectedLiterals {
  private var literals: Set<String> = []
  private var names: Set<String> = []

  init(_ report: TestReport) {
    for test in report.tests where test.result == .failed || test.result == .errored {
      let last = test.name.split { ":/ >".contains($0) }.last.map(String.init) ?? ""
      let name = String((last.split(separator: ".").last ?? "").prefix { $0.isLetter || $0.isNumber || $0 == "_" })
      if name.count >= 8, name.lowercased().contains("test") { names.insert(name) }
      guard let message = test.message, literals.count < 2000 else { continue }
      for literal in Self.literals(in: message.bytes) { literals.insert(literal) }
    }
  }

  /// A failing test's name in a string of the line.
  func testName(in line: Bytes) -> String? {
    guard line.contains(0x22) || line.contains(UInt8(ascii: "'")) else { return nil }
    return names.first { line.contains("\"\($0)\"") || line.contains("'\($0)'") }
  }

  /// A literal that is returned or compared with, and that a failing test expects.
  func literal(in line: Bytes) -> String? {
    let text = line.trimmed
    guard text.starts("return ") || text.contains("==") || text.starts("case ") || text.contains(" is ") else {
      return nil
    }
    return Self.literals(in: text).first(where: literals.contains)
  }

  /// Quoted texts of four characters or more, and numbers of three digits or more: what stands in code by chance is
  /// shorter.
  private static func literals(in text: Bytes) -> [String] {
    var found: [String] = []
    var index = text.startIndex
    while index < text.endIndex, found.count < 100 {
      let byte = text[index]
      if byte == 0x22 || byte == UInt8(ascii: "'") {
        var end = index + 1
        while end < text.endIndex, text[end] != byte, text[end] != 0x0a { end += text[end] == 0x5c ? 2 : 1 }
        guard end < text.endIndex, text[end] == byte else {
          index += 1
          continue
        }
        if end - index > 4, end - index < 400 { found.append(text[(index + 1)..<end].text) }
        index = end + 1
      } else if byte.isDigit, index == text.startIndex || !text[index - 1].isWord {
        let digits = text[index...].prefix { $0.isDigit || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "_") }
        if digits.filter(\.isDigit).count >= 3 { found.append(digits.text) }
        index = digits.endIndex
      } else {
        index += 1
      }
    }
    return found
  }
}
