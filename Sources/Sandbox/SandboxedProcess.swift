import CLinux
import Glibc

/// One command from its start to its result. Lives on the process thread.
final class SandboxedProcess {
  /// What was asked for.
  let request: ProcessRequest
  /// How it ended; nil while it runs.
  private(set) var result: Result<CommandResult, SandboxError>?
  /// When ``tick(_:)`` is due, on the monotonic clock.
  private(set) var nextTick = Double.infinity

  /// The launcher, and the root of the tree that it leaves: both are children of the process thread.
  private var launcher = Child()
  private var tree = Child()
  private var output = Descriptor()
  private var messages = Descriptor()
  private var capture: OutputCapture
  private let begin: Double
  private var disk: DiskWatch?
  private var memory: MemoryGroup?
  private var scratch: ScratchDirectory?
  private var work: OverlayWork?
  private var execs: ExecLog?
  private var broker: NetworkBroker?
  private var connections: (records: [ConnectionRecord], total: Int)?

  /// What the launcher reported.
  private var failure: SandboxError?
  private var exit: Int32?
  private var isUp = false
  /// Programs that wait for decisions, by the number of their exec, and since when any does.
  private var waiting: [Int: (ExecEvent, Task<Void, Never>)] = [:]
  private var waitsSince = 0.0
  /// For how long any did before.
  private var waited = 0.0
  /// Why it was stopped, once it was.
  private var verdict: CommandResult.Status?
  private var stoppedAt: Double?

  /// Starts it. A failure is a result, too.
  init(_ request: ProcessRequest) {
    self.request = request
    capture = OutputCapture(kept: request.command.limits.outputKeptBytes)
    begin = monotonicSeconds()
    execs = request.command.watch.map { [begin] in
      ExecLog($0, path: request.command.environment["PATH"] ?? "", begin: begin)
    }
    do throws(SandboxError) { try start() } catch { result = .failure(error) }
  }

  private func start() throws(SandboxError) {
    let work = OverlayWork()
    self.work = work
    let command = try work.prepare(request.command, id: request.id)
    memory = request.host.memoryPlace.flatMap { place in
      // Beyond the limit, room for process 1.
      MemoryGroup.make(place, name: "\(request.id)", bytes: command.limits.memoryBytes + (16 << 20))
    }
    let plan: Plan
    switch request.host.level {
    case .full: plan = try Plan(command, host: request.host, memoryGroup: memory?.joinPath)
    case .container:
      scratch = ScratchDirectory(owner: request.host.payload)
      guard let scratch else {
        throw SandboxError(.setUpFailed, "no directory can be made in /var/tmp: \(lastError())")
      }
      plan = try Plan(container: command, host: request.host, memoryGroup: memory?.joinPath, scratch: scratch.path)
    }
    let planFile = try Descriptor("a plan") {
      plan.bytes.withUnsafeBytes { linux_memory_file("plan", $0.baseAddress, $0.count) }
    }
    let input: Descriptor
    if let bytes = command.input {
      input = try Descriptor("the input") {
        bytes.withUnsafeBytes { linux_memory_file("input", $0.baseAddress, $0.count) }
      }
    } else {
      input = try Descriptor("/dev/null") { open("/dev/null", O_RDONLY | O_CLOEXEC) }
    }
    var ends: [Int32] = [-1, -1]
    output = try Descriptor("a pipe") { linux_pipe(&ends, 256 << 10) == 0 ? ends[0] : -1 }
    let writing = Descriptor(ends[1])
    messages = try Descriptor("a socket") { linux_message_pair(&ends) == 0 ? ends[0] : -1 }
    let sending = Descriptor(ends[1])

    let given = [input.number, writing.number, writing.number, planFile.number, sending.number]
    let id = withCPath(request.host.launcher) { linux_spawn($0, given, Int32(given.count)) }
    guard id > 0 else {
      throw SandboxError(.launcherMissing, "the launcher cannot be started: \(lastError())")
    }
    launcher = Child(id: id)
    disk = DiskWatch(command)
    nextTick = min(begin + command.limits.wallSeconds, begin + DiskWatch.interval)
  }

  /// What to wait for. Not the launcher's messages, as a rule: they are read when something ends, and waking for each
  /// would take the processor from what they tell of. A watch waits for each.
  var descriptors: [Int32] {
    let isAwaited =
      execs != nil || request.command.network != nil && broker == nil
      || tree.id == 0 && (verdict != nil || !launcher.isRunning)
    return [output.number, launcher.handle.number, tree.handle.number, isAwaited ? messages.number : -1]
      .filter { $0 >= 0 }
  }

