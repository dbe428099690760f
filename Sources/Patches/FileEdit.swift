public import Paths

/// What a patch does to one file. Contents are bytes; modes are not carried.
public enum FileEdit: Sendable, Hashable {
  /// Writes a whole file, in place of what is there.
  case add(path: RepoPath, content: [UInt8])
  /// Takes a file away.
  case delete(path: RepoPath)
  /// Changes a file, and moves it where `moveTo` is given. Without hunks it only moves.
  case update(path: RepoPath, moveTo: RepoPath?, hunks: [Hunk])

  /// The file that the edit is about.
  public var path: RepoPath {
    switch self {
    case .add(let path, _), .delete(let path), .update(let path, _, _): path
    }
  }

  /// Where the result lies; nil when there is none.
  public var destination: RepoPath? {
    switch self {
    case .add(let path, _): path
    case .delete: nil
    case .update(let path, let moveTo, _): moveTo ?? path
    }
  }
}

/// One place in a file that a patch changes.
public struct Hunk: Sendable, Hashable {
  /// One line of a hunk, without its line ending.
  public enum Line: Sendable, Hashable {
    /// In the file before and after.
    case context([UInt8])
    /// In the file before.
    case removed([UInt8])
    /// In the file after.
    case added([UInt8])
  }

  /// Lines that stand before the place, from the outermost in: the texts after `@@`.
  public var anchors: [[UInt8]]
  /// The lines, in order.
  public var lines: [Line]
  /// True when the place is the end of the file.
  public var isAtEndOfFile: Bool
  /// The number of the first old line as the patch claims it, counted from 1. Used to choose among equal places.
  public var oldStart: Int?
  /// What the patch says of a missing final newline after the change; nil when it says nothing and the file's own state
  /// stays.
  public var endsWithNewline: Bool?
  /// The line of the patch at which the hunk begins, counted from 1; for messages.
  public var patchLine: Int

  /// A hunk.
  public init(
    anchors: [[UInt8]] = [], lines: [Line], isAtEndOfFile: Bool = false, oldStart: Int? = nil,
    endsWithNewline: Bool? = nil, patchLine: Int = 0
  ) {
    self.anchors = anchors
    self.lines = lines
    self.isAtEndOfFile = isAtEndOfFile
    self.oldStart = oldStart
    self.endsWithNewline = endsWithNewline
    self.patchLine = patchLine
  }

  /// The lines that must be in the file.
  var old: [[UInt8]] {
    lines.compactMap { line in
      switch line {
      case .context(let text), .removed(let text): text
      case .added: nil
      }
    }
  }
}
