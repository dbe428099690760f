import CodeIndex
import Git
import Glibc
import JSON

/// `codeagent search --batch`: one JSON query a line in, one answer a line out, in the same order.
///
/// A query is `{"id": …, "rev": …, "query": …}`; only `query` is needed. A line that cannot be answered gets
/// `{"id": …, "error": {"message": …}}`, and the rest goes on.
struct SearchBatch {
  let index: CodeSearch
  let request: SearchRequest
  let revision: String?

  private static let longestLine = 8 << 20
  private static let modes: [String: SearchRequest.Mode] = [
    "words": .words, "regex": .regex, "symbols": .symbols, "files": .files,
  ]

  func run() async throws {
    var reader = LineReader(limit: Self.longestLine)
    while let line = reader.next() {
      if Signals.received != nil { break }
      if line.bytes.allSatisfy({ $0 <= 0x20 }), !line.isCut { continue }
      if let answer = await answer(line) { Output.write(JSONValue.object(answer).serialized + [0x0a]) }
    }
    if let signal = Signals.received { throw ExitStatus(code: 128 + signal) }
  }

  /// The answer, unless it was written as it was found.
  private func answer(_ line: LineReader.Line) async -> JSONObject? {
    if line.isCut { return failure(.null, "a line longer than \(Self.longestLine) bytes") }
    let parsed: JSONValue
    do {
      parsed = try JSONValue(parsing: line.bytes)
    } catch {
      return failure(.null, error.description)
    }
    let id = parsed["id"] ?? .null
    guard parsed.object != nil else { return failure(.null, "a query is a JSON object") }
    guard let text = parsed["query"]?.string else { return failure(id, "`query` is missing, or is no string") }
    let named = parsed["rev"] ?? .null
    guard named.isNull || named.string != nil else { return failure(id, "`rev` is no string") }
    var request = request
    request.text = text
    if let name = parsed["mode"], !name.isNull {
      guard let mode = name.string.flatMap({ Self.modes[$0] }) else {
        return failure(id, "`mode` is one of \(Self.modes.keys.sorted().joined(separator: ", "))")
      }
      request.mode = mode
    }
    if let limit = parsed["limit"], !limit.isNull {
      guard let number = limit.int, (1...1_000_000).contains(number) else {
        return failure(id, "`limit` is a number from 1 to 1000000")
      }
      request.limit = number
    }
    let start = ContinuousClock.now
    do {
      if request.mode == .regex {
        try await LineObject(index: index).write(
          request, named.string ?? revision, leading: ["id": id], isTimed: true)
        return nil
      }
      let answer = try await index.search(request, revision: named.string ?? revision)
      var object: JSONObject = ["id": id]
      for member in SearchJSON.members(answer).members { object[member.name] = member.value }
      object["ms"] = SearchJSON.milliseconds(ContinuousClock.now - start)
      return object
    } catch let failure as any ReportableFailure {
      return self.failure(id, failure.sentence)
    } catch {
      return failure(id, "\(error)")
    }
  }

  private func failure(_ id: JSONValue, _ message: String) -> JSONObject {
    ["id": id, "error": ["message": .string(message)]]
  }
}

/// Lines of standard input, of bounded length.
struct LineReader {
  struct Line {
    var bytes: [UInt8]
    /// It was longer than what is kept of it.
    var isCut: Bool
  }

  private let limit: Int
  private var buffer = [UInt8](repeating: 0, count: 1 << 16)
  private var start = 0
  private var end = 0
  private var isAtEnd = false

  init(limit: Int) { self.limit = limit }

  mutating func next() -> Line? {
    var line = Line(bytes: [], isCut: false)
    while true {
      if start == end {
        guard fill() else { return line.bytes.isEmpty && !line.isCut ? nil : line }
      }
      let rest = buffer[start..<end]
      let stop = rest.firstIndex(of: 0x0a)
      let piece = rest[..<(stop ?? end)]
      if line.bytes.count + piece.count <= limit { line.bytes += piece } else { line.isCut = true }
      start = stop.map { $0 + 1 } ?? end
      if stop != nil { return line }
    }
  }

  private mutating func fill() -> Bool {
    guard !isAtEnd else { return false }
    while true {
      let count = read(0, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      start = 0
      end = max(0, count)
      isAtEnd = count <= 0
      return count > 0
    }
  }
}
