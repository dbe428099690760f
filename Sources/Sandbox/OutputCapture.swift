/// Keeps the start and the end of a stream in bounded memory, and counts the rest.
struct OutputCapture {
  private let kept: Int
  private var head: [UInt8] = []
  /// The last bytes beyond the head, as a ring once it is full.
  private var ring: [UInt8] = []
  private var next = 0
  private(set) var totalBytes = 0

  /// A capture of at most `kept` bytes from either end.
  init(kept: Int) {
    self.kept = max(0, kept)
  }

  mutating func append(_ bytes: UnsafeRawBufferPointer) {
    totalBytes += bytes.count
    let first = min(bytes.count, kept - head.count)
    head.append(contentsOf: bytes[..<first])
    var rest = UnsafeRawBufferPointer(rebasing: bytes[first...])
    guard !rest.isEmpty, kept > 0 else { return }
    if rest.count > kept { rest = UnsafeRawBufferPointer(rebasing: rest[(rest.count - kept)...]) }
    if ring.count < kept {
      let fitting = min(rest.count, kept - ring.count)
      ring.append(contentsOf: rest[..<fitting])
      rest = UnsafeRawBufferPointer(rebasing: rest[fitting...])
    }
    while !rest.isEmpty {
      let fitting = min(rest.count, kept - next)
      ring.withUnsafeMutableBytes { $0[next..<(next + fitting)].copyBytes(from: rest[..<fitting]) }
      next = (next + fitting) % kept
      rest = UnsafeRawBufferPointer(rebasing: rest[fitting...])
    }
  }

  /// What was captured.
  var captured: CapturedOutput {
    CapturedOutput(head: head, tail: Array(ring[next...] + ring[..<next]), totalBytes: totalBytes)
  }
}
