/// Why a text is not JSON, with the byte offset at which that was seen.
public struct JSONError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What was found or missing.
  public let reason: String
  /// Offset in bytes from the start of the text.
  public let offset: Int

  /// A sentence for people.
  public var description: String { "not valid JSON at byte \(offset): \(reason)" }
}

extension JSONValue {
  /// Reads one JSON document (RFC 8259) and nothing after it but white space.
  ///
  /// Input is hostile: nesting is bounded, invalid UTF-8 is replaced, a repeated member name is an error, and a lone
  /// surrogate escape becomes U+FFFD.
  /// - Throws: ``JSONError``.
  public init(parsing bytes: [UInt8], maximumDepth: Int = 256) throws(JSONError) {
    let result = bytes.withUnsafeBufferPointer { buffer in
      JSONValue.parse(buffer, maximumDepth: maximumDepth)
    }
    self = try result.get()
  }

  /// Reads one JSON document from a text.
  public init(parsing text: String) throws(JSONError) { try self.init(parsing: Array(text.utf8)) }

  /// Reads one JSON document from borrowed bytes.
  public static func parse(_ bytes: UnsafeBufferPointer<UInt8>, maximumDepth: Int = 256) -> Result<JSONValue, JSONError>
  {
    var parser = JSONParser(bytes: bytes, depthLeft: maximumDepth)
    do throws(JSONError) {
      let value = try parser.parseDocument()
      return .success(value)
    } catch {
      return .failure(error)
    }
  }
}

/// Recursive descent over bytes; strings without escapes are copied in one piece.
private struct JSONParser {
  let bytes: UnsafeBufferPointer<UInt8>
  var index = 0
  var depthLeft: Int

  init(bytes: UnsafeBufferPointer<UInt8>, depthLeft: Int) {
    self.bytes = bytes
    self.depthLeft = depthLeft
  }

  mutating func parseDocument() throws(JSONError) -> JSONValue {
    let value = try parseValue()
    skipSpace()
    guard index == bytes.count else { throw fail("text after the document") }
    return value
  }

  func fail(_ reason: String) -> JSONError { JSONError(reason: reason, offset: index) }

  mutating func skipSpace() {
    while index < bytes.count,
      bytes[index] == 0x20
        || (0x09...0x0d).contains(bytes[index]) && bytes[index] != 0x0b
          && bytes[index] != 0x0c
    {
      index += 1
    }
  }

  mutating func parseValue() throws(JSONError) -> JSONValue {
    skipSpace()
    guard index < bytes.count else { throw fail("the text ends where a value should be") }
    switch bytes[index] {
    case UInt8(ascii: "{"): return try parseObject()
    case UInt8(ascii: "["): return try parseArray()
    case 0x22: return .string(try parseString())
    case UInt8(ascii: "t"): return try parseWord("true", .bool(true))
    case UInt8(ascii: "f"): return try parseWord("false", .bool(false))
    case UInt8(ascii: "n"): return try parseWord("null", .null)
    default: return try parseNumber()
    }
  }

  mutating func parseWord(_ word: StaticString, _ value: JSONValue) throws(JSONError) -> JSONValue {
    let count = word.utf8CodeUnitCount
    guard index + count <= bytes.count else { throw fail("unknown word") }
    for offset in 0..<count where bytes[index + offset] != word.utf8Start[offset] { throw fail("unknown word") }
    index += count
    return value
  }

  mutating func parseObject() throws(JSONError) -> JSONValue {
    index += 1
    guard depthLeft > 0 else { throw fail("nested too deeply") }
    depthLeft -= 1
    defer { depthLeft += 1 }
    var object = JSONObject()
    // Names are compared one with another in small objects, and through a set in large ones: a hostile object of
    // a million members must not cost a million squared.
    var names: Set<[UInt8]> = []
    skipSpace()
    if take(UInt8(ascii: "}")) { return .object(object) }
    while true {
      skipSpace()
      guard index < bytes.count, bytes[index] == 0x22 else { throw fail("a member's name should be here") }
      let name = try parseString()
      skipSpace()
      guard take(UInt8(ascii: ":")) else { throw fail("a colon should be here") }
      if object.members.count < 16 {
        guard object[name] == nil else { throw fail("repeated member name") }
      } else {
        if names.isEmpty { names = Set(object.members.map { Array($0.name.utf8) }) }
        guard names.insert(Array(name.utf8)).inserted else { throw fail("repeated member name") }
      }
      object.appendUnchecked(name, try parseValue())
      skipSpace()
      if take(UInt8(ascii: ",")) { continue }
      guard take(UInt8(ascii: "}")) else { throw fail("a comma or closing brace should be here") }
      return .object(object)
    }
  }

