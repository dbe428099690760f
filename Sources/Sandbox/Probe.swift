import CLinux
import Glibc

extension Sandbox {
  /// Tries every promise for real, in a scratch workspace: the overlay, the boundary from inside, each limit, the death of
  /// what a command leaves behind. Takes about a second.
  public func probe() async -> [SandboxCheck] { await probe(isWhole: true) }

  /// The part that takes a moment only.
  func quickProbe() async -> [SandboxCheck] { await probe(isWhole: false) }

  private func probe(isWhole: Bool) async -> [SandboxCheck] {
    guard var scratch = ProbeDirectory(at: level, owner: host.payload) else {
      return [
        SandboxCheck(name: "scratch directory", ok: false, detail: "none can be made in /var/tmp: \(lastError())")
      ]
    }
    defer { scratch.remove() }
    var checks: [SandboxCheck] = []
    do throws(SandboxError) {
      do throws(SandboxError) { checks += try await boundary(scratch) } catch {
        // As a workspace does where the kernel refuses overlays.
        guard error.kind == .overlayRefused, level == .full,
          let other = ProbeDirectory(at: level, owner: host.payload, isCopy: true)
        else { throw error }
        scratch.remove()
        scratch = other
        checks += try await boundary(scratch)
        checks.append(
          SandboxCheck(name: "copies", ok: true, detail: "workspaces are copied: \(error.message)"))
      }
    } catch { return [SandboxCheck(name: "sandbox", ok: false, detail: error.description)] }
    checks.append(await execWatch(scratch))
    checks.append(await limit("output limit", scratch, "flood", expect: .output) { $0.outputBytes = 1 << 20 })
    guard isWhole else { return checks }
    checks.append(await limit("time limit", scratch, "sleep", expect: .time) { $0.wallSeconds = 0.2 })
    checks.append(await limit("memory limit", scratch, "memory", expect: .memory) { $0.memoryBytes = 64 << 20 })
    checks.append(await limit("process limit", scratch, "processes", expect: .processes) { $0.processes = 20 })
    checks.append(await death(scratch))
    checks.append(Self.cgroupCheck(host))
    return checks
  }

  /// Runs a program that does nothing.
  func tryOut() async throws(SandboxError) {
    guard let scratch = ProbeDirectory(at: level, owner: host.payload) else {
      throw SandboxError(.setUpFailed, "no directory can be made in /var/tmp: \(lastError())")
    }
    defer { scratch.remove() }
    var command = scratch.command([])
    command.arguments = [Array("/bin/true".utf8)]
    let status = try await run(command).status
    guard status == .exited(0) else {
      throw SandboxError(.unavailable, "a program in the sandbox ended with \(status)")
    }
  }

  private func boundary(_ scratch: ProbeDirectory) async throws(SandboxError) -> [SandboxCheck] {
    // A port of the host that is open: it must look closed from inside.
    let listener = Listener()
    let home = getenv("HOME").map { String(cString: $0) } ?? "/root"
    let result = try await run(scratch.command(["boundary", "\(listener.port)", home, level.rawValue]))
    var checks = String(decoding: result.output.head, as: UTF8.self).split(separator: "\n").compactMap { line in
      let fields = line.split(separator: "\t", maxSplits: 2).map(String.init)
      return fields.count == 3 ? SandboxCheck(name: fields[0], ok: fields[1] == "ok", detail: fields[2]) : nil
    }
    if result.status != .exited(0) || checks.isEmpty {
      checks.append(SandboxCheck(name: "sandbox", ok: false, detail: "the probe ended with \(result.status)"))
    }
    let owner = scratch.owner("upper/made-inside")
    let untouched = scratch.owner("lower/deleted-inside") != nil && scratch.owner("lower/made-inside") == nil
    checks.append(
      SandboxCheck(
        name: "overlay", ok: owner != nil && untouched,
        detail: untouched ? "writes and deletions stay in the copy" : "the checkout itself was changed"))
    checks.append(
      SandboxCheck(
        name: "host user", ok: owner != nil && (owner != 0 || host.payload == nil),
        detail: "commands are user \(owner.map(String.init) ?? "?")")
    )
    return checks
  }

  private func limit(
    _ name: String, _ scratch: ProbeDirectory, _ what: String, expect: CommandResult.Overrun,
    _ change: (inout SandboxLimits) -> Void
  ) async -> SandboxCheck {
    var command = scratch.command([what])
    change(&command.limits)
    do throws(SandboxError) {
      let status = try await run(command).status
      return SandboxCheck(
        name: name, ok: status == .overrun(expect),
        detail: status == .overrun(expect) ? "enforced" : "ended with \(status)")
    } catch { return SandboxCheck(name: name, ok: false, detail: error.description) }
  }

  /// A program that is denied must not run its first instruction.
  private func execWatch(_ scratch: ProbeDirectory) async -> SandboxCheck {
    let name = Self.execWatchCheck
    var command = scratch.command(["flood"])
    command.limits.outputBytes = 1 << 20
    command.watch = ExecWatch { _ in .deny(rule: name) }
    do throws(SandboxError) {
      let result = try await run(command)
      let holds = result.execs?.deniedTotal == 1 && result.output.totalBytes == 0
      return SandboxCheck(
        name: name, ok: holds, detail: holds ? "a denied program does not run" : "a denied program ran")
    } catch { return SandboxCheck(name: name, ok: false, detail: error.description) }
  }

