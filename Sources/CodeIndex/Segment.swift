import Git
import IndexKernel
import Synchronization

/// Analysed contents with their inverted indexes. A content is a document, known by its number.
final class Segment: Sendable {
  /// Changes whenever an analysis of the same content comes out differently, or is stored differently.
  static let magic = Array("CAseg\u{1}\u{0}\u{5}".utf8)

  let container: Container
  /// The file's name in its store; nil for one in memory.
  let name: String?
  let documents: Int
  let body: Postings
  let names: Postings
  let trigrams: Postings
  private let languages: [String]
  /// Documents that were asked for before.
  private let known = Mutex<[Int: FileAnalysis]>([:])
  private static let mostKnown = 4000

  /// Bytes of a document in the section of keys: blob, language, flags, units.
  private static let keySize = 24
  /// Bytes of a document in the section of numbers: lines, terms of the text, terms of the names, declarations, place of the
  /// record.
  private static let numberSize = 20

  private enum Part: Int {
    case languages, heads, keys, numbers, body, names, trigrams, records
  }

  init?(_ container: Container, name: String?) {
    guard let languages = container.section(Part.languages.rawValue), let keys = container.section(Part.keys.rawValue),
      keys.count % Self.keySize == 0, let heads = container.section(Part.heads.rawValue), container.sections.count == 8,
      container.sections[Part.numbers.rawValue].count == keys.count / Self.keySize * Self.numberSize
    else { return nil }
    self.container = container
    self.name = name
    documents = keys.count / Self.keySize
    self.languages = String(decoding: languages, as: UTF8.self).split(
      separator: "\n", omittingEmptySubsequences: false
    ).map(String.init)
    let count = documents
    let unitCounts = [UInt16](unsafeUninitializedCapacity: count) { units, filled in
      for number in 0..<count {
        units[number] = UInt16(
          littleEndian: keys.loadUnaligned(fromByteOffset: number * Self.keySize + 22, as: UInt16.self))
      }
      filled = count
    }
    func postings(_ part: Part, _ unitCounts: [UInt16] = []) -> Postings? {
      let start = (part.rawValue - Part.body.rawValue) * PostingsWriter.headerSize
      guard start + PostingsWriter.headerSize <= heads.count else { return nil }
      return Postings(
        container.bytes, container.sections[part.rawValue],
        head: UnsafeRawBufferPointer(rebasing: heads[start..<start + PostingsWriter.headerSize]),
        unitCounts: unitCounts)
    }
    guard let body = postings(.body, unitCounts), let names = postings(.names), let trigrams = postings(.trigrams),
      body.documents == documents, names.documents == documents, trigrams.documents == documents
    else { return nil }
    self.body = body
    self.names = names
    self.trigrams = trigrams
  }

  var isDamaged: Bool { container.bytes.isDamaged }

  // MARK: Documents

  /// Visits the keys of all documents.
  func forEachKey(_ visit: (Int, ContentKey) -> Void) {
    guard let keys = container.section(Part.keys.rawValue) else { return }
    for number in 0..<documents {
      if let key = key(number, keys) { visit(number, key) }
    }
  }

  func key(_ number: Int) -> ContentKey? { container.section(Part.keys.rawValue).flatMap { key(number, $0) } }

  private func key(_ number: Int, _ keys: UnsafeRawBufferPointer) -> ContentKey? {
    let start = number * Self.keySize
    let language = Int(keys[start + 20])
    guard language < languages.count, let blob = ObjectID(bytes: keys[start..<start + 20]) else { return nil }
    return ContentKey(blob: blob, language: languages[language])
  }

  /// Visits the first bytes of the documents' blob ids.
  @inline(__always)
  func forEachShortKey(_ visit: (Int, UInt64) -> Void) {
    guard let keys = container.section(Part.keys.rawValue) else { return }
    for number in 0..<documents {
      visit(number, keys.loadUnaligned(fromByteOffset: number * Self.keySize, as: UInt64.self))
    }
  }

  /// Visits the documents about which there is something special.
  func forEachFlagged(_ visit: (Int, FileAnalysis.Flags) -> Void) {
    guard let keys = container.section(Part.keys.rawValue) else { return }
    for number in 0..<documents where keys[number * Self.keySize + 21] != 0 {
      visit(number, FileAnalysis.Flags(rawValue: keys[number * Self.keySize + 21]))
    }
  }

  func flags(_ number: Int) -> FileAnalysis.Flags {
    guard let keys = container.section(Part.keys.rawValue) else { return .unreadable }
    return FileAnalysis.Flags(rawValue: keys[number * Self.keySize + 21])
  }

  /// What is known of a document as a whole.
  struct Numbers {
    var lines: Int
    /// Terms of the text.
    var body: Int
    /// Terms of the names.
    var names: Int
    var declarations: Int
    fileprivate var record: Int
  }

