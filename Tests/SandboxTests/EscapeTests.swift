import Glibc
import Sandbox
import TestSupport
import Testing

/// Ways out that were tried, each a small Python program inside and a look from outside. A program prints `escaped` when it
/// believes that it is out; most effects are judged by what is there afterwards.
@Suite(.serialized) struct EscapeTests {
  struct Attempt: Sendable, CustomTestStringConvertible {
    var category: String
    var name: String
    /// `CANARY` is a directory outside that anybody may write, with a file `secret` that holds `canary`.
    var program: String
    var testDescription: String { "\(category): \(name)" }

    init(_ category: String, _ name: String, _ program: String) {
      (self.category, self.name, self.program) = (category, name, program)
    }
  }

  private static let prelude = """
    import ctypes, errno, fcntl, os, resource, signal, socket, stat, subprocess, sys
    libc = ctypes.CDLL(None, use_errno=True)
    def call(*arguments):
        if libc.syscall(*arguments) >= 0: print('escaped')
    def attempt(f, *arguments):
        try: f(*arguments); print('escaped')
        except (OSError, ValueError): pass

    """

  static let attempts = [
    Attempt("writes outside", "through /proc/self/root", "attempt(open, '/proc/self/root/CANARY/made', 'w')"),
    Attempt("writes outside", "through process 1's root", "attempt(open, '/proc/1/root/CANARY/made', 'w')"),
    Attempt("writes outside", "upwards", "attempt(open, '../' * 40 + 'CANARY/made', 'w')"),
    Attempt("writes outside", "through a link", "os.symlink('CANARY', 'l'); attempt(open, 'l/made', 'w')"),
    Attempt("writes outside", "by a hard link", "attempt(os.link, 'CANARY/secret', 'l')"),
    Attempt("writes outside", "by rename", "open('f', 'w').close(); attempt(os.rename, 'f', 'CANARY/made')"),
    Attempt(
      "writes outside", "making it here first", "os.makedirs('CANARY', exist_ok=True); open('CANARY/made', 'w').close()"
    ),
    Attempt(
      "writes outside", "system directories",
      "for d in ('/usr', '/etc', '/usr/lib', '/bin'): attempt(open, d + '/made', 'w')"),
    Attempt("writes outside", "times of system files", "attempt(os.utime, '/etc/passwd')"),
    Attempt("writes outside", "attributes of system files", "attempt(os.setxattr, '/usr/bin/env', 'user.a', b'b')"),
    Attempt(
      "writes outside", "a launcher for the next command",
      "for d in ('/run/codeagent/launch', '/run/codeagent/x'): attempt(open, d, 'w') if d.endswith('h') else None"),
    Attempt("secrets", "the canary", "attempt(open, 'CANARY/secret')"),
    Attempt(
      "secrets", "other people's homes",
      "print('escaped') if [d for d in os.listdir('/home') if d != 'agent'] else None"),
    Attempt(
      "secrets", "the agent's environment",
      "attempt(open, '/proc/1/environ'); attempt(open, '/proc/2/environ') if not os.path.exists('/proc/2') else None"),
    Attempt(
      "secrets", "the system's",
      "for f in ('/etc/shadow', '/etc/gshadow', '/proc/kcore', '/proc/kmsg', '/proc/keys', '/proc/1/mem'): attempt(open, f, 'rb')"
    ),
    Attempt(
      "secrets", "sockets of the host",
      "for f in ('/run/docker.sock', '/run/user', '/run/dbus', '/tmp/.X11-unix', '/run/systemd'): print('escaped') if os.path.exists(f) else None"
    ),
    Attempt(
      "kernel", "settings",
      "for f in ('kernel/core_pattern', 'vm/overcommit_memory', 'kernel/hostname', 'net/ipv4/ip_forward', 'fs/binfmt_misc/register'): attempt(open, '/proc/sys/' + f, 'w')"
    ),
    Attempt(
      "kernel", "sysrq and friends",
      "for f in ('/proc/sysrq-trigger', '/proc/irq/default_smp_affinity', '/sys/devices/system/cpu/cpu0/online', '/sys/power/state'): attempt(open, f, 'w')"
    ),
    Attempt(
      "kernel", "devices",
      "for kind in (stat.S_IFCHR, stat.S_IFBLK): attempt(os.mknod, 'd', kind | 0o666, os.makedev(1, 3)); attempt(os.mknod, '/tmp/d', kind | 0o666, 0)"
    ),
    Attempt(
      "kernel", "raw and packet sockets",
      "for f, k, p in ((2, 3, 1), (10, 3, 58), (17, 3, 768), (2, 3, 255)): attempt(socket.socket, f, k, p)"),
    Attempt(
      "kernel", "unusual families",
      "for f in range(46): [attempt(socket.socket, f, k, 0) for k in (1, 2, 3, 5)] if f not in (1, 2, 10, 16) else None"
    ),
    Attempt("kernel", "unusual netlink", "for p in range(1, 23): attempt(socket.socket, 16, 3, p)"),
    Attempt(
      "surface", "namespaces",
      "for f in (0x10000000, 0x20000, 0x40000000, 0x20000000, 0x8000000, 0x4000000, 0x2000000): call(272, f); call(56, f | 17, 0, 0, 0, 0)"
    ),
    Attempt(
      "surface", "wide calls",
      "for a in ((321, 0, 0, 0), (298, 0, 0, -1, -1, 0), (323, 1), (425, 1, 0), (426, 0, 0, 0, 0), (427, 0, 0, 0, 0), (250, 0, -3, 0), (248, b'user', b'a', b'b', 1, -3), (447, 0), (312, 1, 1, 0, 0, 0)): call(*a)"
    ),
    Attempt(
      "surface", "mounts",
      "for a in ((165, b'x', b'/tmp', b'tmpfs', 0, 0), (166, b'/proc', 2), (155, b'.', b'.'), (161, b'.'), (428, -100, b'/', 1), (430, b'tmpfs', 0), (442, -100, b'/', 0, 0, 0), (304, -1, 0, 0), (467, -100, b'/', 0, 0, 0)): call(*a)"
    ),
    Attempt(
      "surface", "the machine",
      "for a in ((169, 0xfee1dead, 672274793, 0, 0), (246, 0, 0, 0, 0), (175, 0, 0, b''), (313, -1, b'', 0), (227, 0, 0), (164, 0, 0), (172, 3), (173, 0, 1, 1), (163, 0), (103, 3, 0, 0), (167, b'x', 0), (170, b'x', 1)): call(*a)"
    ),
    Attempt(
      "surface", "clone3",
      "ctypes.set_errno(0); libc.syscall(435, 0, 0); print('escaped') if ctypes.get_errno() != errno.ENOSYS else None"),
    Attempt(
      "processes", "process 1",
      "for s in (9, 19, 15): os.kill(1, s)\nattempt(os.setpriority, 0, 1, 19); attempt(os.setpriority, 2, 0, 19); attempt(os.setpriority, 1, 0, 19); attempt(resource.prlimit, 1, 0, (1, 1)); attempt(os.sched_setaffinity, 1, {0}); call(101, 16, 1, 0, 0); call(438, 0, 0, 0)"
    ),
    Attempt(
      "processes", "more privileges",
      "attempt(os.setuid, 0); attempt(os.setgroups, [0]); attempt(os.chroot, '.'); call(135, 0x0400000)"),
    Attempt(
      "processes", "hiding from tracers",
      "pid = libc.syscall(56, 0x00800000 | 17, 0, 0, 0, 0)\nif pid == 0: os._exit(0)\nif pid > 0: print('escaped')"),
    Attempt(
      "processes", "more files than allowed",
      "attempt(resource.setrlimit, resource.RLIMIT_NOFILE, (1 << 20, 1 << 20)); attempt(resource.setrlimit, resource.RLIMIT_NPROC, (-1, -1))"
    ),
    Attempt(
      "terminal", "typing into one",
      "import pty\na, b = pty.openpty()\nattempt(fcntl.ioctl, b, 0x5412, b'x'); attempt(fcntl.ioctl, b, 0x541C, b'\\x03'); attempt(fcntl.ioctl, b, 0x5423, b'\\0' * 4)"
    ),
    Attempt(
      "terminal", "the controlling one",
      "attempt(open, '/dev/tty'); attempt(open, '/dev/console', 'w'); attempt(open, '/dev/pts/0')"),
    Attempt(
      "network", "out",
      "for a in (('192.0.2.1', 80), ('169.254.169.254', 80), ('8.8.8.8', 53)): attempt(socket.create_connection, a, 1); attempt(socket.socket(2, 2).sendto, b'x', a)"
    ),
    Attempt("network", "names", "attempt(socket.getaddrinfo, 'example.com', 80)"),
    Attempt("network", "abstract sockets", "print('escaped') if '@' in open('/proc/net/unix').read() else None"),
  ]

  @Test(.enabled(if: isX86), arguments: attempts) func isHeld(_ attempt: Attempt) async throws {
    let scene = try Scene()
    let outside = try TemporaryDirectory()
    chmod(outside.path, 0o777)
    try outside.write("secret", "canary\n", mode: 0o666)
    let program = Self.prelude + attempt.program.replacing("CANARY", with: outside.path)
    let result = try await scene.run(["/usr/bin/python3", "-c", program])
    #expect(!result.text.contains("escaped") && !result.text.contains("canary"), "\(result.text)")
    #expect(outside.text("secret") == "canary\n" && outside.text("made") == nil)
    #expect(try runProcess(["ls", "-A", outside.path]).out == "secret\n")
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
