import FoundationEssentials

/// Finds given values, and their usual encodings, in one pass: eight bytes at each place are looked up by hash.
struct KnownValues: Sendable {
  /// The values, without those that are too short.
  let values: [[UInt8]]
  private let patterns: [(bytes: [UInt8], value: Int)]
  /// Patterns by their first eight bytes, the longest first.
  private let byWindow: [UInt64: [Int]]
  /// One bit for each hash of a first window: most places are dismissed by it.
  private let filter: [UInt64]

  /// The length of the longest pattern; 0 without any.
  var longest: Int { patterns.reduce(0) { max($0, $1.bytes.count) } }

  static let shortest = 8
  private static let filterBits = 16

  init(_ candidates: [[UInt8]]) {
    var values: [[UInt8]] = []
    var patterns: [(bytes: [UInt8], value: Int)] = []
    for candidate in candidates where candidate.count >= KnownValues.shortest && !values.contains(candidate) {
      values.append(candidate)
      var seen: Set<[UInt8]> = []
      for form in SecretEncodings.all(of: candidate) where form.count >= KnownValues.shortest {
        if seen.insert(form).inserted { patterns.append((form, values.count - 1)) }
      }
    }
    // One text can be a form of two values; the longest match decides, and among equals the first.
    var byWindow: [UInt64: [Int]] = [:]
    var filter = [UInt64](repeating: 0, count: (1 << KnownValues.filterBits) / 64)
    for (index, pattern) in patterns.enumerated() {
      let window = pattern.bytes.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
      byWindow[window, default: []].append(index)
      let slot = KnownValues.slot(window)
      filter[slot >> 6] |= 1 << UInt64(slot & 63)
    }
    for window in byWindow.keys { byWindow[window]?.sort { patterns[$0].bytes.count > patterns[$1].bytes.count } }
    self.values = values
    self.patterns = patterns
    self.byWindow = byWindow
    self.filter = filter
  }

  /// The longest known value at a place.
  @inline(__always)
  func match(_ bytes: UnsafeBufferPointer<UInt8>, at index: Int) -> (value: Int, length: Int)? {
    guard index + 8 <= bytes.count, !patterns.isEmpty else { return nil }
    let window = UnsafeRawBufferPointer(bytes).loadUnaligned(fromByteOffset: index, as: UInt64.self)
    let slot = KnownValues.slot(window)
    guard filter[slot >> 6] >> UInt64(slot & 63) & 1 == 1 else { return nil }
    return longest(bytes, at: index, window)
  }

  private func longest(
    _ bytes: UnsafeBufferPointer<UInt8>, at index: Int, _ window: UInt64
  ) -> (value: Int, length: Int)? {
    for candidate in byWindow[window] ?? [] {
      let pattern = patterns[candidate].bytes
      guard index + pattern.count <= bytes.count else { continue }
      if bytes[index..<index + pattern.count].elementsEqual(pattern) {
        return (patterns[candidate].value, pattern.count)
      }
    }
    return nil
  }

  @inline(__always)
  private static func slot(_ window: UInt64) -> Int {
    Int((window &* 0x9e37_79b9_7f4a_7c15) >> (64 - UInt64(filterBits)))
  }
}

/// The forms in which a value turns up in texts.
enum SecretEncodings {
  static func all(of value: [UInt8]) -> [[UInt8]] {
    [value, Array(value.reversed()), jsonEscaped(value)] + percent(value) + hexadecimal(value) + base64(value)
  }

  private static func hexadecimal(_ value: [UInt8]) -> [[UInt8]] {
    [Array("0123456789abcdef".utf8), Array("0123456789ABCDEF".utf8)].map { digits in
      value.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }
  }

  /// The characters that depend on the value alone, for each place that it can have in a longer text.
  private static func base64(_ value: [UInt8]) -> [[UInt8]] {
    (0..<3).flatMap { offset -> [[UInt8]] in
      let padded = [UInt8](repeating: 0, count: offset) + value
      let encoded = Array(Data(padded).base64EncodedString().utf8)
      let first = (8 * offset + 5) / 6
      let last = 8 * padded.count / 6
      guard first < last else { return [] }
      let standard = Array(encoded[first..<last])
      let safe = standard.map { byte in
        switch byte {
        case UInt8(ascii: "+"): UInt8(ascii: "-")
        case UInt8(ascii: "/"): UInt8(ascii: "_")
        default: byte
        }
      }
      return [standard, safe]
    }
  }

  private static func percent(_ value: [UInt8]) -> [[UInt8]] {
    let plain = Set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~".utf8)
    return [Array("0123456789abcdef".utf8), Array("0123456789ABCDEF".utf8)].map { digits in
      value.flatMap { plain.contains($0) ? [$0] : [UInt8(ascii: "%"), digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    }
  }

  private static func jsonEscaped(_ value: [UInt8]) -> [UInt8] {
    value.flatMap { byte -> [UInt8] in
      switch byte {
      case 0x22, 0x5c: [0x5c, byte]
      case 0x0a: Array("\\n".utf8)
      case 0x0d: Array("\\r".utf8)
      case 0x09: Array("\\t".utf8)
      default: [byte]
      }
    }
  }
}
