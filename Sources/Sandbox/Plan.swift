/// What the launcher is told, as words that end in NUL; `Sources/codeagent-launch/plan.c` reads them.
struct Plan {
  private(set) var bytes: [UInt8] = []

  mutating func add(_ key: StaticString, _ values: [UInt8]...) {
    key.withUTF8Buffer { bytes.append(contentsOf: $0) }
    bytes.append(0)
    for value in values {
      bytes.append(contentsOf: value)
      bytes.append(0)
    }
  }

  mutating func add(_ key: StaticString, _ number: Int) { add(key, Array(String(number).utf8)) }
}

extension Plan {
  /// Directories that every command sees, where they exist.
  static let systemDirectories = ["/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32", "/etc"]
  /// What programs look up about processors. Of `/sys`, nothing else is there.
  static let processors = "/sys/devices/system/cpu"
  /// The private home directory; the launcher's `/etc/passwd` says the same.
  static let home = "/home/agent"

  /// The plan for one command.
  /// - Throws: ``SandboxError/Kind/invalidCommand``.
  init(
    _ command: SandboxedCommand, host: HostSetting, memoryGroup: [UInt8]? = nil
  ) throws(SandboxError) {
    guard let program = command.arguments.first, !program.isEmpty else {
      throw SandboxError(.invalidCommand, "the command is empty")
    }
    if let memoryGroup { add("cgroup", memoryGroup) }
    add("launcher", host.launcher)
    if let payload = host.payload {
      add("uid", Int(payload.uid))
      add("gid", Int(payload.gid))
    }
    add("private-bytes", max(64 << 20, command.limits.memoryBytes / 2))
    try addMounts(command, host: host)
    try addLimits(command.limits)
    for argument in command.arguments { add("arg", try Self.checked(argument, "an argument")) }
    if let watch = command.watch { add("watch", Array((watch.authorize == nil ? "record" : "ask").utf8)) }
    if command.network != nil { add("listen", NetworkAccess.port) }
    for (name, value) in Self.environment(command) {
      add("env", try Self.checked(Array("\(name)=\(value)".utf8), "the variable \(name)"))
    }
    add("cwd", try Self.path(command.workingDirectory))
  }

