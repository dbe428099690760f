/// The escapes of string literals: `\n \r \t \\ \0 \' \"`, `\x41` up to 7f, `\u{1F600}`.
struct Escapes {
  /// One character of a literal.
  enum Piece {
    case scalar(Unicode.Scalar)
    /// `\*`, which only patterns know, with its byte.
    case escapedStar(at: Int)
  }

  /// A fault, with the byte within the literal's contents.
  struct Fault: Error {
    let offset: Int
    let message: String
  }

  /// The characters of what stands between the quotes.
  static func pieces(_ contents: ArraySlice<UInt8>) throws(Fault) -> [Piece] {
    var pieces: [Piece] = []
    let scalars = Array(String(decoding: contents, as: UTF8.self).unicodeScalars)
    var index = 0
    var offset = 0
    var start = 0
    func fault(_ message: String) -> Fault { Fault(offset: start, message: message) }
    func advance() -> Unicode.Scalar? {
      guard index < scalars.count else { return nil }
      let scalar = scalars[index]
      index += 1
      offset += UTF8.width(scalar)
      return scalar
    }
    while index < scalars.count {
      start = offset
      guard let scalar = advance() else { break }
      if scalar == "\r" { throw fault("a carriage return inside a string is written \\r") }
      guard scalar == "\\" else {
        pieces.append(.scalar(scalar))
        continue
      }
      switch advance() {
      case "n": pieces.append(.scalar("\n"))
      case "r": pieces.append(.scalar("\r"))
      case "t": pieces.append(.scalar("\t"))
      case "0": pieces.append(.scalar("\0"))
      case "\\": pieces.append(.scalar("\\"))
      case "'": pieces.append(.scalar("'"))
      case "\"": pieces.append(.scalar("\""))
      case "*": pieces.append(.escapedStar(at: start))
      case "x":
        guard let high = advance().flatMap(hexDigit), let low = advance().flatMap(hexDigit) else {
          throw fault("\\x takes two hexadecimal digits")
        }
        guard high < 8, let scalar = Unicode.Scalar(high << 4 | low) else {
          throw fault("\\x goes up to 7f: write \\u{…} for other characters")
        }
        pieces.append(.scalar(scalar))
      case "u":
        guard advance() == "{" else { throw fault("\\u is written \\u{…} with one to six hexadecimal digits") }
        var value: UInt32 = 0
        var digits = 0
        while let scalar = advance(), scalar != "}" || digits == 0 {
          if scalar == "_", digits > 0 { continue }
          guard let digit = hexDigit(scalar), digits < 6 else {
            throw fault("\\u{…} holds one to six hexadecimal digits")
          }
          value = value << 4 | digit
          digits += 1
        }
        guard index > 0, scalars[index - 1] == "}", digits > 0 else { throw fault("\\u{ is not closed") }
        guard let scalar = Unicode.Scalar(value) else { throw fault("\\u{…} names no character") }
        pieces.append(.scalar(scalar))
      case .some(let other): throw fault("there is no escape \\\(other)")
      case nil: throw fault("a backslash ends the string")
      }
    }
    return pieces
  }

  /// The text of a literal.
  static func text(_ contents: ArraySlice<UInt8>) throws(Fault) -> String {
    if !contents.contains(where: { $0 == 0x5c || $0 == 0x0d }) { return String(decoding: contents, as: UTF8.self) }
    var text = String.UnicodeScalarView()
    for piece in try pieces(contents) {
      switch piece {
      case .scalar(let scalar): text.append(scalar)
      case .escapedStar(let offset):
        throw Fault(offset: offset, message: "\\* stands for a star only in patterns of like")
      }
    }
    return String(text)
  }

  private static func hexDigit(_ scalar: Unicode.Scalar) -> UInt32? {
    scalar.isASCII ? HexDigit.value(UInt8(scalar.value)).map { UInt32($0) } : nil
  }
}