  /// Takes in what has happened.
  func advance(_ buffer: inout [UInt8]) {
    guard result == nil else { return }
    readOutput(&buffer)
    launcher.reap()
    readMessages(&buffer)
    tree.reap()
    // The launcher ends as soon as process 1 runs, but may be late to do so on a busy machine.
    guard !launcher.isRunning, !tree.isRunning else { return }
    readMessages(&buffer)
    // Without a tree, one may still be about to report: the end of the socket tells that there is none.
    guard tree.id != 0 || messages.number < 0, !tree.isRunning else { return }
    // The kernel has ended and waited for everything below the root of the tree: what is in the pipe is all there is.
    while readOutput(&buffer) {}
    finish()
  }

  /// Looks at the limits that are the agent's to watch.
  func tick(_ now: Double) {
    guard result == nil else { return }
    if waitedSeconds(now) > ExecWatch.patience { for number in waiting.keys { decided(number, .wait) } }
    let deadline = begin + request.command.limits.wallSeconds + waitedSeconds(now)
    if now >= deadline { stop(.overrun(.time)) }
    if let disk, verdict == nil, disk.isOver() { stop(.overrun(.disk)) }
    if let memory, verdict == nil, memory.isOver { stop(.overrun(.memory)) }
    if let stoppedAt, now > stoppedAt + 2 {
      // Set-up hangs where it cannot be told to stop, on a dead network file system for one.
      launcher.kill()
      self.stoppedAt = now
    }
    nextTick = min(deadline > now ? deadline : .infinity, now + DiskWatch.interval)
  }

  /// Kills the whole tree. The first reason counts.
  func stop(_ reason: CommandResult.Status) {
    guard result == nil else { return }
    if verdict == nil { verdict = reason }
    if stoppedAt == nil { stoppedAt = monotonicSeconds() }
    // Before there is a root of the tree, it is killed as soon as it reports.
    tree.kill()
  }

