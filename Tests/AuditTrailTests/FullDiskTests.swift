import Glibc
import JSON
import Testing

@testable import AuditTrail

/// A file system of a few hundred kilobytes: needs the right to mount.
@Suite(.enabled(if: geteuid() == 0, "mounting a small file system takes root")) struct FullDiskTests {
  /// A mounted tmpfs, unmounted with it.
  private final class SmallDisk: Sendable {
    let path: String

    init(kilobytes: Int) throws {
      var template = Array("/tmp/audit-disk-XXXXXX".utf8CString)
      guard mkdtemp(&template) != nil else { throw Scratch.ScratchError() }
      path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
      guard mount("none", path, "tmpfs", 0, "size=\(kilobytes)k") == 0 else {
        rmdir(path)
        throw Scratch.ScratchError()
      }
    }

    deinit {
      umount2(path, Int32(MNT_DETACH))
      rmdir(path)
    }

    func open() throws -> AuditStore {
      try AuditStore.open(at: Array("\(path)/store".utf8), options: .init(ballast: 128 << 10))
    }
  }

  @Test(arguments: [400, 500, 700]) func theLastEventAlwaysFits(kilobytes: Int) throws {
    let disk = try SmallDisk(kilobytes: kilobytes)
    let store = try disk.open()
    let run = RunID.new()
    let log = try store.begin(run: run)
    try log.append("run.started", [:], durable: true)
    var written = 1
    var failure: AuditError?
    while failure == nil, written < 10_000 {
      do throws(AuditError) {
        try log.append(
          "step", ["n": JSONValue(written)], content: ["out": [UInt8](repeating: 65, count: 2000)], durable: true)
        written += 1
      } catch {
        failure = error
      }
    }
    #expect(failure?.kind == .diskFull)
    #expect(failure?.hint != nil)
    // It stays so, and nothing half-done remains.
    #expect(
      kind { try log.append("step", [:], content: ["out": [UInt8](repeating: 65, count: 9000)], durable: true) }
        == .diskFull)
    #expect(try store.events(of: run).count == written)
    // An event that waits, and the last one.
    try log.append("effect.outcome", [:], content: ["out": [UInt8](repeating: 65, count: 4000)], durable: false)
    try log.append("run.ended", ["outcome": "stopped"], durable: true)
    #expect(try store.events(of: run).count == written + 2)
    let report = try store.verify()
    #expect(report.isWhole, "\(String(describing: report.firstBad)) \(report.damage)")
    #expect(try store.runs(limit: 1)[0].lastKind == "run.ended")
    // Without room for the next last event there is no next run.
    #expect(kind { _ = try disk.open() } == .diskFull)
    #expect(try AuditStore.openExisting(at: Array("\(disk.path)/store".utf8)).verify().isWhole)
  }

  @Test func contentGivesWayToTheLastEvent() throws {
    let disk = try SmallDisk(kilobytes: 600)
    let store = try disk.open()
    let run = RunID.new()
    let log = try store.begin(run: run)
    try log.append("run.started", [:], durable: true)
    try log.append("effect.outcome", [:], content: ["out": [UInt8](repeating: 65, count: 900_000)], durable: false)
    try log.append("run.ended", [:], durable: true)
    let events = try store.events(of: run)
    #expect(events.map(\.kind) == ["run.started", "effect.outcome", "run.ended"])
    #expect(try store.content(of: events[1], "out") == nil)
    let report = try store.verify()
    #expect(report.isWhole)
    #expect(report.erased == 1)
  }

  @Test(arguments: [8, 40, 100, 150]) func aDiskThatIsTooSmallIsRefused(kilobytes: Int) throws {
    let disk = try SmallDisk(kilobytes: kilobytes)
    #expect(kind { _ = try disk.open() } == .diskFull)
  }

  @Test func aReadOnlyDiskIsRefused() throws {
    let disk = try SmallDisk(kilobytes: 600)
    try disk.open().begin(run: .new()).append("run.started", [:], durable: true)
    #expect(mount("none", disk.path, "tmpfs", UInt(MS_REMOUNT | MS_RDONLY), nil) == 0)
    #expect(kind { _ = try disk.open() } == .unwritable)
  }
}