  mutating func parseArray() throws(JSONError) -> JSONValue {
    index += 1
    guard depthLeft > 0 else { throw fail("nested too deeply") }
    depthLeft -= 1
    defer { depthLeft += 1 }
    var elements: [JSONValue] = []
    skipSpace()
    if take(UInt8(ascii: "]")) { return .array(elements) }
    while true {
      elements.append(try parseValue())
      skipSpace()
      if take(UInt8(ascii: ",")) { continue }
      guard take(UInt8(ascii: "]")) else { throw fail("a comma or closing bracket should be here") }
      return .array(elements)
    }
  }

  mutating func take(_ byte: UInt8) -> Bool {
    guard index < bytes.count, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  mutating func parseString() throws(JSONError) -> String {
    index += 1
    let start = index
    while index < bytes.count, bytes[index] != 0x22, bytes[index] != 0x5c, bytes[index] >= 0x20 { index += 1 }
    guard index < bytes.count else { throw fail("the text ends inside a string") }
    if bytes[index] == 0x22 {
      index += 1
      return String(decoding: bytes[start..<index - 1], as: UTF8.self)
    }
    var unescaped = Array(bytes[start..<index])
    while true {
      guard index < bytes.count else { throw fail("the text ends inside a string") }
      let byte = bytes[index]
      if byte == 0x22 {
        index += 1
        return String(decoding: unescaped, as: UTF8.self)
      }
      guard byte >= 0x20 else { throw fail("control character in a string") }
      index += 1
      if byte != 0x5c {
        unescaped.append(byte)
        continue
      }
      guard index < bytes.count else { throw fail("the text ends inside an escape") }
      let escape = bytes[index]
      index += 1
      switch escape {
      case 0x22, 0x5c, UInt8(ascii: "/"): unescaped.append(escape)
      case UInt8(ascii: "b"): unescaped.append(0x08)
      case UInt8(ascii: "f"): unescaped.append(0x0c)
      case UInt8(ascii: "n"): unescaped.append(0x0a)
      case UInt8(ascii: "r"): unescaped.append(0x0d)
      case UInt8(ascii: "t"): unescaped.append(0x09)
      case UInt8(ascii: "u"): unescaped.append(contentsOf: String(try parseScalar()).utf8)
      default: throw fail("unknown escape")
      }
    }
  }

  mutating func parseScalar() throws(JSONError) -> Unicode.Scalar {
    let replacement: Unicode.Scalar = "\u{FFFD}"
    let first = try parseHex()
    if (0xd800..<0xdc00).contains(first) {
      guard index + 1 < bytes.count, bytes[index] == 0x5c, bytes[index + 1] == UInt8(ascii: "u") else {
        return replacement
      }
      let mark = index
      index += 2
      let second = try parseHex()
      guard (0xdc00..<0xe000).contains(second) else {
        index = mark
        return replacement
      }
      return Unicode.Scalar(0x10000 + (first - 0xd800) << 10 + (second - 0xdc00)) ?? replacement
    }
    return Unicode.Scalar(first) ?? replacement
  }

  mutating func parseHex() throws(JSONError) -> UInt32 {
    guard index + 4 <= bytes.count else { throw fail("the text ends inside an escape") }
    var value: UInt32 = 0
    for _ in 0..<4 {
      let digit: UInt32
      switch bytes[index] {
      case 0x30...0x39: digit = UInt32(bytes[index]) - 0x30
      case 0x41...0x46: digit = UInt32(bytes[index]) - 0x37
      case 0x61...0x66: digit = UInt32(bytes[index]) - 0x57
      default: throw fail("not a hexadecimal digit")
      }
      value = value << 4 | digit
      index += 1
    }
    return value
  }

  mutating func parseNumber() throws(JSONError) -> JSONValue {
    let start = index
    _ = take(UInt8(ascii: "-"))
    guard index < bytes.count, isDigit(bytes[index]) else {
      index = start
      throw fail("no JSON value starts here")
    }
    if bytes[index] == 0x30 {
      index += 1
    } else {
      skipDigits()
    }
    var isWhole = true
    if take(UInt8(ascii: ".")) {
      isWhole = false
      guard index < bytes.count, isDigit(bytes[index]) else { throw fail("a digit should be here") }
      skipDigits()
    }
    if index < bytes.count, bytes[index] | 0x20 == UInt8(ascii: "e") {
      isWhole = false
      index += 1
      if index < bytes.count, bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-") { index += 1 }
      guard index < bytes.count, isDigit(bytes[index]) else { throw fail("a digit should be here") }
      skipDigits()
    }
    let text = String(decoding: bytes[start..<index], as: UTF8.self)
    if isWhole, let value = Int64(text) { return .int(value) }
    guard let value = Double(text), value.isFinite else { throw fail("number out of range") }
    return .double(value)
  }

  func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  mutating func skipDigits() { while index < bytes.count, isDigit(bytes[index]) { index += 1 } }
}
