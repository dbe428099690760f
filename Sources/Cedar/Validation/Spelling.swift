/// Guesses what was meant by a misspelt name.
enum Spelling {
  /// The name with the fewest edits, when these are few.
  static func closest(to name: String, in names: [String]) -> String? {
    let most = max(1, name.utf8.count / 3)
    guard name.utf8.count <= 64 else { return nil }
    var best: (name: String, edits: Int)?
    for candidate in names where candidate.utf8.count <= 64 {
      let edits = edits(Array(name.lowercased().utf8), Array(candidate.lowercased().utf8))
      if edits <= most, edits < best?.edits ?? .max { best = (candidate, edits) }
    }
    return best?.name
  }

  /// Levenshtein's distance, with a swap of neighbours as one edit.
  private static func edits(_ left: [UInt8], _ right: [UInt8]) -> Int {
    var beforeLast: [Int] = []
    var last = Array(0...right.count)
    for (i, a) in left.enumerated() {
      var row = [i + 1]
      for (j, b) in right.enumerated() {
        var best = min(last[j + 1] + 1, row[j] + 1, last[j] + (a == b ? 0 : 1))
        if i > 0, j > 0, a == right[j - 1], left[i - 1] == b { best = min(best, beforeLast[j - 1] + 1) }
        row.append(best)
      }
      beforeLast = last
      last = row
    }
    return last[right.count]
  }
}
