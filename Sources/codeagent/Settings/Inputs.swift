import Glibc

/// What became of reading a file to its end.
enum WholeInput {
  case bytes([UInt8])
  case tooLarge
  case failed(reason: String)

  /// Reads what a descriptor gives, up to a limit.
  static func read(_ descriptor: Int32, limit: Int) -> WholeInput {
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { return .failed(reason: String(cString: strerror(errno))) }
      if count == 0 { return .bytes(bytes) }
      bytes += buffer[..<count]
      guard bytes.count <= limit else { return .tooLarge }
    }
  }
}

/// Texts that users hand over by a file or by standard input.
enum TextInput {
  private static let mostBytes = 4 << 20

  static func read(_ file: String) throws(UsageFailure) -> String {
    let bytes = try ByteInput.read(file, limit: mostBytes, tooLarge: "larger than 4 MiB: too long for a task")
    guard let text = String(validating: bytes, as: UTF8.self) else { throw UsageFailure("\(file) is not UTF-8 text") }
    return text
  }
}

/// Whole files as bytes.
enum ByteInput {
  private static let mostBytes = 256 << 20

  static func read(
    _ file: String, limit: Int = mostBytes, _ purpose: String = "an input"
  ) throws(UsageFailure) -> [UInt8] {
    try read(file, limit: limit, tooLarge: "larger than \(limit >> 10) KiB: too large for \(purpose)")
  }

  fileprivate static func read(_ file: String, limit: Int, tooLarge: String) throws(UsageFailure) -> [UInt8] {
    let descriptor = file == "-" ? dup(0) : open(file, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw UsageFailure("\(file) cannot be read: \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    switch WholeInput.read(descriptor, limit: limit) {
    case .bytes(let bytes): return bytes
    case .tooLarge: throw UsageFailure("\(file) is \(tooLarge)")
    case .failed(let reason): throw UsageFailure("\(file) cannot be read: \(reason)")
    }
  }
}
