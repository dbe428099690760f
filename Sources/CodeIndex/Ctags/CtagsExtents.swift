import IndexKernel

/// The lines of a text as finding ends looks at them; numbers from 0.
final class SourceLines {
  let text: [UInt8]
  private let index: LineIndex
  private let comment: [UInt8]
  private var indents: [Int32] = []
  private var contents: [Range<Int32>] = []
  /// Bytes that may still be looked at: hostile texts must not take long.
  private var budget: Int

  init(_ text: [UInt8], comment: String) {
    self.text = text
    self.comment = Array(comment.utf8)
    index = LineIndex(text)
    budget = text.count * 50 + 1 << 20
    indents.reserveCapacity(index.count)
    contents.reserveCapacity(index.count)
    for line in 0..<index.count {
      var range = index.range(line)
      while let last = range.last, text[last] <= 0x20 { range.removeLast() }
      var column: Int32 = 0
      while let first = range.first, text[first] <= 0x20 {
        column += text[first] == 0x09 ? 8 - column % 8 : 1
        range.removeFirst()
      }
      indents.append(column)
      contents.append(Int32(range.lowerBound)..<Int32(range.upperBound))
    }
  }

  var count: Int { index.count }

  /// False when enough was looked at.
  func spend(_ bytes: Int) -> Bool {
    budget -= bytes + 8
    return budget > 0
  }

  /// A line without the white space around it.
  func content(_ line: Int) -> ArraySlice<UInt8> {
    let range = contents[line]
    return text[Int(range.lowerBound)..<Int(range.upperBound)]
  }

  /// How far in a line begins; a tab goes to the next multiple of eight.
  func indent(_ line: Int) -> Int { Int(indents[line]) }

  /// Empty, or a comment.
  func isNothing(_ line: Int) -> Bool {
    let content = content(line)
    return content.isEmpty || content.starts(with: comment)
  }

  /// Whether there is nothing between two lines, which are counted from 1.
  func isNothing(after first: Int, before last: Int) -> Bool {
    first >= last || (first..<(last - 1)).allSatisfy(isNothing)
  }

  /// The line that holds a name, of one and those around it.
  func line(of name: [UInt8], near line: Int, within most: Int) -> Int? {
    var places = [line]
    for distance in 1...max(1, most) { places += [line + distance, line - distance] }
    return places.first { place in
      guard contents.indices.contains(place) else { return false }
      let range = index.range(place)
      return spend(range.count) && ByteSearch.contains(text, name, in: range)
    }
  }

  /// The letters that a line begins with, in lower case, and those of the next word where they are `end`.
  func keyword(_ line: Int) -> String {
    let content = content(line)
    func word(_ place: Int) -> ArraySlice<UInt8> {
      content[place...].prefix { 0x61...0x7a ~= $0 | 0x20 }
    }
    let first = word(content.startIndex)
    var text = String(decoding: first.map { $0 | 0x20 }, as: UTF8.self)
    if text == "end", let next = content[first.endIndex...].firstIndex(where: { $0 > 0x20 }) {
      text += String(decoding: word(next).map { $0 | 0x20 }, as: UTF8.self)
    }
    return text
  }
}

extension CtagsLanguage {
  /// Finds the last line of one definition from what stands behind it.
  func findEnd(_ index: Int, _ found: inout [Found], _ lines: SourceLines) {
    let declaration = found[index].declaration
    let first = declaration.line - 1
    let indent = lines.indent(first)
    // Nothing goes beyond the next definition that does not stand further in.
    var limit = lines.count
    for next in found[(index + 1)...] where next.declaration.line > declaration.line {
      if declaration.kind == .namespace
        ? next.declaration.kind == .namespace : lines.indent(next.declaration.line - 1) <= indent
      {
        limit = next.declaration.line - 1
        break
      }
    }
    var end: Int
    switch extent {
    case .braces: end = brace(first, limit, declaration.kind == .namespace, lines)
    case .parenthesis: end = lisp(first, limit, lines)
    case .layout(let continuing):
      end = layout(first, limit, continuing.map { Array($0.utf8) }, lines)
    case .statement: end = statement(first, limit, lines)
    case .keyword: end = first
    }
    if declaration.kind == .namespace {
      // Most are headings of what follows.
      switch extent {
      case .parenthesis: end = trimmed(first, limit, lines)
      case .layout where hasClauses: end = trimmed(first, limit, lines)
      case .braces where end == first: end = trimmed(first, limit, lines)
      default: break
      }
    }
    found[index].declaration.endLine = end + 1
  }

  /// The last line before a limit that holds anything but comments.
  private func trimmed(_ first: Int, _ limit: Int, _ lines: SourceLines) -> Int {
    (first..<max(limit, first + 1)).last { !lines.isNothing($0) || !lines.spend(1) } ?? first
  }

