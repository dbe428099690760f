/// The right side of `like`: `*` stands for any run of characters, everything else for itself.
struct Pattern: Sendable, Hashable {
  /// The literal pieces between stars: one without any star, else one more than there are stars.
  let pieces: [[UInt8]]

  /// The pattern of a literal's contents. A star made by `\u{2a}` is a wildcard, too, as in the reference engine.
  init(contents: ArraySlice<UInt8>) throws(Escapes.Fault) {
    var pieces: [[UInt8]] = [[]]
    for piece in try Escapes.pieces(contents) {
      switch piece {
      case .scalar("*"): pieces.append([])
      case .scalar(let scalar): pieces[pieces.count - 1].append(contentsOf: UTF8.encode(scalar) ?? .init())
      case .escapedStar: pieces[pieces.count - 1].append(UInt8(ascii: "*"))
      }
    }
    self.pieces = pieces
  }

  /// True when the whole text fits. Each piece is looked for as early as possible: with only `*` as a wildcard that
  /// never has to be taken back.
  func matches(_ text: String) -> Bool {
    var text = text
    return text.withUTF8 { matches($0) }
  }

  private func matches(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
    let first = pieces[0]
    guard pieces.count > 1 else { return text.count == first.count && text.elementsEqual(first) }
    let last = pieces[pieces.count - 1]
    guard text.count >= first.count + last.count, text.starts(with: first), text.suffix(last.count).elementsEqual(last)
    else { return false }
    var start = first.count
    let end = text.count - last.count
    for piece in pieces[1..<(pieces.count - 1)] where !piece.isEmpty {
      guard let found = Self.find(piece, in: text[start..<end]) else { return false }
      start = found + piece.count
    }
    return true
  }

  /// Where a piece first stands.
  private static func find(_ piece: [UInt8], in text: Slice<UnsafeBufferPointer<UInt8>>) -> Int? {
    guard piece.count <= text.count else { return nil }
    for start in text.startIndex...(text.endIndex - piece.count)
    where text[start] == piece[0] && text[start..<(start + piece.count)].elementsEqual(piece) {
      return start
    }
    return nil
  }

  /// As a policy writes it.
  var description: String {
    "\""
      + pieces.map {
        let quoted = Names.quoted(String(decoding: $0, as: UTF8.self)).dropFirst().dropLast()
        return quoted.replacing("*", with: "\\*")
      }.joined(separator: "*") + "\""
  }
}
