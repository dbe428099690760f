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

  init(name: String, bytes: [UInt8]) {
    self.name = name
    // Invalid UTF-8 is replaced before anything else looks at it, so that places and texts agree.
    self.bytes = Array(String(decoding: bytes, as: UTF8.self).utf8)
    var starts = [0]
    for (index, byte) in self.bytes.enumerated() where byte == 0x0a { starts.append(index + 1) }
    lineStarts = starts
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
    let column = bytes[lineStarts[low]..<offset].reduce(1) { $0 + ($1 & 0xc0 == 0x80 ? 0 : 1) }
    return SourcePosition(line: low + 1, column: column)
  }

  func diagnostic(_ offset: Int, _ message: String, help: String? = nil) -> CedarDiagnostic {
    CedarDiagnostic(source: name, position: position(offset), message: message, help: help)
  }

  func text(_ range: Range<Int>) -> String { String(decoding: bytes[range], as: UTF8.self) }
}
