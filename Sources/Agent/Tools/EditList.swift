import JSON
import Paths
import Workspace

/// Replacements of byte ranges, in files as they are in the workspace.
struct EditList: Sendable, Hashable {
  /// One replacement.
  struct Edit: Sendable, Hashable {
    var path: RepoPath
    var start: Int
    var end: Int
    var text: [UInt8]
  }

  let edits: [Edit]

  static let schema = Schema.array(
    Schema.object(
      [
        ("path", Schema.string("The file, from the checkout's root.")),
        ("start", Schema.integer("The first byte that is replaced.")),
        ("end", Schema.integer("The byte after the last one replaced.")),
        ("text", Schema.string("What takes its place.")),
      ], required: ["path", "start", "end", "text"]), "Replacements; they must not overlap.")

  init(_ values: [JSONValue]) throws(ToolFailure) {
    var edits: [Edit] = []
    for value in values {
      guard let path = value["path"]?.string.flatMap(RepoPath.init(quoted:)), let start = value["start"]?.int,
        let end = value["end"]?.int, let text = value["text"]?.string, 0 <= start, start <= end
      else { throw ToolFailure("each edit needs `path`, `start`, `end` and `text`") }
      edits.append(Edit(path: path, start: start, end: end, text: Array(text.utf8)))
    }
    self.edits = edits
  }

  var json: JSONValue {
    .array(
      edits.map {
        [
          "path": .string($0.path.quoted), "start": JSONValue($0.start), "end": JSONValue($0.end),
          "text": .string(String(decoding: $0.text, as: UTF8.self)),
        ]
      })
  }

  /// The files' contents after the edits.
  func applied(to originals: [RepoPath: [UInt8]]) throws(ToolFailure) -> [RepoPath: [UInt8]] {
    var result: [RepoPath: [UInt8]] = [:]
    for (path, edits) in Dictionary(grouping: edits, by: \.path) {
      guard let original = originals[path] else { throw ToolFailure("there is no file \(path)") }
      var content: [UInt8] = []
      var position = 0
      for edit in edits.sorted(by: { ($0.start, $0.end) < ($1.start, $1.end) }) {
        guard edit.start >= position, edit.end <= original.count else {
          throw ToolFailure("an edit of \(path) is out of range or overlaps another")
        }
        content += original[position..<edit.start]
        content += edit.text
        position = edit.end
      }
      result[path] = content + original[position...]
    }
    return result
  }

  /// Reads every file that the lists touch, through the gate.
  static func originals(
    _ lists: [EditList], in session: Session, call: String
  ) async throws -> [RepoPath: [UInt8]] {
    var originals: [RepoPath: [UInt8]] = [:]
    for path in Set(lists.flatMap { $0.edits.map(\.path) }).sorted() {
      do {
        originals[path] = try await session.read(path, call: call).bytes
      } catch let error as WorkspaceError {
        throw ToolFailure(error.message)
      }
    }
    return originals
  }
}
