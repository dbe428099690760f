import Glibc
import Paths
import TestReports

/// The checkout as it lies on disk, for recognising its test command before a workspace exists. Links are not followed,
/// only regular files are opened, and little of them is read: the repository may be hostile.
struct CheckoutFiles: ProjectFiles {
  private static let mostBytes = 1 << 20
  private static let mostEntries = 4096
  let root: [UInt8]

  func exists(_ path: RepoPath) -> Bool { status(path) != nil }

  func read(_ path: RepoPath) -> [UInt8]? {
    guard let mode = status(path)?.st_mode, mode & S_IFMT == S_IFREG else { return nil }
    let descriptor = open(cString(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while content.count < Self.mostBytes {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      guard count > 0 else { break }
      content += buffer[..<count]
    }
    return content
  }

  func list(_ directory: RepoPath) -> [(name: [UInt8], isDirectory: Bool)] {
    guard let mode = status(directory)?.st_mode, mode & S_IFMT == S_IFDIR, let stream = opendir(cString(directory))
    else { return [] }
    defer { closedir(stream) }
    var entries: [(name: [UInt8], isDirectory: Bool)] = []
    while entries.count < Self.mostEntries, let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) { continue }
      entries.append((name, Int32(entry.pointee.d_type) == Int32(DT_DIR)))
    }
    return entries.sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }

  /// The file itself, reached without any link on the way.
  private func status(_ path: RepoPath) -> stat? {
    var prefix = root
    var found = stat()
    guard lstat(prefix.map { CChar(bitPattern: $0) } + [0], &found) == 0 else { return nil }
    for component in path.components {
      guard found.st_mode & S_IFMT == S_IFDIR else { return nil }
      prefix += [UInt8(ascii: "/")] + component
      guard lstat(prefix.map { CChar(bitPattern: $0) } + [0], &found) == 0 else { return nil }
    }
    return found
  }

  private func cString(_ path: RepoPath) -> [CChar] {
    (root + (path.isRoot ? [] : [UInt8(ascii: "/")] + path.bytes)).map { CChar(bitPattern: $0) } + [0]
  }
}
