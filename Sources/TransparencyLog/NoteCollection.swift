/// Signed notes in a longer text: a file that checkpoints are appended to, or the log of a CI job.
public enum NoteCollection {
  /// What stands before the base64 of a whole note where a text is cut into lines, as CI logs are.
  public static let linePrefix = "codeagent-checkpoint v1 "

  /// A note as one line, to be printed where others keep it.
  public static func line(_ note: SignedNote) -> String { linePrefix + Base64.encode(note.bytes) }

  /// A note as the value of a commit's trailer `Codeagent-Checkpoint`.
  public static func encoded(_ note: SignedNote) -> String { Base64.encode(note.bytes) }

  private static let trailerPrefix = "Codeagent-Checkpoint: "

  /// All notes in a text, in order: those written out, those in lines of their own, whatever stands before them on the line,
  /// and those in trailers of commits. What is no note is read past.
  public static func notes(in bytes: [UInt8]) -> [SignedNote] {
    var notes: [SignedNote] = []
    var text: [ArraySlice<UInt8>] = []
    var signatures: [ArraySlice<UInt8>] = []
    var isBehindText = false
    func flush() {
      defer { (text, signatures, isBehindText) = ([], [], false) }
      guard !signatures.isEmpty else { return }
      let note = (text + [[]] + signatures).flatMap { $0 + [0x0a] }
      if let note = SignedNote(parsing: note) { notes.append(note) }
    }
    let mark = Array("\u{2014} ".utf8)
    for line in bytes.split(separator: 0x0a, omittingEmptySubsequences: false) {
      let line = line.last == 0x0d ? line.dropLast() : line
      if line.isEmpty {
        if signatures.isEmpty, !text.isEmpty { isBehindText = true } else { flush() }
      } else if isBehindText, line.starts(with: mark) {
        signatures.append(line)
      } else {
        if isBehindText || !signatures.isEmpty { flush() }
        if let note = note(inLine: line) { notes.append(note) } else { text.append(line) }
      }
    }
    flush()
    return notes
  }

  private static func note(inLine line: ArraySlice<UInt8>) -> SignedNote? {
    guard line.count < 1 << 21 else { return nil }
    for prefix in [Array(linePrefix.utf8), Array(trailerPrefix.utf8)] {
      guard line.count > prefix.count,
        let start = line.indices.first(where: { line[$0] == prefix[0] && line[$0...].starts(with: prefix) })
      else { continue }
      let code = line[(start + prefix.count)...].prefix { $0 > 0x20 }
      if let note = Base64.decode(String(decoding: code, as: UTF8.self)).flatMap({ SignedNote(parsing: $0) }) {
        return note
      }
    }
    return nil
  }
}