  func numbers(_ number: Int) -> Numbers? {
    guard let bytes = container.section(Part.numbers.rawValue) else { return nil }
    func load(_ place: Int) -> Int {
      Int(
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: number * Self.numberSize + place * 4, as: UInt32.self))
      )
    }
    return Numbers(lines: load(0), body: load(1), names: load(2), declarations: load(3), record: load(4))
  }

  /// How many terms all documents' texts have, and their names.
  func lengths() -> (body: [UInt32], names: [UInt32]) {
    guard let bytes = container.section(Part.numbers.rawValue) else { return ([], []) }
    func column(_ place: Int) -> [UInt32] {
      (0..<documents).map {
        UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: $0 * Self.numberSize + place * 4, as: UInt32.self))
      }
    }
    return (column(1), column(2))
  }

  /// Units and declarations of a document, with the lengths but not the terms of its tables: those are in the indexes.
  func analysis(_ number: Int) -> FileAnalysis {
    guard number < documents, let numbers = numbers(number), let bytes = record(number) else {
      return .opaque(.unreadable)
    }
    if let analysis = known.withLock({ $0[number] }) { return analysis }
    let analysis = DocumentRecord.read(bytes, flags: flags(number), numbers) ?? .opaque(.unreadable)
    known.withLock { known in
      if known.count >= Self.mostKnown { known.removeAll(keepingCapacity: true) }
      known[number] = analysis
    }
    return analysis
  }

  private func record(_ number: Int) -> UnsafeRawBufferPointer? {
    let section = container.sections[Part.records.rawValue]
    guard let start = numbers(number)?.record else { return nil }
    let end = number + 1 < documents ? numbers(number + 1)?.record ?? 0 : section.count
    guard start <= end, end <= section.count else { return nil }
    return container.bytes.slice(section.lowerBound + start..<section.lowerBound + end)
  }

  // MARK: Making

  /// The beginnings of the indexes, once more in one place: opening looks at no page of the indexes themselves.
  private static func heads(_ indexes: [UInt8]...) -> [UInt8] {
    indexes.flatMap { $0.prefix(PostingsWriter.headerSize) }
  }

  /// Documents that become a segment.
  struct Draft {
    private(set) var keys: [ContentKey: Int] = [:]
    private var builder = SegmentBuilder()
    private var languages: [String: UInt8] = [:]
    private var languageNames: [String] = []
    private var keyBytes: [UInt8] = []
    private var numberBytes: [UInt8] = []
    private var records = ByteWriter()

    var count: Int { builder.documents }
    /// Bytes that are held, about.
    var size: Int { builder.size + records.bytes.count }

    mutating func add(_ key: ContentKey, _ analysis: FileAnalysis, _ text: [UInt8]) -> Int {
      if let known = keys[key] { return known }
      let isSearched = analysis.flags.isDisjoint(with: [.binary, .tooLarge, .pointer, .unreadable, .missing])
      let number = builder.add(body: analysis.body, names: analysis.names, text: isSearched ? text : [])
      keys[key] = number
      let language: UInt8
      if let known = languages[key.language] {
        language = known
      } else {
        language = UInt8(clamping: languageNames.count)
        languages[key.language] = language
        languageNames.append(key.language)
      }
      keyBytes += key.blob.bytes
      keyBytes.append(language)
      keyBytes.append(analysis.flags.rawValue)
      withUnsafeBytes(of: UInt16(clamping: analysis.body.unitLengths.count).littleEndian) {
        keyBytes.append(contentsOf: $0)
      }
      let numbers = [
        analysis.lineCount, analysis.body.length, analysis.names.length, analysis.declarations.count,
        records.bytes.count,
      ]
      for value in numbers {
        withUnsafeBytes(of: UInt32(clamping: value).littleEndian) { numberBytes.append(contentsOf: $0) }
      }
      DocumentRecord.write(analysis, to: &records)
      return number
    }

    /// The sections; the draft begins anew, in the same room.
    mutating func finish() -> [[UInt8]] {
      let built = builder.finish()
      let parts = [
        Array(languageNames.joined(separator: "\n").utf8), Segment.heads(built.body, built.names, built.trigrams),
        keyBytes, numberBytes, built.body, built.names, built.trigrams, records.bytes,
      ]
      keys.removeAll(keepingCapacity: true)
      languages = [:]
      languageNames = []
      keyBytes = []
      numberBytes = []
      records = ByteWriter()
      return parts
    }
  }
}

extension Segment {
  /// Documents taken over from other segments.
  struct Merge {
    private var languages: [String: UInt8] = [:]
    private var languageNames: [String] = []
    private var keyBytes: [UInt8] = []
    private var numberBytes: [UInt8] = []
    private var records: [UInt8] = []
    private(set) var unitCounts: [UInt16] = []

    var count: Int { unitCounts.count }

