/// A piece of what a program wrote: bytes, which need not be UTF-8.
typealias Bytes = ArraySlice<UInt8>

/// What a program wrote, cut into lines: without line ends, carriage returns and terminal escapes.
struct OutputLines {
  /// Reading stops here; what a test run prints beyond it is not looked at.
  static let maximumBytes = 64 << 20

  let lines: [Bytes]

  init(_ output: some Collection<UInt8>) {
    let bytes = OutputLines.withoutEscapes(Array(output.prefix(OutputLines.maximumBytes)))
    var lines: [Bytes] = []
    var start = 0
    for index in bytes.indices where bytes[index] == UInt8(ascii: "\n") {
      lines.append(bytes[start..<index].withoutCarriageReturn)
      start = index + 1
    }
    if start < bytes.count { lines.append(bytes[start...].withoutCarriageReturn) }
    self.lines = lines
  }

  /// Drops terminal escapes: CSI sequences (ECMA-48), OSC strings up to their end, and other two-byte ones.
  private static func withoutEscapes(_ bytes: [UInt8]) -> [UInt8] {
    guard let first = bytes.firstIndex(of: 0x1b) else { return bytes }
    var result = Array(bytes[..<first])
    result.reserveCapacity(bytes.count)
    var index = first
    while index < bytes.count {
      guard bytes[index] == 0x1b else {
        result.append(bytes[index])
        index += 1
        continue
      }
      index += 1
      guard index < bytes.count else { break }
      let kind = bytes[index]
      index += 1
      if kind == UInt8(ascii: "[") {
        while index < bytes.count, (0x20...0x3f).contains(bytes[index]) { index += 1 }
        if index < bytes.count, (0x40...0x7e).contains(bytes[index]) { index += 1 }
      } else if kind == UInt8(ascii: "]") {
        // An OSC string that never ends must not swallow the output: it ends with its line at the latest.
        while index < bytes.count, bytes[index] != 0x07, bytes[index] != 0x1b, bytes[index] != 0x0a { index += 1 }
        if index < bytes.count, bytes[index] == 0x07 { index += 1 }
      }
    }
    return result
  }
}

extension Bytes {
  /// The text; what is not UTF-8 is replaced.
  var text: String { String(decoding: self, as: UTF8.self) }

  var withoutCarriageReturn: Bytes { last == UInt8(ascii: "\r") ? dropLast() : self }

  func starts(_ prefix: String) -> Bool {
    var index = startIndex
    for byte in prefix.utf8 {
      guard index < endIndex, self[index] == byte else { return false }
      index += 1
    }
    return true
  }

  func ends(_ suffix: String) -> Bool {
    let utf8 = suffix.utf8
    return count >= utf8.count && self[(endIndex - utf8.count)...].starts(suffix)
  }

  /// What follows a prefix; nil without it.
  func after(prefix: String) -> Bytes? { starts(prefix) ? self[(startIndex + prefix.utf8.count)...] : nil }

  /// What precedes a suffix; nil without it.
  func before(suffix: String) -> Bytes? { ends(suffix) ? self[..<(endIndex - suffix.utf8.count)] : nil }

  /// Where a text first occurs.
  func range(of needle: String) -> Range<Int>? {
    let utf8 = needle.utf8
    let length = utf8.count
    guard length > 0, let first = utf8.first, count >= length else { return nil }
    var index = startIndex
    while index <= endIndex - length {
      guard let candidate = self[index...(endIndex - length)].firstIndex(of: first) else { return nil }
      if self[candidate...].starts(needle) { return candidate..<candidate + length }
      index = candidate + 1
    }
    return nil
  }

  /// Where a text last occurs.
  func lastRange(of needle: String) -> Range<Int>? {
    let length = needle.utf8.count
    guard length > 0, count >= length else { return nil }
    var index = endIndex - length
    while index >= startIndex {
      if self[index...].starts(needle) { return index..<index + length }
      index -= 1
    }
    return nil
  }

  func contains(_ needle: String) -> Bool { range(of: needle) != nil }

  /// What stands before and after the first occurrence of a separator.
  func cut(at separator: String) -> (before: Bytes, after: Bytes)? {
    range(of: separator).map { (self[..<$0.lowerBound], self[$0.upperBound...]) }
  }

  /// What stands before and after the last occurrence of a separator.
  func cutLast(at separator: String) -> (before: Bytes, after: Bytes)? {
    lastRange(of: separator).map { (self[..<$0.lowerBound], self[$0.upperBound...]) }
  }

  /// Without white space at both ends.
  var trimmed: Bytes {
    var result = self
    while let byte = result.first, byte.isSpace { result = result.dropFirst() }
    while let byte = result.last, byte.isSpace { result = result.dropLast() }
    return result
  }

  /// How many spaces or tabs it starts with.
  var indentation: Int { prefix { $0 == 0x20 || $0 == 0x09 }.count }

  /// Words between white space.
  var words: [Bytes] { split { $0.isSpace } }

  /// A whole number, digits only, at most 18 of them.
  var number: Int? {
    guard !isEmpty, count <= 18, allSatisfy(\.isDigit) else { return nil }
    return reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  /// The digits that it starts with, as a number, and what follows them.
  var leadingNumber: (value: Int, rest: Bytes)? {
    let digits = prefix { $0.isDigit }
    return digits.number.map { ($0, self[digits.endIndex...]) }
  }

  /// A duration such as `0.25`, `0.25s`, `12ms`, `3.5 seconds`, in seconds.
  var seconds: Double? {
    let value = trimmed
    let digits = value.prefix { $0.isDigit || $0 == UInt8(ascii: ".") }
    guard !digits.isEmpty, digits.count < 20, let number = Double(digits.text), number.isFinite else { return nil }
    switch value[digits.endIndex...].trimmed.text {
    case "", "s", "sec", "secs", "second", "seconds": return number
    case "ms", "milliseconds", "millisecond": return number / 1000
    case "us", "µs": return number / 1_000_000
    case "m", "min": return number * 60
    default: return nil
    }
  }
}

extension UInt8 {
  var isSpace: Bool { self == 0x20 || (0x09...0x0d).contains(self) }
  var isDigit: Bool { (0x30...0x39).contains(self) }
  var isLetter: Bool { (0x41...0x5a).contains(self) || (0x61...0x7a).contains(self) }
  /// Part of an identifier in most languages.
  var isWord: Bool { isLetter || isDigit || self == UInt8(ascii: "_") || self >= 0x80 }
}

extension String {
  /// Its UTF-8 bytes, for the functions above.
  var bytes: Bytes { Array(utf8)[...] }
}
