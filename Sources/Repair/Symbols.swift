/// The operators of all languages at once, longest match first.
enum Symbols {
  private static let several: [[UInt8]] = [
    ">>>=", "===", "!==", "**=", "//=", "<<=", ">>=", ">>>", "&&=", "||=", "??=", "<=>", "...", "..<", "..=", "?->",
    "->", "=>", "==", "!=", "<=", ">=", "&&", "||", "??", "?.", "?:", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=",
    "|=", "^=", "<<", ">>", "**", "::", ":=", "..", "//", "&^", "<-", "&+", "&-", "&*", "=~",
  ].map { Array($0.utf8) }

  private static let byFirst: [[[UInt8]]] = {
    var table = [[[UInt8]]](repeating: [], count: 256)
    for symbol in several { table[Int(symbol[0])].append(symbol) }
    return table
  }()

  /// The length of the operator at `index`; 0 when none is there.
  static func longest(at index: Int, in bytes: UnsafeBufferPointer<UInt8>, language: Language) -> Int {
    for symbol in byFirst[Int(bytes[index])] where index + symbol.count <= bytes.count {
      var matches = true
      for offset in 1..<symbol.count where bytes[index + offset] != symbol[offset] { matches = false }
      guard matches, isSymbol(symbol, in: language) else { continue }
      return symbol.count
    }
    switch bytes[index] {
    case 0x21, 0x25, 0x26, 0x2a...0x2f, 0x3a...0x40, 0x5c, 0x5e, 0x7c, 0x7e, 0x24, 0x23: return 1
    default: return 0
    }
  }

  private static func isSymbol(_ symbol: [UInt8], in language: Language) -> Bool {
    if symbol.starts(with: "//".utf8) { return language == .python }
    if symbol.starts(with: "**".utf8) {
      return language == .python || language.isScript || language == .ruby || language == .php
    }
    if symbol == Array("<-".utf8) { return language == .go }
    if symbol.starts(with: "&^".utf8) { return language == .go }
    if symbol.count == 2, symbol[0] == UInt8(ascii: "&"), "+-*".utf8.contains(symbol[1]) { return language == .swift }
    if symbol == Array("=~".utf8) { return language == .ruby }
    if symbol == Array("..".utf8) { return language != .python }
    return true
  }
}
