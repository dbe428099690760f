/// Reads a pattern's text into tokens.
struct GlobParser {
  let pattern: String
  let syntax: Glob.Syntax

  /// The texts that the braces stand for: `a{b,c}` gives `ab` and `ac`. Nested braces multiply, up to a bound.
  func alternatives() throws(GlobError) -> [[UInt8]] {
    var finished: [[UInt8]] = []
    var open = [Array(pattern.utf8)]
    while let text = open.popLast() {
      guard let brace = try Self.firstBrace(in: text, of: self) else {
        finished.append(text)
        continue
      }
      for choice in brace.choices.reversed() {
        open.append(Array(text[..<brace.start]) + choice + Array(text[brace.end...]))
      }
      guard open.count + finished.count <= Glob.maximumAlternatives else {
        throw fail("its braces stand for more than \(Glob.maximumAlternatives) patterns")
      }
    }
    return finished
  }

  /// The tokens of a text without braces.
  func tokens(of text: [UInt8]) throws(GlobError) -> [GlobToken] {
    guard !text.contains(0) else { throw fail("it holds a NUL byte") }
    guard syntax != .nameIgnoringCase else { return try tokens(ofPiece: text, crossingSlashes: true) }
    var body = text[...]
    if body.last == UInt8(ascii: "/") { body = body.dropLast() }
    let isAnchored = body.contains(UInt8(ascii: "/"))
    if body.first == UInt8(ascii: "/") { body = body.dropFirst() }
    guard !body.isEmpty else { throw fail("it names nothing") }
    var result: [GlobToken] = isAnchored ? [] : [.components]
    let components = body.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    for (index, component) in components.enumerated() {
      if component.isEmpty { throw fail("it has an empty component") }
      if component.elementsEqual(".".utf8) || component.elementsEqual("..".utf8) {
        throw fail("it has a component \".\" or \"..\"")
      }
      if component.elementsEqual("**".utf8) {
        if index == components.count - 1 {
          result += [.byte(.all), .run(crossingSlashes: true)]
        } else if result.last != .components {
          result.append(.components)
        }
        continue
      }
      result += try tokens(ofPiece: Array(component), crossingSlashes: false)
      if index < components.count - 1 { result.append(.byte(ByteSet(UInt8(ascii: "/")))) }
    }
    return result
  }

  private func tokens(ofPiece text: [UInt8], crossingSlashes: Bool) throws(GlobError) -> [GlobToken] {
    var result: [GlobToken] = []
    var index = 0
    while index < text.count {
      let byte = text[index]
      index += 1
      switch byte {
      case UInt8(ascii: "*"):
        let run = GlobToken.run(crossingSlashes: crossingSlashes)
        if result.last != run { result.append(run) }
      case UInt8(ascii: "?"):
        result.append(.byte(crossingSlashes ? .all : .allButSlash))
      case UInt8(ascii: "["):
        result.append(.byte(try set(in: text, at: &index)))
      case UInt8(ascii: "\\"):
        guard index < text.count else { throw fail("it ends in a backslash") }
        result.append(.byte(literal(text[index])))
        index += 1
      default:
        result.append(.byte(literal(byte)))
      }
    }
    return result
  }

  private func literal(_ byte: UInt8) -> ByteSet { ByteSet(ignoresCase ? PathFolding.lower(byte) : byte) }

  private var ignoresCase: Bool { syntax != .path }

  /// Reads `[…]` from behind its opening bracket.
  private func set(in text: [UInt8], at index: inout Int) throws(GlobError) -> ByteSet {
    var members = ByteSet()
    var isInverted = false
    if index < text.count, text[index] == UInt8(ascii: "!") || text[index] == UInt8(ascii: "^") {
      isInverted = true
      index += 1
    }
    var isFirst = true
    while true {
      guard index < text.count else { throw fail("a bracket is not closed") }
      if text[index] == UInt8(ascii: "]"), !isFirst { break }
      isFirst = false
      let first = try member(in: text, at: &index)
      var last = first
      if index + 1 < text.count, text[index] == UInt8(ascii: "-"), text[index + 1] != UInt8(ascii: "]") {
        index += 1
        last = try member(in: text, at: &index)
      }
      guard first <= last else { throw fail("a range in brackets runs backwards") }
      for byte in first...last { members.insert(ignoresCase ? PathFolding.lower(byte) : byte) }
    }
    index += 1
    if isInverted { members = members.inverted }
    // A set never crosses a directory's border.
    if syntax != .nameIgnoringCase, members.contains(UInt8(ascii: "/")) {
      var withoutSlash = members.inverted
      withoutSlash.insert(UInt8(ascii: "/"))
      members = withoutSlash.inverted
    }
    return members
  }

  private func member(in text: [UInt8], at index: inout Int) throws(GlobError) -> UInt8 {
    var byte = text[index]
    index += 1
    if byte == UInt8(ascii: "\\") {
      guard index < text.count else { throw fail("a bracket is not closed") }
      byte = text[index]
      index += 1
    }
    return byte
  }

  private func fail(_ reason: String) -> GlobError { GlobError(pattern: pattern, reason: reason) }

  private struct Brace {
    var start: Int
    var end: Int
    var choices: [[UInt8]]
  }

  /// The first `{a,b}`; its choices may hold braces of their own.
  private static func firstBrace(in text: [UInt8], of parser: GlobParser) throws(GlobError) -> Brace? {
    var index = 0
    var start: Int?
    var depth = 0
    var choices: [[UInt8]] = []
    var choice: [UInt8] = []
    while index < text.count {
      let byte = text[index]
      if byte == UInt8(ascii: "\\") {
        choice += text[index..<min(index + 2, text.count)]
        index += 2
        continue
      }
      index += 1
      switch byte {
      case UInt8(ascii: "{"):
        depth += 1
        if depth == 1 {
          start = index - 1
          choice = []
          continue
        }
      case UInt8(ascii: "}") where depth > 0:
        depth -= 1
        if depth == 0, let start { return Brace(start: start, end: index, choices: choices + [choice]) }
      case UInt8(ascii: ",") where depth == 1:
        choices.append(choice)
        choice = []
        continue
      default: break
      }
      choice.append(byte)
    }
    guard start == nil else { throw parser.fail("a brace is not closed") }
    return nil
  }
}
