import CodeIndex
import Conversation
import JSON
import Paths
import Workspace

/// `read_file`: lines of a file, numbered.
struct ReadFileTool: Tool {
  static let mayWrite = false
  static let definition = ToolDefinition(
    name: "read_file",
    description: "Read a text file, or lines of it. Lines come numbered; the numbers are not part of the file.",
    input: .schema(
      Schema.object(
        [
          ("path", Schema.string("The file, relative to the project directory.")),
          ("start_line", Schema.integer("The first line, from 1.")),
          ("end_line", Schema.integer("The last line.")),
        ], required: ["path"])))

  private static let mostLines = 1200
  private static let mostBytes = 80_000
  private static let longestLine = 2000
  private let path: String
  private let start: Int?
  private let end: Int?

  init(_ arguments: ToolArguments) throws(ToolFailure) {
    path = try arguments.string("path")
    start = try arguments.optionalInt("start_line")
    end = try arguments.optionalInt("end_line")
  }

  func run(in session: Session, call: String) async throws -> ToolOutput {
    let file = try session.resolve(path)
    let content: FileContent
    do {
      content = try await session.read(file, call: call)
    } catch let error as WorkspaceError {
      throw ToolFailure(error.message)
    }
    if content.bytes.prefix(8000).contains(0) {
      throw ToolFailure("\(session.shown(file)) is a binary file of \(content.bytes.count) bytes")
    }
    let structured: JSONValue? =
      session.answersWithData
      ? [
        "path": .string(file.quoted), "size": JSONValue(content.bytes.count),
        "text": String(validating: content.bytes, as: UTF8.self).map(JSONValue.string) ?? .null,
      ] : nil
    if content.bytes.isEmpty { return ToolOutput("\(session.shown(file)) is empty", structured: structured) }
    let first = start.flatMap { $0 > 0 ? $0 : nil } ?? 1
    let wanted = max(first, end.flatMap { $0 > 0 ? $0 : nil } ?? .max)
    let lines = FileLines(content.bytes, from: first, count: min(wanted - first, Self.mostLines - 1) + 1)
    guard first <= lines.total else {
      throw ToolFailure("\(session.shown(file)) has only \(lines.total.of("line"))")
    }
    var text = "\(session.shown(file)), lines \(first)–\(first + lines.ranges.count - 1) of \(lines.total)\n"
    for (offset, range) in lines.ranges.enumerated() where text.utf8.count < Self.mostBytes {
      let shown = OutputText.start(
        of: OutputText.clean(Array(content.bytes[range.prefix(4 * Self.longestLine)])), Self.longestLine)
      text += "\(first + offset)\t\(shown)\(range.count > Self.longestLine ? " [… \(range.count) bytes]" : "")\n"
    }
    if text.utf8.count >= Self.mostBytes {
      text = OutputText.start(of: text, Self.mostBytes) + "\n[… more than fits here; read fewer lines …]\n"
    }
    let instructions = try await session.instructions(for: file.parent ?? .root, call: call)
    return ToolOutput(text + instructions, structured: structured)
  }
}

/// Where some lines of a file lie, found in one pass.
struct FileLines {
  /// The wanted lines, without their line breaks.
  private(set) var ranges: [Range<Int>] = []
  /// Lines in all; a line break at the end of the file begins no further line.
  private(set) var total = 0

  init(_ bytes: [UInt8], from first: Int, count: Int) {
    bytes.withUnsafeBufferPointer { bytes in
      var start = 0
      while start < bytes.count {
        let rest = bytes[start...]
        let end = rest.firstIndex(of: UInt8(ascii: "\n")) ?? bytes.count
        total += 1
        if total >= first, ranges.count < count { ranges.append(start..<end) }
        start = end + 1
      }
    }
  }
}

/// `list_files`: what lies in a directory.
struct ListFilesTool: Tool {
  static let mayWrite = false
  static let definition = ToolDefinition(
    name: "list_files",
    description: "List a directory, with the files below it up to a depth. Directories end in a slash.",
    input: .schema(
      Schema.object(
        [
          ("path", Schema.string("The directory, relative to the project directory (the default).")),
          ("depth", Schema.integer("How many levels to show; 2 when not given.")),
        ], required: [])))

  private static let mostEntries = 500
  private let path: String?
  private let depth: Int

  init(_ arguments: ToolArguments) throws(ToolFailure) {
    path = try arguments.optionalString("path")
    depth = min(8, max(1, try arguments.optionalInt("depth") ?? 2))
  }

  func run(in session: Session, call: String) async throws -> ToolOutput {
    let directory = try path.map { text throws(ToolFailure) in try session.resolve(text) } ?? session.project
    let names: [String] = try await session.gate.perform(.list(directory), call: call) {
      var names: [String] = []
      try await walk(directory, depth: depth, prefix: "", in: session, into: &names)
      return EffectOutcome(value: names, fields: ["entries": JSONValue(names.count)])
    }
    if names.isEmpty { return ToolOutput("(empty)") }
    let more = names.count > Self.mostEntries ? "\n[more than \(Self.mostEntries) entries; name a subdirectory]" : ""
    return ToolOutput(names.prefix(Self.mostEntries).joined(separator: "\n") + more)
  }

