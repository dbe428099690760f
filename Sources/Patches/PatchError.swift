public import Paths

/// Why a patch cannot be read or applied, in terms that its author can correct it by.
public struct PatchError: Error, Sendable, Equatable, CustomStringConvertible {
  /// What callers tell apart.
  public enum Kind: Sendable, Equatable {
    /// The text is no patch in its language.
    case malformed
    /// A path outside the workspace, or none.
    case badPath
    /// A file to change or delete is not there.
    case missingFile
    /// Lines that should be in the file are not.
    case notFound
    /// A text that should occur once occurs more often.
    case ambiguous
    /// Two edits of one place.
    case overlap
    /// Binary content, or links, or a size beyond the limits.
    case unsupported
  }

  /// A place in the file that is like what was looked for.
  public struct Nearest: Sendable, Equatable {
    /// The number of its first line, from 1.
    public let line: Int
    /// How many of the lines looked for are there.
    public let matching: Int
    /// The first line that differs, with its number and its text in the file; nil text at the end of the file.
    public let firstDifference: (line: Int, file: [UInt8]?, patch: [UInt8])?

    /// Two equal places.
    public static func == (left: Nearest, right: Nearest) -> Bool {
      left.line == right.line && left.matching == right.matching
        && left.firstDifference?.line == right.firstDifference?.line
    }
  }

  /// The kind, for code.
  public let kind: Kind
  /// What is wrong.
  public let reason: String
  /// The file it is about.
  public var path: RepoPath?
  /// Which hunk of that file, from 1.
  public var hunk: Int?
  /// The line of the patch, from 1.
  public let patchLine: Int?
  /// The lines that were looked for.
  public let lookedFor: [[UInt8]]
  /// The place in the file that is most like them.
  public let nearest: Nearest?

  /// An error.
  public init(
    _ kind: Kind, _ reason: String, path: RepoPath? = nil, hunk: Int? = nil, patchLine: Int? = nil,
    lookedFor: [[UInt8]] = [], nearest: Nearest? = nil
  ) {
    self.kind = kind
    self.reason = reason
    self.path = path
    self.hunk = hunk
    self.patchLine = patchLine
    self.lookedFor = lookedFor
    self.nearest = nearest
  }

  /// The whole message: place, reason, what was looked for, and the nearest place, bounded in length.
  public var description: String {
    var place: [String] = []
    if let path { place.append(path.quoted) }
    if let hunk { place.append("hunk \(hunk)") }
    if let patchLine { place.append("line \(patchLine) of the patch") }
    var text = (place.isEmpty ? "" : place.joined(separator: ", ") + ": ") + reason
    if !lookedFor.isEmpty {
      text += "\nLooked for:"
      for line in lookedFor.prefix(12) { text += "\n    " + Self.shown(line) }
      if lookedFor.count > 12 { text += "\n    … and \(lookedFor.count - 12) more lines" }
    }
    if let nearest {
      if nearest.matching > 0 {
        text +=
          "\nNearest: line \(nearest.line) of the file, where \(nearest.matching) of \(lookedFor.count) lines match"
      } else {
        text += "\nNearest: line \(nearest.line) of the file"
      }
      if let difference = nearest.firstDifference {
        let file = difference.file.map { Self.shown($0) } ?? "(end of file)"
        text +=
          "\n  line \(difference.line) of the file is: \(file)\n  the patch has:         \(Self.shown(difference.patch))"
      }
    }
    return text
  }

  /// A line for a message: invisible bytes escaped, and cut when long.
  private static func shown(_ line: [UInt8]) -> String {
    var text = ""
    for scalar in String(decoding: line.prefix(200), as: UTF8.self).unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control where scalar == "\t": text += "\t"
      case .control, .format, .lineSeparator, .paragraphSeparator:
        text += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: text.unicodeScalars.append(scalar)
      }
    }
    return line.count > 200 ? text + "…" : text
  }
}
