import Git
import Paths
import Workspace

/// Diffs for people.
enum DiffText {
  /// One file's diff: a line with its name and counts, then its patch in colour, up to a number of lines.
  static func render(_ file: FileDiff, style: Style, mostLines: Int) -> String {
    let letter =
      switch file.kind {
      case .added: style.good("A")
      case .deleted: style.bad("D")
      case .modified: style.warning("M")
      }
    var text =
      "    \(letter) \(Display.safe(file.path.quoted)) \(style.faint(file.isBinary ? "(binary)" : "(+\(file.added) −\(file.removed))"))\n"
    guard mostLines > 0, !file.isBinary else { return text }
    let lines = body(file)
    for line in lines.prefix(mostLines) { text += "      " + paint(line, style) + "\n" }
    if lines.count > mostLines { text += style.faint("      … \(lines.count - mostLines) more lines") + "\n" }
    return text
  }

  /// The lines of a patch as the record holds it, in colour, up to a number of them; git's header lines give way to the
  /// file's name.
  static func render(_ patch: [UInt8], style: Style, mostLines: Int) -> [String] {
    var shown: [String] = []
    var isHead = true
    for line in patch.split(separator: 0x0a, omittingEmptySubsequences: false) {
      if line.starts(with: "diff --git ".utf8) {
        isHead = true
      } else if line.starts(with: "@@".utf8) {
        isHead = false
      }
      if isHead {
        // What the file is called now; of one that is gone, what it was called.
        let isNew = line.starts(with: "+++ ".utf8) && !line.elementsEqual("+++ /dev/null".utf8)
        let isGone = line.starts(with: "deleted file".utf8) || line.starts(with: "Binary files".utf8)
        if isNew || isGone { shown.append(style.strong(Display.safe(Array(line)))) }
      } else {
        shown.append(paint(Display.safe(Array(line)), style))
      }
    }
    if shown.last?.isEmpty == true { shown.removeLast() }
    guard shown.count > mostLines else { return shown }
    return shown.prefix(mostLines) + [style.faint("… \(shown.count - mostLines) more lines: --content")]
  }

  /// The patch without git's header lines.
  private static func body(_ file: FileDiff) -> [String] {
    let lines = file.patch.split(separator: 0x0a, omittingEmptySubsequences: false)
    let start = lines.firstIndex { $0.starts(with: "@@".utf8) } ?? lines.endIndex
    var body = lines[start...].map { Display.safe(Array($0)) }
    if body.last == "" { body.removeLast() }
    return body
  }

  private static func paint(_ line: String, _ style: Style) -> String {
    switch line.first {
    case "+": style.good(line)
    case "-": style.bad(line)
    case "@": style.name(line)
    default: line
    }
  }
}
