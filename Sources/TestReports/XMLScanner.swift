/// A pull scanner for the XML that test tools write: elements, attributes, text and CDATA.
///
/// It is lenient and takes hostile input: no entities but the five of XML and character references, no external
/// anything, bounded nesting and attributes; what is malformed is skipped as text.
struct XMLScanner {
  /// What a document consists of, in order.
  enum Event {
    /// A start tag; `isEmpty` for `<a/>`, after which no end follows.
    case start(name: String, attributes: [String: String], isEmpty: Bool)
    /// An end tag.
    case end(name: String)
    /// Character data, entities resolved.
    case text(String)
  }

  private let bytes: [UInt8]
  private var index = 0
  private static let maximumAttributes = 64

  init(_ bytes: [UInt8]) { self.bytes = bytes }

  mutating func next() -> Event? {
    while index < bytes.count {
      guard bytes[index] == UInt8(ascii: "<") else { return text() }
      let rest = bytes[index...]
      if rest.starts("<![CDATA[") {
        let start = index + 9
        let end = bytes[start...].range(of: "]]>")
        index = end?.upperBound ?? bytes.count
        return .text(String(decoding: bytes[start..<(end?.lowerBound ?? bytes.count)], as: UTF8.self))
      }
      if rest.starts("<!--") {
        index = bytes[(index + 4)...].range(of: "-->")?.upperBound ?? bytes.count
      } else if rest.starts("<?") || rest.starts("<!") {
        index = rest.firstIndex(of: UInt8(ascii: ">")).map { $0 + 1 } ?? bytes.count
      } else if let event = tag() {
        return event
      }
    }
    return nil
  }

  private mutating func text() -> Event {
    let end = bytes[index...].firstIndex(of: UInt8(ascii: "<")) ?? bytes.count
    defer { index = end }
    return .text(Self.resolved(bytes[index..<end]))
  }

  private mutating func tag() -> Event? {
    index += 1
    let isEnd = index < bytes.count && bytes[index] == UInt8(ascii: "/")
    if isEnd { index += 1 }
    let name = scanName()
    if isEnd {
      index = bytes[index...].firstIndex(of: UInt8(ascii: ">")).map { $0 + 1 } ?? bytes.count
      return .end(name: name)
    }
    guard !name.isEmpty else { return nil }
    var attributes: [String: String] = [:]
    while index < bytes.count {
      skipSpace()
      guard index < bytes.count else { break }
      if bytes[index] == UInt8(ascii: ">") {
        index += 1
        return .start(name: name, attributes: attributes, isEmpty: false)
      }
      if bytes[index] == UInt8(ascii: "/") {
        index += 1
        skipSpace()
        if index < bytes.count, bytes[index] == UInt8(ascii: ">") { index += 1 }
        return .start(name: name, attributes: attributes, isEmpty: true)
      }
      let attribute = scanName()
      skipSpace()
      guard !attribute.isEmpty, index < bytes.count, bytes[index] == UInt8(ascii: "=") else {
        // Not an attribute: one byte on, so that this ends.
        if attribute.isEmpty { index += 1 }
        continue
      }
      index += 1
      skipSpace()
      guard index < bytes.count, bytes[index] == 0x22 || bytes[index] == UInt8(ascii: "'") else { continue }
      let quote = bytes[index]
      let start = index + 1
      let end = bytes[start...].firstIndex(of: quote) ?? bytes.count
      index = Swift.min(end + 1, bytes.count)
      if attributes.count < Self.maximumAttributes { attributes[attribute] = Self.resolved(bytes[start..<end]) }
    }
    return .start(name: name, attributes: attributes, isEmpty: false)
  }

  private mutating func skipSpace() { while index < bytes.count, bytes[index].isSpace { index += 1 } }

  private mutating func scanName() -> String {
    let start = index
    while index < bytes.count, bytes[index].isWord || "-.:".utf8.contains(bytes[index]) { index += 1 }
    return String(decoding: bytes[start..<index], as: UTF8.self)
  }

  private static func resolved(_ raw: Bytes) -> String {
    guard raw.contains(UInt8(ascii: "&")) else { return raw.text }
    var result: [UInt8] = []
    var rest = raw
    while let ampersand = rest.firstIndex(of: UInt8(ascii: "&")) {
      result += rest[..<ampersand]
      let tail = rest[(ampersand + 1)...]
      guard let semicolon = tail.prefix(12).firstIndex(of: UInt8(ascii: ";")),
        let scalar = scalar(tail[..<semicolon].text)
      else {
        result.append(UInt8(ascii: "&"))
        rest = tail
        continue
      }
      result += Array(String(scalar).utf8)
      rest = tail[(semicolon + 1)...]
    }
    return String(decoding: result + rest, as: UTF8.self)
  }

  private static func scalar(_ entity: String) -> Unicode.Scalar? {
    switch entity {
    case "lt": return "<"
    case "gt": return ">"
    case "amp": return "&"
    case "quot": return "\""
    case "apos": return "'"
    default:
      guard entity.hasPrefix("#") else { return nil }
      let digits = entity.dropFirst()
      let value = digits.hasPrefix("x") ? UInt32(digits.dropFirst(), radix: 16) : UInt32(digits)
      return value.flatMap(Unicode.Scalar.init)
    }
  }
}
