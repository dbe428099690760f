import ArgumentParser
import AuditTrail
import JSON
import Paths
import Workspace

/// `codeagent audit blame`: which step of which run wrote a line.
struct AuditBlame: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "blame", abstract: "Show which step of which run wrote each line of a file, and what allowed it.",
    discussion: "EXAMPLES\n  codeagent audit blame src/app.py\n  codeagent audit blame src/app.py:12")

  @Argument(help: "FILE, or FILE:LINE.") var place: String
  @OptionGroup var output: OutputOptions

  func run() throws {
    var file = place
    var number: Int?
    if let colon = place.lastIndex(of: ":"), let line = Int(place[place.index(after: colon)...]), line > 0 {
      file = String(place[..<colon])
      number = line
    }
    let content = try ByteInput.read(file)
    let slash = file.lastIndex(of: "/")
    let directory = slash.map { $0 == file.startIndex ? "/" : String(file[..<$0]) } ?? "."
    let location = try CheckoutLocation.resolve(Array(directory.utf8))
    let name = Array(file[(slash.map { file.index(after: $0) } ?? file.startIndex)...].utf8)
    guard let path = location.project.appending(name) else { throw UsageFailure("`\(file)` is not a file's path") }
    let store = try Assembly().store()
    let place = try Self.place(of: path, in: location, store)
    let blame = try Blame(content, path: place.path, checkout: place.checkout, in: store)
    if let number, number > blame.lines.count {
      throw UsageFailure("\(file) has \(blame.lines.count) lines")
    }
    let style = Style(hasColor: TerminalTraits.detect(Environment.current).hasColor)
    for (index, line) in blame.lines.enumerated() where number == nil || number == index + 1 {
      let origin = blame.origins[index]
      let text = Display.safe(line.last == 0x0a ? Array(line.dropLast()) : line)
      if output.json {
        Output.write(JSONValue.object(json(index + 1, text, origin)).serialized + [0x0a])
        continue
      }
      let digits = "\(index + 1)"
      let mark = origin.map { "\($0.run.text)/\($0.change)" } ?? ""
      Output.write(
        style.name(mark.padding(to: 26)) + style.faint(String(repeating: " ", count: max(0, 5 - digits.count)) + digits)
          + "  \(text)\n")
      if number != nil { explain(origin, style) }
    }
  }

  /// The checkout as runs recorded it, and the file's path in it. Outside git it is the nearest directory above the file
  /// that a run worked in.
  private static func place(
    of path: RepoPath, in location: CheckoutLocation, _ store: AuditStore
  ) throws -> (checkout: String, path: RepoPath) {
    var root = location.root
    var below = path
    if location.repository == nil {
      let known = Set(try store.runs(limit: .max).compactMap { $0.firstFields["checkout"]?.string })
      while !known.contains(Quoting.quote(root)), let slash = root.lastIndex(of: UInt8(ascii: "/")), root.count > 1 {
        guard let path = RepoPath(root[(slash + 1)...] + [UInt8(ascii: "/")] + below.bytes) else { break }
        below = path
        root = slash == 0 ? [UInt8(ascii: "/")] : Array(root[..<slash])
      }
      guard known.contains(Quoting.quote(root)) else { return (Quoting.quote(location.root), path) }
    }
    return (Quoting.quote(root), below)
  }

  private func explain(_ origin: LineOrigin?, _ style: Style) {
    func row(_ name: String, _ value: String) { Output.write("  " + style.faint(name.padding(to: 12)) + value + "\n") }
    guard let origin else {
      row("written by", "no run of this record")
      return
    }
    row("written by", "\(origin.run.text), step \(origin.change), \(UTCTime.text(origin.time))")
    row("model", Display.safe(origin.model))
    if let answer = origin.answer {
      row("asked in", "answer \(answer): codeagent audit log \(origin.run.text) --content")
    }
    if !origin.rules.isEmpty { row("allowed by", Display.safe(origin.rules.joined(separator: ", "))) }
    row("proof", "codeagent audit prove \(origin.run.text)/\(origin.change)")
  }

  private func json(_ number: Int, _ text: String, _ origin: LineOrigin?) -> JSONObject {
    [
      "v": 1, "line": JSONValue(number), "text": .string(text), "run": JSONValue(origin?.run.text),
      "step": origin.map { JSONValue($0.change) } ?? .null, "intent": origin?.intent.map { JSONValue($0) } ?? .null,
      "answer": origin?.answer.map { JSONValue($0) } ?? .null, "model": JSONValue(origin?.model),
      "rules": .array((origin?.rules ?? []).map { .string($0) }),
    ]
  }
}
