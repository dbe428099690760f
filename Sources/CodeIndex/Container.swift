import Glibc
import IndexKernel

/// The form of the index's files: sections behind one another, in pages with a checksum each, and a header that says
/// where they are. A file is written once, under a name of its own, and never changed; it appears whole or not at all.
///
/// The file: 8 bytes of magic, the header's length (4), its checksum (8), the header: the number of sections (4), their
/// lengths (8 each), the checksums of the pages (8 each); then the sections, each at a multiple of 8 bytes.
struct Container: Sendable {
  let bytes: CheckedBytes
  let sections: [Range<Int>]
  /// Its size as a file.
  let size: Int

  private static let fixed = 20
  private static let mostSections = 64

  /// A container that lives in memory.
  init(_ parts: [[UInt8]]) {
    var content: [UInt8] = []
    var sections: [Range<Int>] = []
    for part in parts {
      sections.append(content.count..<content.count + part.count)
      content += part
      content += [UInt8](repeating: 0, count: (8 - content.count & 7) & 7)
    }
    bytes = CheckedBytes(content)
    self.sections = sections
    size = content.count
  }

  /// Maps a file; nil when it is none of this kind, or its header is damaged.
  init?(file path: String, magic: [UInt8]) {
    var found: [Range<Int>] = []
    let mapped = CheckedBytes(file: path) { bytes in
      guard bytes.count >= Self.fixed, bytes[0..<8].elementsEqual(magic) else { return nil }
      let length = Int(UInt32(littleEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt32.self)))
      guard length >= 4, Self.fixed + length <= bytes.count else { return nil }
      let header = UnsafeRawBufferPointer(rebasing: bytes[Self.fixed..<Self.fixed + length])
      let sum = UInt64(littleEndian: bytes.loadUnaligned(fromByteOffset: 12, as: UInt64.self))
      guard Checksum.of(header) == sum else { return nil }
      let count = Int(UInt32(littleEndian: header.loadUnaligned(fromByteOffset: 0, as: UInt32.self)))
      guard count <= Self.mostSections, 4 + count * 8 <= length else { return nil }
      var place = Self.start(header: length)
      let start = place
      for number in 0..<count {
        let size = Int(UInt64(littleEndian: header.loadUnaligned(fromByteOffset: 4 + number * 8, as: UInt64.self)))
        guard size >= 0, size <= bytes.count - place else { return nil }
        found.append(place..<place + size)
        place = (place + size + 7) & ~7
      }
      guard place == bytes.count else { return nil }
      let pages = (length - 4 - count * 8) / 8
      let checksums = [UInt64](unsafeUninitializedCapacity: pages) { sums, filled in
        for page in 0..<pages {
          sums[page] = UInt64(
            littleEndian: header.loadUnaligned(fromByteOffset: 4 + (count + page) * 8, as: UInt64.self))
        }
        filled = pages
      }
      return (start, checksums)
    }
    guard let mapped else { return nil }
    bytes = mapped
    sections = found
    size = mapped.count
  }

  private static func start(header length: Int) -> Int { (fixed + length + 63) & ~63 }

  /// Writes a file under a name that nobody else uses; false when that failed.
  static func write(_ parts: [[UInt8]], magic: [UInt8], to path: String) -> Bool {
    var content: [UInt8] = []
    content.reserveCapacity(parts.reduce(0) { $0 + $1.count + 8 })
    for part in parts {
      content += part
      content += [UInt8](repeating: 0, count: (8 - content.count & 7) & 7)
    }
    var header: [UInt8] = []
    withUnsafeBytes(of: UInt32(parts.count).littleEndian) { header.append(contentsOf: $0) }
    for part in parts { withUnsafeBytes(of: UInt64(part.count).littleEndian) { header.append(contentsOf: $0) } }
    content.withUnsafeBytes { content in
      for start in stride(from: 0, to: content.count, by: CheckedBytes.pageSize) {
        let page = UnsafeRawBufferPointer(rebasing: content[start..<min(content.count, start + CheckedBytes.pageSize)])
        withUnsafeBytes(of: Checksum.of(page).littleEndian) { header.append(contentsOf: $0) }
      }
    }
    var head = magic
    withUnsafeBytes(of: UInt32(header.count).littleEndian) { head.append(contentsOf: $0) }
    withUnsafeBytes(of: header.withUnsafeBytes { Checksum.of($0) }.littleEndian) { head.append(contentsOf: $0) }
    head += header
    head += [UInt8](repeating: 0, count: start(header: header.count) - head.count)
    return FileWriter.write([head, content], to: path)
  }

  /// A section's bytes, checked; nil when they are damaged.
  func section(_ number: Int) -> UnsafeRawBufferPointer? {
    sections.indices.contains(number) ? bytes.slice(sections[number]) : nil
  }
}

/// Writes files so that they appear whole or not at all.
enum FileWriter {
  /// False when that failed; `errno` says why.
  static func write(_ parts: [[UInt8]], to path: String) -> Bool {
    let temporary = "\(path).\(getpid()).tmp"
    unlink(temporary)
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { return false }
    var isWhole = true
    var reason: Int32 = 0
    for part in parts where isWhole {
      var written = 0
      while written < part.count {
        let count = part.withUnsafeBytes {
          Glibc.write(descriptor, $0.baseAddress.map { $0 + written }, part.count - written)
        }
        if count < 0, errno == EINTR { continue }
        guard count > 0 else {
          reason = errno
          isWhole = false
          break
        }
        written += count
      }
    }
    guard close(descriptor) == 0, isWhole, rename(temporary, path) == 0 else {
      if isWhole { reason = errno }
      unlink(temporary)
      errno = reason
      return false
    }
    return true
  }
}
