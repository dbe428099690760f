/// Subscripts and ranges: another index, bound, step or end.
extension Generator {
  mutating func subscripts() {
    for open in tokens where file.isSubscript(open) && file.match[open] <= statement.last {
      let close = file.match[open]
      let inside = open + 1 < close ? (open + 1)...(close - 1) : nil
      guard let inside else { continue }
      let colons = inside.filter { index in
        file.texts[index] == ":"
          && file.isTopLevel(
            index, in: Statement(first: inside.lowerBound, last: inside.upperBound, blockEnd: inside.upperBound))
      }
      if file.language == .python || file.language == .go || file.language == .rust, let colon = colons.first,
        colons.count == 1
      {
        slice(open, colon, close)
      } else if colons.isEmpty {
        index(open, inside, close)
      } else if colons.count == 2, file.language == .python {
        if file.texts[close - 1] == "1", file.texts[close - 2] == "-" {
          emit(file.byteRange(colons[1], close - 1), "", 1.6, .bounds)
        }
      }
    }
    ranges()
  }

  private mutating func slice(_ open: Int, _ colon: Int, _ close: Int) {
    let low = open + 1 < colon ? file.text(open + 1, colon - 1) : ""
    let high = colon + 1 < close ? file.text(colon + 1, close - 1) : ""
    let start = Int(file.tokens[open].end)
    let end = Int(file.tokens[close].start)
    var forms: [(String, Double)] = []
    if !low.isEmpty { forms += [(":\(high)", 1.5), ("\(low):", 1.4)] }
    if !high.isEmpty { forms += [("\(low):", 1.4)] }
    if low.isEmpty { forms += [("1:\(high)", 1.2)] }
    if high.isEmpty {
      forms += file.language == .python ? [("\(low):-1", 1.2)] : []
      if !low.isEmpty { forms += [(":\(low)", 1.2)] }
    } else if low.isEmpty {
      forms += [("\(high):", 1.2)]
      if file.language == .python { forms += [(":-\(high)", 1.8), ("-\(high):", 1.7)] }
    } else {
      forms += [("\(high):\(low)", 1.8)]
      if file.language == .python {
        forms += [("\(low):\(low) + \(high)", 1.6), ("\(low) + 1:\(high)", 1.1), ("\(low) + 1:\(high) + 1", 2)]
      }
    }
    if file.language == .python {
      forms += [("\(low):\(high):-1", 2.2), ("::-1", 2.4), (":", 2)]
      for variable in scope.prefix(10) where variable != "self" {
        forms += [("\(low):\(variable)", 2.1), ("\(variable):\(high)", 2.1)]
      }
    }
    for (form, cost) in forms { emit(start..<end, form, cost, .bounds) }
    // Only the element, or all of it.
    remove(open...close, 2, .bounds)
  }

  private mutating func index(_ open: Int, _ inside: ClosedRange<Int>, _ close: Int) {
    let text = file.text(inside)
    guard let start = file.operandStart(endingAt: open - 1, notBefore: statement.first) else { return }
    let receiver = file.text(start, open - 1)
    if file.language == .python {
      replace(inside, with: "-1", 1.4, .bounds)
      replace(inside, with: "0", 1.4, .bounds)
      replace(inside, with: "-\(text)", 2, .bounds)
      let base = clues.traits.contains(.key) ? 0.6 : 2
      let isStored = close < statement.last && file.texts[close + 1] == "="
      if !isStored {
        for (value, cost) in [
          ("", 0.0), (", 0", 0.1), (", []", 0.3), (", None", 0.4), (", {}", 0.4), (", \"\"", 0.5),
        ] {
          emit(file.byteRange(open, close), ".get(\(text)\(value))", base + cost, .bounds)
        }
        emit(file.byteRange(open, close), ".pop(\(text))", 2.2, .bounds)
        for (value, cost) in [("[]", 0.3), ("{}", 0.5), ("set()", 0.5), ("0", 0.7)] {
          emit(file.byteRange(open, close), ".setdefault(\(text), \(value))", base + cost, .bounds)
        }
      }
      if clues.traits.contains(.index) || clues.traits.contains(.conversion) {
        replace(inside, with: "\(text) % len(\(receiver))", 1.1, .bounds)
        replace(inside, with: "int(\(text))", 0.9, .bounds)
      }
    }
    replace(inside, with: "len(\(receiver)) - 1 - \(text)", file.language == .python ? 2.4 : 5, .bounds)
    remove(open...close, 2.2, .bounds)
    for variable in scope.prefix(10) where variable != text && variable != "self" {
      replace(inside, with: variable, 1.9, .bounds)
    }
    // `a[i][j]`: the other way round.
    if close + 1 < statement.last, file.texts[close + 1] == "[", file.match[close + 1] > close + 2,
      file.match[close + 1] <= statement.last
    {
      exchange(inside, (close + 2)...(file.match[close + 1] - 1), 1.1, .swap)
    }
  }

  /// One less than an expression.
  private func less(_ range: ClosedRange<Int>) -> String {
    if range.count >= 3, file.texts[range.upperBound] == "1", file.texts[range.upperBound - 1] == "+" {
      return file.text(range.lowerBound, range.upperBound - 2)
    }
    if range.count == 1, let value = Int(file.texts[range.lowerBound]) { return String(value - 1) }
    return file.text(range) + " - 1"
  }

  /// The bounds of counted loops.
  private mutating func ranges() {
    for open in tokens
    where file.isCall(open) && ["range", "xrange"].contains(file.texts[open - 1]) && file.match[open] <= statement.last
    {
      let arguments = file.elements(ofBracket: open)
      let texts = arguments.map { file.text($0) }
      let inside = Int(file.tokens[open].end)..<Int(file.tokens[file.match[open]].start)
      switch texts.count {
      case 1:
        for (form, cost) in [
          ("1, \(texts[0])", 0.9), ("1, \(texts[0]) + 1", 1), ("\(texts[0]) + 1", 0.9), ("\(texts[0]) - 1", 0.9),
          ("len(\(texts[0]))", 1.4),
          ("\(texts[0]) - 1, -1, -1", 1.7), ("0, \(texts[0]), 2", 2.4),
        ] {
          emit(inside, form, cost, .bounds)
        }
        for variable in scope.prefix(10) where variable != "self" {
          emit(inside, "\(variable), \(texts[0])", 1.7, .bounds)
        }
        for variable in scope.prefix(10) where variable != "self" {
          emit(inside, "\(variable) + 1, \(texts[0])", 1.8, .bounds)
        }
      case 2:
        for (form, cost) in [
          ("\(texts[0]), \(texts[1]) + 1", 0.9), ("\(texts[0]), \(texts[1]) - 1", 0.9),
          ("\(texts[0]) + 1, \(texts[1])", 0.9), ("\(texts[0]) - 1, \(texts[1])", 1),
          (texts[1], 1.2), ("\(texts[0]), \(texts[1]), -1", 1.5), ("\(texts[1]), \(texts[0]), -1", 1.8),
          ("\(texts[0]) + 1, \(texts[1]) + 1", 1.2),
          // The same numbers from the end.
          ("\(less(arguments[1])), \(less(arguments[0])), -1", 1.5),
        ] {
          emit(inside, form, cost, .bounds)
        }
      default: break
      }
    }
  }
}
