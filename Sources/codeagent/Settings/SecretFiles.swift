import Access
import Glibc
import Paths
import Workspace

/// Finds the files of a checkout that policy hides, so that no command sees them either.
///
/// Names are read, not contents: one `getdents` pass over the tree. `.git` is not walked; its own content is shown
/// cleaned by the workspace.
enum SecretFiles {
  private static let mostBytes = 1 << 20

  static func find(in location: CheckoutLocation, _ rules: any Authorizer) -> [RepoPath] {
    guard rules.deniesSomeReads else { return [] }
    var candidates: [RepoPath] = []
    var open: [RepoPath] = [.root]
    while let directory = open.popLast() {
      guard let stream = opendir(cString(location.root, directory)) else { continue }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
        if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) || name.elementsEqual(".git".utf8) { continue }
        guard let path = directory.appending(name) else { continue }
        if Int32(entry.pointee.d_type) == Int32(DT_DIR) { open.append(path) }
        candidates.append(path)
      }
    }
    let principal = Principal(run: "", user: "", start: .batch)
    let hidden = rules.readMask(
      of: candidates, repository: "", principal: principal, context: AccessContext()
    ) { content(location.root, $0) }
    return hidden.map(\.path)
  }

  private static func content(_ root: [UInt8], _ path: RepoPath) -> [UInt8]? {
    let descriptor = open(cString(root, path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= mostBytes else {
      return nil
    }
    var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
    let count = read(descriptor, &bytes, bytes.count)
    return count == bytes.count ? bytes : nil
  }

  private static func cString(_ root: [UInt8], _ path: RepoPath) -> [CChar] {
    (root + (path.isRoot ? [] : [UInt8(ascii: "/")] + path.bytes)).map { CChar(bitPattern: $0) } + [0]
  }
}
