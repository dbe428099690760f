import Sandbox
import TestSupport
import Testing

@Test func runs() async throws {
  let t = try TemporaryDirectory()
  for d in ["ws", "up", "wk"] { try t.makeDirectory(d) }
  let s = try Sandbox(launcher: try #require(Sandbox.locateLauncher()))
  let b = { (x: String) in Array(x.utf8) }
  let ws = b(t.path("ws"))
  let r = try await s.run(
    SandboxedCommand(
      arguments: ["sh", "-c", "id; echo hi > x; exit 3"].map(b), environment: [:], workingDirectory: ws,
      workspace: .overlay(lowers: [ws], upper: b(t.path("up")), work: b(t.path("wk")), mountPoint: ws),
      view: SandboxView(), limits: .standard))
  print(r, String(decoding: r.output.head, as: UTF8.self))
  #expect(r.status == .exited(3))
  #expect(t.text("up/x") == "hi\n")
}
