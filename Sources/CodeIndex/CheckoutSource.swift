import CLinux
public import Git
import Glibc
public import Paths

/// The files of a checkout as they lie on disk, changed and untracked ones included, or of a directory outside git.
///
/// Links are not followed, anywhere on the way; only regular files are opened, so that a pipe or a device cannot hold
/// the index up. What is left out is counted.
public struct CheckoutSource: IndexSource {
  /// The directory whose files are indexed: a checkout's root, or any other.
  public let root: [UInt8]
  /// The checkout's repository; nil outside git.
  public let repository: RepositoryLocation?
  private let opened: Root

  /// Files of a checkout.
  /// - Parameter repository: must have a checkout.
  public init?(_ repository: RepositoryLocation) {
    guard let workTree = repository.workTree else { return nil }
    root = workTree
    opened = Root(workTree)
    self.repository = repository
  }

  /// Files of a directory outside git.
  public init(directory: [UInt8]) {
    root = directory
    opened = Root(directory)
    repository = nil
  }

  /// All files.
  public func files() async -> [IndexedFile] { await listing().files }

  /// All files, and what is none of them.
  public func listing() async -> FileListing {
    guard let location = repository, let repository = try? Repository.open(location),
      let files = try? repository.checkoutFiles()
    else { return walk() }
    var listing = FileListing()
    if files.notCheckedOut > 0 { listing.skipped["not checked out"] = files.notCheckedOut }
    var seen: Set<RepoPath> = []
    let converted = repository.converted(files.clean)
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    for entry in files.clean {
      switch entry.mode {
      case .regular, .executable:
        // What counts is the content on disk, which the blob does not tell where git converts it.
        let isConverted = !converted.isEmpty && converted.contains(entry.path)
        let stamp = isConverted ? status(of: entry.path).flatMap { Self.stamp($0, now) } : nil
        listing.files.append(IndexedFile(path: entry.path, blob: isConverted ? nil : entry.id.hex, stamp: stamp))
      case .symlink: listing.skipped["symbolic link", default: 0] += 1
      case .submodule: listing.skipped["submodule", default: 0] += 1
      case .tree: break
      }
    }
    for entry in files.changed where entry.change != .deleted && seen.insert(entry.path).inserted {
      switch kind(of: entry.path) {
      case S_IFREG: listing.files.append(IndexedFile(path: entry.path, blob: nil))
      case S_IFLNK: listing.skipped["symbolic link", default: 0] += 1
      case S_IFDIR: listing.skipped["submodule", default: 0] += 1
      case nil: break
      default: listing.skipped["no regular file", default: 0] += 1
      }
    }
    return listing
  }

  /// A file's content.
  public func read(_ path: RepoPath, limit: Int) async -> [UInt8]? { load(path, limit).bytes }

  /// A file's content, or why there is none.
  public func content(_ path: RepoPath, limit: Int) async -> FileContentResult { load(path, limit) }

  private func load(_ path: RepoPath, _ limit: Int) -> FileContentResult {
    let descriptor = open(path)
    guard descriptor >= 0 else { return errno == ENOENT ? .missing : .unreadable }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG else { return .unreadable }
    guard info.st_size <= limit else { return .tooLarge }
    var filled = 0
    var isWhole = true
    let bytes = [UInt8](unsafeUninitializedCapacity: Int(info.st_size)) { buffer, count in
      while filled < buffer.count {
        let got = Glibc.read(descriptor, buffer.baseAddress.map { $0 + filled }, buffer.count - filled)
        if got < 0, errno == EINTR { continue }
        if got < 0 { isWhole = false }
        guard got > 0 else { break }
        filled += got
      }
      count = filled
    }
    return isWhole ? .bytes(bytes) : .unreadable
  }

  /// The root, opened once: files are found below it without looking at it again.
  private final class Root: Sendable {
    let descriptor: Int32

    init(_ path: [UInt8]) {
      descriptor = CheckoutSource.terminated(path) { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    }

    deinit { if descriptor >= 0 { close(descriptor) } }
  }

  /// Opens a file; no part of its path may be a link.
  private func open(_ path: RepoPath) -> Int32 {
    let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW
    let found = Self.terminated(path.bytes) {
      linux_openat2(
        opened.descriptor, $0, UInt64(flags), 0, linux_resolve_no_symlinks | linux_resolve_beneath)
    }
    // Kernels before 5.6, and sandboxes that know only older calls.
    guard found < 0, errno == ENOSYS || errno == EPERM else { return found }
    return openByParts(path)
  }

