/// Statements moved: exchanged with the next, out of their block, into the one before; or deleted.
extension Generator {
  /// The next statement on the same level, when this one is simple.
  private func neighbour() -> Statement? {
    guard statementIndex + 1 < file.statements.count else { return nil }
    let end = statement.blockEnd
    return file.statements[(statementIndex + 1)...].prefix(200).first { $0.first > end }.flatMap {
      $0.parent == statement.parent ? $0 : nil
    }
  }

  mutating func moves() {
    guard function >= 0, file.functions[function].header != statementIndex else { return }
    if let next = neighbour(), !next.isHeader || next.blockEnd - next.first < 60, ownsItsLines(statement),
      ownsItsLines(next)
    {
      let first = lineRange(statement)
      let second = lineRange(next)
      if first.upperBound <= second.lowerBound {
        let between = String(decoding: file.bytes[first.upperBound..<second.lowerBound], as: UTF8.self)
        let head = String(decoding: file.bytes[first], as: UTF8.self)
        var tail = String(decoding: file.bytes[second], as: UTF8.self)
        if !tail.hasSuffix("\n") { tail += file.newline }
        emit(
          first.lowerBound..<second.upperBound, tail + between + head, statement.isHeader || next.isHeader ? 1.9 : 1.6,
          .statementMoved)
      }
    }
    guard !statement.isHeader, ownsItsLines(statement) else { return }
    if file.language.hasIndentedBlocks { indentation() } else { bracedMoves() }
  }

  /// One level out, one level in.
  private mutating func indentation() {
    let lines = file.lines[statement.first]...file.line(ofByte: Int(file.tokens[statement.last].end) - 1)
    let own = file.indentation(ofLine: lines.lowerBound)
    func shifted(to indentation: String) -> String {
      var text = ""
      for line in lines {
        let start = file.lineStarts[line - 1]
        let content = String(decoding: file.bytes[start..<file.end(ofLine: line)], as: UTF8.self)
        text += content.hasPrefix(own) ? indentation + content.dropFirst(own.count) : content
      }
      return text
    }
    let bytes = lineRange(statement)
    // Outwards, when it is the last of its block.
    var parent = statement.parent
    var cost = 1.4
    while parent >= 0, file.statements[parent].blockEnd == statement.last, parent != file.functions[function].header {
      let outer = file.indentation(ofLine: file.lines[file.statements[parent].first])
      emit(bytes, shifted(to: outer), cost, .statementMoved)
      cost += 0.3
      parent = file.statements[parent].parent
    }
    // Inwards, behind the last statement of the block before it.
    if statementIndex > 0 {
      var previous = statementIndex - 1
      var steps = 0.0
      while previous >= 0, previous != statement.parent,
        file.statements[previous].parent != statement.parent || steps == 0
      {
        if file.statements[previous].parent == statement.parent { break }
        if !file.statements[previous].isHeader {
          emit(
            bytes, shifted(to: file.indentation(ofLine: file.lines[file.statements[previous].first])),
            1.5 + 0.3 * steps, .statementMoved)
        }
        steps += 1
        previous = file.statements[previous].parent
        if previous < 0 || previous == statement.parent || steps > 4 { break }
      }
    }
  }

  /// Out of the block over its closing brace, or into the block before it.
  private mutating func bracedMoves() {
    let bytes = lineRange(statement)
    let text = String(decoding: file.bytes[bytes], as: UTF8.self)
    let next = (statement.terminator ?? statement.last) + 1
    if next < file.tokens.count, file.texts[next] == "}", file.lines[next] > file.lines[next - 1],
      next + 1 >= file.tokens.count || file.lines[next + 1] > file.lines[next]
    {
      let end = file.end(ofLine: file.lines[next])
      let brace = String(decoding: file.bytes[bytes.upperBound..<end], as: UTF8.self)
      emit(bytes.lowerBound..<end, brace + text, 1.5, .statementMoved)
    }
    let previous = statement.first - 1
    if previous > 0, file.texts[previous] == "}", file.lines[previous] < file.lines[statement.first] {
      let start = file.lineStarts[file.lines[previous] - 1]
      let brace = String(decoding: file.bytes[start..<bytes.lowerBound], as: UTF8.self)
      emit(start..<bytes.upperBound, text + brace, 1.7, .statementMoved)
    }
  }

  /// True when nothing else stands on the statement's lines.
  func ownsItsLines(_ other: Statement) -> Bool {
    let end = max(other.terminator ?? other.last, other.blockEnd)
    let startsLine = other.first == 0 || file.lines[other.first - 1] < file.lines[other.first]
    let endsLine =
      end + 1 >= file.tokens.count || file.lines[end + 1] > file.line(ofByte: Int(file.tokens[end].end) - 1)
    return startsLine && endsLine
  }

  /// The whole lines of a statement.
  func lineRange(_ other: Statement) -> Range<Int> {
    let end = max(other.terminator ?? other.last, other.blockEnd)
    return file.lineStarts[
      file.lines[other.first] - 1]..<file.end(ofLine: file.line(ofByte: Int(file.tokens[end].end) - 1))
  }

  mutating func deletions() {
    guard function >= 0 || !statement.isHeader, ownsItsLines(statement), statement.blockEnd - statement.first < 200
    else { return }
    if function >= 0, file.functions[function].header == statementIndex { return }
    let isOnly =
      statement.parent >= 0 && file.language == .python && file.statements.count { $0.parent == statement.parent } == 1
    if isOnly {
      let indentation = file.indentation(ofLine: file.lines[statement.first])
      emit(lineRange(statement), "\(indentation)pass\(file.newline)", 3.2, .statementDeleted)
    } else if !["else", "elif", "except", "finally", "def", "class"].contains(file.texts[statement.first]) {
      emit(lineRange(statement), "", statement.isHeader ? 3.1 : 2.9, .statementDeleted)
    } else if ["elif", "else"].contains(file.texts[statement.first]) {
      emit(lineRange(statement), "", 3.4, .statementDeleted)
    }
  }
}
