import IndexKernel

/// A name as people write it: `parse`, `Parser.parse`, `Parser::parse(text)`, `parser->next`, `(*Parser).Next`,
/// `func parse`.
struct SymbolName {
  let name: [UInt8]
  /// What it is declared in, if that was said.
  let scope: [UInt8]?

  private static let longest = 1000

  /// nil for a text without a name.
  init?(_ text: String) {
    var bytes = Array(text.utf8.prefix(Self.longest))[...]
    // Parameters end a name, and a receiver in parentheses stands before one.
    var end = bytes.startIndex
    while end < bytes.endIndex {
      if bytes[end] == UInt8(ascii: "("), end > bytes.startIndex, WordSearch.isIdentifier(bytes[end - 1]) { break }
      end += 1
    }
    bytes = bytes[..<end]
    // The last word: what stands before says what kind of thing it is.
    guard let word = bytes.split(whereSeparator: { $0 <= 0x20 }).last else { return nil }
    let parts = Self.split(word).compactMap { Self.trimmed($0) }
    guard let last = parts.last else {
      // An operator.
      name = Array(word)
      scope = nil
      return
    }
    name = last
    scope = parts.count > 1 ? parts[parts.count - 2] : nil
  }

  private static func split(_ word: ArraySlice<UInt8>) -> [ArraySlice<UInt8>] {
    var parts: [ArraySlice<UInt8>] = []
    var start = word.startIndex
    for place in word.indices {
      let isArrow = word[place] == UInt8(ascii: ">") && place > start && word[place - 1] == UInt8(ascii: "-")
      guard isArrow || ".:#\\/".utf8.contains(word[place]) else { continue }
      parts.append(word[start..<(isArrow ? place - 1 : place)])
      start = place + 1
    }
    parts.append(word[start...])
    return parts
  }

  /// Without what surrounds it, and without type parameters.
  private static func trimmed(_ part: ArraySlice<UInt8>) -> [UInt8]? {
    let part = part.drop { "(*&[<".utf8.contains($0) }
    let name = part.prefix { !"()<[,;".utf8.contains($0) }
    return name.isEmpty ? nil : Array(name)
  }
}
