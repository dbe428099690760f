import Glibc

/// A connected socket that does not block, with waiting that ends when the command does.
struct SocketStream {
  /// The socket.
  let file: Descriptor
  /// Can be read when the command has ended.
  let stopping: Int32
  /// Read and not used yet.
  var pending: [UInt8] = []

  static let idleSeconds = 900.0

  init(_ file: Descriptor, stopping: Int32) {
    self.file = file
    self.stopping = stopping
  }

  /// Waits until so many bytes are pending.
  mutating func fill(_ count: Int, until deadline: Double) -> Bool {
    while pending.count < count { guard more(until: deadline) else { return false } }
    return true
  }

  /// Waits for some more bytes; false at the end of the stream, of the time, and of the command.
  mutating func more(until deadline: Double) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = buffer.withUnsafeMutableBytes { read(into: $0, until: deadline) }
    guard count > 0 else { return false }
    pending += buffer[..<count]
    return true
  }

  /// Waits for bytes that are not pending; 0 at the end, -1 when there will be none.
  func read(into buffer: UnsafeMutableRawBufferPointer, until deadline: Double) -> Int {
    while true {
      let left = deadline - monotonicSeconds()
      guard left > 0, wait(for: POLLIN, seconds: left) else { return -1 }
      let got = Glibc.read(file.number, buffer.baseAddress, buffer.count)
      if got >= 0 { return got }
      if errno != EAGAIN && errno != EINTR { return -1 }
    }
  }

  /// Writes everything.
  func writeAll(_ bytes: some Collection<UInt8>) -> Bool {
    let bytes = Array(bytes)
    return bytes.withUnsafeBytes { writeAll($0) }
  }

  /// Writes everything.
  func writeAll(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let count = send(file.number, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
      if count > 0 {
        rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        continue
      }
      guard count < 0, errno == EAGAIN || errno == EINTR else { return false }
      guard wait(for: POLLOUT, seconds: Self.idleSeconds) else { return false }
    }
    return true
  }

  private func wait(for events: Int32, seconds: Double) -> Bool {
    var polled = [
      pollfd(fd: file.number, events: Int16(events), revents: 0),
      pollfd(fd: stopping, events: Int16(POLLIN), revents: 0),
    ]
    let count = poll(&polled, 2, Int32(seconds * 1000) + 1)
    return (count > 0 || count < 0 && errno == EINTR) && polled[1].revents == 0
  }
}
