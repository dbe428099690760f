/// Text on its way into a page: nothing in it can be markup, hide, or reorder what stands beside it.
struct HTMLText {
  private(set) var bytes: [UInt8] = []

  /// Adds markup of ours.
  mutating func markup(_ text: String) { bytes.append(contentsOf: text.utf8) }

  /// Adds a text of others.
  mutating func text(_ text: String) { HTMLText.escape(Array(text.utf8), into: &bytes) }

  /// Adds bytes of others; what is no UTF-8 becomes replacement characters.
  mutating func text(_ text: some Sequence<UInt8>) { HTMLText.escape(Array(text), into: &bytes) }

  /// Adds what another one holds.
  mutating func append(_ other: HTMLText) { bytes.append(contentsOf: other.bytes) }

  /// A text that is safe between tags and inside of quoted attributes.
  static func escaped(_ text: String) -> String {
    var output: [UInt8] = []
    escape(Array(text.utf8), into: &output)
    return String(decoding: output, as: UTF8.self)
  }

  private static func escape(_ bytes: [UInt8], into output: inout [UInt8]) {
    if bytes.allSatisfy({ $0 < 0x80 }) {
      for byte in bytes { ascii(byte, into: &output) }
      return
    }
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      if scalar.isASCII {
        ascii(UInt8(scalar.value), into: &output)
        continue
      }
      switch scalar.properties.generalCategory {
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate:
        visible(scalar.value, into: &output)
      default: output.append(contentsOf: Array(String(scalar).utf8))
      }
    }
  }

  @inline(__always)
  private static func ascii(_ byte: UInt8, into output: inout [UInt8]) {
    switch byte {
    case UInt8(ascii: "&"): output.append(contentsOf: "&amp;".utf8)
    case UInt8(ascii: "<"): output.append(contentsOf: "&lt;".utf8)
    case UInt8(ascii: ">"): output.append(contentsOf: "&gt;".utf8)
    case UInt8(ascii: "\""): output.append(contentsOf: "&quot;".utf8)
    case UInt8(ascii: "'"): output.append(contentsOf: "&#39;".utf8)
    case 0x0a, 0x09, 0x20...0x7e: output.append(byte)
    default: visible(UInt32(byte), into: &output)
    }
  }

  /// A character that would not be seen, as its number.
  private static func visible(_ value: UInt32, into output: inout [UInt8]) {
    output.append(contentsOf: "\\u{\(String(value, radix: 16))}".utf8)
  }
}

/// Numbers and times as people read them.
enum Figure {
  /// `1,234,567`.
  static func grouped(_ number: Int) -> String {
    let digits = Array(String(abs(number)))
    var text = ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { text.append(",") }
      text.append(digit)
    }
    return (number < 0 ? "-" : "") + text
  }

  /// `12.3 k`, for axes and small places.
  static func short(_ number: Int) -> String {
    switch number {
    case ..<10_000: return grouped(number)
    case ..<1_000_000: return "\(tenths(number, 1000)) k"
    default: return "\(tenths(number, 1_000_000)) M"
    }
  }

  /// A duration in nanoseconds.
  static func duration(_ nanoseconds: Int64) -> String {
    let milliseconds = Int(nanoseconds / 1_000_000)
    if milliseconds < 1000 { return "\(milliseconds) ms" }
    let seconds = milliseconds / 1000
    if seconds < 60 { return "\(tenths(milliseconds, 1000)) s" }
    if seconds < 3600 { return "\(seconds / 60) min \(seconds % 60) s" }
    return "\(seconds / 3600) h \(seconds / 60 % 60) min"
  }

  /// Millionths of a dollar.
  static func cost(_ microdollars: Int) -> String {
    let cents = (microdollars + 50) / 100
    let fraction = String(cents % 10_000)
    return "$\(cents / 10_000)." + String(repeating: "0", count: 4 - fraction.count) + fraction
  }

  /// Bytes, in units of 1024.
  static func bytes(_ count: Int) -> String {
    if count < 1024 { return "\(count) bytes" }
    return count < 1 << 20 ? "\(tenths(count, 1024)) KiB" : "\(tenths(count, 1 << 20)) MiB"
  }

  /// A share with one decimal.
  static func tenths(_ number: Int, _ unit: Int) -> String {
    let tenths = (number * 10 + unit / 2) / unit
    return "\(tenths / 10).\(tenths % 10)"
  }
}
