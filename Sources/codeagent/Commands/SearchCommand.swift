import ArgumentParser
import CodeIndex
import Git
import Glibc
import JSON
import Paths

/// `codeagent search`: finds code by words, pattern, name or path.
struct SearchCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "search", abstract: "Find code: by the words of a task, a regular expression, a name or a path.",
    discussion: """
      Without --rev it searches the checkout as it lies on disk; with it that revision, and nothing newer. Exit code \
      0 when something was found, 1 when nothing was.

      EXAMPLES
        codeagent search -- login fails for names with a dot
        codeagent search --regex -C 2 --glob '*.py' -- 'raise \\w+Error'
        codeagent search --symbols -- Parser.parse
        codeagent search --files --rev v2.1 -- parser test
        codeagent search --batch --repo app.git < queries.jsonl   (docs/index.md)
      """)

  @Option(help: ArgumentHelp("A directory of the checkout, or a bare repository.", valueName: "path")) var repo = "."
  @Option(help: "Search this revision instead of the checkout.") var rev: String?
  @Flag(help: "Take the query as a name: its definitions and where it is used.") var symbols = false
  @Flag(help: "Take the query as a regular expression: every matching line.") var regex = false
  @Flag(help: "Take the query as parts of a path.") var files = false
  @Flag(help: "Read one JSON query a line from standard input, answer one a line.") var batch = false
  @Option(help: "The most results.") var limit = 20
  @Option(name: [.customShort("C"), .long], help: "Lines around a matching one.") var context = 0
  @Option(help: "Only paths that match; with ! before it, only those that do not. Repeatable.") var glob: [String] = []
  @Option(help: "Only this language. Repeatable.") var lang: [String] = []
  @Flag(name: [.customShort("i"), .long], help: "Lower and upper case are the same.") var ignoreCase = false
  @OptionGroup var output: OutputOptions
  @Argument(help: "What to find.") var query: [String] = []

  mutating func validate() throws {
    guard [symbols, regex, files].count(where: { $0 }) <= 1 else {
      throw ValidationError("--symbols, --regex and --files exclude one another")
    }
    guard limit > 0, limit <= 1_000_000 else { throw ValidationError("--limit is from 1 to 1000000") }
    guard context >= 0, context <= 1000 else { throw ValidationError("--context is from 0 to 1000") }
    if batch {
      guard query.isEmpty else { throw ValidationError("--batch takes its queries from standard input") }
    } else if query.isEmpty, !files {
      throw ValidationError("say what to find, after --")
    }
  }

  mutating func run() async throws {
    let place = try SearchPlace(repo)
    let request = SearchRequest(
      query.joined(separator: " "), mode: symbols ? .symbols : regex ? .regex : files ? .files : .words, limit: limit,
      context: context, globs: glob, languages: lang, ignoresCase: ignoreCase, wantsExcerpts: !output.json && !batch)
    if batch {
      try await SearchBatch(index: place.index, request: request, revision: rev).run()
      return
    }
    let progress = ProgressLine()
    if regex {
      try await LineOutput(index: place.index, isJSON: output.json, progress: progress).run(request, rev)
      return
    }
    let (index, revision) = (place.index, rev)
    let answer = try await progress.during {
      try await index.search(request, revision: revision) { progress.show($0) }
    }
    if output.json {
      Output.write(SearchJSON.object(answer).serialized + [0x0a])
    } else {
      let traits = TerminalTraits.detect(Environment.current)
      Output.write(SearchText(style: Style(hasColor: traits.hasColor), mode: request.mode).render(answer))
    }
    if answer.results.isEmpty && answer.references.isEmpty {
      if !output.json { SearchText.noteUnread(answer) }
      throw ExitStatus(code: 1)
    }
  }
}

extension SearchError: ReportableFailure {
  var sentence: String { message }
  var advice: String? { nil }
  var code: Int32 { 2 }
}

/// Answers as JSON (docs/index.md).
enum SearchJSON {
  static func milliseconds(_ time: Duration) -> JSONValue { .double((time / .milliseconds(1) * 10).rounded() / 10) }

  static func object(_ answer: SearchAnswer) -> JSONValue { .object(members(answer)) }

