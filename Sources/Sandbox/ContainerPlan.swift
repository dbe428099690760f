import Glibc

/// The plan at the level for containers, where nothing can be mounted: the command works in the copy itself, and paths of
/// the view are written as those of the host in its arguments and variables.
extension Plan {
  /// - Parameter scratch: a private directory of this command's, which holds `home` and `tmp`.
  /// - Throws: ``SandboxError/Kind/invalidCommand``, and `overlayRefused` for a workspace that is an overlay.
  init(container command: SandboxedCommand, host: HostSetting, memoryGroup: [UInt8]?, scratch: [UInt8])
    throws(SandboxError)
  {
    guard let program = command.arguments.first, !program.isEmpty else {
      throw SandboxError(.invalidCommand, "the command is empty")
    }
    guard command.network == nil else {
      throw SandboxError(.unavailable, "at the level for containers, no host can be reached")
    }
    if let memoryGroup { add("cgroup", memoryGroup) }
    add("level", Array("container".utf8))
    if let payload = host.payload {
      add("uid", Int(payload.uid))
      add("gid", Int(payload.gid))
    }
    var moved: [(from: [UInt8], to: [UInt8])] = []
    for directory in Self.systemDirectories + [Self.processors] {
      addReadable(Array(directory.utf8), hiding: host.masked)
    }
    for path in try command.view.readOnly.map(Self.path) { addReadable(path, hiding: host.masked) }
    for mount in [command.workspace] + command.extraMounts {
      guard case .copy(let directory, let mountPoint) = mount else {
        throw SandboxError(.overlayRefused, "nothing can be mounted in this container")
      }
      let (from, to) = (try Self.path(mountPoint), try Self.path(directory))
      add("copy", to, from)
      moved.append((from, to))
    }
    for binding in command.view.readOnlyAt {
      let (from, to) = (try Self.path(binding.destination), try Self.path(binding.source))
      add("ro-at", to, from)
      moved.append((from, to))
    }
    for binding in command.view.readWriteAt {
      let (from, to) = (try Self.path(binding.destination), try Self.path(binding.source))
      add("rw-at", to, from)
      moved.append((from, to))
    }
    guard command.view.replaced.isEmpty else {
      throw SandboxError(.invalidCommand, "nothing can be shown in place of another file in this container")
    }
    add("private", scratch)
    try addLimits(command.limits)
    if let watch = command.watch { add("watch", Array((watch.authorize == nil ? "record" : "ask").utf8)) }
    // The longest first: one place may lie in another.
    moved.sort { $0.from.count > $1.from.count }
    for argument in command.arguments { add("arg", try Self.checked(argument.moving(moved), "an argument")) }
    for (name, value) in Self.environment(command) {
      let value =
        switch name {
        case "HOME": scratch + Array("/home".utf8)
        case "TMPDIR": scratch + Array("/tmp".utf8)
        default: Array(value.utf8).moving(moved)
        }
      add("env", try Self.checked(Array("\(name)=".utf8) + value, "the variable \(name)"))
    }
    add("cwd", try Self.path(command.workingDirectory).moving(moved))
  }

  /// Makes a path readable, with what lies below, but for what is to be hidden: rules can only add.
  private mutating func addReadable(_ path: [UInt8], hiding hidden: [[UInt8]]) {
    if hidden.contains(where: path.isAtOrBelow) { return }
    guard hidden.contains(where: { $0.isAtOrBelow(path) }), let directory = withCPath(path, { opendir($0) }) else {
      return add("ro", path)
    }
    defer { closedir(directory) }
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name == [0x2e] || name == [0x2e, 0x2e] { continue }
      addReadable(path + [0x2f] + name, hiding: hidden)
    }
  }
}

extension [UInt8] {
  /// These bytes with each place that stands in them written as where it was moved to.
  func moving(_ places: [(from: [UInt8], to: [UInt8])]) -> [UInt8] {
    guard contains(0x2f), !places.isEmpty else { return self }
    var result: [UInt8] = []
    var index = 0
    while index < count {
      if self[index] == 0x2f, index == 0 || !Self.isOfName(self[index - 1]),
        let place = places.first(where: { self[index...].starts(with: $0.from) }),
        index + place.from.count == count || !Self.isOfName(self[index + place.from.count])
      {
        result += place.to
        index += place.from.count
      } else {
        result.append(self[index])
        index += 1
      }
    }
    return result
  }

  /// Whether a byte before or after a path makes it part of a longer name.
  private static func isOfName(_ byte: UInt8) -> Bool {
    (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte >= 0x80
      || byte == 0x2e || byte == 0x2d || byte == 0x5f
  }
}
