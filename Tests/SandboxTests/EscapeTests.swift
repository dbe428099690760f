import Glibc
import JSON
import Sandbox
import TestSupport
import Testing

/// Ways out that were tried, judged by what is there afterwards outside.
@Suite(.serialized) struct EscapeTests {
  struct Category: Sendable, CustomTestStringConvertible {
    var name: String
    var attempts: [EscapeAttempt]
    var testDescription: String { name }
  }

  static let categories = EscapeAttempt.all.map { Category(name: $0.category, attempts: $0.attempts) }

  private static let library = """
    import ctypes, errno, fcntl, json, mmap, os, resource, signal, socket, stat, struct, subprocess, sys, time
    libc = ctypes.CDLL(None, use_errno=True)
    def call(*arguments):
        r = libc.syscall(*arguments)
        if r >= 0: print('escaped: call', arguments)
        return r
    def attempt(f, *arguments, **named):
        try:
            r = f(*arguments, **named)
            print('escaped:', getattr(f, '__name__', f), arguments)
            return r
        except (OSError, ValueError): return None
    def sh(line):
        done = subprocess.run(['/bin/sh', '-c', line], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return done.stdout.decode('utf-8', 'replace')
    given = json.load(sys.stdin)
    globals().update(given['names'])
    for name, program in given['attempts']:
        print('#', name, flush=True)
        child = os.fork()
        if child == 0:
            try: exec(program, globals())
            except BaseException as error: print(repr(error)[:300])
            try: sys.stdout.flush()
            finally: os._exit(0)
        os.waitpid(child, 0)

    """

  @Test(.enabled(if: isX86), arguments: categories) func isHeld(_ category: Category) async throws {
    let outside = try Outside()
    let input: JSONValue = [
      "names": outside.names,
      "attempts": .array(category.attempts.map { [.string($0.name), .string($0.program)] }),
    ]
    let result = try await outside.scene.run(
      ["/usr/bin/python3", "-c", Self.library], input: String(decoding: input.serialized, as: UTF8.self))
    var name = ""
    for line in result.lines {
      if line.hasPrefix("# ") { name = line }
      #expect(!line.hasPrefix("escaped") && !line.contains(outside.secret), "\(name): \(line)")
    }
    #expect(name == "# \(category.attempts.last?.name ?? "")", "\(result.status) \(result.text)")
    #expect(try outside.changes() == [], "\(result.text)")
    let isEmpty = try await eventually { processes(naming: outside.mark).isEmpty }
    #expect(isEmpty)
  }

  /// What lies in the checkout itself may lead out.
  @Test func trapsInTheCheckout() async throws {
    let scene = try Scene()
    let outside = try TemporaryDirectory()
    chmod(outside.path, 0o777)
    try outside.write("secret", "canary\n", mode: 0o666)
    symlink(outside.path, "\(scene.checkout)/link")
    link(outside.path("secret"), "\(scene.checkout)/hard")
    mkfifo("\(scene.checkout)/pipe", 0o666)
    chmod("\(scene.checkout)/pipe", 0o666)
    let reader = open("\(scene.checkout)/pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    defer { close(reader) }
    let listener = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(listener) }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let path = bytes("\(scene.checkout)/socket")
    try #require(path.count < 100)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, socklen_t(MemoryLayout<sockaddr_un>.size)) == 0 && listen(listener, 1) == 0
      }
    }
    #expect(bound)
    chmod("\(scene.checkout)/socket", 0o777)
    let result = try await scene.python(
      """
      import os, socket
      def attempt(f, *arguments):
          try: f(*arguments); print("escaped", arguments)
          except OSError: pass
      attempt(open, "link/secret"); attempt(open, "link/made", "w")
      open("hard", "a").write("changed")
      attempt(socket.socket(socket.AF_UNIX).connect, "socket")
      try: os.write(os.open("pipe", os.O_WRONLY | os.O_NONBLOCK), b"escaped")
      except OSError: pass
      """)
    #expect(!result.text.contains("escaped"), "\(result.text)")
    #expect(outside.text("secret") == "canary\n" && outside.text("made") == nil)
    var byte: UInt8 = 0
    #expect(read(reader, &byte, 1) <= 0)
  }

  /// A commit needs an author, and the user's configuration is not there.
  @Test func commitsWithoutConfiguration() async throws {
    let scene = try Scene(["a": "1\n"])
    let result = try await scene.shell("git init -q . && git add a && git commit -qm x && git log --format=%an%ae")
    #expect(result.text == "agentagent@sandbox.invalid\n", "\(result.text)")
  }

  private static var isX86: Bool {
    #if arch(x86_64)
      true
    #else
      false
    #endif
  }
}
