import JSON
import Paths
import TestReports
import Workspace

/// Replacements in files as they are in the workspace: of a text that occurs once, or of a range of bytes.
struct EditList: Sendable, Hashable {
  /// One replacement.
  struct Edit: Sendable, Hashable {
    var path: RepoPath
    var place: Place
    var text: [UInt8]

    /// What is replaced.
    enum Place: Sendable, Hashable {
      /// The bytes from a first one up to another.
      case bytes(Int, Int)
      /// A text that is in the file exactly once.
      case text([UInt8])
    }
  }

  let edits: [Edit]

  /// What models are told. Programs may give `start`, `end` and `text` instead: a range of bytes.
  static let schema = Schema.array(
    Schema.object(
      [
        ("path", Schema.string("The file.")),
        ("old", Schema.string("The text that is replaced, exactly as it is in the file, where it occurs once.")),
        ("new", Schema.string("What takes its place.")),
      ], required: ["path", "old", "new"]), "Replacements; they must not overlap.")

  /// - Parameter path: how a path's text is understood.
  init(_ values: [JSONValue], path: (String) throws(ToolFailure) -> RepoPath) throws(ToolFailure) {
    var edits: [Edit] = []
    for value in values {
      guard let name = value["path"]?.string else { throw ToolFailure("each edit needs a `path`") }
      if let old = value["old"]?.string, let new = value["new"]?.string, !old.isEmpty {
        edits.append(Edit(path: try path(name), place: .text(Array(old.utf8)), text: Array(new.utf8)))
      } else if let start = value["start"]?.int, let end = value["end"]?.int, let text = value["text"]?.string,
        0 <= start, start <= end
      {
        edits.append(Edit(path: try path(name), place: .bytes(start, end), text: Array(text.utf8)))
      } else {
        throw ToolFailure("each edit needs `path`, `old` (some text of the file) and `new`")
      }
    }
    self.edits = edits
  }

  var json: JSONValue {
    .array(
      edits.map { edit in
        var object: JSONObject = ["path": .string(edit.path.quoted)]
        switch edit.place {
        case .bytes(let start, let end):
          object["start"] = JSONValue(start)
          object["end"] = JSONValue(end)
          object["text"] = .string(String(decoding: edit.text, as: UTF8.self))
        case .text(let old):
          object["old"] = .string(String(decoding: old, as: UTF8.self))
          object["new"] = .string(String(decoding: edit.text, as: UTF8.self))
        }
        return .object(object)
      })
  }

  /// The edits as ranges of bytes, in order of place.
  func ranges(in originals: [RepoPath: [UInt8]]) throws(ToolFailure) -> [TrialEdit] {
    var result: [TrialEdit] = []
    for edit in edits {
      guard let original = originals[edit.path] else { throw ToolFailure("there is no file \(edit.path)") }
      let range: Range<Int>
      switch edit.place {
      case .bytes(let start, let end):
        guard start <= end, end <= original.count else { throw ToolFailure("an edit of \(edit.path) is out of range") }
        range = start..<end
      case .text(let old):
        guard let first = original.firstRange(of: old) else {
          throw ToolFailure("`old` is not in \(edit.path): give it exactly as the file has it")
        }
        guard original[(first.lowerBound + 1)...].firstRange(of: old) == nil else {
          throw ToolFailure("`old` occurs more than once in \(edit.path): give more of the text around it")
        }
        range = first
      }
      result.append(TrialEdit(path: edit.path, range: range, text: edit.text))
    }
    result.sort {
      ($0.path, $0.range.lowerBound, $0.range.upperBound) < ($1.path, $1.range.lowerBound, $1.range.upperBound)
    }
    for (edit, next) in zip(result, result.dropFirst())
    where edit.path == next.path && edit.range.upperBound > next.range.lowerBound {
      throw ToolFailure("edits of \(edit.path) overlap")
    }
    return result
  }

  /// The files' contents after the edits.
  func applied(to originals: [RepoPath: [UInt8]]) throws(ToolFailure) -> [RepoPath: [UInt8]] {
    var result: [RepoPath: [UInt8]] = [:]
    for (path, edits) in Dictionary(grouping: try ranges(in: originals), by: \.path) {
      guard let original = originals[path] else { continue }
      var content: [UInt8] = []
      var position = 0
      for edit in edits {
        content += original[position..<edit.range.lowerBound]
        content += edit.text
        position = edit.range.upperBound
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
