import Glibc
import JSON
import Testing
import TransparencyLog

@testable import AuditTrail

/// A writer that is killed as it enters its nth call of one kind, by strace: whatever call that is, the store is whole
/// afterwards, and nothing that was acknowledged is lost.
@Suite(.enabled(if: WriteFault.isPossible, "needs strace and the right to trace"), .serialized) struct WriteFaultTests {
  @Test(arguments: WriteFault.all) func killedAtTheCall(fault: WriteFault) async throws {
    let scratch = try Scratch()
    let place = scratch.store
    // The run that was there before, and its checkpoint, must survive, too.
    let first = RunID.new()
    var anchors: [Anchor] = []
    if fault.isOfOpening {
      mkdir(place, 0o700)
    } else {
      let log = try scratch.open().begin(run: first)
      try log.append("run.started", [:], durable: true)
      try log.append("run.ended", [:], durable: true)
      anchors = [Anchor(try #require(try scratch.open().newestCheckpoint()).note, from: "elsewhere")]
    }
    let call = fault.call
    let number = fault.number
    let isOfOpening = fault.isOfOpening
    await #expect(processExitsWith: .signal(SIGKILL)) {
      [
        place = place as String, call = call as String, number = number as Int, isOfOpening = isOfOpening as Bool
      ] in
      try WriteFault.writeUntilKilled(place, call, number, isOfOpening)
    }
    var acknowledged = 0
    let file = open("\(place)/acknowledged", O_RDONLY)
    _ = read(file, &acknowledged, 8)
    close(file)
    unlink("\(place)/acknowledged")

    let store = try scratch.open()
    let report = try store.verify(anchors: anchors)
    #expect(report.isWhole, "\(String(describing: report.firstBad)) \(report.damage)")
    if !fault.isOfOpening { #expect(try store.events(of: first).count == 2) }
    let runs = try store.runs(limit: 5).filter { $0.run != first }
    #expect(runs.reduce(0) { $0 + $1.eventCount } >= acknowledged)
    for run in runs {
      for event in try store.events(of: run.run) where event.kind == "step" {
        #expect(event.fields["n"] == JSONValue(event.sequence))
        #expect(try store.content(of: event, "out")?.count == 700)
      }
    }
    // It goes on at once.
    let log = try store.begin(run: .new())
    try log.append("run.ended", [:], durable: true)
    #expect(try store.verify(anchors: anchors).isWhole)
  }
}

/// Which call a writer is killed at.
struct WriteFault: Sendable, CustomTestStringConvertible {
  let call: String
  let number: Int
  /// Whether it is counted from the opening of a store that is not there yet, through a whole short run. Otherwise from a run's
  /// first append to a store with another run.
  var isOfOpening = false

  var testDescription: String { "\(call) \(number)\(isOfOpening ? " from the opening" : "")" }

  /// Some places of each kind; every one of a short run when the variable asks for it. A number that is never reached is a run
  /// that is killed at its end.
  static let all: [WriteFault] = {
    let isThorough = getenv("CODEAGENT_TEST_EVERY_WRITE") != nil
    let writes = isThorough ? Array(1...60) : [1, 2, 3, 5, 8, 13, 21, 34]
    let syncs = isThorough ? Array(1...12) : [1, 2, 4]
    var faults =
      writes.map { WriteFault(call: "pwrite64", number: $0) }
      + syncs.map { WriteFault(call: "fdatasync", number: $0) }
    // What a short run from the opening on does of each: so many or fewer.
    let calls = [
      "pwrite64": 110, "fdatasync": 14, "fsync": 10, "ftruncate": 8, "fallocate": 2, "write": 8, "unlink": 6,
      "unlinkat": 4, "rename": 3, "renameat": 3, "fchmod": 3, "fchmodat": 3, "mkdir": 2, "mkdirat": 2,
    ]
    for (call, count) in calls.sorted(by: { $0.key < $1.key }) {
      let numbers = isThorough ? Array(1...count) : [1, 9, 40].filter { $0 <= count && (count > 4 || $0 == count) }
      faults += numbers.map { WriteFault(call: call, number: $0, isOfOpening: true) }
    }
    return faults
  }()

  static let strace: String? = ["/usr/bin/strace", "/usr/local/bin/strace"].first { (name: String) in
    access(name, X_OK) == 0
  }

  static let isPossible = strace != nil && geteuid() == 0

  /// Appends durably, with strace attached, until the call's number is reached.
  static func writeUntilKilled(_ place: String, _ call: String, _ number: Int, _ isOfOpening: Bool) throws {
    let acknowledged = open("\(place)/acknowledged", O_WRONLY | O_CREAT, 0o600)
    if isOfOpening { try attach(call, number) }
    let store = try AuditStore.open(at: Array(place.utf8), options: .init(ballast: isOfOpening ? 4096 : 0))
    let log = try store.begin(run: .new())
    if !isOfOpening { try attach(call, number) }
    for sequence in 1...(isOfOpening ? 4 : 400) {
      try log.append(
        "step", ["n": JSONValue(sequence)], content: ["out": [UInt8](repeating: 1, count: 700)], durable: true)
      var value = sequence
      pwrite(acknowledged, &value, 8, 0)
    }
    guard isOfOpening else { return }
    try log.append("run.ended", [:], durable: true)
    kill(getpid(), SIGKILL)
  }

  private static func attach(_ call: String, _ number: Int) throws {
    let arguments = [
      strace ?? "", "-f", "-qq", "-o", "/dev/null", "-e", "trace=\(call)", "-e",
      "inject=\(call):signal=KILL:when=\(number)",
      "-p", "\(getpid())",
    ]
    var vector: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
    var child = pid_t()
    guard posix_spawn(&child, strace ?? "", nil, nil, &vector, environ) == 0 else { throw Scratch.ScratchError() }
    for _ in 0..<4000 {
      let status = SmallFile.text("/proc/self/status") ?? ""
      if let line = status.split(separator: "\n").first(where: { $0.hasPrefix("TracerPid:") }), !line.hasSuffix("\t0") {
        // All threads are seized one after another.
        usleep(100_000)
        return
      }
      usleep(5000)
    }
    throw Scratch.ScratchError()
  }
}
