import Glibc
import Sandbox
import TestSupport
import Testing

/// What must not be possible, judged from outside wherever that can be.
@Suite(.serialized) struct IsolationTests {
  @Test func nothingOutsideCanBeWritten() async throws {
    let scene = try Scene()
    let outside = try TemporaryDirectory()
    chmod(outside.path, 0o777)
    try outside.write("file", "before\n", mode: 0o666)
    let result = try await scene.shell(
      """
      for path in / /usr /etc /bin /dev /sys /proc /var /home /root /opt; do touch $path/codeagent-test 2>/dev/null; done
      mkdir -p \(outside.path); echo after > \(outside.path)/file; echo x >> /etc/passwd
      echo x > /tmp/codeagent-test; echo x > /var/tmp/codeagent-test; echo x > /dev/shm/codeagent-test; true
      """)
    #expect(result.succeeded, "\(result.text)")
    #expect(outside.text("file") == "before\n")
    let roots = ["", "/usr", "/etc", "/dev", "/var", "/tmp", "/var/tmp", "/dev/shm", "/home", "/root", "/opt"]
    for root in roots { #expect(access("\(root)/codeagent-test", F_OK) != 0, "\(root)") }
  }

  @Test func theCheckoutIsNotWritten() async throws {
    let scene = try Scene(["kept": "old\n", "gone": "x\n"])
    let result = try await scene.shell(
      "echo new > kept; rm gone; mkdir d; echo y > d/made; ln -s kept link; cat kept d/made")
    #expect(result.text == "new\ny\n")
    #expect(scene.directory.text("checkout/kept") == "old\n")
    #expect(scene.directory.text("checkout/gone") == "x\n")
    #expect(scene.directory.text("checkout/d/made") == nil)
    #expect(scene.directory.text("upper/kept") == "new\n")
    #expect(scene.directory.text("upper/d/made") == "y\n")
  }

  @Test func homeIsPrivateAndEmpty() async throws {
    let scene = try Scene()
    let home = getenv("HOME").map { String(cString: $0) } ?? "/root"
    let result = try await scene.shell(
      "echo $HOME; ls -A ~; ls -A /root /home; cat \(home)/.ssh/* ~/.ssh/id_rsa; ls /etc/codeagent")
    #expect(result.lines.first == "/home/agent")
    #expect(!result.text.contains("PRIVATE KEY"))
    #expect(
      result.lines.filter { !$0.contains("No such file") && !$0.contains("cannot") }.dropFirst() == [
        ".gitconfig", "/home:", "agent",
      ])
  }