  private func death(_ scratch: ProbeDirectory) async -> SandboxCheck {
    let name = "death"
    let mark = "mark-\(getpid())-\(monotonicSeconds())"
    do throws(SandboxError) {
      _ = try await run(scratch.command(["daemon", mark]))
      let left = ProbeDirectory.processes(naming: mark)
      return SandboxCheck(
        name: name, ok: left == 0, detail: left == 0 ? "nothing outlives its command" : "\(left) processes were left")
    } catch { return SandboxCheck(name: name, ok: false, detail: error.description) }
  }

  static func cgroupCheck(_ host: HostSetting) -> SandboxCheck {
    SandboxCheck(
      name: "cgroup", ok: true,
      detail: host.memoryPlace.map { "memory is held by a group below \($0.directory) (version \($0.version))" }
        ?? "none can be made: memory is sampled several times a second")
  }
}

/// A workspace to try things in.
private struct ProbeDirectory {
  let path: String

  private let level: SandboxLevel
  private let isCopy: Bool

  init?(at level: SandboxLevel, owner: (uid: UInt32, gid: UInt32)?, isCopy: Bool = false) {
    self.level = level
    self.isCopy = isCopy || level == .container
    var template = Array("/var/tmp/codeagent-probe.XXXXXX".utf8CString)
    guard template.withUnsafeMutableBufferPointer({ $0.baseAddress.flatMap { mkdtemp($0) } }) != nil else { return nil }
    path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    for name in ["lower", "upper", "work"] { mkdir("\(path)/\(name)", 0o755) }
    close(open("\(path)/lower/deleted-inside", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644))
    guard self.isCopy else { return }
    // The copy is the upper directory.
    close(open("\(path)/upper/deleted-inside", O_WRONLY | O_CREAT | O_CLOEXEC, 0o644))
    if let owner { for name in ["upper", "upper/deleted-inside"] { chown("\(path)/\(name)", owner.uid, owner.gid) } }
    guard level == .container else { return }
    chmod(path, 0o711)
    // Where the launcher lies may be closed to the payload.
    let copy = open("\(path)/launch", O_WRONLY | O_CREAT | O_CLOEXEC, 0o755)
    let original = Sandbox.locateLauncher().map { withCPath($0) { open($0, O_RDONLY | O_CLOEXEC) } } ?? -1
    while linux_copy_range(original, copy, 1 << 30) > 0 {}
    close(original)
    close(copy)
  }

  func command(_ arguments: [String]) -> SandboxedCommand {
    let lower = Array("\(path)/lower".utf8)
    let upper = Array("\(path)/upper".utf8)
    let program = level == .full ? "/run/codeagent/launch" : "\(path)/launch"
    return SandboxedCommand(
      arguments: ([program, "--probe"] + arguments).map { Array($0.utf8) }, environment: [:],
      workingDirectory: lower,
      workspace: !isCopy
        ? .overlay(lowers: [lower], upper: upper, work: Array("\(path)/work".utf8), mountPoint: lower)
        : .copy(directory: upper, mountPoint: lower),
      view: SandboxView(readOnly: level == .full ? [] : [Array(program.utf8)]),
      limits: SandboxLimits(
        wallSeconds: 20, cpuSeconds: 20, memoryBytes: 1 << 30, processes: 100, fileBytes: 1 << 20,
        outputKeptBytes: 64 << 10, outputBytes: 16 << 20, diskBytes: 64 << 20))
  }

  /// The owner of a file; nil when there is none, or a deletion.
  func owner(_ name: String) -> uid_t? {
    var status = stat()
    guard lstat("\(path)/\(name)", &status) == 0, status.st_mode & S_IFMT != S_IFCHR else { return nil }
    return status.st_uid
  }

  func remove() {
    FileTree.remove(Array(path.utf8))
  }

  /// How many processes of this machine have a word among their arguments.
  static func processes(naming word: String) -> Int {
    guard let directory = opendir("/proc") else { return 0 }
    defer { closedir(directory) }
    var count = 0
    var buffer = [UInt8](repeating: 0, count: 4096)
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard Int(name) != nil else { continue }
      let file = open("/proc/\(name)/cmdline", O_RDONLY | O_CLOEXEC)
      guard file >= 0 else { continue }
      let length = read(file, &buffer, buffer.count)
      close(file)
      if length > 0, buffer[..<length].split(separator: 0).contains(where: { $0.elementsEqual(word.utf8) }) {
        count += 1
      }
    }
    return count
  }
}

/// A listening port on the host's loopback.
private final class Listener {
  private let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
  private(set) var port: UInt16 = 1

  init() {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        _ = bind(descriptor, $0, length)
        _ = listen(descriptor, 1)
        _ = getsockname(descriptor, $0, &length)
      }
    }
    port = UInt16(bigEndian: address.sin_port)
  }

  deinit { close(descriptor) }
}
