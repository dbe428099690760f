import Paths

/// The pieces of a pack as Markdown, as many as there is room for.
struct PackPage {
  let corpus: Corpus
  let source: any IndexSource
  let words: TaskWords
  /// Bytes that may still be added.
  private(set) var left: Int
  private(set) var text = ""
  private(set) var shown: [PackPiece] = []

  /// Longer units are shown around what matters.
  static let longest = 120

  init(corpus: Corpus, source: any IndexSource, words: TaskWords, left: Int) {
    self.corpus = corpus
    self.source = source
    self.words = words
    self.left = left
  }

  /// Adds a piece, cut to half of the room that is left.
  /// - Parameter least: with less room than this, nothing is added.
  mutating func add(_ piece: PackPiece, least: Int = 400) async {
    let file = corpus.files[piece.file]
    guard left > least, !shown.contains(where: { $0.overlaps(piece) }),
      let content = await source.read(file.path, limit: Analyzer.sizeLimit)
    else { return }
    let lines = LineIndex(content)
    guard piece.line <= lines.count else { return }
    let last = min(piece.endLine, lines.count)
    let code = content[lines.range(piece.line - 1).lowerBound..<lines.range(last - 1).upperBound]
    var piece = piece
    if piece.isByWords, let named = words.named(in: code) { piece.why += ": \(named)" }
    let part = Self.render(piece, file.path, content, lines, code, limit: max(least, left / 2))
    guard !part.isEmpty, part.utf8.count <= left else { return }
    left -= part.utf8.count
    text += part
    shown.append(piece)
  }

  private static func render(
    _ piece: PackPiece, _ path: RepoPath, _ content: [UInt8], _ lines: LineIndex, _ code: ArraySlice<UInt8>, limit: Int
  ) -> String {
    let last = min(piece.endLine, lines.count)
    var text = "\n## \(path.quoted), lines \(piece.line)–\(last)\n\n\(piece.why)\n\n"
    // A fence longer than any run of backticks in the code, so that the code cannot end it.
    let fence = String(repeating: "`", count: max(3, longestRun(of: 0x60, in: code) + 1))
    text += fence + "\n"
    var number = piece.line
    while number <= last, number - piece.line < longest, text.utf8.count < limit {
      let line = content[lines.range(number - 1)].prefix(300)
      text += "\(number)\t\(clean(line))\n"
      number += 1
    }
    text += fence + "\n"
    if number <= last { text += "(goes on to line \(last))\n" }
    return text
  }

  private static func longestRun(of byte: UInt8, in bytes: ArraySlice<UInt8>) -> Int {
    var best = 0
    var run = 0
    for other in bytes {
      run = other == byte ? run + 1 : 0
      best = max(best, run)
    }
    return best
  }

  /// Text without control characters, which could play tricks on a terminal or hide text from a reader.
  static func clean(_ bytes: ArraySlice<UInt8>) -> String {
    var text = String.UnicodeScalarView()
    for scalar in String(decoding: bytes, as: UTF8.self).unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control where scalar != "\t": continue
      case .format, .surrogate, .privateUse, .lineSeparator, .paragraphSeparator: text.append("\u{fffd}")
      default: text.append(scalar)
      }
    }
    return String(text)
  }
}
