import Glibc

extension CodeSearch {
  /// Drops the indexes of repositories and directories that are gone, and joins the small files of the others.
  /// - Parameter cache: where the indexes are kept.
  /// - Returns: how many bytes they took before, and take now.
  public static func collect(cache: [UInt8]) -> (before: Int, after: Int) {
    guard let base = PrivateDirectory.make(cache) else { return (0, 0) }
    let before = size(base)
    for name in PrivateDirectory.names(base, suffix: "") {
      let directory = base + "/" + name
      var info = stat()
      guard lstat(directory, &info) == 0 else { continue }
      guard info.st_mode & S_IFMT == S_IFDIR else {
        // Of an earlier version.
        if name.hasSuffix(".seg") || name.hasSuffix(".tmp") { unlink(directory) }
        continue
      }
      if isOrphan(directory) {
        for file in PrivateDirectory.names(directory, suffix: "") { unlink(directory + "/" + file) }
        rmdir(directory)
      } else {
        for file in PrivateDirectory.names(directory, suffix: ".tmp") { removeIfOld(directory + "/" + file) }
        let store = SegmentStore(directory: Array(directory.utf8))
        store.compact()
        store.mergeIfNeeded(force: true)
      }
    }
    return (before, size(base))
  }

  /// Whether what was indexed there is gone.
  private static func isOrphan(_ directory: String) -> Bool {
    let descriptor = open(directory + "/origin", O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    var path = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    guard read(descriptor, &path, Int(PATH_MAX)) > 0 else { return false }
    return access(path, F_OK) != 0 && errno == ENOENT
  }

  /// What a process that died left half written; one that lives is done within the hour.
  private static func removeIfOld(_ file: String) {
    var info = stat()
    if lstat(file, &info) == 0, info.st_mtim.tv_sec < time(nil) - 3600 { unlink(file) }
  }

  private static func size(_ directory: String) -> Int {
    var total = 0
    for name in PrivateDirectory.names(directory, suffix: "") {
      var info = stat()
      guard lstat(directory + "/" + name, &info) == 0 else { continue }
      if info.st_mode & S_IFMT == S_IFDIR {
        total += size(directory + "/" + name)
      } else {
        total += Int(info.st_size)
      }
    }
    return total
  }
}
