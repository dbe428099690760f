import Glibc
import JSON

/// A JSON value that lies in borrowed bytes and is looked into without being read whole: most of a streamed event is of
/// no interest. It must not outlive the bytes.
///
/// Steps check only what they need to find their way; what is taken out is parsed in full.
struct JSONCursor {
  private let bytes: UnsafeBufferPointer<UInt8>

  /// The value that these bytes hold, white space around it aside.
  init(_ bytes: UnsafeBufferPointer<UInt8>) {
    var start = 0
    var end = bytes.count
    while start < end, Self.isSpace(bytes[start]) { start += 1 }
    while end > start, Self.isSpace(bytes[end - 1]) { end -= 1 }
    self.bytes = UnsafeBufferPointer(rebasing: bytes[start..<end])
  }

  /// The whole value; nil when it is not JSON.
  var value: JSONValue? {
    if case .success(let value) = JSONValue.parse(bytes) { return value }
    return nil
  }

  /// The value's text; nil when it is no string.
  var string: String? {
    guard isString else { return nil }
    return plain.map { String(decoding: $0, as: UTF8.self) } ?? value?.string
  }

  /// The bytes of a string in which nothing is escaped; nil of any other value.
  private var plain: UnsafeBufferPointer<UInt8>? {
    guard isString, bytes.count >= 2 else { return nil }
    for index in 1..<bytes.count - 1 where bytes[index] == 0x22 || bytes[index] == 0x5c || bytes[index] < 0x20 {
      return nil
    }
    return bytes[bytes.count - 1] == 0x22 ? contents : nil
  }

  /// What stands between a string's quotation marks, as it is.
  var contents: UnsafeBufferPointer<UInt8> {
    bytes.count < 2
      ? UnsafeBufferPointer(rebasing: bytes[..<0]) : UnsafeBufferPointer(rebasing: bytes[1..<bytes.count - 1])
  }

  /// Where the value lies in the bytes that it was found in.
  func place(in whole: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
    guard let base = whole.baseAddress, let start = bytes.baseAddress, start >= base else { return nil }
    let offset = start - base
    return offset + bytes.count <= whole.count ? offset..<offset + bytes.count : nil
  }

  /// True for a string.
  var isString: Bool { bytes.first == 0x22 }
  /// True for a number of digits alone.
  var isDigits: Bool { !bytes.isEmpty && bytes.allSatisfy { (0x30...0x39).contains($0) } }

  /// The value's number; nil when it is no integer.
  var int: Int? {
    guard let first = bytes.first, first == UInt8(ascii: "-") || (0x30...0x39).contains(first) else { return nil }
    return value?.int
  }

  /// True for null.
  var isNull: Bool { bytes.count == 4 && bytes[0] == UInt8(ascii: "n") }
  /// True for an object.
  var isObject: Bool { bytes.first == UInt8(ascii: "{") }
  /// True for an array.
  var isArray: Bool { bytes.first == UInt8(ascii: "[") }

  /// Calls `body` with the raw name and the value of each member. False when this is no well-formed object.
  func forEachMember(_ body: (_ name: UnsafeBufferPointer<UInt8>, _ value: JSONCursor) -> Void) -> Bool {
    guard isObject else { return false }
    var index = 1
    skipSpace(&index)
    if index < bytes.count, bytes[index] == UInt8(ascii: "}") { return index == bytes.count - 1 }
    while true {
      skipSpace(&index)
      guard index < bytes.count, bytes[index] == 0x22 else { return false }
      let nameStart = index + 1
      guard skipValue(&index) else { return false }
      let name = UnsafeBufferPointer(rebasing: bytes[nameStart..<index - 1])
      skipSpace(&index)
      guard index < bytes.count, bytes[index] == UInt8(ascii: ":") else { return false }
      index += 1
      skipSpace(&index)
      let start = index
      guard skipValue(&index) else { return false }
      body(name, JSONCursor(UnsafeBufferPointer(rebasing: bytes[start..<index])))
      skipSpace(&index)
      guard index < bytes.count else { return false }
      if bytes[index] == UInt8(ascii: "}") { return index == bytes.count - 1 }
      guard bytes[index] == UInt8(ascii: ",") else { return false }
      index += 1
    }
  }

  /// The first element of an array; nil when there is none.
  var firstElement: JSONCursor? {
    guard isArray else { return nil }
    var index = 1
    skipSpace(&index)
    let start = index
    guard index < bytes.count, bytes[index] != UInt8(ascii: "]"), skipValue(&index) else { return nil }
    return JSONCursor(UnsafeBufferPointer(rebasing: bytes[start..<index]))
  }

  /// The element of an array that has just one; nil of any other value.
  var onlyElement: JSONCursor? {
    guard let first = firstElement, let place = first.place(in: bytes) else { return nil }
    var index = place.upperBound
    skipSpace(&index)
    return index == bytes.count - 1 ? first : nil
  }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 }

  private func skipSpace(_ index: inout Int) { while index < bytes.count, Self.isSpace(bytes[index]) { index += 1 } }

  /// Moves behind a value: a string, a bracketed one by the balance of its brackets, or a word up to what ends it.
  private func skipValue(_ index: inout Int) -> Bool {
    guard index < bytes.count else { return false }
    switch bytes[index] {
    case 0x22: return skipString(&index)
    case UInt8(ascii: "{"), UInt8(ascii: "["):
      var depth = 0
      while index < bytes.count {
        switch bytes[index] {
        case 0x22:
          guard skipString(&index) else { return false }
          continue
        case UInt8(ascii: "{"), UInt8(ascii: "["): depth += 1
        case UInt8(ascii: "}"), UInt8(ascii: "]"): depth -= 1
        default: break
        }
        index += 1
        if depth == 0 { return true }
      }
      return false
    default:
      let start = index
      while index < bytes.count {
        let byte = bytes[index]
        if byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") || byte == UInt8(ascii: "]") || Self.isSpace(byte) {
          break
        }
        index += 1
      }
      return index > start
    }
  }

  private func skipString(_ index: inout Int) -> Bool {
    index += 1
    while index < bytes.count {
      let byte = bytes[index]
      index += byte == 0x5c ? 2 : 1
      if byte == 0x22 { return true }
    }
    return false
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// True when these bytes are exactly this ASCII text.
  func equals(_ text: StaticString) -> Bool {
    guard count == text.utf8CodeUnitCount, let baseAddress else { return false }
    return memcmp(baseAddress, text.utf8Start, count) == 0
  }
}
