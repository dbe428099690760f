/// Choices within expressions: conditions of comprehensions, ternaries and defaults.
extension Generator {
  /// `[… for x in y if c]`: the condition may be wrong, too much or absent.
  mutating func comprehensionConditions() {
    guard file.language == .python, tokens.contains(where: { file.texts[$0] == "for" }),
      file.texts[statement.first] != "for"
    else { return }
    for index in tokens where file.texts[index] == "in" && file.tokens[index].kind == .keyword {
      var end = index + 1
      while end <= statement.last, file.tokens[end].kind != .close, !["if", "for", "else"].contains(file.texts[end]) {
        if file.tokens[end].kind == .open, file.match[end] > end { end = min(file.match[end], statement.last) }
        end += 1
      }
      guard end <= statement.last, file.tokens[end].kind == .close, index > statement.first, file.isName(index - 1)
      else { continue }
      let name = file.texts[index - 1]
      let offset = Int(file.tokens[end - 1].end)
      insert(" if \(name)", at: offset, 2.2, .condition)
      insert(" if \(name) is not None", at: offset, 2.4, .condition)
      for donor in donors.prefix(8) where donor.text.contains(name) {
        insert(" if \(donor.text)", at: offset, 2.7, .condition)
      }
    }
  }

  /// `a if c else b` and `c ? a : b`: the branches the other way round, or one of them alone.
  mutating func ternaries() {
    for index in tokens where index > statement.first && index < statement.last {
      if file.language == .python, file.texts[index] == "if", file.endsOperand(index - 1),
        let middle = (index...statement.last).first(where: { file.texts[$0] == "else" }), middle < statement.last,
        let start = branchStart(index - 1), let end = branchEnd(middle + 1)
      {
        let yes = file.text(start, index - 1)
        let condition = file.text(index + 1, middle - 1)
        let no = file.text(middle + 1, end)
        replace(start...end, with: "\(no) if \(condition) else \(yes)", 1.2, .condition)
        replace(start...end, with: yes, 1.8, .condition)
        replace(start...end, with: no, 1.8, .condition)
      } else if file.texts[index] == "?", !file.language.hasIndentedBlocks,
        let middle = (index...statement.last).first(where: { file.texts[$0] == ":" }), middle > index + 1,
        middle < statement.last,
        let end = branchEnd(middle + 1)
      {
        let yes = file.text(index + 1, middle - 1)
        let no = file.text(middle + 1, end)
        replace((index + 1)...end, with: "\(no) : \(yes)", 1.2, .condition)
      }
    }
  }

  private func branchStart(_ index: Int) -> Int? {
    var start = index
    while start >= statement.first {
      let text = file.texts[start]
      if ["return", "=", ",", "yield", "lambda", ":", "+=", "for", "in"].contains(text)
        || file.tokens[start].kind == .open
      {
        break
      }
      if file.tokens[start].kind == .close, file.match[start] >= statement.first { start = file.match[start] }
      start -= 1
    }
    return start + 1 <= index ? start + 1 : nil
  }

  private func branchEnd(_ index: Int) -> Int? {
    var end = index
    while end <= statement.last {
      if [",", ";", "for"].contains(file.texts[end]) || file.tokens[end].kind == .close { break }
      if file.tokens[end].kind == .open, file.match[end] > end { end = min(file.match[end], statement.last) }
      end += 1
    }
    return end - 1 >= index ? end - 1 : nil
  }

  /// `x or d` that should ask whether x is there at all.
  mutating func defaults() {
    guard file.language == .python else { return }
    for index in tokens where file.texts[index] == "or" && index > statement.first && index < statement.last {
      guard let left = file.operandStart(endingAt: index - 1, notBefore: statement.first),
        let right = file.operandEnd(startingAt: index + 1, notAfter: statement.last)
      else { continue }
      let value = file.text(left, index - 1)
      replace(
        left...right, with: "\(value) if \(value) is not None else \(file.text(index + 1, right))", 1.4, .condition)
    }
  }
}
