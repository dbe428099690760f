import Testing

@testable import AuditTrail

@Suite struct RunIDTests {
  @Test(arguments: [
    (Int64(0), "r-19700101-0000"), (1_790_000_000_000_000_000, "r-20260921-jyt2"),
    (951_782_400_000_000_000, "r-20000229-0000"), (951_868_799_999_999_999, "r-20000229-zzzz"),
    (4_107_542_400_000_000_000, "r-21000301-0000"), (1_735_689_599_999_999_999, "r-20241231-zzzz"),
  ])
  func datesAndTimes(wallTime: Int64, beginning: String) {
    let run = RunID(wallTime: wallTime, random: 0)
    #expect(run.text.hasPrefix(beginning), "\(run)")
    #expect(run.text.hasSuffix("0000"))
    #expect(RunID(run.text) == run)
  }

  @Test func namesSortByTime() {
    var last = RunID(wallTime: 1_700_000_000_000_000_000, random: .max)
    for step in 1..<2000 {
      let next = RunID(wallTime: 1_700_000_000_000_000_000 + Int64(step) * 97_000_000_000, random: 0)
      #expect(last < next)
      last = next
    }
  }

  /// Few of them: of 200 within one step of the clock two are the same once in fifty times.
  @Test func newNamesDiffer() { #expect(Set((0..<4).map { _ in RunID.new() }).count == 4) }

  @Test(arguments: [
    "", "last", "r-20261123-4f7k2m9", "r-20261123-4f7k2m9xx", "r-20261123-4f7k2m9l", "R-20261123-4f7k2m9x",
    "r-2026112a-4f7k2m9x", "r-20261123_4f7k2m9x", "x-20261123-4f7k2m9x", "r-20261123-4f7k2m9ü",
  ])
  func notNames(text: String) { #expect(RunID(text) == nil) }
}
