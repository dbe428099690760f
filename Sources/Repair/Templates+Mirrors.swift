/// Code that comes in pairs: what is written for the one side is often missing or half-done for the other.
extension Generator {
  /// Copies of statements near this one with the names of one side replaced by those of the other.
  mutating func mirrors() {
    guard function >= 0 else { return }
    let maps = renamings()
    guard !maps.isEmpty else { return }
    let gaps = self.gaps()
    let owner = file.functions[function]
    for map in maps.prefix(4) {
      // This statement itself as the other side has it.
      if let own = renamed(tokens, map), !statement.isHeader { replace(tokens, with: own, 2, .name) }
      if statement.isHeader, file.language.hasBracketedConditions || file.language == .python,
        let own = renamed(tokens, map)
      {
        replace(tokens, with: own, 2.1, .name)
      }
      for gap in gaps {
        for other in file.statements
        where other.parent == statement.parent && other.first > owner.first && other.blockEnd <= owner.last {
          let last = max(other.blockEnd, other.terminator ?? 0)
          guard last - other.first < 60, ownsItsLines(other), let copy = renamed(other.first...last, map) else {
            continue
          }
          insert(gap.indentation + copy + file.newline, at: gap.offset, 2.1 + gap.penalty, .statementInserted)
        }
      }
    }
  }

  /// The text of a run of tokens with names replaced; nil when none occurs.
  private func renamed(_ range: ClosedRange<Int>, _ map: [String: String]) -> String? {
    var result = ""
    var position = Int(file.tokens[range.lowerBound].start)
    var changed = false
    for index in range {
      let token = file.tokens[index]
      result += String(decoding: file.bytes[position..<Int(token.start)], as: UTF8.self)
      if let other = map[file.texts[index]], token.kind == .identifier {
        result += other
        changed = true
      } else {
        result += file.texts[index]
      }
      position = Int(token.end)
    }
    return changed ? result : nil
  }

  /// How one side's names become the other's: read off clauses and statements of the function that differ in names only.
  private func renamings() -> [[String: String]] {
    let owner = file.functions[function]
    var pieces: [ClosedRange<Int>] = []
    for other in file.statements where other.first > owner.first && other.last <= owner.last {
      if !other.isHeader { pieces.append(other.first...other.last) }
      for condition in file.conditions(of: other) { pieces += file.split(condition, at: ["and", "or", "&&", "||"]) }
      if pieces.count > 40 { break }
    }
    var maps: [[String: String]] = []
    for first in pieces.indices {
      for second in pieces.indices
      where second != first && pieces[first].count == pieces[second].count && pieces[first].count >= 3 {
        guard let map = difference(pieces[first], pieces[second]) else { continue }
        // What agrees with a map that is known makes it larger.
        if let known = maps.firstIndex(where: { agree($0, map) }) {
          maps[known].merge(map) { old, _ in old }
        } else {
          maps.append(map)
        }
        if maps.count > 6 { return maps }
      }
    }
    return maps
  }

  private func agree(_ left: [String: String], _ right: [String: String]) -> Bool {
    guard right.contains(where: { left[$0.key] == $0.value }) else { return false }
    let values = Dictionary(left.map { ($0.value, $0.key) }, uniquingKeysWith: { first, _ in first })
    return right.allSatisfy { (left[$0.key] ?? $0.value) == $0.value && (values[$0.value] ?? $0.key) == $0.key }
  }

  private func difference(_ left: ClosedRange<Int>, _ right: ClosedRange<Int>) -> [String: String]? {
    var map: [String: String] = [:]
    var same = 0
    for (a, b) in zip(left, right) {
      if file.texts[a] == file.texts[b] {
        same += 1
        continue
      }
      guard file.isName(a), file.isName(b), !file.isCalled(a), (map[file.texts[a]] ?? file.texts[b]) == file.texts[b]
      else { return nil }
      map[file.texts[a]] = file.texts[b]
    }
    guard !map.isEmpty, map.count <= 4, same >= 2, Set(map.values).count == map.count else { return nil }
    return map
  }
}