  @discardableResult
  private func readOutput(_ buffer: inout [UInt8]) -> Bool {
    guard output.number >= 0 else { return false }
    // A few buffers at most, so that a flood does not keep other commands waiting.
    for _ in 0..<8 {
      let count = buffer.withUnsafeMutableBytes { read(output.number, $0.baseAddress, $0.count) }
      if count > 0 {
        buffer.withUnsafeBytes { capture.append(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
        request.onOutput?(Array(buffer[..<count]))
        if capture.totalBytes > request.command.limits.outputBytes { stop(.overrun(.output)) }
        if count < buffer.count { return true }
      } else if count < 0, errno == EINTR {
        continue
      } else {
        if count == 0 || errno != EAGAIN { output.close() }
        return false
      }
    }
    return true
  }

  private func readMessages(_ buffer: inout [UInt8]) {
    while messages.number >= 0 {
      var sender: pid_t = 0
      var numbers: [Int32] = [-1, -1]
      let count = buffer.withUnsafeMutableBytes {
        linux_message_receive(messages.number, $0.baseAddress, $0.count, &sender, &numbers)
      }
      let files = numbers.filter { $0 >= 0 }.map { Descriptor($0) }
      if count <= 0 {
        if count == 0 || errno != EAGAIN { messages.close() }
        return
      }
      if buffer[0] == UInt8(ascii: "C") || buffer[0] == UInt8(ascii: "Z") {
        takeExec(buffer[1..<count], isEnd: buffer[0] == UInt8(ascii: "Z"), files: files)
      } else if buffer[0] == UInt8(ascii: "L") {
        guard let access = request.command.network, let listener = files.first, broker == nil else { continue }
        broker = NetworkBroker(access, listener: listener, begin: begin)
      } else {
        take(buffer[1..<count], kind: buffer[0], sender: sender)
      }
    }
  }

  private func takeExec(_ message: ArraySlice<UInt8>, isEnd: Bool, files: [Descriptor]) {
    if isEnd {
      // Nobody is asked about a program that was killed while it waited.
      if let number = execs?.ended(message) { decided(number, .deny(rule: ExecWatch.undecided)) }
      return
    }
    guard let (verdict, event) = execs?.executed(message, files: files), request.command.watch?.authorize != nil else {
      return
    }
    switch verdict {
    case .allow: tell("a")
    case .deny: tell("d")
    case .wait:
      tell("w")
      if let event { letWait(event) }
    }
  }

  private func tell(_ text: String) {
    let bytes = Array(text.utf8)
    _ = send(messages.number, bytes, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
  }

  // MARK: Programs that wait

  private func letWait(_ event: ExecEvent) {
    if waiting.isEmpty { waitsSince = monotonicSeconds() }
    guard let decide = request.command.watch?.decide else { return }
    let id = request.id
    waiting[event.number] = (event, Task { ProcessThread.shared.decided(id, event.number, await decide(event)) })
  }

  /// Somebody has decided about a program that waits.
  func decided(_ number: Int, _ verdict: ExecVerdict) {
    guard let (event, task) = waiting.removeValue(forKey: number) else { return }
    task.cancel()
    if waiting.isEmpty { waited += monotonicSeconds() - waitsSince }
    switch verdict {
    case .allow: tell("A\(number)")
    case .deny(let rule):
      execs?.deny(event, rule: rule)
      tell("D\(number)")
    case .wait:
      execs?.deny(event, rule: ExecWatch.undecided)
      tell("D\(number)")
    }
  }

  /// Seconds that programs have waited for decisions: they do not count.
  private func waitedSeconds(_ now: Double) -> Double { waited + (waiting.isEmpty ? 0 : now - waitsSince) }

  /// One message of the launcher; `Sources/codeagent-launch/report.h` lists them.
  private func take(_ message: ArraySlice<UInt8>, kind: UInt8, sender: pid_t) {
    let words = message.split(separator: 0, omittingEmptySubsequences: false).map {
      String(decoding: $0, as: UTF8.self)
    }
    switch kind {
    case UInt8(ascii: "P") where tree.id == 0:
      tree = Child(id: sender)
      if verdict != nil { tree.kill() }
    case UInt8(ascii: "I"): isUp = true
    case UInt8(ascii: "X"): exit = Int32(words[0])
    case UInt8(ascii: "O"):
      if verdict == nil { verdict = .overrun(words[0] == "memory" ? .memory : .processes) }
    case UInt8(ascii: "E") where words.count >= 3 && failure == nil:
      failure = SandboxError(launcherReported: words[0], error: Int32(words[1]) ?? 0, text: words[2])
    default: break
    }
  }

  private func finish() {
    for (_, task) in waiting.values { task.cancel() }
    waiting = [:]
    output.close()
    messages.close()
    connections = broker?.stop()
    broker = nil
    scratch = nil
    work = nil
    if let failure, verdict == nil {
      result = .failure(failure)
      return
    }
    if let memory, verdict == nil, memory.isOver { verdict = .overrun(.memory) }
    memory = nil
    let status: CommandResult.Status
    if let verdict {
      status = verdict
    } else if let exit {
      let signal = exit & 0x7f
      status =
        switch signal {
        case 0: .exited((exit >> 8) & 0xff)
        // The soft limit on processor time, and the limit of one file.
        case SIGXCPU: .overrun(.time)
        case SIGXFSZ: .overrun(.disk)
        default: .signaled(signal)
        }
    } else if isUp {
      status = .signaled(SIGKILL)
    } else {
      let said = String(decoding: capture.captured.head.prefix(500), as: UTF8.self).split(separator: "\n").first
      result = .failure(
        SandboxError(
          .unavailable,
          "the sandbox could not be set up: \(said.map(String.init) ?? "process 1 ended without a word")",
          hint: SandboxError.unavailableHint))
      return
    }
    result = .success(
      CommandResult(
        status: status, output: capture.captured, duration: monotonicSeconds() - begin, cpuSeconds: tree.cpuSeconds,
        peakMemoryBytes: tree.peakBytes, execs: execs?.summary,
        connections: connections?.records ?? [], connectionTotal: connections?.total ?? 0))
  }
}

/// A child of the process thread.
private struct Child {
  /// 0 for none.
  private(set) var id: pid_t = 0
  /// What to poll for its end. Where descriptors have run out, the regular looks at the limits find it.
  private(set) var handle = Descriptor()
  private(set) var isRunning = false
  private(set) var cpuSeconds: Double?
  private(set) var peakBytes: Int?

  init() {}

  init(id: pid_t) {
    self.id = id
    isRunning = true
    handle = Descriptor(linux_process_open(id))
  }

  func kill() {
    // Nobody else can have its id: it is our child, and we have not waited for it.
    if isRunning { _ = Glibc.kill(id, SIGKILL) }
  }

  mutating func reap() {
    guard isRunning else { return }
    var status: Int32 = 0
    var cpu: Int64 = 0
    var peak: Int64 = 0
    let waited = linux_process_reap(id, &status, &cpu, &peak)
    guard waited != 0 else { return }
    if waited > 0 {
      cpuSeconds = Double(cpu) / 1e6
      peakBytes = Int(peak)
    }
    isRunning = false
    handle.close()
  }
}

extension SandboxError {
  /// A failure as the launcher tells it.
  init(launcherReported kind: String, error: Int32, text: String) {
    let reason = error == 0 ? text : "\(text): \(String(cString: strerror(error)))"
    switch kind {
    case "unavailable":
      self.init(.unavailable, reason, hint: Self.unavailableHint)
    case "overlay": self.init(.overlayRefused, reason)
    case "directory": self.init(.workingDirectory, reason)
    case "not-found": self.init(.commandNotFound, "\(text): command not found")
    case "not-executable": self.init(.commandNotExecutable, reason)
    default: self.init(.setUpFailed, reason)
    }
  }
}
