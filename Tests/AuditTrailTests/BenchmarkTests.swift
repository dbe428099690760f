import FoundationEssentials
import GRDB
import Glibc
import JSON
import TestSupport
import Testing
import TransparencyLog

@testable import AuditTrail

/// Figures of the record, beside raw `fdatasync` appends of the same bytes in the same run: Benchmarks/audit/run. They are no
/// tests of speed: nothing is expected but that the record is whole.
@Suite(.enabled(if: getenv("CODEAGENT_BENCHMARK") != nil, "measures for minutes"), .serialized) struct BenchmarkTests {
  /// An event as runs record them: an outcome with some fields and a content.
  private static let fields: JSONValue = [
    "intent": 12, "outcome": "done", "status": "exit 0", "milliseconds": 4421, "outputBytes": 2544,
    "snapshot": "d2a15f796f88f538ee1e1212416791ee38ce7773", "changed": ["ledger/reports.py"],
  ]
  private static let content = [UInt8](repeating: 65, count: 600)

  private static func now() -> Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
  }

  private static func processorTime() -> Double {
    var usage = rusage()
    getrusage(0, &usage)
    return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
  }

  private static func peakMemory() -> Int {
    var usage = rusage()
    getrusage(0, &usage)
    return Int(usage.ru_maxrss) / 1024
  }

  private static func report(_ name: String, _ value: Double, _ unit: String) {
    let tenths = Int((value * 100).rounded())
    print("figure: \(name) = \(tenths / 100).\(tenths % 100 < 10 ? "0" : "")\(tenths % 100) \(unit)")
  }

  private static func directory() throws -> TemporaryDirectory {
    try TemporaryDirectory("audit-bench", in: getenv("CODEAGENT_BENCHMARK_DIR").map { String(cString: $0) })
  }

  /// Seconds for some appends of some bytes, each made durable.
  private static func floor(_ place: String, count: Int, bytes: Int) -> Double {
    let file = open("\(place)/floor", O_WRONLY | O_CREAT | O_APPEND, 0o600)
    let block = [UInt8](repeating: 7, count: bytes)
    let start = now()
    for _ in 0..<count {
      _ = write(file, block, bytes)
      fdatasync(file)
    }
    let seconds = now() - start
    close(file)
    unlink("\(place)/floor")
    return seconds
  }

  @Test func durableEvents() throws {
    let place = try Self.directory()
    let store = try AuditStore.open(at: Array(place.path("store").utf8), options: .init(ballast: 0))
    let log = try store.begin(run: .new())
    for _ in 0..<200 { try log.append("warm", Self.fields, content: ["out": Self.content], durable: true) }
    // Floor and record take turns, so that both see the same disk.
    let rounds = 8
    let count = 250
    var floor = 0.0
    var single = 0.0
    var before = stat()
    for _ in 0..<rounds {
      floor += Self.floor(place.path, count: count, bytes: 2 * 1024)
      let start = Self.now()
      for _ in 0..<count {
        try log.append("effect.outcome", Self.fields, content: ["out": Self.content], durable: true)
      }
      single += Self.now() - start
    }
    let total = Double(rounds * count)
    Self.report("floor, 2 KiB fdatasync appends", total / floor, "per second")
    Self.report("durable events, one a commit", total / single, "per second")
    Self.report("ratio to the floor", single / floor, "times")
    let start = Self.now()
    for number in 0..<20_000 {
      try log.append("effect.outcome", Self.fields, content: ["out": Self.content], durable: number % 10 == 9)
    }
    Self.report("durable events, ten a commit", 20_000 / (Self.now() - start), "per second")
    try log.append("run.ended", ["outcome": "fixed"], durable: true)
    for width in [2, 8, 32] { try Self.severalRuns(store, width, each: 3200 / width) }
    try store.database.writeWithoutTransaction { _ = try $0.checkpoint(.truncate) }
    stat(place.path("store/record.db"), &before)
    let events = try store.head().size
    Self.report("bytes an event, 600 of them content", Double(before.st_size) / Double(events), "bytes")
    #expect(try store.verify().isWhole)
  }

  /// Runs of one process that each make every event durable, at the same time.
  private static func severalRuns(_ store: AuditStore, _ width: Int, each count: Int) throws {
    let logs = try (0..<width).map { _ in try store.begin(run: .new()) }
    for log in logs { try log.append("warm", fields, durable: true) }
    let start = now()
    let threads = logs.map { log in
      Thread {
        for _ in 0..<count { _ = try? log.append("effect.outcome", fields, content: ["out": content], durable: true) }
      }
    }
    for thread in threads { thread.join() }
    report("durable events, \(width) runs at once", Double(width * count) / (now() - start), "per second")
    for log in logs { try log.append("run.ended", [:], durable: true) }
  }

  /// A thread of the system: tasks would share as many as there are processors.
  private final class Thread: Sendable {
    private final class Body: Sendable {
      let run: @Sendable () -> Void
      init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }
    private let thread: pthread_t

    init(_ body: @escaping @Sendable () -> Void) {
      var thread = pthread_t()
      let argument = Unmanaged.passRetained(Body(body)).toOpaque()
      pthread_create(
        &thread, nil,
        { argument in
          if let argument { Unmanaged<Body>.fromOpaque(argument).takeRetainedValue().run() }
          return nil
        }, argument)
      self.thread = thread
    }

    func join() { pthread_join(thread, nil) }
  }

  @Test func aMillionEvents() throws {
    let place = try Self.directory()
    let store = try AuditStore.open(at: Array(place.path("store").utf8), options: .init(ballast: 0))
    let count = getenv("CODEAGENT_BENCHMARK_EVENTS").flatMap { Int(String(cString: $0)) } ?? 1_000_000
    for _ in 0..<max(1, count / 10_000) {
      let log = try store.begin(run: .new())
      for number in 0..<10_000 { try log.append("effect.outcome", Self.fields, durable: number % 1000 == 999) }
      try log.append("run.ended", [:], durable: true)
    }
    let memory = Self.peakMemory()
    let start = Self.now()
    let processor = Self.processorTime()
    let report = try store.verify()
    Self.report("events verified", Double(report.count), "")
    Self.report("verification, wall", Self.now() - start, "s")
    Self.report("verification, processor", Self.processorTime() - processor, "s")
    Self.report("memory before", Double(memory), "MiB")
    Self.report("memory at most, while verifying", Double(Self.peakMemory()), "MiB")
    #expect(report.isWhole)
    #expect(report.checkpoints > count / 1100)
  }
}
