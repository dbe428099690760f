import Glibc

/// What is the same for every command: where the tools are, and who the payload is on the host.
struct HostSetting: Sendable {
  /// How commands are held.
  var level = SandboxLevel.full
  /// The launcher.
  var launcher: [UInt8]
  /// The unprivileged user that runs commands when the agent runs as root; nil for an ordinary user, who runs them.
  var payload: (uid: UInt32, gid: UInt32)?
  /// Where control groups can be made; only root can, mostly.
  var memoryPlace: MemoryGroup.Place?
  /// Files of the system directories that hold secrets and that the payload could read.
  var masked: [[UInt8]]

  /// Looks the tools up, without running any.
  init(launcher: [UInt8], level: SandboxLevel) throws(SandboxError) {
    let path = try Plan.path(launcher)
    guard Self.isProgram(path) else {
      throw SandboxError(
        .launcherMissing, "there is no launcher at \(String(decoding: path, as: UTF8.self))",
        hint: "codeagent-launch belongs in the directory of codeagent; build or install both")
    }
    self.level = level
    self.launcher = path
    payload = Self.payload
    memoryPlace = MemoryGroup.place
    masked = Self.secrets(asRoot: payload != nil)
  }

  /// Who runs commands for this process; nil for itself.
  static var payload: (uid: UInt32, gid: UInt32)? { isHostRoot ? (65534, 65534) : nil }

  /// Whether this process is root, and not only what an ordinary user is called in a user namespace of his own.
  private static var isHostRoot: Bool {
    guard geteuid() == 0 else { return false }
    let map = smallFile("/proc/self/uid_map").split(whereSeparator: { $0 == " " || $0 == "\n" }).prefix(2)
    // When in doubt, yes: root's commands are handed to somebody else.
    return map.first != "0" || map.last == "0"
  }

  private static func isProgram(_ path: [UInt8]) -> Bool {
    withCPath(path) { access($0, X_OK) == 0 }
  }

  /// What in `/etc` is nobody's business. Where the payload cannot read it anyway, nothing has to be hidden.
  private static func secrets(asRoot: Bool) -> [[UInt8]] {
    let paths = [
      "/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-", "/etc/sudoers", "/etc/sudoers.d",
      "/etc/security/opasswd", "/etc/ssl/private", "/etc/pki/private", "/etc/pki/tls/private", "/etc/krb5.keytab",
      "/etc/wireguard", "/etc/openvpn", "/etc/ipsec.secrets", "/etc/codeagent", "/etc/kubernetes", "/etc/rancher",
      "/etc/NetworkManager/system-connections", "/etc/pip.conf", "/etc/npmrc", "/etc/netrc", "/etc/environment",
      "/etc/apt/auth.conf", "/etc/apt/auth.conf.d", "/etc/crypttab", "/etc/munge", "/etc/boto.cfg",
    ]
    return paths.filter { path in
      var status = stat()
      guard stat(path, &status) == 0 else { return false }
      return asRoot ? status.st_mode & 0o004 != 0 : access(path, R_OK) == 0
    }.map { Array($0.utf8) }
  }
}

/// The text of a file of the kernel's; empty when it cannot be read.
func smallFile(_ path: String) -> String {
  let file = open(path, O_RDONLY | O_CLOEXEC)
  guard file >= 0 else { return "" }
  defer { close(file) }
  var text: [UInt8] = []
  var buffer = [UInt8](repeating: 0, count: 16 << 10)
  while true {
    let count = read(file, &buffer, buffer.count)
    guard count > 0 else { return String(decoding: text, as: UTF8.self) }
    text.append(contentsOf: buffer[..<count])
  }
}

/// Calls `body` with a path that ends in NUL.
func withCPath<Result>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> Result) -> Result {
  body(path.map { CChar(bitPattern: $0) } + [0])
}