  private mutating func addMounts(_ command: SandboxedCommand, host: HostSetting) throws(SandboxError) {
    let mounts = [command.workspace] + command.extraMounts
    var covered: [[UInt8]] = Self.systemDirectories.map { Array($0.utf8) }
    for directory in covered + [Array(Self.processors.utf8)] { add("system", directory) }
    // What lies in a tree that is visible anyway is not mounted again: a read-only mount over the workspace would hide
    // the copy.
    covered += try mounts.map { mount throws(SandboxError) in try Self.mountPoint(mount) }
    for path in try command.view.readOnly.map(Self.path).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      if covered.contains(where: { path.isAtOrBelow($0) }) { continue }
      covered.append(path)
      add("ro", path)
    }
    for mount in mounts {
      switch mount {
      case .overlay(let lowers, let upper, let work, let mountPoint):
        add("overlay", try Self.path(mountPoint), try Self.path(upper), try Self.path(work))
        bytes.append(contentsOf: "\(lowers.count)".utf8)
        bytes.append(0)
        for lower in lowers {
          bytes.append(contentsOf: try Self.path(lower))
          bytes.append(0)
        }
      case .copy(let directory, let mountPoint):
        add("copy", try Self.path(directory), try Self.path(mountPoint))
      }
    }
    for binding in command.view.readOnlyAt {
      add("ro-at", try Self.path(binding.source), try Self.path(binding.destination))
    }
    for binding in command.view.readWriteAt {
      add("rw-at", try Self.path(binding.source), try Self.path(binding.destination))
    }
    for binding in command.view.replaced {
      add("replace", try Self.path(binding.source), try Self.path(binding.destination))
    }
    for path in host.masked + command.view.masked { add("mask", try Self.path(path)) }
    for file in command.network?.endpoints.compactMap(\.credentialFile) ?? [] {
      let path = try Self.path(file)
      if covered.contains(where: { path.isAtOrBelow($0) }) { add("mask", path) }
    }
  }

  mutating func addLimits(_ limits: SandboxLimits) throws(SandboxError) {
    let numbers = [limits.cpuSeconds, limits.fileBytes, limits.processes, limits.memoryBytes, limits.diskBytes]
    guard numbers.allSatisfy({ $0 > 0 }), limits.wallSeconds > 0 else {
      throw SandboxError(.invalidCommand, "a limit is not positive")
    }
    add("cpu", limits.cpuSeconds)
    add("file", limits.fileBytes)
    add("files", 65536)
    add("processes", limits.processes)
    add("memory", limits.memoryBytes)
  }

  /// The command's variables with those of the sandbox itself.
  static func environment(_ command: SandboxedCommand) -> [(String, String)] {
    var variables = command.environment
    if let network = command.network {
      variables.merge(network.environment) { $1 }
      variables["CARGO_NET_OFFLINE"] = nil
    }
    if command.watch != nil {
      // A leak checker traces, and cannot where everything is traced already: it would fail the program.
      for name in ["ASAN_OPTIONS", "LSAN_OPTIONS"] {
        variables[name] = (variables[name].map { "\($0):" } ?? "") + "detect_leaks=0"
      }
    }
    variables["HOME"] = home
    variables["TMPDIR"] = "/tmp"
    variables["USER"] = "agent"
    variables["LOGNAME"] = "agent"
    if variables["PATH"] == nil { variables["PATH"] = "/usr/local/bin:/usr/bin:/bin" }
    return variables.sorted { $0.key < $1.key }
  }

  private static func mountPoint(_ mount: WorkspaceMount) throws(SandboxError) -> [UInt8] {
    let point: [UInt8]
    switch mount {
    case .overlay(_, _, _, let mountPoint): point = try path(mountPoint)
    case .copy(_, let mountPoint): point = try path(mountPoint)
    }
    let forbidden = ["/", "/dev", "/proc", "/sys", "/usr", "/etc", "/run/codeagent", "/home/agent"]
    if forbidden.contains(where: { Array($0.utf8) == point })
      || ["/dev", "/proc", "/sys"].contains(where: { point.isAtOrBelow(Array($0.utf8)) })
    {
      throw SandboxError(
        .invalidCommand, "\(String(decoding: point, as: UTF8.self)) cannot be a workspace",
        hint: "work in a directory of its own, not in a system directory")
    }
    return point
  }

  /// An absolute path without `.`, `..` and doubled slashes, so that one path is a prefix of another when it contains it.
  static func path(_ bytes: [UInt8]) throws(SandboxError) -> [UInt8] {
    let text = { String(decoding: bytes, as: UTF8.self) }
    guard bytes.first == UInt8(ascii: "/") else {
      throw SandboxError(.invalidCommand, "the path \(text()) is not absolute")
    }
    var parts: [ArraySlice<UInt8>] = []
    for part in bytes.split(separator: UInt8(ascii: "/")) where part != [UInt8(ascii: ".")] {
      guard part != [UInt8(ascii: "."), UInt8(ascii: ".")] else {
        throw SandboxError(.invalidCommand, "the path \(text()) goes upwards")
      }
      parts.append(part)
    }
    let normal = parts.isEmpty ? [UInt8(ascii: "/")] : parts.reduce(into: []) { $0 += [UInt8(ascii: "/")] + $1 }
    return try checked(normal, "a path")
  }

  static func checked(_ bytes: [UInt8], _ what: String) throws(SandboxError) -> [UInt8] {
    guard !bytes.contains(0) else { throw SandboxError(.invalidCommand, "\(what) contains a NUL byte") }
    return bytes
  }
}

extension [UInt8] {
  /// Whether this normal absolute path is `directory` or lies in it.
  func isAtOrBelow(_ directory: [UInt8]) -> Bool {
    starts(with: directory)
      && (count == directory.count || self[directory.count] == UInt8(ascii: "/") || directory == [UInt8(ascii: "/")])
  }
}
