import Glibc

/// A file descriptor that is closed with its last reference.
final class Descriptor {
  /// The number; -1 when there is none.
  private(set) var number: Int32

  /// Takes a descriptor over.
  init(_ number: Int32 = -1) {
    self.number = number
  }

  /// Opens one.
  convenience init(_ what: StaticString, open: () -> Int32) throws(SandboxError) {
    let number = open()
    guard number >= 0 else { throw SandboxError(.setUpFailed, "\(what) cannot be opened: \(lastError())") }
    self.init(number)
  }

  /// Closes it early.
  func close() {
    if number >= 0 { Glibc.close(number) }
    number = -1
  }

  deinit { close() }
}

/// What `errno` says, for people.
func lastError() -> String { String(cString: strerror(errno)) }
