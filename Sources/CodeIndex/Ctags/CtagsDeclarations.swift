import IndexKernel

extension CtagsLanguage {
  /// Longer names are none.
  private static let longestName = 256
  /// So far from the line that ctags says a name may stand.
  private static let nearby = 3

  /// What ctags says of a text, as declarations in the order of their lines, outer before inner.
  func declarations(_ tags: [CtagsTag], in text: [UInt8]) -> [Declaration] {
    let lines = SourceLines(text, comment: comment)
    var found = unique(tags.compactMap { self.found($0, lines) }.sorted { $0.declaration.line < $1.declaration.line })
    switch extent {
    case .keyword(let bare): findEnds(&found, lines, bare: bare)
    default: for index in found.indices where !found[index].hasEnd { findEnd(index, &found, lines) }
    }
    found.removeAll(where: \.isPassing)
    if hasClauses { found = joined(found, lines) }
    // Where ctags does not say what a definition is part of, it is the namespace around it.
    var around: Declaration?
    for index in found.indices {
      let declaration = found[index].declaration
      if declaration.kind == .namespace {
        around = declaration
      } else if let outer = around, declaration.scope == nil, declaration.line <= outer.endLine {
        found[index].declaration.scope = outer.name
      }
    }
    return found.map(\.declaration).sorted { ($0.line, -$0.endLine) < ($1.line, -$1.endLine) }
  }

  /// A definition whose last line is being looked for.
  struct Found {
    var kindName: String
    /// Takes part in finding ends, and is no definition.
    var isPassing: Bool
    var hasEnd: Bool
    var declaration: Declaration
  }

  /// A definition, or what takes part in finding the ends of others; nil for what is neither, or cannot be.
  private func found(_ tag: CtagsTag, _ lines: SourceLines) -> Found? {
    let isPassing = extent == .keyword(bare: true) && tag.kind == "prototype"
    guard var kind = kinds[tag.kind] ?? (isPassing ? .other : nil), (1...lines.count).contains(tag.line),
      !mistakes.contains(tag.name), let (name, outer) = parted(tag.name), Self.isPlain(name),
      let place = lines.line(of: Array(name.utf8), near: tag.line - 1, within: Self.nearby)
    else { return nil }
    if kind == .function, let scope = tag.scopeKind, kinds[scope] == .class { kind = .method }
    let scope = tag.scope.flatMap { parted($0) }.map(\.name) ?? (kind == .namespace ? outer : nil)
    let end = tag.endLine.flatMap { $0 > place && $0 <= lines.count ? $0 : nil }
    return Found(
      kindName: tag.kind, isPassing: isPassing, hasEnd: end != nil,
      declaration: Declaration(
        kind: kind, name: Array(name.utf8), line: place + 1, endLine: end ?? place + 1,
        signature: tag.signature.map(Self.signature), scope: scope.map { Array($0.utf8) }))
  }

  /// The last part of a qualified name, and the one before; nil for the names that ctags gives to what has none.
  private func parted(_ name: String) -> (name: String, outer: String?)? {
    guard !name.hasPrefix("anon"), !name.hasPrefix("__anon") else { return nil }
    guard !separator.isEmpty else { return (name, nil) }
    let parts = name.split(separator: separator, omittingEmptySubsequences: true)
    guard let last = parts.last, !name.hasSuffix(separator) else { return (name, nil) }
    return (String(last), parts.count > 1 ? String(parts[parts.count - 2]) : nil)
  }

  private static func isPlain(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= longestName
      && name.utf8.allSatisfy { $0 > 0x20 && $0 != 0x7f }
  }

  private static func signature(_ text: String) -> [UInt8] {
    let bytes = text.utf8.prefix(longestName).map { $0 < 0x20 ? 0x20 : $0 }
    return bytes.first.map { $0 == 0x28 || $0 == 0x7b || $0 == 0x5b } ?? true
      ? bytes : [0x28] + bytes + [0x29]
  }

  /// One of those that have a name and a line in common: two of ctags' parsers may have seen it.
  private func unique(_ found: [Found]) -> [Found] {
    var result: [Found] = []
    var places: [Place: Int] = [:]
    for one in found {
      let place = Place(line: one.declaration.line, name: one.declaration.name)
      guard let same = places[place] else {
        places[place] = result.count
        result.append(one)
        continue
      }
      if result[same].declaration.scope == nil, one.declaration.scope != nil || one.hasEnd {
        result[same] = one
      }
    }
    return result
  }

  private struct Place: Hashable {
    var line: Int
    var name: [UInt8]
  }

  /// Equations of one function as one.
  private func joined(_ found: [Found], _ lines: SourceLines) -> [Found] {
    var result: [Found] = []
    for one in found {
      guard let last = result.last?.declaration, last.kind == .function,
        one.declaration.kind == .function,
        last.name == one.declaration.name,
        lines.isNothing(after: last.endLine, before: one.declaration.line)
      else {
        result.append(one)
        continue
      }
      result[result.count - 1].declaration.endLine = max(last.endLine, one.declaration.endLine)
    }
    return result
  }
}
