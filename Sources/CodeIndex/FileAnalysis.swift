import IndexKernel

/// Everything that the index knows of one version of a file. It depends on the content and the language alone, never on
/// where the file lies, so that it is made once in the life of a content.
final class FileAnalysis: Sendable {
  /// A range of lines that is searched as one.
  struct Unit: Sendable, Hashable {
    /// From 1.
    var line: Int32
    var endLine: Int32
    /// Which of ``FileAnalysis/declarations`` it is; -1 for lines between declarations.
    var declaration: Int32
  }

  /// What is special about a file.
  struct Flags: OptionSet, Sendable, Hashable {
    let rawValue: UInt8
    /// Not text: nothing else is known of it.
    static let binary = Flags(rawValue: 1)
    /// Larger than the index reads.
    static let tooLarge = Flags(rawValue: 2)
    /// Stands for a content that is stored elsewhere (Git LFS).
    static let pointer = Flags(rawValue: 4)
    /// Says that a program wrote it, or looks so.
    static let generated = Flags(rawValue: 8)
    /// Text in another encoding than UTF-8.
    static let notUTF8 = Flags(rawValue: 16)
    /// Could not be read.
    static let unreadable = Flags(rawValue: 32)
    /// Named, but not there: left out of a partial clone, or gone while it was looked at.
    static let missing = Flags(rawValue: 64)
    /// Of a language that Universal Ctags reads, which is not there, or broke on this file.
    static let undefined = Flags(rawValue: 128)
  }

  let flags: Flags
  let lineCount: Int
  let declarations: [Declaration]
  let units: [Unit]
  /// The terms of the whole text, by unit.
  let body: TermTable
  /// The terms of the names that are declared.
  let names: TermTable

  init(
    flags: Flags, lineCount: Int, declarations: [Declaration], units: [Unit], body: TermTable, names: TermTable
  ) {
    self.flags = flags
    self.lineCount = lineCount
    self.declarations = declarations
    self.units = units
    self.body = body
    self.names = names
  }

  /// The name of a unit that is a declaration, with what it is declared in.
  func name(of unit: Unit) -> String? {
    guard declarations.indices.contains(Int(unit.declaration)) else { return nil }
    let declaration = declarations[Int(unit.declaration)]
    let scope = declaration.scope.map { String(decoding: $0, as: UTF8.self) + "." } ?? ""
    return scope + String(decoding: declaration.name, as: UTF8.self)
  }

  /// A file without searchable text.
  static func opaque(_ flags: Flags) -> FileAnalysis {
    FileAnalysis(
      flags: flags, lineCount: 0, declarations: [], units: [], body: TermTable(text: []), names: TermTable(text: []))
  }
}

/// Makes a ``FileAnalysis`` of a content.
enum Analyzer {
  /// Larger files are known by name only.
  static let sizeLimit = 1 << 20
  /// Lines between declarations are searched in windows of so many.
  private static let window = 40
  /// Comment lines above a declaration that count as part of it.
  private static let leading = 25

  /// - Parameter reading: what ctags said, for a language that it reads.
  static func analyze(_ text: [UInt8], _ language: Language, _ reading: Ctags.Reading? = nil) -> FileAnalysis {
    if let flags = withoutText(text) { return .opaque(flags) }
    var flags: FileAnalysis.Flags = []
    let runs = IdentifierRuns(text)
    let lineStarts = LineIndex(text, starts: runs.lineStarts())
    if isGenerated(text, lineCount: lineStarts.count) { flags.insert(.generated) }
    if !text.withUnsafeBufferPointer(UTF8Check.isValid) { flags.insert(.notUTF8) }
    let declarations: [Declaration]
    switch reading {
    case nil: declarations = isDense(text, lineStarts.count) ? [] : DeclarationScanner.scan(text, runs, language.syntax)
    case .tags(let tags): declarations = CtagsLanguage.all[language.name]?.declarations(tags, in: text) ?? []
    case .failed, .absent:
      declarations = []
      flags.insert(.undefined)
    }
    let (units, unitOfLine) = makeUnits(declarations, lineStarts, text)
    var names: [UInt8] = []
    for declaration in declarations {
      names.append(contentsOf: declaration.name)
      names.append(0x20)
    }
    let tables = TermTable.parts(text: text, runs, unitOfLine: unitOfLine, unitCount: units.count, names: names)
    return FileAnalysis(
      flags: flags, lineCount: lineStarts.count, declarations: declarations, units: units, body: tables.body,
      names: tables.names)
  }

  /// What a content is that holds no text to search; nil for text.
  private static func withoutText(_ text: [UInt8]) -> FileAnalysis.Flags? {
    if ByteSearch.contains(text, [0], in: 0..<min(8000, text.count)) { return .binary }
    if text.count > sizeLimit { return .tooLarge }
    return text.count < 1024 && text.starts(with: "version https://git-lfs.github.com/spec/".utf8) ? .pointer : nil
  }

