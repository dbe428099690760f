/// A piece of a source text. The tokens of a text cover it without gap or overlap.
struct Token: Sendable, Hashable {
  enum Kind: UInt8, Sendable {
    case space, newline, comment, directive, identifier, keyword, number, string, symbol, open, close, other
  }

  var kind: Kind
  var start: Int32
  var end: Int32

  var range: Range<Int> { Int(start)..<Int(end) }

  /// False for white space and comments.
  var isSignificant: Bool { kind.rawValue > Kind.comment.rawValue }
}
