/// Replaces secrets in bytes that come in pieces: a secret that two pieces share is found all the same.
///
/// Bytes are held back until a line has ended and no known value can still begin in it. What is handed on is what
/// ``Redactor/redact(_:)`` makes of the whole, as long as no line is longer than 64 KiB.
public struct RedactingStream: Sendable {
  private let redactor: Redactor
  private var buffer: [UInt8] = []

  private static let longestLine = 64 << 10

  /// A stream with nothing in it.
  public init(_ redactor: Redactor) { self.redactor = redactor }

  /// Takes a piece; returns what can be handed on.
  public mutating func feed(_ piece: [UInt8]) -> [UInt8] {
    buffer += piece
    return take(to: border())
  }

  /// Ends the stream; returns what was held back.
  public mutating func finish() -> [UInt8] { take(to: buffer.count) }

  private mutating func take(to end: Int) -> [UInt8] {
    guard end > 0 else { return [] }
    let result = redactor.redact(Array(buffer[..<end])).bytes
    buffer.removeFirst(end)
    return result
  }

  /// Up to where no later byte can change what is found.
  private func border() -> Int {
    // A known value of several lines may begin here and end in the next piece.
    let limit = buffer.count - redactor.longestKnown
    guard limit > 0 else { return 0 }
    var border = buffer[..<limit].lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
    if border == 0, buffer.count > RedactingStream.longestLine { border = limit }
    // A private key goes on over lines until it ends.
    if let start = openKey(before: border), buffer.count - start <= RedactingStream.longestLine {
      border = buffer[..<start].lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
    }
    for finding in redactor.redact(buffer).findings where finding.range.contains(border) {
      border = buffer[..<finding.range.lowerBound].lastIndex(of: 0x0a).map { $0 + 1 } ?? 0
    }
    return border
  }

  /// Where a private key begins that has not ended; nil when there is none.
  private func openKey(before border: Int) -> Int? {
    let begin = Array("-----BEGIN ".utf8)
    let end = Array("-----END ".utf8)
    var open: Int?
    for index in 0..<border where buffer[index] == UInt8(ascii: "-") {
      if buffer[index...].starts(with: begin) { open = index }
      if buffer[index...].starts(with: end) { open = nil }
    }
    return open
  }
}
