/// Statements of languages whose blocks are shown by indentation.
enum IndentedStatements {
  static func split(_ file: SourceFile) -> [Statement] {
    var statements: [Statement] = []
    var columns: [Int] = []
    let count = file.tokens.count
    var index = 0
    while index < count {
      if file.texts[index] == ";" {
        index += 1
        continue
      }
      let startsLine = index == 0 || file.lines[index] > endLine(of: index - 1, file)
      let column = startsLine ? self.column(of: index, file) : (columns.last ?? 0)
      var end = index
      var isHeader = false
      var cursor = index
      let opensBlock = file.language == .python && blockWords.contains(file.texts[index])
      let opensRubyBlock = file.language == .ruby && rubyWords.contains(file.texts[index])
      var lambdas = 0
      while cursor < count {
        if cursor > index, file.lines[cursor] > endLine(of: cursor - 1, file), file.texts[cursor - 1] != "\\" {
          break
        }
        if file.texts[cursor] == ";" { break }
        end = cursor
        if file.texts[cursor] == "lambda" { lambdas += 1 }
        if file.texts[cursor] == ":" {
          if lambdas > 0 {
            lambdas -= 1
          } else if opensBlock {
            isHeader = true
            cursor += 1
            break
          }
        }
        if file.match[cursor] > cursor {
          cursor = file.match[cursor]
          end = cursor
        }
        cursor += 1
      }
      if opensRubyBlock { isHeader = true }
      if file.language == .ruby, file.texts[end] == "do" || file.texts[end] == "|" && end > index { isHeader = true }
      statements.append(Statement(first: index, last: end, isHeader: isHeader, blockEnd: end))
      columns.append(column)
      index = max(cursor, index + 1)
    }
    nest(&statements, columns, file)
    return statements
  }

  /// The line that a token ends on; strings may span lines.
  private static func endLine(of index: Int, _ file: SourceFile) -> Int {
    file.tokens[index].kind == .string ? file.line(ofByte: Int(file.tokens[index].end) - 1) : file.lines[index]
  }

  private static func column(of index: Int, _ file: SourceFile) -> Int {
    var column = 0
    for byte in file.bytes[file.lineStarts[file.lines[index] - 1]..<Int(file.tokens[index].start)] {
      column = byte == 0x09 ? (column / 8 + 1) * 8 : column + 1
    }
    return column
  }

  private static func nest(_ statements: inout [Statement], _ columns: [Int], _ file: SourceFile) {
    var stack: [Int] = []
    for index in statements.indices {
      let sameLine =
        index > 0 && statements[index - 1].isHeader
        && file.lines[statements[index].first] == file.lines[statements[index - 1].last]
      while let top = stack.last {
        if sameLine ? top == index - 1 : columns[top] < columns[index] { break }
        stack.removeLast()
      }
      statements[index].parent = stack.last ?? -1
      for header in stack { statements[header].blockEnd = max(statements[header].blockEnd, statements[index].last) }
      if statements[index].isHeader { stack.append(index) }
    }
  }

  private static let blockWords: Set<String> = [
    "if", "elif", "else", "for", "while", "def", "class", "with", "try", "except", "finally", "async", "match", "case",
  ]
  private static let rubyWords: Set<String> = [
    "if", "elsif", "else", "unless", "while", "until", "for", "def", "class", "module", "begin", "rescue", "ensure",
    "case", "when",
  ]
}