  private func walk(
    _ directory: RepoPath, depth: Int, prefix: String, in session: Session, into names: inout [String]
  ) async throws {
    let entries: [DirectoryEntry]
    do {
      entries = try await session.workspace.list(directory)
    } catch {
      if prefix.isEmpty { throw ToolFailure(error.message) }
      return
    }
    for entry in entries.sorted(by: { $0.name.lexicographicallyPrecedes($1.name) }) {
      guard names.count <= Self.mostEntries else { return }
      if entry.name.elementsEqual(".git".utf8) { continue }
      guard let path = directory.appending(entry.name), session.gate.mayRead(path) else { continue }
      let isDirectory = entry.kind == .directory
      let shown = prefix + Quoting.quote(entry.name) + (isDirectory ? "/" : "")
      names.append(entry.isIgnored ? shown + "  (ignored by git)" : shown)
      if isDirectory, !entry.isIgnored, depth > 1 {
        try await walk(path, depth: depth - 1, prefix: shown, in: session, into: &names)
      }
    }
  }
}

/// `search`: ranked or exact search by the index.
struct SearchTool: Tool {
  static let mayWrite = false
  static let definition = ToolDefinition(
    name: "search",
    description:
      "Find code by words (ranked: names, error texts, what the code is about) or by regular expression. Returns paths "
      + "with line numbers and the matching lines.",
    input: .schema(
      Schema.object(
        [
          ("query", Schema.string("Words, or a regular expression when `regex` is true.")),
          ("regex", Schema.boolean("Take the query as a regular expression.")),
          ("path", Schema.string("Only below this directory.")),
        ], required: ["query"])))

  private let query: String
  private let isRegex: Bool
  private let path: String?

  init(_ arguments: ToolArguments) throws(ToolFailure) {
    query = try arguments.string("query")
    isRegex = try arguments.optionalBool("regex") ?? false
    path = try arguments.optionalString("path")
  }

  func run(in session: Session, call: String) async throws -> ToolOutput {
    guard let index = session.index else { throw ToolFailure("no index here; use `shell` with grep") }
    let below = try path.map { text throws(ToolFailure) in try session.resolve(text) }
    let hits: [SearchHit] = try await session.gate.perform(.search(query), call: call) {
      let found = try await index.search(query, isRegex: isRegex, below: below, limit: 20)
      let shown = await session.gate.disclosable(found.map(\.path))
      let hits = found.filter { shown.paths.contains($0.path) }
      return EffectOutcome(
        value: hits, fields: ["hits": .array(hits.map { .string("\($0.path.quoted):\($0.line)") })],
        labels: shown.labels)
    }
    if hits.isEmpty { return ToolOutput("Nothing found.") }
    return ToolOutput(
      OutputText.bounded(
        hits.map { hit in
          "\(session.shown(hit.path)):\(hit.line)"
            + (hit.name.map { " in \($0)" } ?? "") + "\n" + OutputText.clean(hit.excerpt)
        }.joined(separator: "\n")))
  }
}

/// `find_symbol`: definitions and references of a name.
struct FindSymbolTool: Tool {
  static let mayWrite = false
  static let definition = ToolDefinition(
    name: "find_symbol",
    description: "Find where a function, type or variable is defined and where it is used, by its exact name.",
    input: .schema(Schema.object([("name", Schema.string("The name, without its scope."))], required: ["name"])))

  private let name: String

  init(_ arguments: ToolArguments) throws(ToolFailure) { name = try arguments.string("name") }

  func run(in session: Session, call: String) async throws -> ToolOutput {
    guard let index = session.index else { throw ToolFailure("no index here; use `shell` with grep") }
    let found: SymbolOccurrences = try await session.gate.perform(.search(name), call: call) {
      var found = try await index.symbol(name, limit: 40)
      let shown = await session.gate.disclosable(found.definitions.map(\.path) + found.references.map(\.path))
      found.definitions.removeAll { !shown.paths.contains($0.path) }
      found.references.removeAll { !shown.paths.contains($0.path) }
      return EffectOutcome(
        value: found,
        fields: ["definitions": JSONValue(found.definitions.count), "references": JSONValue(found.references.count)],
        labels: shown.labels)
    }
    if found.definitions.isEmpty && found.references.isEmpty { return ToolOutput("No such name.") }
    var lines: [String] = []
    for symbol in found.definitions {
      let scope = symbol.scope.map { " in \($0)" } ?? ""
      lines.append(
        "defined: \(session.shown(symbol.path)):\(symbol.line)–\(symbol.endLine) \(symbol.kind) \(symbol.name)"
          + "\(symbol.signature ?? "")\(scope)")
    }
    for reference in found.references {
      lines.append(
        "used: \(session.shown(reference.path)):\(reference.line) \(OutputText.clean(reference.excerpt))")
    }
    return ToolOutput(OutputText.bounded(lines.joined(separator: "\n")))
  }
}