  @Test func secretsOfTheSystemCannotBeRead() async throws {
    let scene = try Scene()
    let result = try await scene.shell(
      "cat /etc/shadow /etc/gshadow /etc/sudoers /proc/kcore /proc/1/environ /proc/1/mem; true")
    #expect(
      result.lines.allSatisfy { $0.contains("Permission denied") || $0.contains("No such file") }, "\(result.text)")
  }

  @Test func onlyTheSandboxsProcessesAreSeen() async throws {
    let scene = try Scene()
    let result = try await scene.shell(
      "ls /proc | grep -c '^[0-9]'; kill -9 \(getpid()) 2>&1; cat /proc/\(getpid())/cmdline 2>&1; true")
    #expect((Int(result.lines[0]) ?? 99) <= 5, "\(result.text)")
  }

  @Test func theNetworkIsOff() async throws {
    let scene = try Scene()
    let server = try LoopbackServer { _, connection in connection.close() }
    let result = try await scene.python(
      """
      import socket
      for where in (("127.0.0.1", \(server.port)), ("192.0.2.1", 80), ("169.254.169.254", 80)):
          try: socket.create_connection(where, 1); print("connected")
          except OSError as e: print("refused")
      try: socket.getaddrinfo("example.com", 80); print("resolved")
      except OSError: print("refused")
      print(sorted(name for _, name in socket.if_nameindex()))
      """)
    #expect(result.lines == ["refused", "refused", "refused", "refused", "['lo']"], "\(result.text)")
    #expect(server.connectionCount == 0)
  }

  @Test func socketsOfTheHostAreOutOfReach() async throws {
    let scene = try Scene()
    let path = scene.directory.path("host.socket")
    let abstract = uniqueWord()
    let listeners = [try UnixListener(path: path), try UnixListener(abstract: abstract)]
    let result = try await scene.python(
      """
      import socket
      for where in ("\(path)", "\\0\(abstract)", "/run/docker.sock", "/run/dbus/system_bus_socket"):
          try: socket.socket(socket.AF_UNIX).connect(where); print("connected", where)
          except OSError as e: print("refused")
      """)
    #expect(result.lines == ["refused", "refused", "refused", "refused"], "\(result.text)")
    withExtendedLifetime(listeners) {}
  }

  @Test func nobodyIsRoot() async throws {
    let scene = try Scene()
    let result = try await scene.shell(
      "id -u; id -g; grep -h Cap /proc/self/status; grep NoNewPrivs /proc/self/status; touch made")
    #expect(result.lines[0...1] == ["1000", "1000"])
    #expect(result.lines.filter { $0.hasPrefix("Cap") }.allSatisfy { $0.hasSuffix("0000000000000000") })
    #expect(result.lines.last == "NoNewPrivs:\t1")
    var status = stat()
    #expect(stat(scene.directory.path("upper/made"), &status) == 0)
    #expect(status.st_uid == (geteuid() == 0 ? 65534 : geteuid()))
  }

  @Test func kernelSettingsCannotBeChanged() async throws {
    let scene = try Scene()
    let result = try await scene.shell(
      """
      for file in /proc/sys/kernel/hostname /proc/sys/kernel/core_pattern /proc/sys/vm/drop_caches /proc/sysrq-trigger \
        /proc/sys/net/ipv4/ip_forward /sys/power/state; do (echo 1 > $file) 2>/dev/null && echo "wrote $file"; done; true
      """)
    #expect(result.text == "")
  }

  @Test func dangerousCallsAreRefused() async throws {
    let scene = try Scene()
    let result = try await scene.python(
      """
      import ctypes, os, socket, errno
      libc = ctypes.CDLL(None, use_errno=True)
      def call(name, *arguments):
          ctypes.set_errno(0)
          code = libc.syscall(*arguments)
          print(name, code >= 0 and "allowed" or errno.errorcode[ctypes.get_errno()])
      machine = os.uname().machine
      x86 = machine == "x86_64"
      call("unshare", 272 if x86 else 97, 0x10000000)
      call("setns", 308 if x86 else 268, 0, 0)
      call("mount", 165 if x86 else 40, b"x", b"/tmp", b"tmpfs", 0, 0)
      call("fsopen", 430, b"tmpfs", 0)
      call("keyctl", 250 if x86 else 219, 0, -3, 0)
      call("bpf", 321 if x86 else 280, 0, 0, 0)
      call("perf", 298 if x86 else 241, 0, 0, -1, -1, 0)
      call("userfaultfd", 323 if x86 else 282, 1)
      call("io_uring", 425, 1, 0)
      call("clone3", 435, 0, 0)
      call("clone", 56 if x86 else 220, 0x10000000 | 17, 0, 0, 0, 0)
      for family, kind, protocol in ((40, 1, 0), (17, 3, 0), (38, 5, 0), (16, 3, 15), (16, 3, 9), (2, 3, 1)):
          try: socket.socket(family, kind, protocol); print(family, "allowed")
          except OSError as e: print(family, errno.errorcode[e.errno])
      socket.socket(16, 3, 0); print("route allowed")
      """)
    #expect(
      result.lines == [
        "unshare EPERM", "setns EPERM", "mount EPERM", "fsopen EPERM", "keyctl EPERM", "bpf EPERM", "perf EPERM",
        "userfaultfd EPERM", "io_uring EPERM", "clone3 ENOSYS", "clone EPERM", "40 EAFNOSUPPORT", "17 EAFNOSUPPORT",
        "38 EAFNOSUPPORT", "16 EAFNOSUPPORT", "16 EAFNOSUPPORT", "2 EPERM", "route allowed",
      ], "\(result.text)")
  }

  @Test func typingIntoATerminalIsRefused() async throws {
    let scene = try Scene()
    let result = try await scene.python(
      """
      import fcntl, pty, os, errno
      inner, outer = pty.openpty()
      for name, code in (("TIOCSTI", 0x5412), ("TIOCLINUX", 0x541C)):
          try: fcntl.ioctl(outer, code, b"x"); print(name, "allowed")
          except OSError as e: print(name, errno.errorcode[e.errno])
      try: open("/dev/tty"); print("a terminal")
      except OSError: print("no terminal")
      """)
    #expect(result.lines == ["TIOCSTI EPERM", "TIOCLINUX EPERM", "no terminal"])
  }

  @Test func environmentIsWhatWasGiven() async throws {
    let canary = uniqueWord()
    setenv("CODEAGENT_TEST_SECRET", canary, 1)
    defer { unsetenv("CODEAGENT_TEST_SECRET") }
    var scene = try Scene()
    scene.environment = ["PATH": "/usr/bin:/bin", "GIVEN": "a=b c"]
    let result = try await scene.shell("env | sort; cat /proc/*/environ 2>/dev/null | tr '\\0' '\\n'; true")
    #expect(!result.text.contains(canary))
    let names = Set(result.lines.compactMap { $0.split(separator: "=").first.map(String.init) })
    #expect(names == ["PATH", "GIVEN", "HOME", "TMPDIR", "USER", "LOGNAME", "PWD"])
    #expect(result.lines.contains("GIVEN=a=b c"))
  }

  @Test func descriptorsAreNotInherited() async throws {
    let scene = try Scene()
    let secret = try scene.directory.write("secret", "canary")
    let file = open(secret, O_RDONLY)
    defer { close(file) }
    let result = try await scene.python(
      "import os; print(sorted(int(n) for n in os.listdir('/proc/self/fd')), flush=True); os.read(\(file), 9)")
    // The third is the listing itself.
    #expect(result.lines.first == "[0, 1, 2, 3]")
    #expect(result.text.contains("Bad file descriptor") && !result.text.contains("canary"), "\(result.text)")
  }

  @Test func setuidProgramsGainNothing() async throws {
    let scene = try Scene()
    let result = try await scene.shell(
      "cp /usr/bin/id own; chmod 4755 own; ./own -u; /bin/su -c 'id -u' </dev/null 2>&1; true")
    #expect(result.lines.first == "1000")
    #expect(!result.lines.contains("0"))
  }

  @Test func devicesCannotBeMade() async throws {
    let scene = try Scene()
    let result = try await scene.shell(
      "mknod disk b 254 0; mknod null c 1 3; mknod /tmp/w c 0 0; ls /tmp; mkfifo pipe && echo fifo")
    #expect(result.lines.last == "fifo")
    #expect(
      result.lines.filter { $0.contains("Operation not permitted") || $0.contains("Permission denied") }.count == 3)
  }

  @Test func theLauncherCannotBeChanged() async throws {
    let scene = try Scene()
    let result = try await scene.shell(
      "echo x > /run/codeagent/launch; rm -f /run/codeagent/launch; mv /run/codeagent /run/x; true")
    #expect(result.succeeded)
    let again = try await scene.shell("echo fine")
    #expect(again.text == "fine\n")
  }
}

/// A listening unix socket of the host.
private final class UnixListener: Sendable {
  let descriptor: Int32

  init(path: String? = nil, abstract: String? = nil) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let name = path.map { bytes($0) + [0] } ?? [0] + bytes(abstract ?? "")
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: name) }
    let size = socklen_t(MemoryLayout<sa_family_t>.size + name.count)
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, size) == 0 }
    }
    guard bound, listen(descriptor, 1) == 0 else { throw POSIXFailure("bind", path ?? "") }
    if let path { chmod(path, 0o777) }
  }

  deinit { close(descriptor) }
}
