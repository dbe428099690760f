import Paths

/// A patch as tables: the old side and the new one beside each other, what changed inside of lines marked.
struct DiffTable {
  private static let mostLines = 4000

  /// All files of a patch; a patch that is not one of ours is shown as text.
  static func render(_ patch: [UInt8], isOpen: Bool) -> HTMLText {
    var html = HTMLText()
    guard let files = GitPatch.files(in: patch) else {
      html.markup("<pre class=out>")
      html.text(patch)
      html.markup("</pre>")
      return html
    }
    for file in files { render(file, isOpen: isOpen, into: &html) }
    return html
  }

  /// Lines added and removed.
  static func counts(_ patch: [UInt8]) -> (files: Int, added: Int, removed: Int) {
    let files = GitPatch.files(in: patch) ?? []
    let lines = files.flatMap(\.hunks).flatMap(\.lines)
    return (
      files.count, lines.count { $0.first == UInt8(ascii: "+") }, lines.count { $0.first == UInt8(ascii: "-") }
    )
  }

  private static func render(_ file: FilePatch, isOpen: Bool, into html: inout HTMLText) {
    let lines = file.hunks.flatMap(\.lines)
    html.markup("<details class=file\(isOpen ? " open" : "")><summary><code>")
    html.text(file.path.quoted)
    html.markup("</code>")
    let kind = file.isNew ? "new" : file.isDeleted ? "deleted" : file.oldMode != file.newMode ? "mode changed" : ""
    if !kind.isEmpty { html.markup(" <span class=kind>\(kind)</span>") }
    html.markup(
      " <span class=plus>+\(lines.count { $0.first == UInt8(ascii: "+") })</span>"
        + " <span class=minus>−\(lines.count { $0.first == UInt8(ascii: "-") })</span></summary>")
    if file.isBinary {
      html.markup("<p class=note>Binary content.</p></details>")
      return
    }
    html.markup(
      "<div class=scroll><table class=diff><colgroup><col class=n><col class=c><col class=n><col class=c></colgroup>")
    var left = mostLines
    for hunk in file.hunks where left > 0 {
      html.markup("<tbody><tr class=hunk><td colspan=4>line \(max(1, hunk.newStart))</td></tr>")
      rows(hunk, into: &html, &left)
      html.markup("</tbody>")
    }
    html.markup("</table></div>")
    if left <= 0 { html.markup("<p class=note>The rest is in the record.</p>") }
    html.markup("</details>")
  }

  private static func rows(_ hunk: FilePatch.Hunk, into html: inout HTMLText, _ left: inout Int) {
    var old = hunk.oldStart
    var new = hunk.newStart
    var removed: [[UInt8]] = []
    var added: [[UInt8]] = []
    func flush(_ html: inout HTMLText) {
      for index in 0..<max(removed.count, added.count) {
        let before = index < removed.count ? removed[index] : nil
        let after = index < added.count ? added[index] : nil
        let span = before.flatMap { before in after.flatMap { changed(before, $0) } }
        html.markup("<tr>")
        cell(before, before == nil ? "none" : "del", old, span?.old, into: &html)
        cell(after, after == nil ? "none" : "add", new, span?.new, into: &html)
        html.markup("</tr>")
        if before != nil { old += 1 }
        if after != nil { new += 1 }
      }
      removed = []
      added = []
    }
    for line in hunk.lines {
      guard left > 0 else { break }
      left -= 1
      let text = Array(line.dropFirst())
      switch line.first {
      case UInt8(ascii: "-"): removed.append(text)
      case UInt8(ascii: "+"): added.append(text)
      default:
        flush(&html)
        html.markup("<tr>")
        cell(text, "same old", old, nil, into: &html)
        cell(text, "same", new, nil, into: &html)
        html.markup("</tr>")
        old += 1
        new += 1
      }
    }
    flush(&html)
  }

  private static func cell(
    _ line: [UInt8]?, _ kind: String, _ number: Int, _ span: Range<Int>?, into html: inout HTMLText
  ) {
    guard let line else {
      html.markup("<td class=\"n \(kind)\"></td><td class=\"c \(kind)\"></td>")
      return
    }
    let text = line.last == 0x0a ? line.dropLast() : line[...]
    html.markup("<td class=\"n \(kind)\">\(number)</td><td class=\"c \(kind)\">")
    if let span, !span.isEmpty, span.upperBound <= text.count {
      html.text(text[..<span.lowerBound])
      html.markup("<mark>")
      html.text(text[span])
      html.markup("</mark>")
      html.text(text[span.upperBound...])
    } else {
      html.text(text)
    }
    html.markup("</td>")
  }

  /// What differs between two lines: all but the common beginning and end, at borders of characters.
  private static func changed(_ old: [UInt8], _ new: [UInt8]) -> (old: Range<Int>, new: Range<Int>)? {
    let oldEnd = old.last == 0x0a ? old.count - 1 : old.count
    let newEnd = new.last == 0x0a ? new.count - 1 : new.count
    var start = 0
    while start < min(oldEnd, newEnd), old[start] == new[start] { start += 1 }
    while start > 0, isInside(old, start) || isInside(new, start) { start -= 1 }
    var tail = 0
    while tail < min(oldEnd, newEnd) - start, old[oldEnd - 1 - tail] == new[newEnd - 1 - tail] { tail += 1 }
    while tail > 0, isInside(old, oldEnd - tail) || isInside(new, newEnd - tail) { tail -= 1 }
    // Lines with little in common are better read whole.
    guard start + tail > max(oldEnd, newEnd) / 3 else { return nil }
    return (start..<oldEnd - tail, start..<newEnd - tail)
  }

  /// Whether a place is in the middle of a character of UTF-8.
  private static func isInside(_ line: [UInt8], _ index: Int) -> Bool {
    index < line.count && line[index] & 0xc0 == 0x80
  }
}
