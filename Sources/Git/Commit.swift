import CLibgit2
import Glibc

/// Who made a commit, and when.
public struct Signature: Sendable, Hashable {
  /// The name. Angle brackets, newlines and NUL cannot be stored and are left out when writing.
  public var name: String
  /// The mail address, under the same rule.
  public var email: String
  /// Seconds since 1970.
  public var time: Int64
  /// Minutes east of UTC.
  public var offset: Int

  /// A signature.
  public init(name: String, email: String, time: Int64, offset: Int = 0) {
    self.name = name
    self.email = email
    self.time = time
    self.offset = offset
  }
}

/// A commit without its content.
public struct Commit: Sendable, Hashable {
  /// Its id.
  public let id: ObjectID
  /// Its tree.
  public let tree: ObjectID
  /// The ids of its parents. In a shallow clone they may not be there.
  public let parents: [ObjectID]
  /// Who wrote the change.
  public let author: Signature
  /// When it was committed, in seconds since 1970: what history is ordered by.
  public let time: Int64
  /// The message. Bytes that are not UTF-8 are replaced.
  public let message: String

  /// The first line of the message.
  public var subject: String { message.split(separator: "\n", maxSplits: 1).first.map(String.init) ?? "" }
}

extension Repository {
  /// Reads a commit.
  /// - Throws: ``GitError``: `notFound`, `corrupt`, `invalid` when the id names something else.
  public func commit(_ id: ObjectID) throws(GitError) -> Commit {
    let all = repository.pointer
    var oid = id.oid
    let handle = try Handle("cannot read commit \(id)", free: git_commit_free) { git_commit_lookup(&$0, all, &oid) }
    guard let tree = git_commit_tree_id(handle.pointer) else { throw GitError(.corrupt, "commit \(id) has no tree") }
    var parents: [ObjectID] = []
    for index in 0..<git_commit_parentcount(handle.pointer) {
      if let parent = git_commit_parent_id(handle.pointer, index) { parents.append(ObjectID(parent.pointee)) }
    }
    var author = Signature(name: "", email: "", time: 0)
    if let signature = git_commit_author(handle.pointer)?.pointee {
      author = Signature(
        name: signature.name.map { String(cString: $0) } ?? "",
        email: signature.email.map { String(cString: $0) } ?? "", time: signature.when.time,
        offset: Int(signature.when.offset))
    }
    return Commit(
      id: id, tree: ObjectID(tree.pointee), parents: parents, author: author, time: git_commit_time(handle.pointer),
      message: git_commit_message(handle.pointer).map { String(cString: $0) } ?? "")
  }

  /// The commits that led to `start`, the newest first by commit time, itself included. Ends quietly where a shallow
  /// clone was cut.
  /// - Parameter limit: the most commits to return.
  public func history(from start: ObjectID, limit: Int) throws(GitError) -> [Commit] {
    guard limit > 0 else { return [] }
    var seen: Set<ObjectID> = [start]
    var waiting = [try commit(start)]
    var result: [Commit] = []
    // `waiting` is sorted by time, the newest last; it stays as short as the number of parallel branches.
    while result.count < limit, let next = waiting.popLast() {
      result.append(next)
      for parent in next.parents where seen.insert(parent).inserted {
        guard contains(parent) else { continue }
        let commit = try commit(parent)
        let place = waiting.lastIndex { $0.time <= commit.time }.map { $0 + 1 } ?? 0
        waiting.insert(commit, at: place)
      }
    }
    return result
  }

  /// The paths that a commit changed with regard to its first parent; everything for a first commit and where a shallow
  /// clone was cut.
  public func changes(in commit: Commit) throws(GitError) -> [ChangedPath] {
    var before: ObjectID?
    if let parent = commit.parents.first, contains(parent) { before = try self.commit(parent).tree }
    return try changes(from: before, to: commit.tree)
  }

  /// Writes a commit and returns its id; no reference moves. The same arguments give the same id.
  /// - Parameters:
  ///   - author: also the committer; never read from any configuration.
  ///   - message: a final newline is added where it is missing.
  /// - Throws: ``GitError``: `notFound` when the tree or a parent is not there, `invalid` for a NUL in the message.
  public func createCommit(
    tree: ObjectID, parents: [ObjectID], message: String, author: Signature
  ) throws(GitError) -> ObjectID {
    guard !message.utf8.contains(0) else { throw GitError(.invalid, "a commit message holds a NUL byte") }
    for id in [tree] + parents where !contains(id) && id != .emptyTree {
      throw GitError(.notFound, "object \(id) is not in this repository")
    }
    let name = Self.storable(author.name)
    let minutes = abs(author.offset) % (24 * 60)
    let zone = (author.offset < 0 ? "-" : "+") + Self.twoDigits(minutes / 60) + Self.twoDigits(minutes % 60)
    let signature = "\(name.isEmpty ? "unknown" : name) <\(Self.storable(author.email))> \(author.time) \(zone)"
    var text = "tree \(tree)\n"
    for parent in parents { text += "parent \(parent)\n" }
    text += "author \(signature)\ncommitter \(signature)\n\n\(message)"
    if text.utf8.last != 0x0a { text += "\n" }
    return try write(Array(text.utf8), .commit)
  }

  private static func storable(_ text: String) -> String {
    let kept = text.unicodeScalars.filter { $0.value >= 0x20 && $0 != "<" && $0 != ">" && $0.value != 0x7f }
    var result = String(String.UnicodeScalarView(kept))
    while result.last == " " { result.removeLast() }
    while result.first == " " { result.removeFirst() }
    return result
  }

  private static func twoDigits(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }
}
