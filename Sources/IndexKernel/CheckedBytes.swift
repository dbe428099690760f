import Glibc
import Synchronization

/// Bytes that are trusted page by page: a page of a mapped file counts only once its checksum was found right.
///
/// Unchecked: the bytes are written before an instance exists and never again, do not move, and live as long as it does;
/// what changes is behind a lock.
public final class CheckedBytes: @unchecked Sendable {
  /// Bytes of a page.
  public static let pageSize = 1 << 16

  private let bytes: UnsafeRawBufferPointer
  private let isMapped: Bool
  /// Empty for bytes that need no check.
  private let checksums: [UInt64]
  /// Where the first page begins.
  private let start: Int
  private let state: Mutex<State>

  private struct State {
    var known: [UInt64]
    var isDamaged = false
  }

  /// Bytes in memory, which nobody else can damage.
  public init(_ content: [UInt8]) {
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 16)
    copy.copyBytes(from: content)
    bytes = UnsafeRawBufferPointer(copy)
    isMapped = false
    checksums = []
    start = 0
    state = Mutex(State(known: []))
  }

  /// Maps a file of the current user for reading: no link, nothing but a regular file. nil when that cannot be done, or
  /// when `read` finds no sound header.
  /// - Parameter read: takes the header, and gives where the pages begin and their checksums.
  public init?(file path: String, _ read: (UnsafeRawBufferPointer) -> (start: Int, checksums: [UInt64])?) {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var info = stat()
    guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_uid == geteuid(), info.st_size > 0,
      let address = mmap(nil, Int(info.st_size), PROT_READ, MAP_PRIVATE, descriptor, 0), address != MAP_FAILED
    else { return nil }
    bytes = UnsafeRawBufferPointer(start: address, count: Int(info.st_size))
    guard let (start, checksums) = read(bytes), start >= 0, start <= bytes.count,
      checksums.count == (bytes.count - start + Self.pageSize - 1) / Self.pageSize
    else {
      munmap(address, Int(info.st_size))
      return nil
    }
    isMapped = true
    self.start = start
    self.checksums = checksums
    state = Mutex(State(known: [UInt64](repeating: 0, count: checksums.count / 64 + 1)))
  }

  deinit {
    if isMapped {
      munmap(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count)
    } else {
      bytes.deallocate()
    }
  }

  /// How many bytes there are.
  public var count: Int { bytes.count }

  /// A page was found damaged; what was read from others holds.
  public var isDamaged: Bool { state.withLock(\.isDamaged) }

  /// Maps all pages at once, which is cheaper than one after another where all of them will be read.
  public func populate() {
    // Kernels before 5.14 do not know it, and go on as ever.
    if isMapped { madvise(UnsafeMutableRawPointer(mutating: bytes.baseAddress), bytes.count, Self.populateRead) }
  }

  /// Makes all pages of some room at once, which is cheaper than one after another where all of it will be written.
  public static func populate(_ room: UnsafeMutableRawBufferPointer) {
    let page = 4096
    guard room.count >= 16 * page, let base = room.baseAddress else { return }
    let start = (Int(bitPattern: base) + page - 1) / page * page
    let end = Int(bitPattern: base + room.count) / page * page
    madvise(UnsafeMutableRawPointer(bitPattern: start), end - start, populateWrite)
  }

  /// `MADV_POPULATE_READ`, `MADV_POPULATE_WRITE`.
  private static let populateRead: Int32 = 22
  private static let populateWrite: Int32 = 23

  /// The bytes of a range, checked; nil when the range is none, or a page in it is damaged.
  public func slice(_ range: Range<Int>) -> UnsafeRawBufferPointer? {
    guard range.lowerBound >= 0, range.upperBound <= bytes.count else { return nil }
    guard check(range) else { return nil }
    return UnsafeRawBufferPointer(rebasing: bytes[range])
  }

  private func check(_ range: Range<Int>) -> Bool {
    guard !checksums.isEmpty, !range.isEmpty, range.upperBound > start else { return true }
    let first = max(0, range.lowerBound - start) / Self.pageSize
    let last = (range.upperBound - 1 - start) / Self.pageSize
    return state.withLock { state in
      for page in first...last where state.known[page >> 6] >> UInt64(page & 63) & 1 == 0 {
        let from = start + page * Self.pageSize
        let content = UnsafeRawBufferPointer(rebasing: bytes[from..<min(bytes.count, from + Self.pageSize)])
        guard Checksum.of(content) == checksums[page] else {
          state.isDamaged = true
          return false
        }
        state.known[page >> 6] |= 1 << UInt64(page & 63)
      }
      return true
    }
  }
}
