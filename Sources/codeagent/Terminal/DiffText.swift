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
