import CLibgit2

/// libgit2 itself, started once in the life of the process.
public enum Library {
  /// The version that is linked: `1.9.1`.
  public static var version: String {
    var major: Int32 = 0
    var minor: Int32 = 0
    var revision: Int32 = 0
    git_libgit2_version(&major, &minor, &revision)
    return "\(major).\(minor).\(revision)"
  }

  private static let status: Int32 = codeagent_libgit2_start()

  /// Must come before any other libgit2 call.
  static func start() throws(GitError) {
    if status < 0 { throw GitError.last(status, "cannot start libgit2") }
  }
}

/// A libgit2 object that is freed when it goes out of scope.
struct Handle: ~Copyable {
  let pointer: OpaquePointer
  private let free: (OpaquePointer?) -> Void

  init(_ pointer: OpaquePointer, free: @escaping (OpaquePointer?) -> Void) {
    self.pointer = pointer
    self.free = free
  }

  /// Takes what a libgit2 constructor stores into its first argument.
  init(
    _ doing: @autoclosure () -> String, free: @escaping (OpaquePointer?) -> Void,
    _ make: (inout OpaquePointer?) -> Int32
  ) throws(GitError) {
    var pointer: OpaquePointer?
    try check(make(&pointer), doing())
    guard let pointer else { throw GitError(.corrupt, "\(doing()): libgit2 returned nothing") }
    self.pointer = pointer
    self.free = free
  }

  deinit { free(pointer) }
}

/// Calls `body` with a NUL-terminated copy. A path with a NUL inside would silently name another file: it is refused.
func withPath<R>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> R) throws(GitError) -> R {
  guard !path.contains(0) else { throw GitError(.invalid, "path with a NUL byte: \(GitError.name(path))") }
  return (path + [0]).withUnsafeBufferPointer { buffer in
    buffer.withMemoryRebound(to: CChar.self) { characters in
      guard let start = characters.baseAddress else { preconditionFailure("a non-empty array has an address") }
      return body(start)
    }
  }
}
