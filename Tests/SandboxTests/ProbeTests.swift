import Sandbox
import Testing

@Test func everyPromiseHoldsHere() async throws {
  let sandbox = try Sandbox(launcher: try #require(Sandbox.locateLauncher()))
  let checks = await sandbox.probe()
  #expect(checks.count > 15)
  #expect(checks.filter { !$0.ok }.isEmpty)
}
