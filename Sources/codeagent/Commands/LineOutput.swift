import CodeIndex
import Glibc
import JSON
import Paths

/// Writes the lines that `codeagent search --regex` finds as they are found.
struct LineOutput {
  let index: CodeSearch
  let isJSON: Bool

  func run(_ request: SearchRequest, _ revision: String?) async throws {
    let isJSON = isJSON
    var request = request
    request.wantsNames = isJSON
    let text = LineText(style: Style(hasColor: TerminalTraits.detect(Environment.current).hasColor))
    let counter = LineCount()
    let index = index
    let asked = request
    let answer = try await Signals.stoppable {
      try await index.lines(asked, revision: revision) { results in
        let first = await counter.add(results)
        Output.write(isJSON ? Self.json(results, isFirst: first.count == 0) : text.render(results, after: first.last))
      }
    }
    let isEmpty = await counter.count == 0
    if isJSON {
      // The rest of the object, without its opening brace.
      let rest = JSONValue.object(SearchJSON.rest(answer)).serialized.dropFirst()
      Output.write(Array((isEmpty ? "{\"results\":[]," : "],").utf8) + rest + [0x0a])
    } else if answer.isCut {
      Output.write(text.style.faint("(there are more: --limit)") + "\n")
    }
    if isEmpty { throw ExitStatus(code: 1) }
  }

  private static func json(_ results: [SearchAnswer.Result], isFirst: Bool) -> [UInt8] {
    var bytes: [UInt8] = isFirst ? Array("{\"results\":[".utf8) : []
    for (number, result) in results.enumerated() {
      if number > 0 || !isFirst { bytes.append(UInt8(ascii: ",")) }
      SearchJSON.place(result).write(to: &bytes)
    }
    return bytes
  }

  private actor LineCount {
    private(set) var count = 0
    private var last: SearchAnswer.Result?

    /// What was there before these.
    func add(_ results: [SearchAnswer.Result]) -> (count: Int, last: SearchAnswer.Result?) {
      let before = (count, last)
      count += results.count
      last = results.last ?? last
      return before
    }
  }
}

/// Matching lines as people read them.
private struct LineText: Sendable {
  let style: Style

  func render(_ results: [SearchAnswer.Result], after before: SearchAnswer.Result?) -> [UInt8] {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(results.count * 96)
    var previous = before
    var place: [UInt8] = []
    for result in results {
      if previous?.path != result.path || place.isEmpty {
        place = Array(style.name(Display.path(result.path.bytes)).utf8)
      }
      let shown = previous?.path == result.path ? previous?.lines.last?.number ?? 0 : 0
      if result.lines.count > 1, let previous, previous.path != result.path || shown + 1 < result.lines[0].number {
        bytes += "--\n".utf8
      }
      // Surroundings that overlap are shown once.
      for line in result.lines where line.number > shown || line.isMatch {
        let mark = UInt8(ascii: line.isMatch ? ":" : "-")
        bytes += place
        bytes.append(mark)
        bytes += String(line.number).utf8
        bytes.append(mark)
        append(line.text, to: &bytes)
        bytes.append(0x0a)
      }
      previous = result
    }
    return bytes
  }

  /// Most lines are plain, and are copied.
  private func append(_ text: [UInt8], to bytes: inout [UInt8]) {
    let isPlain = text.withUnsafeBufferPointer { text in
      for byte in text where byte &- 0x20 > 0x5e && byte != 0x09 { return false }
      return true
    }
    if isPlain { bytes += text } else { bytes += Display.safe(text).replacing("\n", with: " ").utf8 }
  }
}
