/// Walks over the tokens of a text, for the parsers of policies and schemas.
struct TokenCursor {
  let source: SourceText
  private let tokens: [Token]
  private(set) var index = 0

  /// Cuts the whole text. Text that is no token is a finding, and skipped.
  init(_ source: SourceText, findings: inout [CedarDiagnostic]) {
    self.source = source
    var lexer = Lexer(source)
    var tokens: [Token] = []
    while true {
      do throws(CedarDiagnostic) {
        let token = try lexer.next()
        tokens.append(token)
        if token.kind == .end { break }
      } catch {
        findings.append(error)
        if findings.count >= Self.mostFindings {
          tokens.append(Token(kind: .end, range: source.bytes.count..<source.bytes.count))
          break
        }
      }
    }
    self.tokens = tokens
  }

  /// After so many findings, reading stops.
  static let mostFindings = 20

  var token: Token { tokens[index] }
  var offset: Int { token.range.lowerBound }
  var isAtEnd: Bool { token.kind == .end }

  /// The token after this one.
  func ahead(_ distance: Int = 1) -> Token { tokens[min(index + distance, tokens.count - 1)] }

  mutating func advance() { if index < tokens.count - 1 { index += 1 } }

  func text(_ token: Token) -> String { source.text(token.range) }

  func isSymbol(_ symbol: Token.Symbol) -> Bool { token.kind == .symbol(symbol) }

  func isWord(_ word: String) -> Bool { token.kind == .identifier && text(token) == word }

  mutating func take(_ symbol: Token.Symbol) -> Bool {
    guard isSymbol(symbol) else { return false }
    advance()
    return true
  }

  mutating func takeWord(_ word: String) -> Bool {
    guard isWord(word) else { return false }
    advance()
    return true
  }

  mutating func expect(_ symbol: Token.Symbol, _ why: String) throws(CedarDiagnostic) {
    guard take(symbol) else { throw unexpected("'\(symbol.rawValue)' \(why)") }
  }

  mutating func expectIdentifier(_ what: String) throws(CedarDiagnostic) -> String {
    guard token.kind == .identifier else { throw unexpected(what) }
    let text = text(token)
    advance()
    return text
  }

  /// A finding at this token.
  func fail(_ message: String, help: String? = nil) -> CedarDiagnostic {
    source.diagnostic(offset, message, help: help)
  }

  /// A finding: something else should be here.
  func unexpected(_ expected: String, help: String? = nil) -> CedarDiagnostic {
    fail("expected \(expected), found \(found)", help: help)
  }

  /// How messages name this token.
  var found: String {
    switch token.kind {
    case .end: return "the end of the text"
    case .string: return "a string"
    default:
      let text = text(token)
      return text.utf8.count <= 40 ? "'\(text)'" : "'\(text.prefix(40))…'"
    }
  }

  /// The text of a string token.
  mutating func string() throws(CedarDiagnostic) -> String {
    let token = token
    advance()
    return try text(ofString: token)
  }

  func text(ofString token: Token) throws(CedarDiagnostic) -> String {
    do throws(Escapes.Fault) {
      return try Escapes.text(contents(token))
    } catch {
      throw source.diagnostic(token.range.lowerBound + 1 + error.offset, error.message)
    }
  }

  func contents(_ token: Token) -> ArraySlice<UInt8> {
    source.bytes[(token.range.lowerBound + 1)..<(token.range.upperBound - 1)]
  }

  /// Skips to behind the next symbol of this kind, or to the end.
  mutating func skip(past symbol: Token.Symbol) {
    while !isAtEnd {
      if take(symbol) { return }
      advance()
    }
  }
}
