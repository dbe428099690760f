import Foundation
import Repair
import TestReports
import Testing

/// Real programs, real test runners, bugs that were written down before any template.
@Suite(.serialized) struct TableTests {
  struct Case: Sendable, CustomTestStringConvertible {
    var program: Program
    var bug: Program.Bug
    var testDescription: String { "\(program.name): \(bug.name)" }
  }

  static let cases = Program.all.flatMap { program in program.bugs.map { Case(program: program, bug: $0) } }
  static let quick = ["trusts the order", "divides by zero", "compares with the neighbour"]
  /// The whole table is run on demand: `REPAIR_TABLE=all`, or a part of the names.
  static var isWhole: Bool { ProcessInfo.processInfo.environment["REPAIR_TABLE"] != nil }
  static var wanted: [Case] {
    guard let filter = ProcessInfo.processInfo.environment["REPAIR_TABLE"] else {
      return cases.filter { quick.contains($0.bug.name) }
    }
    return filter == "all" ? cases : cases.filter { $0.testDescription.contains(filter) }
  }

  @Test(.enabled(if: ProcessInfo.processInfo.environment["REPAIR_TABLE"] == "all"), arguments: Program.all)
  func `Programs pass without their bugs and fail with each`(program: Program) throws {
    let player = try Player(files: program.files, runner: program.runner)
    #expect(player.baseline.failing.isEmpty && !player.baseline.tests.isEmpty, "\(player.baseline)")
    for bug in program.bugs {
      let files = try #require(program.broken(by: bug), "\(bug.name) does not apply")
      let broken = try Player(files: files, runner: program.runner)
      #expect(!broken.baseline.failing.isEmpty, "\(bug.name) is not noticed")
    }
  }

  @Test(arguments: wanted)
  func `Repairs a bug`(item: Case) async throws {
    let files = try #require(item.program.broken(by: item.bug))
    let player = try Player(files: files, runner: item.program.runner, budget: Self.isWhole ? 60 : 6)
    player.hasCoverage = ProcessInfo.processInfo.environment["REPAIR_COVERAGE"] != nil
    let isVerbose = ProcessInfo.processInfo.environment["REPAIR_VERBOSE"] != nil
    if isVerbose { player.log = { print("   ", $0) } }
    let ending = try await player.play(RepairEngine())
    let isExact = player.files[item.bug.file] == item.program.files[item.bug.file]
    print(
      "TABLE \(item.testDescription.padding(toLength: 44, withPad: " ", startingAt: 0)) \(ending.outcome.padding(toLength: 12, withPad: " ", startingAt: 0)) "
        + "\(isExact ? "exact" : "     ") tried \(ending.tried) in \(String(format: "%.1f", ending.seconds)) s")
    if isVerbose || !isExact { print(ending.summary) }
    if Self.quick.contains(item.bug.name) { #expect(ending.outcome != "not_fixed") }
  }
}