  private func brace(_ first: Int, _ limit: Int, _ isNamespace: Bool, _ lines: SourceLines) -> Int {
    let indent = lines.indent(first)
    var depth = 0
    var isOpen = false
    for line in first..<limit {
      let content = lines.content(line)
      guard lines.spend(isOpen ? 1 : content.count) else { return first }
      if line > first, content.first == 0x7d, lines.indent(line) <= indent { return line }
      guard !isOpen || line == first else { continue }
      // Brackets are counted up to the first line that opens one and leaves it so.
      for byte in content where byte == 0x7b || byte == 0x7d {
        depth += byte == 0x7b ? 1 : -1
        isOpen = true
      }
      if isOpen, depth <= 0 { return line }
      // Declared, and not defined here.
      if !isOpen, content.last == 0x3b { return line }
    }
    return isNamespace ? first : trimmed(first, limit, lines)
  }

  private func lisp(_ first: Int, _ limit: Int, _ lines: SourceLines) -> Int {
    let indent = lines.indent(first)
    for line in (first + 1)..<max(limit, first + 1) {
      guard lines.spend(1) else { return first }
      if lines.content(line).first == 0x28, lines.indent(line) <= indent {
        return trimmed(first, line, lines)
      }
    }
    return trimmed(first, limit, lines)
  }

  private func layout(_ first: Int, _ limit: Int, _ continuing: [[UInt8]], _ lines: SourceLines)
    -> Int
  {
    let indent = lines.indent(first)
    var end = first
    for line in (first + 1)..<max(limit, first + 1) where !lines.isNothing(line) {
      guard lines.spend(1) else { return first }
      let content = lines.content(line)
      let isInside = lines.indent(line) > indent || content.first == 0x23
      guard isInside || (lines.indent(line) == indent && continuing.contains(where: content.starts)) else { break }
      end = line
    }
    return end
  }

  private func statement(_ first: Int, _ limit: Int, _ lines: SourceLines) -> Int {
    let indent = lines.indent(first)
    var quote: [UInt8]?
    var isBlock = false
    for line in first..<limit {
      let content = Array(lines.content(line))
      guard lines.spend(content.count) else { return first }
      if let open = quote {
        if ByteSearch.contains(content, open, in: 0..<content.count) { quote = [] }
        if open != [] { continue }
      } else if let found = Self.dollarQuote(content) {
        quote = found.isClosed ? [] : found.quote
        if quote != [] { continue }
      }
      let word = lines.keyword(line)
      // A body opens with BEGIN, or IS and AS at the end of a line.
      let opening = content.split(separator: 0x20).last.map { String(decoding: $0, as: UTF8.self).lowercased() }
      if word == "begin" || opening == "is" || opening == "as" { isBlock = true }
      if word == "go" || word == "delimiter" || content == [0x2f] { return max(first, line - 1) }
      if isBlock, quote == nil {
        if word.hasPrefix("end"), !["endif", "endloop", "endcase", "endwhile"].contains(word),
          lines.indent(line) <= indent
        {
          return line
        }
      } else if content.last == 0x3b {
        return line
      }
    }
    return trimmed(first, limit, lines)
  }

  /// What opens a text in dollars (`$$`, `$body$`), and whether it closes on the same line.
  private static func dollarQuote(_ content: [UInt8]) -> (quote: [UInt8], isClosed: Bool)? {
    guard let start = content.firstIndex(of: 0x24),
      let end = content[(start + 1)...].firstIndex(where: { !WordSearch.isIdentifier($0) }),
      content[end] == 0x24
    else { return nil }
    let quote = Array(content[start...end])
    return (quote, ByteSearch.contains(content, quote, in: (end + 1)..<content.count))
  }

  /// Finds the last lines of all definitions by the words that end them.
  func findEnds(_ found: inout [Found], _ lines: SourceLines, bare: Bool) {
    var open: [Int] = []
    var next = 0
    for line in 0..<lines.count {
      let word = lines.keyword(line)
      if word.hasPrefix("end") {
        guard lines.spend(open.count) else { break }
        let closed =
          word == "end"
          ? (bare ? open.indices.last : nil)
          : open.lastIndex { index in
            let kind = found[index].kindName
            return word == "end" + kind
              || (kind == "prototype" && (word == "endsubroutine" || word == "endfunction"))
              || (kind == "process" && word == "endprocess")
          }
        if let closed {
          for index in open[closed...] where !found[index].hasEnd {
            found[index].declaration.endLine = line + 1
          }
          open.removeSubrange(closed...)
        }
      }
      while next < found.count, found[next].declaration.line == line + 1 {
        if !found[next].hasEnd { open.append(next) }
        next += 1
      }
    }
    // What nothing ended goes to the next that is no part of it.
    for index in open {
      let first = found[index].declaration.line
      guard lines.spend(1) else { break }
      let isOuter = [.namespace, .type, .class].contains(found[index].declaration.kind)
      let limit =
        found[(index + 1)...].first { !isOuter && $0.declaration.line > first }?.declaration.line
        ?? lines.count + 1
      found[index].declaration.endLine = trimmed(first - 1, limit - 1, lines) + 1
    }
  }
}
