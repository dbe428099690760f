import Glibc
import JSON
import Sandbox
import TestSupport
import Testing

/// What lies outside of a sandbox and must stay as it is: files, sockets, a process, all open to whoever can reach them.
final class Outside {
  let scene: Scene
  /// What must not be seen inside.
  let secret = "canary-\(UInt64.random(in: 0 ... .max))"
  /// What processes that would outlive their command have among their arguments.
  let mark = uniqueWord()

  private let canary: TemporaryDirectory
  private let home: TemporaryDirectory
  private let server: LoopbackServer
  private let victim: RunningProcess
  private let sockets: [Int32]
  private let pipe: Int32
  private let shared: String
  private var before: [String] = []

  init() throws {
    scene = try Scene(["a.py": "print(1)\n", "run.sh": "#!/bin/sh\n"])
    canary = try TemporaryDirectory()
    home = try TemporaryDirectory()
    server = try LoopbackServer { _, connection in connection.close() }
    victim = try RunningProcess(["/bin/sleep", "1000"], environment: ["SECRET": secret])
    shared = "/dev/shm/\(mark)"
    let checkout = scene.checkout
    chmod(canary.path, 0o777)
    chmod(home.path, 0o755)
    try canary.write("secret", "\(secret)\n", mode: 0o666)
    for name in [
      ".ssh/id_rsa", ".aws/credentials", ".netrc", ".config/gh/hosts.yml", ".docker/config.json", ".npmrc", ".pypirc",
      ".git-credentials", ".kube/config", ".bash_history", ".env",
    ] { try home.write(name, "\(secret)\n") }
    try home.write(".bashrc", "\n")
    let file = open(shared, O_WRONLY | O_CREAT | O_CLOEXEC, 0o666)
    _ = secret.withCString { write(file, $0, strlen($0)) }
    close(file)
    let git = try runProcess(["git", "init", "-q", checkout])
    #expect(git.status == 0)
    symlink(canary.path, "\(checkout)/out")
    symlink(canary.path("secret"), "\(checkout)/sec")
    try scene.directory.write("other", "one\n", mode: 0o666)
    link(scene.directory.path("other"), "\(checkout)/hard")
    mkfifo("\(checkout)/pipe", 0o666)
    chmod("\(checkout)/pipe", 0o666)
    pipe = open("\(checkout)/pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC)
    sockets = try [canary.path("agent.sock"), "\(checkout)/host.sock", "@\(mark)"].map { try Self.listener($0) }
    before = try state()
  }

  deinit {
    victim.signal(SIGKILL)
    _ = victim.finish(timeout: 10)
    for socket in sockets { close(socket) }
    close(pipe)
    unlink(shared)
  }

  /// What attempts can name.
  var names: JSONValue {
    [
      "CAN": .string(canary.path), "HOME": .string(home.path), "PROJ": .string(scene.checkout),
      "PORT": JSONValue(Int(server.port)), "ABS": .string("\0\(mark)"), "VICTIM": JSONValue(Int(victim.id)),
      "SHM": .string(shared), "TMPF": .string(canary.path("secret")), "MARK": .string(mark),
    ]
  }

  /// What is no longer as it was.
  func changes() throws -> [String] {
    var found = Set(before).symmetricDifference(try state()).sorted()
    if server.connectionCount > 0 { found.append("a port was reached") }
    for (index, socket) in sockets.enumerated() where accept(socket, nil, nil) >= 0 { found.append("socket \(index)") }
    var byte: UInt8 = 0
    if read(pipe, &byte, 1) > 0 { found.append("the pipe was written to") }
    if kill(victim.id, 0) != 0 { found.append("the process was killed") }
    return found
  }

  /// Every file with its mode, size and content.
  private func state() throws -> [String] {
    let places = [canary.path, home.path, scene.checkout, scene.directory.path("other"), shared]
    let listing = try runProcess(["find"] + places + ["-printf", "%p %m %s %l\n"])
    let content = try runProcess(
      ["find"] + places + ["-type", "f", "!", "-path", "*/.git/*", "-exec", "cksum", "{}", "+"])
    return (listing.out + content.out).split(separator: "\n").map(String.init)
  }

  /// A socket that listens at a path, or with `@` in front under an abstract name.
  private static func listener(_ name: String) throws -> Int32 {
    let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var path = bytes(name)
    try #require(path.count < 100)
    if path.first == UInt8(ascii: "@") { path[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
    let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count + (path[0] == 0 ? 0 : 1))
    let isBound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(socket, $0, length) == 0 && listen(socket, 4) == 0
      }
    }
    #expect(isBound)
    if path[0] != 0 { chmod(name, 0o777) }
    return socket
  }
}
