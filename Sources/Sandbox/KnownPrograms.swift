import Glibc
import Synchronization

/// Recognises programs by their content, whatever they are called. Files are compared only when their sizes are equal, and
/// what was compared once is remembered by device, inode, size and time of change.
struct KnownPrograms {
  private var bySize: [Int: [(name: String, path: String)]] = [:]

  /// - Parameters:
  ///   - names: the programs that matter, beside dynamic loaders and multi-call programs.
  ///   - path: the command's `PATH`.
  init(names: [String], path: String) {
    let directories =
      ["/usr/bin", "/bin", "/usr/sbin", "/sbin", "/usr/local/bin", "/usr/local/sbin"]
      + path.split(separator: ":").map(String.init)
    var seen: Set<FileKey> = []
    for name in Set(names + ExecEvent.multiCalls) where !name.contains("/") {
      for directory in directories { add(name, "\(directory)/\(name)", &seen) }
    }
    for name in names where name.hasPrefix("/") {
      add(String(name.split(separator: "/").last ?? ""), name, &seen)
    }
    for loader in Self.loaders { add(String(loader.split(separator: "/").last ?? ""), loader, &seen) }
  }

  private static let loaders = [
    "/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-musl-x86_64.so.1",
    "/lib/ld-musl-aarch64.so.1",
  ]

  private mutating func add(_ name: String, _ path: String, _ seen: inout Set<FileKey>) {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size > 0 else { return }
    guard seen.insert(FileKey(status, name: name)).inserted else { return }
    bySize[Int(status.st_size), default: []].append((name, path))
  }

  /// The programs that a file is a copy of.
  func names(of file: Descriptor) -> [String] {
    var status = stat()
    guard fstat(file.number, &status) == 0, let candidates = bySize[Int(status.st_size)] else { return [] }
    return candidates.filter { Self.isSame(file, status, $0.path) }.map(\.name)
  }

  private struct FileKey: Hashable {
    var device: UInt
    var inode: UInt
    var seconds: Int
    var nanoseconds: Int
    var size: Int
    var name: String

    init(_ status: stat, name: String = "") {
      device = UInt(status.st_dev)
      inode = UInt(status.st_ino)
      seconds = status.st_ctim.tv_sec
      nanoseconds = status.st_ctim.tv_nsec
      size = Int(status.st_size)
      self.name = name
    }
  }

  private struct Pair: Hashable {
    var one: FileKey
    var other: FileKey
  }

  private static let compared = Mutex<[Pair: Bool]>([:])

  private static func isSame(_ file: Descriptor, _ status: stat, _ path: String) -> Bool {
    let known = Descriptor(open(path, O_RDONLY | O_CLOEXEC))
    var knownStatus = stat()
    guard known.number >= 0, fstat(known.number, &knownStatus) == 0 else { return false }
    if status.st_dev == knownStatus.st_dev, status.st_ino == knownStatus.st_ino { return true }
    let pair = Pair(one: FileKey(status), other: FileKey(knownStatus))
    if let result = compared.withLock({ $0[pair] }) { return result }
    let result = hasSameContent(file, known, count: Int(status.st_size))
    compared.withLock {
      if $0.count > 4096 { $0 = [:] }
      $0[pair] = result
    }
    return result
  }

  private static func hasSameContent(_ one: Descriptor, _ other: Descriptor, count: Int) -> Bool {
    let size = 256 << 10
    let buffers = UnsafeMutableRawPointer.allocate(byteCount: size * 2, alignment: 16)
    defer { buffers.deallocate() }
    var offset = 0
    while offset < count {
      let first = pread(one.number, buffers, size, offset)
      let second = pread(other.number, buffers + size, size, offset)
      guard first > 0, first == second, memcmp(buffers, buffers + size, first) == 0 else { return false }
      offset += first
    }
    return true
  }
}