  /// One endless line is data; its declarations would be noise.
  private static func isDense(_ text: [UInt8], _ lines: Int) -> Bool {
    text.count > 50_000 && text.count / max(1, lines) > 2000
  }

  /// Whether definitions may be looked for in a content.
  static func mayDefine(_ text: [UInt8]) -> Bool {
    guard !text.isEmpty, withoutText(text) == nil else { return false }
    return text.count <= 50_000 || !isDense(text, LineIndex(text).count)
  }

  /// Cuts a file into units: each line belongs to the innermost callable around it, else to a window.
  private static func makeUnits(
    _ declarations: [Declaration], _ lines: LineIndex, _ text: [UInt8]
  ) -> ([FileAnalysis.Unit], [UInt16]) {
    let count = max(1, lines.count)
    var owner = [Int32](repeating: -1, count: count)
    var units: [FileAnalysis.Unit] = []
    for (index, declaration) in declarations.enumerated() where declaration.kind.isCallable {
      // Declarations come in order of their first lines, outer before inner: later ones overwrite.
      let first = min(declaration.line, count) - 1
      let last = min(declaration.endLine, count) - 1
      guard first <= last, units.count < 60_000 else { continue }
      var start = first
      while start > 0, first - start < leading, owner[start - 1] < 0, !lines.isBlank(start - 1, text) { start -= 1 }
      for line in start...last { owner[line] = Int32(units.count) }
      units.append(
        FileAnalysis.Unit(
          line: Int32(declaration.line), endLine: Int32(max(declaration.endLine, declaration.line)),
          declaration: Int32(index)))
    }
    // What is left, in windows.
    var line = 0
    while line < count {
      guard owner[line] < 0 else {
        line += 1
        continue
      }
      var end = line
      var isBlank = true
      while end < count, owner[end] < 0, end - line < window {
        if !lines.isBlank(end, text) { isBlank = false }
        end += 1
      }
      let unit: Int32
      if (isBlank || units.count >= 65_000) && !units.isEmpty {
        unit = line > 0 ? owner[line - 1] : 0
      } else {
        unit = Int32(units.count)
        units.append(FileAnalysis.Unit(line: Int32(line + 1), endLine: Int32(end), declaration: -1))
      }
      for place in line..<end { owner[place] = unit }
      line = end
    }
    return (units, owner.map { UInt16(truncatingIfNeeded: max(0, $0)) })
  }

  private static func isGenerated(_ text: [UInt8], lineCount: Int) -> Bool {
    for mark in marks where ByteSearch.contains(text, mark, in: 0..<min(600, text.count)) { return true }
    return text.count > 20_000 && text.count / max(1, lineCount) > 500
  }
}

private let marks: [[UInt8]] = [
  "@generated", "DO NOT EDIT", "Do not edit", "do not edit by hand", "Code generated by", "autogenerated",
].map { Array($0.utf8) }

/// Where the lines of a text begin.
struct LineIndex {
  private(set) var starts: [Int32]
  private let length: Int

  /// - Parameter starts: see ``IdentifierRuns/lineStarts()``.
  init(_ text: [UInt8], starts: [Int32]) {
    // The last line has no end of its own in ``range(_:)`` either.
    length = text.last == 0x0a ? text.count - 1 : text.count
    self.starts = starts
    if self.starts.count > 1, Int(self.starts[self.starts.count - 1]) == text.count { self.starts.removeLast() }
  }

  init(_ text: [UInt8]) {
    var starts: [Int32] = [0]
    text.withUnsafeBufferPointer { bytes in
      starts.reserveCapacity(bytes.count / 30 + 1)
      // Eight bytes at a time: the highest bit of each that is a line end, and of no other.
      let lows: UInt64 = 0x7f7f_7f7f_7f7f_7f7f
      let raw = UnsafeRawBufferPointer(bytes)
      var place = 0
      while place + 8 <= raw.count {
        let word = UInt64(littleEndian: raw.loadUnaligned(fromByteOffset: place, as: UInt64.self))
        let other = word ^ 0x0a0a_0a0a_0a0a_0a0a
        var ends = ~((other & lows &+ lows) | other | lows)
        while ends != 0 {
          starts.append(Int32(place + ends.trailingZeroBitCount >> 3 + 1))
          ends &= ends &- 1
        }
        place += 8
      }
      for place in place..<raw.count where raw[place] == 0x0a { starts.append(Int32(place + 1)) }
    }
    self.init(text, starts: starts)
  }

  var count: Int { starts.count }

  /// The bytes of a line (from 0) without its end.
  func range(_ line: Int) -> Range<Int> {
    let start = Int(starts[line])
    let end = line + 1 < starts.count ? Int(starts[line + 1]) - 1 : length
    return start..<max(start, end)
  }

  func isBlank(_ line: Int, _ text: [UInt8]) -> Bool {
    text[range(line)].allSatisfy { $0 <= 0x20 }
  }
}