  static func members(_ answer: SearchAnswer) -> JSONObject {
    var object: JSONObject = ["results": .array(answer.results.map { place($0) })]
    for member in rest(answer).members { object[member.name] = member.value }
    return object
  }

  /// All members but the results.
  static func rest(_ answer: SearchAnswer) -> JSONObject {
    var object: JSONObject = [
      "functions": .array(
        answer.functions.map { function in
          [
            "path": .string(function.path.quoted), "line": JSONValue(function.line),
            "end_line": JSONValue(function.endLine), "name": JSONValue(function.name),
          ]
        })
    ]
    if !answer.references.isEmpty { object["references"] = .array(answer.references.map { place($0) }) }
    var skipped = JSONObject()
    for (name, count) in answer.skipped.sorted(by: { $0.key < $1.key }) { skipped[name] = JSONValue(count) }
    object["skipped"] = .object(skipped)
    object["cut"] = .bool(answer.isCut)
    return object
  }

  static func place(_ result: SearchAnswer.Result) -> JSONValue {
    var object: JSONObject = [
      "path": .string(result.path.quoted), "line": JSONValue(result.line), "end_line": JSONValue(result.endLine),
      "score": .double((result.score * 10_000).rounded() / 10_000), "why": .array(result.why.map { .string($0) }),
    ]
    if let name = result.name { object["name"] = .string(name) }
    if let kind = result.kind { object["kind"] = .string(kind) }
    if let signature = result.signature { object["signature"] = .string(signature) }
    if !result.lines.isEmpty {
      object["lines"] = .array(
        result.lines.map { line in
          [
            "line": JSONValue(line.number), "text": .string(String(decoding: line.text, as: UTF8.self)),
            "match": .bool(line.isMatch),
          ]
        })
    }
    return .object(object)
  }
}

/// Answers as people read them.
struct SearchText {
  let style: Style
  let mode: SearchRequest.Mode

  func render(_ answer: SearchAnswer) -> String {
    var text = ""
    for result in answer.results {
      switch mode {
      // Given away as it is found: ``LineOutput``.
      case .regex: break
      case .words: text += ranked(result)
      case .symbols:
        text +=
          "\(place(result)): \(result.kind ?? "name") \(style.strong(Display.line(result.name ?? "", width: 200)))"
          + Display.line(result.signature ?? "", width: 200) + "\n"
      case .files: text += style.name(Display.path(result.path.bytes)) + "\n"
      }
    }
    for reference in answer.references {
      let line = reference.lines.first.map { Display.line(String(decoding: $0.shown, as: UTF8.self), width: 200) } ?? ""
      text += "\(place(reference)): \(style.faint("uses it:")) \(line)\n"
    }
    if answer.isCut { text += style.faint("(there are more: --limit)") + "\n" }
    return text
  }

  /// Says on standard error that nothing was found where not all could be read.
  static func noteUnread(_ answer: SearchAnswer) {
    let words = ["missing", "unreadable", "unreadable directory"].compactMap { name in
      answer.skipped[name].map { "\($0) \(name)" }
    }
    if !words.isEmpty { Output.error("codeagent: not all files could be read: \(words.joined(separator: ", "))") }
  }

  private func place(_ result: SearchAnswer.Result) -> String {
    "\(style.name(Display.path(result.path.bytes))):\(result.line)"
  }

  private func ranked(_ result: SearchAnswer.Result) -> String {
    var text = "\(style.name(Display.path(result.path.bytes))):\(result.line)–\(result.endLine)"
    if let name = result.name { text += "  \(style.strong(Display.line(name, width: 120)))" }
    if !result.why.isEmpty { text += "  \(style.faint(result.why.joined(separator: ", ")))" }
    text += "\n"
    for line in result.lines {
      text += "  \(line.number)\t\(Display.line(String(decoding: line.shown, as: UTF8.self), width: 200))\n"
    }
    return text
  }
}

extension SearchAnswer.Line {
  /// Without the rest of a line end of two bytes.
  var shown: ArraySlice<UInt8> { text.last == 0x0d ? text.dropLast() : text[...] }
}
