/// A place in a text: both counted from 1, columns in Unicode scalars.
public struct SourcePosition: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The line.
  public let line: Int
  /// The column.
  public let column: Int

  /// A place.
  public init(line: Int, column: Int) {
    self.line = line
    self.column = column
  }

  /// In reading order.
  public static func < (left: SourcePosition, right: SourcePosition) -> Bool {
    (left.line, left.column) < (right.line, right.column)
  }

  /// `12:5`.
  public var description: String { "\(line):\(column)" }
}

/// What is wrong with a text, and where.
public struct CedarDiagnostic: Error, Sendable, Hashable, CustomStringConvertible {
  /// The text's name, such as the path of a file.
  public let source: String
  /// Where, when that is known.
  public let position: SourcePosition?
  /// What is wrong, as a sentence without a full stop.
  public let message: String
  /// What to do about it.
  public let help: String?

  /// A finding.
  public init(source: String, position: SourcePosition?, message: String, help: String? = nil) {
    self.source = source
    self.position = position
    self.message = message
    self.help = help
  }

  /// For sorting: what has no place comes first.
  var place: SourcePosition { position ?? SourcePosition(line: 0, column: 0) }

  /// `file:line:column: message (help)`.
  public var description: String {
    let place = position.map { "\(source):\($0)" } ?? source
    return (place.isEmpty ? "" : place + ": ") + message + (help.map { " (\($0))" } ?? "")
  }
}

/// Everything that kept a text from being read; never empty.
public struct CedarError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The findings in reading order.
  public let diagnostics: [CedarDiagnostic]

  /// These findings.
  public init(_ diagnostics: [CedarDiagnostic]) { self.diagnostics = diagnostics }

  /// One finding.
  public init(_ diagnostic: CedarDiagnostic) { diagnostics = [diagnostic] }

  /// One finding without a place.
  init(source: String, _ message: String, help: String? = nil) {
    self.init(CedarDiagnostic(source: source, position: nil, message: message, help: help))
  }

  /// One finding a line.
  public var description: String { diagnostics.map(\.description).joined(separator: "\n") }
}

/// A text with its name, from which places are told.
final class SourceText: Sendable {
  let name: String
  let bytes: [UInt8]
  private let lineStarts: [Int]
  /// How many characters begin before every thousandth byte, so that columns of long lines cost no more than others.
  private let marks: [Int]
  private static let markDistance = 1024

  init(name: String, bytes: [UInt8]) {
    self.name = name
    self.bytes = bytes
    var starts = [0]
    var marks: [Int] = []
    var characters = 0
    for (index, byte) in bytes.enumerated() {
      if index % Self.markDistance == 0 { marks.append(characters) }
      if byte & 0xc0 != 0x80 { characters += 1 }
      if byte == 0x0a { starts.append(index + 1) }
    }
    lineStarts = starts
    self.marks = marks
  }

  /// A text that is UTF-8. Stray bytes are refused: what would stand for them is not what somebody wrote.
  convenience init(utf8 bytes: [UInt8], name: String) throws(CedarError) {
    self.init(name: name, bytes: bytes)
    guard String(validating: bytes, as: UTF8.self) == nil else { return }
    var decoder = UTF8()
    var iterator = bytes.makeIterator()
    var offset = 0
    while case .scalarValue(let scalar) = decoder.decode(&iterator) { offset += UTF8.width(scalar) }
    throw CedarError(diagnostic(offset, "the text is not UTF-8"))
  }

  /// The place of a byte.
  func position(_ offset: Int) -> SourcePosition {
    let offset = min(max(offset, 0), bytes.count)
    var low = 0
    var high = lineStarts.count
    while low + 1 < high {
      let middle = (low + high) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle }
    }
    return SourcePosition(line: low + 1, column: characters(before: offset) - characters(before: lineStarts[low]) + 1)
  }

  private func characters(before offset: Int) -> Int {
    guard !bytes.isEmpty else { return 0 }
    let mark = min(offset / Self.markDistance, marks.count - 1)
    return bytes[(mark * Self.markDistance)..<offset].reduce(marks[mark]) { $0 + ($1 & 0xc0 == 0x80 ? 0 : 1) }
  }

  func diagnostic(_ offset: Int, _ message: String, help: String? = nil) -> CedarDiagnostic {
    CedarDiagnostic(source: name, position: position(offset), message: message, help: help)
  }

  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}
