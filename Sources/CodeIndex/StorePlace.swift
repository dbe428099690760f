import Git
import Glibc

/// Where the index of a repository or directory is kept, below the directory for all of them.
///
/// A repository is known by its object store, which linked worktrees share; one that borrows all its objects from
/// another (`git clone --shared`, a view made for one question) uses the other's index: contents are known by their ids,
/// whoever asks.
enum StorePlace {
  /// The directory for a repository.
  static func directory(_ base: [UInt8], _ location: RepositoryLocation) -> [UInt8] {
    directory(base, for: objects(location.objectsDirectory, depth: 0))
  }

  /// The directory for anything else that has a path.
  static func directory(_ base: [UInt8], for origin: [UInt8]) -> [UInt8] {
    guard !base.isEmpty else { return [] }
    let directory = base + [0x2f] + Array(String(ByteHash.of(origin), radix: 36).utf8)
    // So that tidying up can tell whether the origin still exists.
    if let made = PrivateDirectory.make(directory) {
      let note = made + "/origin"
      if access(note, F_OK) != 0 { _ = FileWriter.write([origin], to: note) }
    }
    return directory
  }

  private static func objects(_ directory: [UInt8], depth: Int) -> [UInt8] {
    guard depth < 5, let line = firstLine(directory + Array("/info/alternates".utf8)) else { return directory }
    let path = line.first == 0x2f ? line : directory + [0x2f] + line
    guard let resolved = realpath(path.map { CChar(bitPattern: $0) } + [0], nil) else { return directory }
    defer { free(resolved) }
    return objects(
      Array(UnsafeBufferPointer(start: resolved, count: strlen(resolved))).map(UInt8.init(bitPattern:)),
      depth: depth + 1)
  }

  private static func firstLine(_ file: [UInt8]) -> [UInt8]? {
    let descriptor = open(file.map { CChar(bitPattern: $0) } + [0], O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &buffer, buffer.count)
    guard count > 0 else { return nil }
    let line = Array(buffer[..<count].prefix { $0 != 0x0a })
    return line.isEmpty || line.first == UInt8(ascii: "#") ? nil : line
  }
}
