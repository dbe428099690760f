import Glibc
import Sandbox
import TestSupport
import Testing

/// The same tests with fewer privileges.
@Suite struct OrdinaryUserTests {
  @Test(.enabled(if: geteuid() == 0)) func everythingHoldsForAnOrdinaryUser() async throws {
    let suites =
      "IsolationTests|InsideTests|LimitTests|DeathTests|ResultTests|ViewTests|everyPromise|aRunBegins|ExecWatchTests|EscapeTests|NetworkTests|EndpointTests|ContainerTests"
    let run = try itself(filter: suites, user: 1000)
    let result = try await onOwnThread { run.process.finish(timeout: 600) }
    #expect(result.status == 0, "\(result.out) \(result.err)")
    #expect(result.err.contains("passed"))
    withExtendedLifetime(run.directory) {}
  }

  /// As in a rootless container: called root, but nobody's root outside.
  @Test(.enabled(if: geteuid() == 0)) func aUserWhoIsRootOnlyInHisNamespace() async throws {
    let run = try itself(
      filter: "nobodyIsRoot|theNextCommandCarriesOn|theNetworkIsOff", user: 1000, within: ["unshare", "-Ur"])
    let result = try await onOwnThread { run.process.finish(timeout: 600) }
    #expect(result.err.contains("theNextCommandCarriesOn() passed"), "\(result.out) \(result.err)")
    #expect(result.err.contains("theNetworkIsOff() passed"), "\(result.out) \(result.err)")
    withExtendedLifetime(run.directory) {}
  }

  /// As in a rootless container that lets nobody make namespaces.
  @Test(.enabled(if: geteuid() == 0)) func withoutNamespacesTheLevelForContainersHolds() async throws {
    let script = "echo 0 > /proc/sys/user/max_user_namespaces; exec \"$@\""
    let run = try itself(
      filter: "ContainerTests", user: 1000, environment: ["CODEAGENT_TEST_REFUSED": "1"],
      within: ["unshare", "-Ur", "sh", "-c", script, "sh"])
    let result = try await onOwnThread { run.process.finish(timeout: 600) }
    #expect(result.status == 0, "\(result.out) \(result.err)")
    #expect(result.err.contains("theStrongestAdmittedLevelIsTaken() passed"), "\(result.err)")
    withExtendedLifetime(run.directory) {}
  }

  @Test(arguments: [["unshare", "-Ur"], ["unshare", "-Ur", "setpriv", "--bounding-set", "-sys_admin"]])
  func withoutNamespacesNothingRuns(_ wrapper: [String]) async throws {
    let script = "echo 0 > /proc/sys/user/max_user_namespaces; exec \"$@\""
    let run = try itself(
      filter: "RefusedTests", environment: ["CODEAGENT_TEST_REFUSED": "1"],
      within: ["unshare", "-Ur", "sh", "-c", script, "sh"] + wrapper.dropFirst(2))
    let result = try await onOwnThread { run.process.finish(timeout: 600) }
    #expect(result.status == 0, "\(result.out) \(result.err)")
    #expect(result.err.contains("isRefused() passed"), "\(result.err)")
    withExtendedLifetime(run.directory) {}
  }
}

/// Run by the test above where namespaces are refused.
@Suite struct RefusedTests {
  @Test(.enabled(if: getenv("CODEAGENT_TEST_REFUSED") != nil)) func isRefused() async throws {
    let scene = try Scene()
    do {
      let result = try await scene.shell("echo ran > ran")
      Issue.record("it ran: \(result)")
    } catch let error as SandboxError {
      #expect([.unavailable, .overlayRefused].contains(error.kind))
      #expect(!error.message.isEmpty)
      if error.kind == .unavailable { #expect(error.hint?.contains("user.max_user_namespaces") == true, "\(error)") }
    }
    #expect(scene.directory.bytes("upper/ran") == nil && scene.directory.bytes("checkout/ran") == nil)
    let checks = await scene.sandbox.probe()
    #expect(checks.contains { !$0.ok })
  }
}
