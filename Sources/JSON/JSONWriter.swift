extension JSONValue {
  /// The compact serialisation, members in their own order, as UTF-8 bytes.
  public var serialized: [UInt8] {
    var output: [UInt8] = []
    write(to: &output, sorted: false)
    return output
  }

  /// The compact serialisation as text.
  public var text: String { String(decoding: serialized, as: UTF8.self) }

  /// The canonical form of RFC 8785 (JCS) for documents of strings, booleans and integers: members sorted by UTF-16
  /// code units, no white space. Doubles are written in Swift's shortest form, which JCS does not always share: records
  /// that are hashed hold none.
  public var canonical: [UInt8] {
    var output: [UInt8] = []
    write(to: &output, sorted: true)
    return output
  }

  /// Appends the compact serialisation to `output`.
  public func write(to output: inout [UInt8], sorted: Bool = false) {
    switch self {
    case .null: output.append(contentsOf: "null".utf8)
    case .bool(let value): output.append(contentsOf: (value ? "true" : "false").utf8)
    case .int(let value): output.append(contentsOf: String(value).utf8)
    case .double(let value):
      if let whole = Int64(exactly: value), whole.magnitude < 1 << 53 {
        output.append(contentsOf: String(whole).utf8)
      } else {
        output.append(contentsOf: (value.isFinite ? "\(value)" : "null").utf8)
      }
    case .string(let value): Self.write(value, to: &output)
    case .array(let elements):
      output.append(UInt8(ascii: "["))
      for (index, element) in elements.enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        element.write(to: &output, sorted: sorted)
      }
      output.append(UInt8(ascii: "]"))
    case .object(let object):
      let members =
        sorted ? object.members.sorted { $0.name.utf16.lexicographicallyPrecedes($1.name.utf16) } : object.members
      output.append(UInt8(ascii: "{"))
      for (index, member) in members.enumerated() {
        if index > 0 { output.append(UInt8(ascii: ",")) }
        Self.write(member.name, to: &output)
        output.append(UInt8(ascii: ":"))
        member.value.write(to: &output, sorted: sorted)
      }
      output.append(UInt8(ascii: "}"))
    }
  }

  /// Appends a JSON string literal: the short escapes, `\u00xx` for other control characters, all else as it is.
  public static func write(_ text: String, to output: inout [UInt8]) {
    var text = text
    text.withUTF8 { bytes in
      output.append(0x22)
      var start = 0
      for index in 0..<bytes.count {
        let byte = bytes[index]
        if byte >= 0x20 && byte != 0x22 && byte != 0x5c { continue }
        output.append(contentsOf: bytes[start..<index])
        start = index + 1
        output.append(0x5c)
        switch byte {
        case 0x22, 0x5c: output.append(byte)
        case 0x08: output.append(UInt8(ascii: "b"))
        case 0x09: output.append(UInt8(ascii: "t"))
        case 0x0a: output.append(UInt8(ascii: "n"))
        case 0x0c: output.append(UInt8(ascii: "f"))
        case 0x0d: output.append(UInt8(ascii: "r"))
        default:
          let digits = Array("0123456789abcdef".utf8)
          output.append(contentsOf: "u00".utf8)
          output.append(digits[Int(byte >> 4)])
          output.append(digits[Int(byte & 15)])
        }
      }
      output.append(contentsOf: bytes[start...])
      output.append(0x22)
    }
  }
}

extension JSONValue: CustomStringConvertible {
  /// The compact serialisation.
  public var description: String { text }
}
