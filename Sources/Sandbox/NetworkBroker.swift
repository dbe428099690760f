import CLinux
import Glibc
import Synchronization

/// Lets the connections of one command out that its access allows: accepts on a socket that listens inside the command's
/// network namespace, and connects from here. One thread accepts, and each connection has one of its own.
final class NetworkBroker: Sendable {
  private let access: NetworkAccess
  private let begin: Double
  private let listener: Int32
  /// Written when the command has ended.
  private let stopping: Int32
  private let state = Mutex(State())

  private struct State {
    var records: [ConnectionRecord] = []
    var total = 0
    var running = 0
    var isStopped = false
  }

  /// How many connections are listed, and how many may be open at a time.
  private static let listed = 1000
  private static let mostOpen = 128

  /// Takes the listening socket over and begins to accept; nil when no thread can be had.
  init?(_ access: NetworkAccess, listener: Descriptor, begin: Double) {
    self.access = access
    self.begin = begin
    self.listener = fcntl(listener.number, F_DUPFD_CLOEXEC, 3)
    stopping = linux_event()
    guard self.listener >= 0, stopping >= 0, Self.startThread({ [self] in accept() }) else { return nil }
  }

  deinit {
    close(listener)
    close(stopping)
  }

  /// Breaks all connections off. Records of those that have not noticed yet hold what they have counted last.
  func stop() -> (records: [ConnectionRecord], total: Int) {
    var one: UInt64 = 1
    _ = write(stopping, &one, 8)
    // They wake at once; a name that is being looked up may take longer, and is not waited for.
    for _ in 0..<50 where state.withLock({ $0.running > 0 }) { usleep(2000) }
    return state.withLock { state in
      state.isStopped = true
      return (state.records.sorted { $0.time < $1.time }, state.total)
    }
  }

  private static func startThread(_ body: @escaping @Sendable () -> Void) -> Bool {
    final class Box: Sendable {
      let body: @Sendable () -> Void
      init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }
    var thread = pthread_t()
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    pthread_attr_setstacksize(&attributes, 1 << 20)
    let box = Unmanaged.passRetained(Box(body))
    let started = pthread_create(
      &thread, &attributes,
      { argument in
        // A connection that breaks is told by the call that finds it out.
        linux_block_signals()
        if let argument { Unmanaged<Box>.fromOpaque(argument).takeRetainedValue().body() }
        return nil
      }, box.toOpaque())
    if started != 0 { box.release() }
    return started == 0
  }

  private func accept() {
    while true {
      var polled = [
        pollfd(fd: listener, events: Int16(POLLIN), revents: 0),
        pollfd(fd: stopping, events: Int16(POLLIN), revents: 0),
      ]
      guard poll(&polled, 2, -1) >= 0 || errno == EINTR else { return }
      if polled[1].revents != 0 { return }
      guard polled[0].revents != 0 else { continue }
      let client = linux_accept(listener)
      guard client >= 0 else {
        // Out of descriptors: the others need time to end.
        usleep(10_000)
        continue
      }
      let isTaken = state.withLock { state in
        guard state.running < Self.mostOpen else { return false }
        state.running += 1
        return true
      }
      let served = isTaken && Self.startThread { [self] in serve(Descriptor(client)) }
      if !served {
        close(client)
        if isTaken { state.withLock { $0.running -= 1 } }
      }
    }
  }

  private func serve(_ client: Descriptor) {
    defer { state.withLock { $0.running -= 1 } }
    // Which address of loopback was connected to tells what is wanted.
    let place = linux_local_address(client.number) &- 0x7f00_0001
    if place == 0 {
      serveProxied(client)
    } else if place <= access.endpoints.count {
      let index = Int(place) - 1
      var connection = EndpointConnection(
        client: client, stopping: stopping, endpoint: access.endpoints[index], at: index)
      connection.serve(
        begin: begin,
        ask: { request in
          switch addresses(of: request) {
          case .success(let usable): .addresses(usable)
          case .failure(let refusal): .refused(refusal.rule)
          }
        }, record: record)
    }
  }

  private func serveProxied(_ client: Descriptor) {
    var connection = BrokeredConnection(client: client, stopping: stopping)
    guard let request = connection.readRequest() else { return }
    var record = ConnectionRecord(request: request, time: monotonicSeconds() - begin)
    let server = open(request, &record)
    if let server {
      connection.relay(server, &record)
    } else {
      connection.refuse()
    }
    record.duration = monotonicSeconds() - begin - record.time
    self.record(record)
  }

  private func record(_ done: ConnectionRecord) {
    state.withLock { state in
      state.total += 1
      if state.records.count < Self.listed, !state.isStopped { state.records.append(done) }
    }
  }

  private struct Denial: Error {
    var rule: String
  }

  /// Asks, and resolves.
  private func addresses(of request: ConnectionRequest) -> Result<[NetworkAddress], Denial> {
    let mayBePrivate: Bool
    switch access.authorize(request) {
    case .deny(let rule): return .failure(Denial(rule: rule))
    case .allow: mayBePrivate = false
    case .allowPrivate: mayBePrivate = true
    }
    let addresses = NetworkAddress.resolve(request.host)
    let usable = addresses.filter { mayBePrivate || $0.isPublic }
    if usable.isEmpty {
      return .failure(Denial(rule: addresses.first.map { "a private address: \($0.text)" } ?? "no address"))
    }
    return .success(usable)
  }

  /// Asks, resolves and connects.
  private func open(_ request: ConnectionRequest, _ record: inout ConnectionRecord) -> Descriptor? {
    let usable: [NetworkAddress]
    switch addresses(of: request) {
    case .success(let found): usable = found
    case .failure(let denial):
      record.refusal = denial.rule
      return nil
    }
    // What was looked up is what is connected to: a second answer could be another one.
    for address in usable.prefix(4) {
      let file = address.connect(port: request.port, seconds: 15)
      guard file >= 0 else {
        record.refusal = "\(address.text): \(lastError())"
        continue
      }
      record.address = address.text
      record.refusal = nil
      return Descriptor(file)
    }
    return nil
  }
}
