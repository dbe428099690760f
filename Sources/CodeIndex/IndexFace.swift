public import Git
public import Paths

/// A file that the index may look at.
public struct IndexedFile: Sendable, Hashable {
  /// Where it lies.
  public var path: RepoPath
  /// The hex id of its blob, when git knows it unchanged; nil when only its content tells.
  public var blob: String?
  /// What changes when the content does, where no blob tells: made of size, times and inode.
  public var stamp: UInt64?

  /// A file.
  public init(path: RepoPath, blob: String?, stamp: UInt64? = nil) {
    self.path = path
    self.blob = blob
    self.stamp = stamp
  }

  /// A number that tells whether the file is still the same; 0 when only reading it does.
  var identity: UInt64 {
    if let stamp { return stamp }
    return blob.map { ByteHash.of($0.utf8) } ?? 0
  }
}

/// The files of a source, and what it holds beside files.
public struct FileListing: Sendable, Hashable {
  /// All files, in any order.
  public var files: [IndexedFile]
  /// What is no file to index, by what it is, such as `submodule`.
  public var skipped: [String: Int]

  /// A listing.
  public init(files: [IndexedFile] = [], skipped: [String: Int] = [:]) {
    self.files = files
    self.skipped = skipped
  }
}

/// What reading a file gave.
public enum FileContentResult: Sendable, Hashable {
  /// Its content.
  case bytes([UInt8])
  /// Larger than the index reads.
  case tooLarge
  /// There, and cannot be read.
  case unreadable
  /// Not there: gone from disk, or left out of a partial or shallow clone.
  case missing

  /// The content, if any.
  public var bytes: [UInt8]? { if case .bytes(let bytes) = self { bytes } else { nil } }
}

/// Where the index gets files from.
public protocol IndexSource: Sendable {
  /// All files, in any order.
  func files() async -> [IndexedFile]
  /// All files, and what is left out; ``files()`` alone unless a source counts.
  func listing() async -> FileListing
  /// A file's content, or nil when it cannot be read or is larger than `limit` bytes.
  func read(_ path: RepoPath, limit: Int) async -> [UInt8]?
  /// A file's content, or why there is none; what ``read(_:limit:)`` says unless a source knows more.
  func content(_ path: RepoPath, limit: Int) async -> FileContentResult
  /// The repository whose past commits may say where a task's words belong; nil (the default) when there is none.
  var repository: RepositoryLocation? { get }
}

extension IndexSource {
  /// No history.
  public var repository: RepositoryLocation? { nil }

  /// The files alone.
  public func listing() async -> FileListing { FileListing(files: await files()) }

  /// The content, or that it cannot be read.
  public func content(_ path: RepoPath, limit: Int) async -> FileContentResult {
    await read(path, limit: limit).map { .bytes($0) } ?? .unreadable
  }
}

/// A place that a search found.
public struct SearchHit: Sendable, Hashable {
  /// The file.
  public var path: RepoPath
  /// Its first line, from 1.
  public var line: Int
  /// Its last line.
  public var endLine: Int
  /// How well it fits; comparable within one answer.
  public var score: Double
  /// The function or type that it lies in.
  public var name: String?
  /// The lines worth showing.
  public var excerpt: [UInt8]
  /// Why it was found.
  public var why: [String]

  /// A place.
  public init(
    path: RepoPath, line: Int, endLine: Int, score: Double, name: String?, excerpt: [UInt8], why: [String]
  ) {
    self.path = path
    self.line = line
    self.endLine = endLine
    self.score = score
    self.name = name
    self.excerpt = excerpt
    self.why = why
  }
}

/// Where a name is defined and used.
public struct SymbolOccurrences: Sendable, Hashable {
  /// Definitions.
  public var definitions: [Symbol]
  /// Uses.
  public var references: [Reference]

  /// A definition.
  public struct Symbol: Sendable, Hashable {
    /// The file.
    public var path: RepoPath
    /// Its first line, from 1.
    public var line: Int
    /// Its last line.
    public var endLine: Int
    /// Such as `function` or `class`.
    public var kind: String
    /// The name.
    public var name: String
    /// Its parameters, as written.
    public var signature: String?
    /// What it is defined in.
    public var scope: String?

    /// A definition.
    public init(
      path: RepoPath, line: Int, endLine: Int, kind: String, name: String, signature: String?, scope: String?
    ) {
      self.path = path
      self.line = line
      self.endLine = endLine
      self.kind = kind
      self.name = name
      self.signature = signature
      self.scope = scope
    }
  }

  /// A use.
  public struct Reference: Sendable, Hashable {
    /// The file.
    public var path: RepoPath
    /// The line, from 1.
    public var line: Int
    /// The line's text.
    public var excerpt: [UInt8]

    /// A use.
    public init(path: RepoPath, line: Int, excerpt: [UInt8]) {
      self.path = path
      self.line = line
      self.excerpt = excerpt
    }
  }

  /// Occurrences of a name.
  public init(definitions: [Symbol], references: [Reference]) {
    self.definitions = definitions
    self.references = references
  }
}

/// Code that a task is about, for the first prompt.
public struct ContextPack: Sendable, Hashable {
  /// Markdown: a map of the repository and the best places with their lines, each with its reason.
  public var text: String
  /// The places in it.
  public var places: [Place]
  /// The files whose names, and the names in which, its map shows.
  public var mapped: [RepoPath]

  /// A place in the pack.
  public struct Place: Sendable, Hashable {
    /// The file.
    public var path: RepoPath
    /// Its first line, from 1.
    public var line: Int
    /// Its last line.
    public var endLine: Int
    /// Why it is there.
    public var why: String

    /// A place.
    public init(path: RepoPath, line: Int, endLine: Int, why: String) {
      self.path = path
      self.line = line
      self.endLine = endLine
      self.why = why
    }
  }

  /// A pack.
  public init(text: String, places: [Place], mapped: [RepoPath] = []) {
    self.text = text
    self.places = places
    self.mapped = mapped
  }
}
