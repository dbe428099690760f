/// Finds the place of one hunk after another in a file.
struct HunkPlacement {
  private let lines: [ArraySlice<UInt8>]
  private var matcher: LineMatcher
  /// The line after the last hunk.
  private var cursor = 0
  private var taken: [Range<Int>] = []
  private let endings: LineEndings
  private let endsWithNewline: Bool

  /// - Parameter endsWithNewline: false when the last line has no newline in the file.
  init(lines: [ArraySlice<UInt8>], endsWithNewline: Bool) {
    self.lines = lines
    self.endsWithNewline = endsWithNewline
    matcher = LineMatcher(lines: lines)
    endings = LineEndings(endsWithNewline ? lines[...] : lines.dropLast())
  }

  /// A line that something will follow: the last one may lack its CR along with its newline.
  func terminated(_ line: Int) -> ArraySlice<UInt8> {
    guard line == lines.count - 1, !endsWithNewline, endings.isCarriageReturn, lines[line].last != 0x0d else {
      return lines[line]
    }
    return lines[line] + [0x0d]
  }

  mutating func place(_ hunk: Hunk) throws(PatchError) -> Replacement {
    var start = cursor
    var missingAnchor: [UInt8]?
    var anchorLine: Int?
    for anchor in hunk.anchors {
      if let line = try find(anchor: anchor, from: start) {
        anchorLine = line
        start = line + 1
      } else {
        missingAnchor = anchor
      }
    }
    if hunk.old.isEmpty {
      if let missingAnchor { throw notFound("the context after @@ is not in the file", [missingAnchor], hunk) }
      return insert(hunk, after: anchorLine)
    }
    var hunk = hunk
    // Blank lines at the end of a hunk are often only the distance to what follows it in the patch.
    let whole = hunk
    while true {
      if let place = try search(hunk, from: start, anchorLine: anchorLine, isAnchored: missingAnchor == nil) {
        return finish(hunk, at: place.line, place.exactness)
      }
      guard hunk.old.count > 1, case .context(let text)? = hunk.lines.last, text.isEmpty else { break }
      hunk.lines.removeLast()
    }
    if let missingAnchor { throw notFound("the context after @@ is not in the file", [missingAnchor], whole) }
    throw notFound("these lines are not in the file\(cursor > 0 ? " after the hunk before" : "")", whole.old, whole)
  }

  /// Looks for the old lines from the strictest level on.
  private mutating func search(
    _ hunk: Hunk, from start: Int, anchorLine: Int?, isAnchored: Bool
  ) throws(PatchError) -> (line: Int, exactness: Exactness)? {
    let old = hunk.old
    if isAnchored {
      if hunk.isAtEndOfFile, old.count <= lines.count, lines.count - old.count >= start {
        for exactness in Exactness.allCases {
          let end = lines.count - old.count
          if try !matcher.places(of: old, in: end..<lines.count, exactness, limit: 1).isEmpty {
            return (end, exactness)
          }
        }
      }
      // An anchor may be repeated as the first context line.
      for begin in anchorLine.map({ [start, $0] }) ?? [start] {
        for exactness in Exactness.allCases {
          if let hint = hunk.oldStart {
            let places = try matcher.places(of: old, in: begin..<lines.count, exactness)
            if let nearest = places.min(by: { abs($0 + 1 - hint) < abs($1 + 1 - hint) }) { return (nearest, exactness) }
          } else if let first = try matcher.places(of: old, in: begin..<lines.count, exactness, limit: 1).first {
            return (first, exactness)
          }
        }
      }
    }
    // Hunks out of order, or with a wrong anchor: only where there can be no doubt.
    for exactness in [Exactness.exact, .ignoringCarriageReturn, .ignoringTrailingSpace] {
      let places = try matcher.places(of: old, in: 0..<lines.count, exactness, limit: 2)
      if places.isEmpty { continue }
      guard places.count == 1, let place = places.first else { return nil }
      let range = place..<(place + old.count)
      return taken.contains { $0.overlaps(range) } ? nil : (place, exactness)
    }
    return nil
  }

  /// The line of an anchor: a whole line first, at all levels, else one that begins with it.
  private mutating func find(anchor: [UInt8], from start: Int) throws(PatchError) -> Int? {
    for exactness in Exactness.allCases {
      if let line = try matcher.places(of: [anchor], in: start..<lines.count, exactness, limit: 1).first { return line }
    }
    let text = PatchText.trimmed(anchor[...])
    guard !text.isEmpty else { return nil }
    return lines.indices[start...].first { PatchText.trimmed(lines[$0]).starts(with: text) }
  }

  private mutating func insert(_ hunk: Hunk, after anchorLine: Int?) -> Replacement {
    var line = lines.count
    if let anchorLine {
      line = anchorLine + 1
    } else if let start = hunk.oldStart, !hunk.isAtEndOfFile {
      line = min(max(start, cursor), lines.count)
    } else if let last = lines.last, last.isEmpty {
      // New lines at the end go before a final empty line.
      line = lines.count - 1
    }
    line = max(line, cursor)
    var content: [UInt8] = []
    let isOpen = isOpenEnd(hunk, line)
    for (index, entry) in hunk.lines.enumerated() {
      guard case .added(let text) = entry else { continue }
      append(text, ending: endings, isOpen: isOpen && index == hunk.lines.count - 1, to: &content)
    }
    cursor = line
    let replacement = Replacement(range: line..<line, content: content, order: taken.count)
    taken.append(line..<line)
    return replacement
  }

