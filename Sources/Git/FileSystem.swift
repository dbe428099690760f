import Glibc

/// The few file-system questions this room asks, on paths of bytes.
enum FileSystem {
  /// The result of `lstat`, nil when there is nothing (or nothing that may be seen).
  static func status(_ path: [UInt8], followLinks: Bool = false) -> stat? {
    var result = stat()
    let code = terminated(path) { followLinks ? stat($0, &result) : lstat($0, &result) }
    return code == 0 ? result : nil
  }

  static func isDirectory(_ path: [UInt8]) -> Bool {
    status(path, followLinks: true).map { $0.st_mode & S_IFMT == S_IFDIR } ?? false
  }

  static func exists(_ path: [UInt8]) -> Bool { status(path) != nil }

  /// The absolute path without symbolic links and dots.
  static func resolve(_ path: [UInt8]) -> [UInt8]? {
    terminated(path) { pointer in
      guard let resolved = realpath(pointer, nil) else { return nil }
      defer { free(resolved) }
      return Array(UnsafeBufferPointer(start: resolved, count: strlen(resolved))).map(UInt8.init(bitPattern:))
    }
  }

  /// The content of a small regular file; nil when it is absent, larger than `limit`, a link (unless followed) or no
  /// regular file.
  static func read(_ path: [UInt8], limit: Int, followLinks: Bool = false) -> [UInt8]? {
    // Without O_NONBLOCK the open of a FIFO that somebody planted would wait for ever.
    let flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK | (followLinks ? 0 : O_NOFOLLOW)
    let descriptor = terminated(path) { open($0, flags) }
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_size <= limit else { return nil }
    var content: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16384)
    while content.count <= limit {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else { return nil }
      if count == 0 { return content }
      content.append(contentsOf: buffer[0..<count])
    }
    return nil
  }

  /// The target of a symbolic link.
  static func readLink(_ path: [UInt8]) -> [UInt8]? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
    let count = terminated(path) { readlink($0, &buffer, buffer.count) }
    return count < 0 ? nil : buffer[0..<count].map(UInt8.init(bitPattern:))
  }

  /// The names in a directory, unsorted, without the two dots; nil when it cannot be read.
  static func list(_ path: [UInt8]) -> [[UInt8]]? {
    guard let directory = terminated(path, opendir) else { return nil }
    defer { closedir(directory) }
    var names: [[UInt8]] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name != [0x2e] && name != [0x2e, 0x2e] { names.append(name) }
    }
    return names
  }

  static func join(_ directory: [UInt8], _ rest: [UInt8]) -> [UInt8] {
    if rest.isEmpty { return directory }
    return directory.last == 0x2f ? directory + rest : directory + [0x2f] + rest
  }

  static func join(_ directory: [UInt8], _ rest: String) -> [UInt8] { join(directory, Array(rest.utf8)) }

  static func terminated<R>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> R) -> R {
    (path + [0]).withUnsafeBufferPointer { buffer in
      buffer.withMemoryRebound(to: CChar.self) { characters in
        guard let start = characters.baseAddress else { preconditionFailure("a non-empty array has an address") }
        return body(start)
      }
    }
  }
}

extension stat {
  var isDirectory: Bool { st_mode & S_IFMT == S_IFDIR }
  var isRegularFile: Bool { st_mode & S_IFMT == S_IFREG }
  var isLink: Bool { st_mode & S_IFMT == S_IFLNK }
}