  /// Opens a file, directory by directory, none of which may be a link.
  private func openByParts(_ path: RepoPath) -> Int32 {
    var directory = Self.terminated(root) { Glibc.open($0, O_RDONLY | O_DIRECTORY | O_CLOEXEC) }
    let components = path.components
    for (number, component) in components.enumerated() where directory >= 0 {
      let isLast = number == components.count - 1
      let flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | (isLast ? O_NONBLOCK : O_DIRECTORY)
      let next = Self.terminated(component) { openat(directory, $0, flags) }
      let reason = errno
      close(directory)
      errno = reason
      directory = next
    }
    return directory
  }

  private func kind(of path: RepoPath) -> mode_t? { status(of: path).map { $0.st_mode & S_IFMT } }

  private func status(of path: RepoPath) -> stat? {
    var info = stat()
    let code = Self.terminated(root + [0x2f] + path.bytes) { lstat($0, &info) }
    return code == 0 ? info : nil
  }

  /// A number that changes with the file; nil when the file changed so lately that a further change might not show.
  private static func stamp(_ info: stat, _ now: timespec) -> UInt64? {
    let age = (now.tv_sec - info.st_ctim.tv_sec) * 1_000_000_000 + now.tv_nsec - info.st_ctim.tv_nsec
    guard age > 100_000_000 else { return nil }
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for number in [
      Int(info.st_size), info.st_mtim.tv_sec, info.st_mtim.tv_nsec, info.st_ctim.tv_sec, info.st_ctim.tv_nsec,
      Int(bitPattern: UInt(info.st_ino)),
    ] {
      hash = (hash ^ UInt64(bitPattern: Int64(number))) &* 0x9e37_79b9_7f4a_7c15
      hash ^= hash >> 29
    }
    return max(1, hash)
  }

  // MARK: Without git

  private func walk() -> FileListing {
    var listing = FileListing()
    let rules = rules()
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    var open = [RepoPath.root]
    while let directory = open.popLast() {
      let place = directory.isRoot ? root : root + [0x2f] + directory.bytes
      guard let stream = Self.terminated(place, opendir) else {
        listing.skipped["unreadable directory", default: 0] += 1
        continue
      }
      defer { closedir(stream) }
      while let entry = readdir(stream) {
        let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
        if Self.unwanted.contains(name) { continue }
        guard let path = directory.appending(name) else { continue }
        let info = status(of: path)
        switch info.map({ $0.st_mode & S_IFMT }) {
        case S_IFDIR: if !rules.isIgnored(path, isDirectory: true) { open.append(path) }
        case S_IFREG:
          if !rules.isIgnored(path, isDirectory: false) {
            listing.files.append(
              IndexedFile(path: path, blob: nil, stamp: info.flatMap { Self.stamp($0, now) }))
          }
        case S_IFLNK: listing.skipped["symbolic link", default: 0] += 1
        // Gone meanwhile, or deeper than the system takes a path.
        case nil: if errno == ENAMETOOLONG { listing.skipped["path too long", default: 0] += 1 }
        default: listing.skipped["no regular file", default: 0] += 1
        }
      }
    }
    return listing
  }

  /// What git would ignore.
  private func rules() -> IgnoreRules {
    let rules = IgnoreRules(directory: root)
    guard let stream = Self.terminated(root, opendir) else { return rules }
    defer { closedir(stream) }
    var verdicts: [Bool] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      guard name.first != UInt8(ascii: "."), let path = RepoPath.root.appending(name) else { continue }
      verdicts.append(rules.isIgnored(path, isDirectory: kind(of: path) == S_IFDIR))
    }
    return Self.areForeign(verdicts) ? IgnoreRules { _ in nil } : rules
  }

  /// Whether ignore rules do not count outside git: those that leave out (nearly) all of the root were made for something
  /// else, such as a packager's branch beside the sources.
  /// - Parameter verdicts: whether the rules leave out each entry of the root that is not hidden.
  public static func areForeign(_ verdicts: [Bool]) -> Bool {
    let ignored = verdicts.count { $0 }
    return ignored == verdicts.count && ignored > 0 || verdicts.count >= 10 && ignored * 10 >= verdicts.count * 9
  }

  private static let unwanted: Set<[UInt8]> = Set([".", "..", ".git", ".hg", ".svn"].map { Array($0.utf8) })

  private static func terminated<Value>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> Value) -> Value {
    (path.map { CChar(bitPattern: $0) } + [0]).withUnsafeBufferPointer { buffer in
      guard let start = buffer.baseAddress else { preconditionFailure("a non-empty array has an address") }
      return body(start)
    }
  }
}
