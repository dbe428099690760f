import Glibc
import JSON
import Testing

@testable import AuditTrail

/// A writer that is killed without warning. What it was told is durable is there, in order, and the store verifies.
@Suite struct CrashTests {
  /// Appends until it is killed; after each durable append its number goes to a file that only the kernel keeps.
  private static func writeUntilKilled(_ place: String, milliseconds: Int) throws {
    let acknowledged = open("\(place)/acknowledged", O_WRONLY | O_CREAT, 0o600)
    let store = try AuditStore.open(at: Array(place.utf8), options: .init(ballast: 0))
    let log = try store.begin(run: .new())
    try log.append("run.started", [:], durable: true)
    let end = Clock.monotonic() + Int64(milliseconds) * 1_000_000
    var thread = pthread_t()
    var deadline = end
    pthread_create(
      &thread, nil,
      { argument in
        let deadline = argument?.load(as: Int64.self) ?? 0
        while Clock.monotonic() < deadline { usleep(50) }
        kill(getpid(), SIGKILL)
        return nil
      }, &deadline)
    var number = 1
    while true {
      number += 1
      let isDurable = number % 3 != 0
      try log.append(
        "step", ["n": JSONValue(number)], content: ["out": [UInt8](repeating: 1, count: number % 5000)],
        durable: isDurable)
      if isDurable { pwrite(acknowledged, &number, 8, 0) }
    }
  }

  @Test(arguments: [3, 10, 25, 60, 120]) func nothingAcknowledgedIsLost(milliseconds: Int) async throws {
    let scratch = try Scratch()
    let place = scratch.store
    mkdir(place, 0o700)
    await #expect(processExitsWith: .signal(SIGKILL)) { [place = place as String, milliseconds = milliseconds as Int] in
      try CrashTests.writeUntilKilled(place, milliseconds: milliseconds)
    }
    var acknowledged = 1
    let file = open("\(place)/acknowledged", O_RDONLY)
    _ = read(file, &acknowledged, 8)
    close(file)
    unlink("\(place)/acknowledged")

    let store = try scratch.open()
    let report = try store.verify()
    #expect(report.isWhole, "\(String(describing: report.firstBad)) \(report.damage)")
    let summary = try #require(try store.runs(limit: 2).first)
    #expect(summary.status == .interrupted)
    #expect(summary.eventCount >= acknowledged)
    #expect(summary.eventCount <= acknowledged + 3)
    let events = try store.events(of: summary.run)
    for event in events.dropFirst() { #expect(event.fields["n"] == JSONValue(event.sequence)) }
    // Going on is possible at once, and gives one chain.
    let log = try store.resume(run: summary.run)
    try log.append("run.resumed", [:], durable: true)
    try log.append("run.ended", [:], durable: true)
    #expect(try store.verify().isWhole)
  }
}
