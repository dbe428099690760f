import IndexKernel
import JSON

/// A definition as ctags says it.
struct CtagsTag: Sendable, Hashable {
  var name: String
  var kind: String
  /// From 1.
  var line: Int
  var endLine: Int?
  var signature: String?
  var scope: String?
  var scopeKind: String?
}

/// A line of what ctags answers in its interactive mode.
///
/// Protocol: <https://docs.ctags.io/en/latest/man/ctags-json-output.5.html> and "ctags --_interactive Mode" of its manual.
enum CtagsReply: Sendable, Hashable {
  /// Said once, at the start.
  case program(String)
  case tag(CtagsTag)
  /// The file is done.
  case completed
  /// The file cannot be read.
  case failed
  /// Warnings, and what later versions may add.
  case nothing

  /// A longer line is no reply.
  static let longest = 256 << 10

  /// Reads a line; nil when ctags would not have written it.
  /// - Parameter file: the name that was handed over. A tag of another file is none.
  init?(_ line: [UInt8], file: String) {
    guard line.count <= Self.longest, let value = try? JSONValue(parsing: line, maximumDepth: 8)
    else { return nil }
    switch value["_type"]?.string {
    case "program":
      guard let name = value["name"]?.string else { return nil }
      self = .program(name)
    case "tag":
      guard let name = value["name"]?.string, let kind = value["kind"]?.string,
        let line = value["line"]?.int,
        value["path"]?.string == file
      else { return nil }
      self = .tag(
        CtagsTag(
          name: name, kind: kind, line: line, endLine: value["end"]?.int,
          signature: value["signature"]?.string,
          scope: value["scope"]?.string, scopeKind: value["scopeKind"]?.string))
    case "completed": self = .completed
    case "error": self = value["fatal"]?.bool == true ? .failed : .nothing
    case .some: self = .nothing
    case nil: return nil
    }
  }
}
