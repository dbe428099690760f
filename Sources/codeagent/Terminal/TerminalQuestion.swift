import Glibc
import Synchronization

/// Asks the person at the terminal, whatever the standard streams lead to.
struct TerminalQuestion: Sendable {
  /// True while a question waits for its answer: live lines stay away.
  static let isOpen = Atomic<Bool>(false)

  /// The terminal of this process; nil when it has none.
  init?() {
    let descriptor = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    close(descriptor)
  }

  /// Shows a text and waits for `y` or anything else. What was typed before does not count; the end of the task is a no.
  func ask(_ text: String) async -> Bool {
    let descriptor = open("/dev/tty", O_RDWR | O_NOCTTY | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    defer { close(descriptor) }
    Self.isOpen.store(true, ordering: .relaxed)
    defer { Self.isOpen.store(false, ordering: .relaxed) }
    tcflush(descriptor, TCIFLUSH)
    write("\r\u{1b}[2K\(text) [y/N] ", to: descriptor)
    var line: [UInt8] = []
    while !Task.isCancelled {
      var state = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&state, 1, 0) > 0 else {
        try? await Task.sleep(for: .milliseconds(50))
        continue
      }
      var buffer = [UInt8](repeating: 0, count: 256)
      let count = read(descriptor, &buffer, buffer.count)
      if count <= 0 { break }
      line += buffer[..<count]
      guard line.contains(0x0a) || line.count > 1000 else { continue }
      let word = String(decoding: line.prefix { $0 != 0x0a }, as: UTF8.self)
      return ["y", "yes"].contains(word.filter { !$0.isWhitespace }.lowercased())
    }
    write("\n", to: descriptor)
    return false
  }

  private func write(_ text: String, to descriptor: Int32) {
    let bytes = Array(text.utf8)
    _ = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }
}