  private mutating func finish(_ hunk: Hunk, at place: Int, _ exactness: Exactness) -> Replacement {
    let range = place..<(place + hunk.old.count)
    // An exact match includes the line ends: then added lines stand as they are written.
    var ending: LineEndings? = exactness == .exact ? nil : LineEndings(lines[range])
    if let near = ending, near.isUnknown { ending = endings }
    let indentation =
      exactness.rawValue >= Exactness.ignoringSpaceAround.rawValue ? Indentation(hunk.old, lines[range]) : nil
    var content: [UInt8] = []
    var line = place
    let isOpen = isOpenEnd(hunk, range.upperBound)
    for (index, entry) in hunk.lines.enumerated() {
      let isLast = index == hunk.lines.count - 1
      switch entry {
      case .context:
        content.append(contentsOf: isLast ? lines[line] : terminated(line))
        content.append(0x0a)
        line += 1
      case .removed: line += 1
      case .added(let text):
        let text = indentation?.adjusted(text) ?? text
        if let ending {
          append(text, ending: ending, isOpen: isOpen && isLast, to: &content)
        } else {
          content.append(contentsOf: text)
          content.append(0x0a)
        }
      }
    }
    let replacement = Replacement(range: range, content: content, order: taken.count)
    taken.append(range)
    cursor = max(cursor, range.upperBound)
    return replacement
  }

  /// True when what ends at `line` ends the file, without a newline.
  private func isOpenEnd(_ hunk: Hunk, _ line: Int) -> Bool {
    line == lines.count && !(hunk.endsWithNewline ?? endsWithNewline)
  }

  private func append(_ text: [UInt8], ending: LineEndings, isOpen: Bool, to content: inout [UInt8]) {
    let bare = text.last == 0x0d ? text.dropLast() : text[...]
    content.append(contentsOf: bare)
    if ending.isCarriageReturn && !isOpen { content.append(0x0d) }
    content.append(0x0a)
  }

  private mutating func notFound(_ reason: String, _ pattern: [[UInt8]], _ hunk: Hunk) -> PatchError {
    PatchError(
      .notFound, reason, patchLine: hunk.patchLine > 0 ? hunk.patchLine : nil, lookedFor: pattern,
      nearest: matcher.nearest(to: pattern))
  }
}

/// Whether lines end in CR LF or LF, by the majority.
struct LineEndings {
  let isCarriageReturn: Bool
  /// True when there is no line to judge by.
  let isUnknown: Bool

  init(_ lines: ArraySlice<ArraySlice<UInt8>>) {
    let count = lines.reduce(0) { $0 + ($1.last == 0x0d ? 1 : 0) }
    isCarriageReturn = count * 2 > lines.count
    isUnknown = lines.isEmpty
  }
}

/// The white space that all lines of a patch lack, or have too much, against the file.
struct Indentation {
  private let missing: ArraySlice<UInt8>
  private let surplus: ArraySlice<UInt8>

  /// nil when the lines do not all differ by the same.
  init?(_ patch: [[UInt8]], _ file: ArraySlice<ArraySlice<UInt8>>) {
    var missing: ArraySlice<UInt8>?
    var surplus: ArraySlice<UInt8>?
    for (mine, theirs) in zip(patch, file) {
      let mine = Self.leading(mine[...])
      let theirs = Self.leading(theirs)
      guard let mine, let theirs else { continue }
      let lack =
        theirs.count >= mine.count && theirs.suffix(mine.count).elementsEqual(mine)
        ? theirs.dropLast(mine.count) : nil
      let excess =
        mine.count >= theirs.count && mine.suffix(theirs.count).elementsEqual(theirs)
        ? mine.dropLast(theirs.count) : nil
      guard lack != nil || excess != nil else { return nil }
      let (newMissing, newSurplus) = (lack ?? [], excess ?? [])
      if let missing, let surplus {
        guard missing.elementsEqual(newMissing), surplus.elementsEqual(newSurplus) else { return nil }
      }
      missing = newMissing
      surplus = newSurplus
    }
    guard let missing, let surplus, !missing.isEmpty || !surplus.isEmpty else { return nil }
    self.missing = missing
    self.surplus = surplus
  }

  func adjusted(_ line: [UInt8]) -> [UInt8] {
    guard Self.leading(line[...]) != nil else { return line }
    if !missing.isEmpty { return missing + line }
    return line.starts(with: surplus) ? Array(line.dropFirst(surplus.count)) : line
  }

  /// The white space before the text; nil for a blank line.
  private static func leading(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8>? {
    guard let first = line.firstIndex(where: { !PatchText.isSpace($0) }) else { return nil }
    return line[..<first]
  }
}
