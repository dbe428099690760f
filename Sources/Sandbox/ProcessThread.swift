import CLinux
import Glibc
import Synchronization

/// A command as the process thread takes it over.
struct ProcessRequest: Sendable {
  /// Distinguishes the requests of this process.
  var id: Int
  /// What is run, and within which limits.
  var command: SandboxedCommand
  /// Where the tools are.
  var host: HostSetting
  /// Called on the process thread with output as it comes.
  var onOutput: (@Sendable ([UInt8]) -> Void)?
  /// Called once, on the process thread.
  var completion: @Sendable (Result<CommandResult, SandboxError>) -> Void
  /// The writable trees that it needs for itself.
  let uppers: Set<[UInt8]>

  /// A request.
  init(
    id: Int, command: SandboxedCommand, host: HostSetting, onOutput: (@Sendable ([UInt8]) -> Void)?,
    completion: @escaping @Sendable (Result<CommandResult, SandboxError>) -> Void
  ) {
    self.id = id
    self.command = command
    self.host = host
    self.onOutput = onOutput
    self.completion = completion
    uppers = Set(
      ([command.workspace] + command.extraMounts).compactMap { mount in
        if case .overlay(_, let upper, _, _) = mount { upper } else { nil }
      })
  }
}

/// The one thread that starts sandboxed processes, waits for them and reads what they write. It lives as long as the
/// process does.
///
/// One thread and always the same, because the kernel ties a child's parent-death signal, waiting with `__WNOTHREAD` and
/// tracing to the thread that started it. Never the cooperative pool's: this one blocks.
final class ProcessThread: Sendable {
  /// The thread, started on first use.
  static let shared = ProcessThread()

  private enum Message {
    case start(ProcessRequest)
    case cancel(id: Int)
    case decided(id: Int, number: Int, ExecVerdict)
  }

  private let inbox = Mutex<[Message]>([])
  private let wake: Int32
  private let started: Bool
  private let lastID = Atomic<Int>(0)

  private init() {
    wake = linux_event()
    guard wake >= 0 else {
      started = false
      return
    }
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    // `shared` is never released, so the thread need not hold it; what it is given is valid until it has taken it over.
    let inbox = Unmanaged.passRetained(Start(wake: wake))
    started =
      pthread_create(
        &thread, &attributes,
        { argument in
          guard let argument else { return nil }
          let start = Unmanaged<Start>.fromOpaque(argument).takeRetainedValue()
          linux_thread_name("processes")
          ProcessThread.shared.loop(wake: start.wake)
        }, inbox.toOpaque()) == 0
    pthread_attr_destroy(&attributes)
    if !started { inbox.release() }
  }

  private final class Start: Sendable {
    let wake: Int32
    init(wake: Int32) { self.wake = wake }
  }

  /// A number for a new request.
  func newID() -> Int { lastID.add(1, ordering: .relaxed).newValue }

  /// Runs a request. Its completion is called in any case.
  func start(_ request: ProcessRequest) {
    guard started else {
      request.completion(.failure(SandboxError(.setUpFailed, "no thread can be started")))
      return
    }
    post(.start(request))
  }

  /// Ends a request's process tree at once; its completion follows. Unknown ids are those of finished requests.
  func cancel(_ id: Int) { post(.cancel(id: id)) }

  /// Lets a program that waits go on, or not. Ids of finished requests are nobody's.
  func decided(_ id: Int, _ number: Int, _ verdict: ExecVerdict) { post(.decided(id: id, number: number, verdict)) }

  private func post(_ message: Message) {
    inbox.withLock { $0.append(message) }
    var one: UInt64 = 1
    _ = write(wake, &one, 8)
  }

  private func loop(wake: Int32) -> Never {
    var processes: [Int: SandboxedProcess] = [:]
    var waiting: [ProcessRequest] = []
    var buffer = [UInt8](repeating: 0, count: 128 << 10)
    while true {
      var polled = [pollfd(fd: wake, events: Int16(POLLIN), revents: 0)]
      var owners: [Int] = []
      var next = Double.infinity
      for (id, process) in processes {
        for descriptor in process.descriptors {
          polled.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
          owners.append(id)
        }
        next = min(next, process.nextTick)
      }
      // Rounded up, so that a deadline has passed when it wakes.
      let wait = next == .infinity ? -1 : Int32(max(0, min(1e6, ((next - monotonicSeconds()) * 1000).rounded(.up))))
      guard poll(&polled, nfds_t(polled.count), wait) >= 0 || errno == EINTR else { continue }
      if polled[0].revents != 0 { takeMessages(wake, processes, &waiting) }
      var ready = Set<Int>()
      for (index, owner) in owners.enumerated() where polled[index + 1].revents != 0 { ready.insert(owner) }
      let now = monotonicSeconds()
      for (id, process) in processes {
        let isDue = process.nextTick <= now
        if ready.contains(id) || isDue { process.advance(&buffer) }
        if isDue { process.tick(now) }
        end(process, &processes)
      }
      // Two overlays with one upper directory would corrupt it: the second command waits for the first.
      var still: [ProcessRequest] = []
      for request in waiting {
        let isTaken = processes.values.contains { !$0.request.uppers.isDisjoint(with: request.uppers) }
        if isTaken || still.contains(where: { !$0.uppers.isDisjoint(with: request.uppers) }) {
          still.append(request)
        } else {
          let process = SandboxedProcess(request)
          processes[request.id] = process
          end(process, &processes)
        }
      }
      waiting = still
    }
  }

  private func takeMessages(_ wake: Int32, _ processes: [Int: SandboxedProcess], _ waiting: inout [ProcessRequest]) {
    var count: UInt64 = 0
    _ = read(wake, &count, 8)
    let messages = inbox.withLock { messages in
      defer { messages = [] }
      return messages
    }
    for message in messages {
      switch message {
      case .start(let request): waiting.append(request)
      case .decided(let id, let number, let verdict): processes[id]?.decided(number, verdict)
      case .cancel(let id):
        processes[id]?.stop(.cancelled)
        guard let index = waiting.firstIndex(where: { $0.id == id }) else { continue }
        let result = CommandResult(
          status: .cancelled, output: CapturedOutput(head: [], totalBytes: 0), duration: 0)
        waiting.remove(at: index).completion(.success(result))
      }
    }
  }

  /// Hands over the result of a process that has one.
  private func end(_ process: SandboxedProcess, _ processes: inout [Int: SandboxedProcess]) {
    guard let result = process.result else { return }
    processes[process.request.id] = nil
    process.request.completion(result)
  }
}

/// Seconds of the monotonic clock.
func monotonicSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_MONOTONIC, &time)
  return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
}
