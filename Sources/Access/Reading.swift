/// One way to understand a request. Where several are possible, the strictest answer holds.
///
/// Labels that only the repository gives are left out or counted: its own files can make an answer stricter, and never
/// more generous. Directories that a policy names are taken as written, or as a file system would that ignores case:
/// neither spelling a path another way nor a repository's word opens anything.
struct Reading: Sendable, Hashable {
  var countsClaims: Bool
  var foldsPaths: Bool

  /// Plain labels, without those that this reading leaves out.
  func labels(_ labels: Set<String>) -> Set<String> {
    if labels.isEmpty { return labels }
    return countsClaims ? Label.plain(labels) : Label.vouched(labels)
  }
}
