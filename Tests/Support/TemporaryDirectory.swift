public import Glibc

/// A directory of a test's own, removed with everything in it when the value is released.
///
/// Keep it alive as long as the files are needed: `let directory = try TemporaryDirectory()` at the top of the test and
/// `withExtendedLifetime(directory) { … }`, or simply a use of ``path`` at the end.
public final class TemporaryDirectory: Sendable {
  /// The absolute path, without symbolic links in it and without a slash at the end.
  public let path: String

  /// Makes a fresh directory below `parent`, by default `$TMPDIR` or `/tmp`.
  /// - Throws: ``POSIXFailure``.
  public init(_ prefix: String = "codeagent-test", in parent: String? = nil) throws {
    let parent = parent ?? getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
    var template = Array("\(parent)/\(prefix).XXXXXX".utf8CString)
    let made = template.withUnsafeMutableBufferPointer { buffer in
      buffer.baseAddress.flatMap { mkdtemp($0) } != nil
    }
    guard made, let real = realpath(template, nil) else { throw POSIXFailure("mkdtemp", "\(parent)/\(prefix)") }
    defer { free(real) }
    path = String(cString: real)
  }

  deinit { removeTree(AT_FDCWD, path) }

  /// The path of a file below the directory.
  public func path(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file, making the directories above it; an existing file is replaced.
  /// - Returns: the file's absolute path.
  @discardableResult
  public func write(_ name: String, _ contents: String, mode: mode_t = 0o644) throws -> String {
    try write(name, bytes: Array(contents.utf8), mode: mode)
  }

  /// Writes a file of any bytes, making the directories above it; an existing file is replaced.
  /// - Returns: the file's absolute path.
  @discardableResult
  public func write(_ name: String, bytes: [UInt8], mode: mode_t = 0o644) throws -> String {
    let file = path(name)
    if let slash = name.lastIndex(of: "/") { try makeDirectory(String(name[..<slash])) }
    let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode)
    guard descriptor >= 0 else { throw POSIXFailure("open", file) }
    defer { close(descriptor) }
    var offset = 0
    while offset < bytes.count {
      let count = bytes[offset...].withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      guard count > 0 else { throw POSIXFailure("write", file) }
      offset += count
    }
    guard fchmod(descriptor, mode) == 0 else { throw POSIXFailure("fchmod", file) }
    return file
  }

  /// Makes a directory and those above it.
  /// - Returns: its absolute path.
  @discardableResult
  public func makeDirectory(_ name: String) throws -> String {
    var current = path
    for part in name.split(separator: "/") {
      current += "/\(part)"
      if mkdir(current, 0o755) != 0, errno != EEXIST { throw POSIXFailure("mkdir", current) }
    }
    return current
  }

  /// The bytes of a file; nil when it cannot be read.
  public func bytes(_ name: String) -> [UInt8]? { fileBytes(path(name)) }

  /// The text of a file; nil when it cannot be read.
  public func text(_ name: String) -> String? { bytes(name).map { String(decoding: $0, as: UTF8.self) } }
}

/// The bytes of a file anywhere; nil when it cannot be read.
public func fileBytes(_ path: String) -> [UInt8]? {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { return nil }
  defer { close(descriptor) }
  var bytes: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 65536)
  while true {
    let count = read(descriptor, &buffer, buffer.count)
    guard count >= 0 else { return nil }
    if count == 0 { return bytes }
    bytes.append(contentsOf: buffer[..<count])
  }
}

/// A system call that failed.
public struct POSIXFailure: Error, CustomStringConvertible {
  /// The call.
  public let call: String
  /// What it was about, usually a path.
  public let subject: String
  /// The value of `errno`.
  public let code: Int32

  /// Describes a failure that has just happened.
  public init(_ call: String, _ subject: String, code: Int32 = errno) {
    self.call = call
    self.subject = subject
    self.code = code
  }

  /// A sentence for people.
  public var description: String { "\(call) \(subject): \(String(cString: strerror(code)))" }
}

/// Removes a directory and all below it, by raw names relative to an open directory: names need not be UTF-8, and
/// symbolic links are not followed. Directories without permission bits are opened up first.
private func removeTree(_ parent: Int32, _ name: UnsafePointer<CChar>) {
  fchmodat(parent, name, 0o700, 0)
  let descriptor = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
  guard descriptor >= 0, let directory = fdopendir(descriptor) else { return }
  while let entry = readdir(directory) {
    withUnsafePointer(to: &entry.pointee.d_name) { tuple in
      tuple.withMemoryRebound(to: CChar.self, capacity: 256) { child in
        if strcmp(child, ".") == 0 || strcmp(child, "..") == 0 { return }
        if unlinkat(descriptor, child, 0) != 0 { removeTree(descriptor, child) }
      }
    }
  }
  closedir(directory)
  unlinkat(parent, name, AT_REMOVEDIR)
}
