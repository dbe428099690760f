import AuditTrail
import Glibc
import JSON
import Paths
import Sandbox
import Synchronization
import Workspace

/// What the commands of one effect executed and whom they reached: an event each up to a number, and counts of all for the
/// effect's outcome.
final class CommandLedger: Sendable {
  /// The ledger of the effect that this task works on.
  @TaskLocal static var current: CommandLedger?

  /// The most arguments, and bytes of them, that an event holds.
  static let mostArguments = 64
  private static let mostBytes = 4096
  /// The most programs that are counted by name.
  private static let mostNames = 50
  /// The most bytes of a path that was asked for.
  private static let longestPath = 512

  /// The labels that the effect was decided on with.
  let labels: Set<String>
  private let recorder: Recorder
  private let intent: Int
  private let most: Int
  private let state = Mutex(State())

  private struct State {
    var commands = 0
    var programs = 0
    var denied = 0
    var recorded = 0
    var counts: [String: Int] = [:]
    var connections = 0
    var recordedConnections = 0
    var refused = 0
    var sentBytes = 0
    var receivedBytes = 0
    var isWatched = false
    /// Under what the first command ran.
    var sandbox: JSONValue?
    var failure: AuditError?
  }

  /// A ledger for the effect of an intent.
  /// - Parameter most: how many programs, and how many connections, get an event of their own.
  init(_ recorder: Recorder, intent: Int, labels: Set<String>, most: Int) {
    self.labels = labels
    self.recorder = recorder
    self.intent = intent
    self.most = most
  }

  /// Takes in a command that has ended.
  func note(_ result: CommandResult, under setting: CommandSetting) {
    state.withLock { state in
      state.commands += 1
      if state.sandbox == nil { state.sandbox = CommandRecord.sandbox(setting) }
      do throws(AuditError) {
        if let execs = result.execs { try note(execs, &state) }
        try note(result.connections, total: result.connectionTotal, &state)
      } catch { state.failure = state.failure ?? error }
    }
  }

  /// What the outcome says of all commands together.
  /// - Throws: the error that kept an event from being recorded.
  func close() throws(AuditError) -> JSONObject {
    let state = state.withLock { $0 }
    if let failure = state.failure { throw failure }
    var fields = JSONObject()
    if let sandbox = state.sandbox {
      fields["sandbox"] = sandbox
      if state.commands > 1 { fields["commands"] = JSONValue(state.commands) }
    }
    if state.isWatched {
      var counts = JSONObject()
      for (name, count) in state.counts.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }).prefix(Self.mostNames) {
        counts[name] = JSONValue(count)
      }
      fields["executed"] = [
        "total": JSONValue(state.programs), "denied": JSONValue(state.denied), "recorded": JSONValue(state.recorded),
        "counts": .object(counts),
      ]
    }
    if state.connections > 0 {
      fields["connected"] = [
        "total": JSONValue(state.connections), "refused": JSONValue(state.refused),
        "recorded": JSONValue(state.recordedConnections),
        "sentBytes": JSONValue(state.sentBytes), "receivedBytes": JSONValue(state.receivedBytes),
      ]
    }
    return fields
  }

  private func note(_ execs: ExecSummary, _ state: inout State) throws(AuditError) {
    state.isWatched = true
    state.programs += execs.total
    state.denied += execs.deniedTotal
    for (program, count) in execs.counts {
      let name = Quoting.quote(program)
      if state.counts[name] != nil || state.counts.count < 1000 { state.counts[name, default: 0] += count }
    }
    for record in execs.records {
      guard state.recorded < most else { return }
      state.recorded += 1
      try recorder.append(.program, .object(fields(record, command: state.commands)))
    }
  }

  private func fields(_ record: ExecRecord, command: Int) -> JSONObject {
    let event = record.event
    var room = Self.mostBytes
    var arguments: [JSONValue] = []
    for argument in event.arguments.prefix(Self.mostArguments) where room > 0 {
      // Cut between words: half a secret is not known for one.
      let kept =
        argument.count <= room
        ? argument : Array(OutputText.start(of: String(decoding: argument, as: UTF8.self), room).utf8)
      arguments.append(.string(Quoting.quote(kept)))
      room -= argument.count
    }
    var fields: JSONObject = [
      "within": JSONValue(intent), "command": JSONValue(command), "number": JSONValue(event.number),
      "parent": JSONValue(event.parent), "process": JSONValue(event.process),
      "program": .string(Quoting.quote(event.executable)), "argv": .array(arguments),
      "cwd": .string(Quoting.quote(event.workingDirectory)), "at": .milliseconds(event.time),
    ]
    if event.argumentsAreCut || room <= 0 || event.arguments.count > Self.mostArguments { fields["argvIsCut"] = true }
    if event.givenPath != event.executable { fields["calledAs"] = .string(Quoting.quote(event.givenPath)) }
    if !event.target.isEmpty { fields["loads"] = .string(Quoting.quote(event.target)) }
    if !event.copyOf.isEmpty { fields["copyOf"] = .array(event.copyOf.map { .string($0) }) }
    if let rule = record.deniedBy { fields["deniedBy"] = .string(rule) }
    switch record.ending {
    case .exited(let code): fields["exit"] = JSONValue(Int(code))
    case .signaled(let signal): fields["signal"] = JSONValue(Int(signal))
    case .replaced: fields["ended"] = "replaced"
    case nil: fields["ended"] = "with the sandbox"
    }
    if let seconds = record.duration { fields["milliseconds"] = .milliseconds(seconds) }
    if let seconds = record.cpuSeconds { fields["cpuMilliseconds"] = .milliseconds(seconds) }
    if let bytes = record.peakMemoryBytes { fields["peakBytes"] = JSONValue(bytes) }
    return fields
  }

  private func note(_ connections: [ConnectionRecord], total: Int, _ state: inout State) throws(AuditError) {
    state.connections += total
    for connection in connections {
      state.sentBytes += connection.sentBytes
      state.receivedBytes += connection.receivedBytes
      if connection.address == nil { state.refused += 1 }
      guard state.recordedConnections < most else { continue }
      state.recordedConnections += 1
      var fields: JSONObject = [
        "within": JSONValue(intent), "command": JSONValue(state.commands),
        "host": .string(connection.request.host), "port": JSONValue(connection.request.port),
        "address": JSONValue(connection.address), "refusal": JSONValue(connection.refusal),
        "sentBytes": JSONValue(connection.sentBytes), "receivedBytes": JSONValue(connection.receivedBytes),
        "at": .milliseconds(connection.time), "milliseconds": .milliseconds(connection.duration),
      ]
      if let endpoint = connection.request.endpoint { fields["endpoint"] = .string(endpoint) }
      if let exchange = connection.exchange {
        fields["method"] = .string(exchange.method)
        fields["path"] = .string(Quoting.quote(Array(exchange.path.prefix(Self.longestPath))))
        fields["status"] = JSONValue(exchange.status)
      }
      try recorder.append(.connection, .object(fields))
    }
  }
}
