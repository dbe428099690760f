import Sandbox
import Testing

@Test func everyPromiseHoldsHere() async throws {
  let sandbox = try Sandbox(launcher: try #require(Sandbox.locateLauncher()))
  let checks = await sandbox.probe()
  #expect(checks.count > 15)
  #expect(checks.filter { !$0.ok }.isEmpty)
}

@Test func aRunBeginsWithATrial() async throws {
  let sandbox = try Sandbox(launcher: try #require(Sandbox.locateLauncher()))
  let assurance = try await sandbox.assure()
  #expect(assurance.holds && assurance.level == .full)
  let names = Set(assurance.checks.map(\.name))
  #expect(names.isSuperset(of: ["writes outside", "network", "namespaces", "output limit", "exec watch"]))
}
