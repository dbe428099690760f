import Glibc
import TestSupport
import Testing

/// The same tests, without root's privileges.
@Suite(.serialized) struct OrdinaryUserTests {
  @Test(
    .enabled(if: geteuid() == 0),
    arguments: [
      "IsolationTests", "InsideTests", "LimitTests", "DeathTests", "ResultTests", "ViewTests", "everyPromise",
    ])
  func holdsForAnOrdinaryUser(_ suite: String) async throws {
    let run = try itself(filter: suite, user: 1000)
    let result = try await onOwnThread { run.process.finish(timeout: 120) }
    #expect(result.status == 0, "\(result.out) \(result.err)")
    #expect(result.err.contains("passed"))
    withExtendedLifetime(run.directory) {}
  }
}
