import Glibc
import Paths

/// A file that a text names, perhaps with a line: `src/parse.c`, `parse.c:120`, `File "parse.py", line 12`, a frame of a
/// trace with the path of another machine.
struct PathMention: Sendable, Hashable {
  /// The last part first.
  let components: [ArraySlice<UInt8>]
  /// From 1.
  let line: Int?

  /// What a mention says of a file.
  struct Found {
    var weight: Double
    /// The units that hold the lines that are named, in the order of the text.
    var units: [Int]
  }

  private static let most = 60
  private static let longest = 1000
  /// What so many files may be called is no name.
  private static let mostFiles = 4

  // MARK: Reading

  /// The files that a text names, in its order.
  static func all(in text: [UInt8]) -> [PathMention] {
    var result: [PathMention] = []
    var start = 0
    while start < text.count, result.count < most {
      guard !isSeparator(text[start]) else {
        start += 1
        continue
      }
      var end = start
      while end < text.count, !isSeparator(text[end]) { end += 1 }
      if end - start <= longest, let found = mention(text[start..<end], before: text[end...]) {
        if !result.contains(found) { result.append(found) }
      }
      start = end
    }
    return result
  }

  private static func mention(_ word: ArraySlice<UInt8>, before rest: ArraySlice<UInt8>) -> PathMention? {
    guard word.contains(UInt8(ascii: ".")) || word.contains(UInt8(ascii: "/")), word.firstRange(of: scheme) == nil
    else { return nil }
    // `path:line`, `path:line:column`, `path#L12`, `path:` at the end of a clause.
    var parts = word.split { $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: "#") }
    // A drive's letter is no path.
    if parts.count > 1, parts[0].count == 1 { parts.removeFirst() }
    guard var path = parts.first else { return nil }
    while let last = path.last, last == UInt8(ascii: ".") { path.removeLast() }
    var line = parts.dropFirst().first.flatMap { number($0.first == UInt8(ascii: "L") ? $0.dropFirst() : $0) }
    if line == nil, parts.count < 2 || parts[1].elementsEqual("line".utf8) { line = lineWord(parts.count > 1, rest) }
    let components = path.split { $0 == UInt8(ascii: "/") || $0 == UInt8(ascii: "\\") }.filter {
      !$0.elementsEqual(".".utf8) && !$0.elementsEqual("..".utf8)
    }
    guard let name = components.last, isFileName(name, alone: components.count == 1) else { return nil }
    return PathMention(components: components.reversed(), line: line)
  }

  /// `", line 12` behind a path, or 12 behind `path:line`.
  private static func lineWord(_ isNamed: Bool, _ rest: ArraySlice<UInt8>) -> Int? {
    var words = rest.prefix(24).split(whereSeparator: { isSeparator($0) })[...]
    if !isNamed {
      guard let word = words.popFirst(), word.elementsEqual("line".utf8) else { return nil }
    }
    return words.first.flatMap { number($0.prefix { $0 &- 0x30 < 10 }) }
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    guard !digits.isEmpty, digits.count < 8, digits.allSatisfy({ $0 &- 0x30 < 10 }) else { return nil }
    return digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }

  private static func isFileName(_ name: ArraySlice<UInt8>, alone: Bool) -> Bool {
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > name.startIndex else {
      return !alone && name.count > 1
    }
    let suffix = name[(dot + 1)...]
    return (1...8).contains(suffix.count) && suffix.allSatisfy { WordSearch.isIdentifier($0) }
      && suffix.contains { $0 > 0x40 }
  }

  private static let scheme = Array("://".utf8)

  private static func isSeparator(_ byte: UInt8) -> Bool {
    byte <= 0x20 || separators.contains(byte)
  }

  private static let separators = Set("\"'`()[]{}<>,;=|*!?".utf8)

  // MARK: Finding

  /// The files of a tree that are meant.
  static func files(_ mentions: [PathMention], _ paths: PathTable) -> [Int] {
    resolve(mentions, count: paths.count) { paths.bytes($0) }.flatMap(\.files)
  }

  /// What is said of the files of a corpus, by their numbers there.
  static func weights(_ mentions: [PathMention], _ corpus: Corpus) -> [Int: Found] {
    let resolved = resolve(mentions, count: corpus.files.count) { corpus.files[$0].path.bytes[...] }
    // A trace names many files, and each says less.
    let named = Set(resolved.flatMap(\.files)).count
    let share = 1 / max(1, Double(named) / 3).squareRoot()
    var result: [Int: Found] = [:]
    for (mention, files) in resolved {
      for file in files {
        var found = result[file] ?? Found(weight: 0, units: [])
        found.weight = max(found.weight, share / Double(files.count).squareRoot())
        if let line = mention.line, let unit = unit(at: line, corpus.files[file].analysis), !found.units.contains(unit)
        {
          found.units.append(unit)
        }
        result[file] = found
      }
    }
    return result
  }

  private static func unit(at line: Int, _ analysis: FileAnalysis) -> Int? {
    analysis.units.indices.filter { analysis.units[$0].line <= line && analysis.units[$0].endLine >= line }.min {
      analysis.units[$0].endLine - analysis.units[$0].line < analysis.units[$1].endLine - analysis.units[$1].line
    }
  }

  private static func resolve(
    _ mentions: [PathMention], count: Int, path: (Int) -> ArraySlice<UInt8>
  ) -> [(mention: PathMention, files: [Int])] {
    guard !mentions.isEmpty else { return [] }
    var byName: [ArraySlice<UInt8>: [Int]] = [:]
    var isName = [Bool](repeating: false, count: 4096)
    for (number, mention) in mentions.enumerated() {
      byName[mention.components[0], default: []].append(number)
      isName[hash(mention.components[0])] = true
    }
    var best = [(length: Int, files: [Int])](repeating: (0, []), count: mentions.count)
    for file in 0..<count {
      let bytes = path(file)
      let slash = bytes.lastIndex(of: UInt8(ascii: "/"))
      let name = bytes[(slash.map { $0 + 1 } ?? bytes.startIndex)...]
      guard isName[hash(name)], let numbers = byName[name] else { continue }
      let components = bytes.split(separator: UInt8(ascii: "/")).reversed() as [ArraySlice<UInt8>]
      for number in numbers {
        let length = zip(mentions[number].components, components).prefix { $0.elementsEqual($1) }.count
        // A directory that differs right above the file makes it another one.
        guard length > 1 || mentions[number].components.count == 1 else { continue }
        if length > best[number].length { best[number] = (length, []) }
        if length == best[number].length { best[number].files.append(file) }
      }
    }
    return mentions.indices.compactMap { number in
      let files = best[number].files
      return files.isEmpty || files.count > mostFiles ? nil : (mentions[number], files)
    }
  }

  private static func hash(_ name: ArraySlice<UInt8>) -> Int {
    var value: UInt32 = 0x811c_9dc5
    for byte in name { value = (value ^ UInt32(byte)) &* 0x0100_0193 }
    return Int((value ^ value >> 12) & 4095)
  }
}
