import Paths

/// The files of a checkout: those that are as the git index has them, and what differs from HEAD.
public struct CheckoutFiles: Sendable {
  /// Files and links that are as the git index has them, with their blobs; not those that are not checked out.
  public var clean: [IndexEntry]
  /// What differs from HEAD, as ``Repository/status(limit:)`` lists it.
  public var changed: [StatusEntry]
  /// Index entries that are not checked out (sparse checkouts).
  public var notCheckedOut: Int
  /// False when more changed than were asked for: ``clean`` may hold files that are not.
  public var isWhole: Bool
}

extension Repository {
  /// What the checkout holds, with one look at the git index and one at the disk.
  /// - Parameter limit: the most changed files.
  /// - Throws: ``GitError``: as ``status(limit:)``.
  public func checkoutFiles(limit: Int = .max) throws(GitError) -> CheckoutFiles {
    let entries = try indexEntries()
    let changed = try status(of: entries, limit: limit)
    let stale = Set(changed.map(\.path))
    var files = CheckoutFiles(clean: [], changed: changed, notCheckedOut: 0, isWhole: changed.count < limit)
    files.clean.reserveCapacity(entries.count)
    for entry in entries where entry.stage == 0 && !stale.contains(entry.path) {
      if entry.isSkipped { files.notCheckedOut += 1 } else { files.clean.append(entry) }
    }
    return files
  }
}
