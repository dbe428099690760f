import CodeIndex
import Glibc
import JSON
import Paths

/// Writes the lines that `codeagent search --regex` finds as they are found.
struct LineOutput {
  let index: CodeSearch
  let isJSON: Bool
  let progress: ProgressLine

  func run(_ request: SearchRequest, _ revision: String?) async throws {
    let index = index
    let isJSON = isJSON
    let progress = progress
    let isEmpty = try await Signals.stoppable {
      guard isJSON else { return try await Self.text(index, request, revision, progress) }
      return try await LineObject(index: index, progress: progress).write(request, revision)
    }
    progress.clear()
    if isEmpty { throw ExitStatus(code: 1) }
  }

  /// Gives whether nothing was found.
  private static func text(
    _ index: CodeSearch, _ request: SearchRequest, _ revision: String?, _ progress: ProgressLine
  ) async throws -> Bool {
    var request = request
    request.wantsNames = false
    let text = LineText(style: Style(hasColor: TerminalTraits.detect(Environment.current).hasColor))
    let counter = LineCount()
    let answer = try await index.lines(request, revision: revision, observe: { progress.show($0) }) { results in
      progress.clear()
      let before = await counter.add(results)
      Output.write(text.render(results, after: before.last))
    }
    // What reads the lines is not to take this for one.
    if answer.isCut { Output.error(text.style.faint("(there are more: --limit)")) }
    let isEmpty = await counter.count == 0
    progress.clear()
    if isEmpty { SearchText.noteUnread(answer) }
    return isEmpty
  }
}

/// Writes the answer to a regular expression as one JSON object on a line, its results as they are found.
struct LineObject {
  let index: CodeSearch
  var progress = ProgressLine(isShown: false)

  /// - Parameters:
  ///   - leading: members that stand before the results.
  ///   - isTimed: a last member, `ms`, says how long finding took, without the writing.
  /// - Returns: whether nothing was found.
  /// - Throws: what ``CodeSearch/lines(_:revision:deliver:)`` throws, as long as nothing was written. What fails then is
  ///   named in the object.
  @discardableResult
  func write(
    _ request: SearchRequest, _ revision: String?, leading: JSONObject = [:], isTimed: Bool = false
  ) async throws -> Bool {
    let counter = LineCount()
    let start = ContinuousClock.now
    let before = Self.members(leading)
    let progress = progress
    let head = Array("{".utf8) + before + Array((before.isEmpty ? "" : ",").utf8) + Array("\"results\":[".utf8)
    do {
      let answer = try await index.lines(request, revision: revision, observe: { progress.show($0) }) { results in
        progress.clear()
        let begin = ContinuousClock.now
        let before = await counter.add(results)
        Output.write(Self.results(results, head: before.count == 0 ? head : []))
        await counter.spent(ContinuousClock.now - begin)
      }
      let isEmpty = await counter.count == 0
      var rest = SearchJSON.rest(answer)
      if isTimed { rest["ms"] = SearchJSON.milliseconds(ContinuousClock.now - start - (await counter.writing)) }
      Output.write((isEmpty ? head : []) + Array("],".utf8) + Self.members(rest) + Array("}\n".utf8))
      return isEmpty
    } catch {
      guard await counter.count > 0 else { throw error }
      if error is CancellationError { throw error }
      let sentence = (error as? any ReportableFailure)?.sentence ?? "\(error)"
      Output.write(
        Array("],".utf8) + Self.members(["error": ["message": .string(sentence)]]) + Array("}\n".utf8))
      return false
    }
  }

  /// Members without the braces around them.
  private static func members(_ object: JSONObject) -> [UInt8] {
    Array(JSONValue.object(object).serialized.dropFirst().dropLast())
  }

  private static func results(_ results: [SearchAnswer.Result], head: [UInt8]) -> [UInt8] {
    var bytes = head
    for (number, result) in results.enumerated() {
      if number > 0 || head.isEmpty { bytes.append(UInt8(ascii: ",")) }
      SearchJSON.place(result).write(to: &bytes)
    }
    return bytes
  }
}

/// What was written of an answer.
private actor LineCount {
  private(set) var count = 0
  private(set) var writing = Duration.zero
  private var last: SearchAnswer.Result?

  /// What was there before these.
  func add(_ results: [SearchAnswer.Result]) -> (count: Int, last: SearchAnswer.Result?) {
    let before = (count, last)
    count += results.count
    last = results.last ?? last
    return before
  }

  func spent(_ time: Duration) { writing += time }
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
      for line in result.lines where line.number > shown {
        let mark = UInt8(ascii: line.isMatch ? ":" : "-")
        bytes += place
        bytes.append(mark)
        bytes += String(line.number).utf8
        bytes.append(mark)
        append(line.shown, to: &bytes)
        bytes.append(0x0a)
      }
      previous = result
    }
    return bytes
  }

  /// Most lines are plain, and are copied.
  private func append(_ text: ArraySlice<UInt8>, to bytes: inout [UInt8]) {
    let isPlain = text.withUnsafeBufferPointer { text in
      for byte in text where byte &- 0x20 > 0x5e && byte != 0x09 { return false }
      return true
    }
    if isPlain { bytes += text } else { bytes += Display.safe(Array(text)).replacing("\n", with: " ").utf8 }
  }
}
