public import Paths

/// Which lines of the project each test ran.
public struct TestCoverage: Sendable, Hashable {
  /// One test's lines.
  public struct Test: Sendable, Hashable {
    /// The test's name, as in ``TestOutcome/name``.
    public var name: String
    /// The lines that it ran, by file: ranges in ascending order that do not touch one another.
    public var lines: [RepoPath: [ClosedRange<Int>]]

    /// A test and its lines.
    public init(name: String, lines: [RepoPath: [ClosedRange<Int>]]) {
      self.name = name
      self.lines = lines
    }
  }

  /// Tests in the order in which they ran; those that ran nothing of the project are left out.
  public var tests: [Test]

  /// Coverage by tests.
  public init(tests: [Test]) { self.tests = tests }

  /// The same, reduced to lines that at least one of the named tests ran, those tests first.
  ///
  /// Spectrum-based fault localisation needs no more when the failing tests are named: a line that none of them ran is
  /// not suspected. At most `limit` ranges are kept.
  public func reduced(to names: Set<String>, limit: Int) -> TestCoverage {
    var reached: [RepoPath: [ClosedRange<Int>]] = [:]
    let named = tests.filter { names.contains($0.name) }
    for test in named { reached.merge(test.lines) { Self.merged($0 + $1) } }
    var left = limit
    var result: [Test] = []
    for test in named + tests.filter({ !names.contains($0.name) }) {
      var lines: [RepoPath: [ClosedRange<Int>]] = [:]
      for (path, ranges) in test.lines {
        guard let wanted = reached[path] else { continue }
        let common = Self.intersection(ranges, wanted)
        if !common.isEmpty { lines[path] = common }
      }
      left -= lines.values.reduce(0) { $0 + $1.count }
      if left < 0 { break }
      if !lines.isEmpty { result.append(Test(name: test.name, lines: lines)) }
    }
    return TestCoverage(tests: result)
  }

  /// Ranges in ascending order, with those that touch made one.
  public static func merged(_ ranges: [ClosedRange<Int>]) -> [ClosedRange<Int>] {
    var result: [ClosedRange<Int>] = []
    for range in ranges.sorted(by: { $0.lowerBound < $1.lowerBound }) {
      if let last = result.last, range.lowerBound <= last.upperBound + 1 {
        result[result.count - 1] = last.lowerBound...max(last.upperBound, range.upperBound)
      } else {
        result.append(range)
      }
    }
    return result
  }

  /// What two lists of ranges, each in ascending order, have in common.
  private static func intersection(_ one: [ClosedRange<Int>], _ two: [ClosedRange<Int>]) -> [ClosedRange<Int>] {
    var result: [ClosedRange<Int>] = []
    var (i, j) = (0, 0)
    while i < one.count, j < two.count {
      let low = max(one[i].lowerBound, two[j].lowerBound)
      let high = min(one[i].upperBound, two[j].upperBound)
      if low <= high { result.append(low...high) }
      if one[i].upperBound < two[j].upperBound { i += 1 } else { j += 1 }
    }
    return result
  }
}