    /// Takes a document over; nil when it is damaged.
    mutating func add(_ segment: Segment, _ document: Int, _ key: ContentKey) -> Int? {
      guard let keys = segment.container.section(Part.keys.rawValue), let record = segment.record(document),
        let numbers = segment.numbers(document)
      else { return nil }
      if languages[key.language] == nil {
        languages[key.language] = UInt8(clamping: languageNames.count)
        languageNames.append(key.language)
      }
      let start = document * Segment.keySize
      keyBytes += keys[start..<start + 20]
      keyBytes.append(languages[key.language] ?? 0)
      keyBytes += keys[start + 21..<start + Segment.keySize]
      unitCounts.append(UInt16(littleEndian: keys.loadUnaligned(fromByteOffset: start + 22, as: UInt16.self)))
      for value in [numbers.lines, numbers.body, numbers.names, numbers.declarations, records.count] {
        withUnsafeBytes(of: UInt32(clamping: value).littleEndian) { numberBytes.append(contentsOf: $0) }
      }
      records += record
      return unitCounts.count - 1
    }

    consuming func finish(_ body: [UInt8], _ names: [UInt8], _ trigrams: [UInt8]) -> [[UInt8]] {
      [
        Array(languageNames.joined(separator: "\n").utf8), Segment.heads(body, names, trigrams), keyBytes, numberBytes,
        body, names, trigrams, records,
      ]
    }
  }
}

/// The stored form of units and declarations.
enum DocumentRecord {
  static func write(_ analysis: FileAnalysis, to writer: inout ByteWriter) {
    writer.write(analysis.units.count)
    var line = 0
    for (place, unit) in analysis.units.enumerated() {
      // Units come callables first, each kind in order of lines.
      let isCallable = unit.declaration >= 0
      if !isCallable, place > 0, analysis.units[place - 1].declaration >= 0 { line = 0 }
      writer.write(signed: Int(unit.line) - line)
      writer.write(max(0, Int(unit.endLine - unit.line)))
      line = Int(unit.line)
      writer.write(Int(unit.declaration) + 1)
      writer.write(place < analysis.body.unitLengths.count ? Int(analysis.body.unitLengths[place]) : 0)
    }
    writer.write(analysis.declarations.count)
    var previous: Declaration?
    for declaration in analysis.declarations {
      writer.write(Int(declaration.kind.rawValue))
      writer.write(signed: declaration.line - (previous?.line ?? 0))
      writer.write(max(0, declaration.endLine - declaration.line))
      writer.write(declaration.name)
      writer.write(declaration.signature)
      // Neighbours mostly share their scope.
      if let previous, previous.scope == declaration.scope {
        writer.write(0)
      } else if let scope = declaration.scope {
        writer.write(2)
        writer.write(scope)
      } else {
        writer.write(1)
      }
      previous = declaration
    }
  }

  static func read(_ bytes: UnsafeRawBufferPointer, flags: FileAnalysis.Flags, _ numbers: Segment.Numbers)
    -> FileAnalysis?
  {
    var reader = ByteReader(bytes)
    var units: [FileAnalysis.Unit] = []
    var lengths: [UInt32] = []
    let unitCount = reader.count()
    units.reserveCapacity(unitCount)
    lengths.reserveCapacity(unitCount)
    var line = 0
    var wasCallable = false
    for _ in 0..<unitCount {
      let step = reader.signed()
      let length = reader.number(upTo: 1 << 30)
      let declaration = reader.number(upTo: 1 << 24) - 1
      if declaration < 0, wasCallable { line = 0 }
      wasCallable = declaration >= 0
      line += step
      guard line >= 0, line < 1 << 30 else { return nil }
      units.append(
        FileAnalysis.Unit(line: Int32(line), endLine: Int32(line + length), declaration: Int32(declaration)))
      lengths.append(UInt32(reader.number(upTo: 1 << 31)))
    }
    var declarations: [Declaration] = []
    let declarationCount = reader.count()
    declarations.reserveCapacity(declarationCount)
    line = 0
    var scope: [UInt8]?
    for _ in 0..<declarationCount {
      guard let kind = Declaration.Kind(rawValue: UInt8(truncatingIfNeeded: reader.number(upTo: 255))) else {
        return nil
      }
      line += reader.signed()
      guard line >= 0, line < 1 << 30 else { return nil }
      let length = reader.number(upTo: 1 << 30)
      let name = reader.text()
      let signature = reader.optionalText()
      switch reader.number(upTo: 2) {
      case 0: break
      case 1: scope = nil
      default: scope = reader.text()
      }
      declarations.append(
        Declaration(kind: kind, name: name, line: line, endLine: line + length, signature: signature, scope: scope))
    }
    guard reader.isFinished else { return nil }
    return FileAnalysis(
      flags: flags, lineCount: numbers.lines, declarations: declarations, units: units,
      body: TermTable(lengths: lengths, total: numbers.body), names: TermTable(lengths: [], total: numbers.names))
  }
}
