import Glibc
import JSON
import TestSupport
import Testing

/// A real model, where `CODEAGENT_LOCAL_MODEL` is the base URL of a server that speaks Chat Completions, such as
/// `http://127.0.0.1:8000/v1`: docs/local-models.md has one that anybody can start. Its answers are its own; what must hold
/// is the protocol, the streaming, and an honest end. `CODEAGENT_LOCAL_MODEL_NAME` names one of its models; else it is the
/// first that it lists.
@Suite(.serialized, .enabled(if: getenv("CODEAGENT_LOCAL_MODEL") != nil), .timeLimit(.minutes(40)))
struct LocalModelTests {
  private func scratch() throws -> Scratch {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let base = getenv("CODEAGENT_LOCAL_MODEL").map { String(cString: $0) } ?? ""
    _ = try scratch.directory.write(
      "home/.config/codeagent/config.toml",
      """
      [providers.local]
      base_url = "\(base)"
      idle_timeout = 900
      context_window = 8192
      [providers.text]
      base_url = "\(base)"
      idle_timeout = 900
      context_window = 8192
      tools = "text"

      """)
    return scratch
  }

  private func codeagent(_ scratch: Scratch, _ arguments: [String]) async throws -> ProcessResult {
    try await runningProcess(
      [builtProduct("codeagent")] + arguments, environment: scratch.environment(), cwd: scratch.project, timeout: 1200)
  }

  private func name(_ scratch: Scratch) async throws -> String {
    if let name = getenv("CODEAGENT_LOCAL_MODEL_NAME") { return String(cString: name) }
    let listed = try await codeagent(scratch, ["models", "list", "local", "--json"])
    #expect(listed.status == 0, "\(listed.shown)")
    return try #require(listed.events.first?["id"]?.string)
  }

  @Test(arguments: ["local", "text"]) func isListedAndTried(provider: String) async throws {
    let scratch = try scratch()
    let result = try await codeagent(scratch, ["models", "probe", "\(provider)/\(try await name(scratch))", "--json"])
    #expect(result.status == 0, "\(result.shown)")
    let probe = try #require(result.events.first)
    #expect(probe["dialect"] == "openai-chat", "\(probe.text)")
    // Not every server can stream with tools.
    if provider == "text" { #expect(probe["streaming"] == true, "\(probe.text)") }
    #expect((probe["output_tokens"]?.int ?? 0) > 0)
  }

  @Test(arguments: ["local", "text"]) func worksToAnHonestEnd(provider: String) async throws {
    let scratch = try scratch()
    let before = try scratch.fingerprint()
    let result = try await codeagent(
      scratch,
      [
        "fix", "--json", "--model", "\(provider)/\(try await name(scratch))", "--max-turns", "3", "--timeout", "15m",
      ])
    let end = try #require(result.end, "\(result.shown)")
    #expect(end["exit_code"]?.int == Int(result.status))
    // Repaired, not repaired, out of budget, or the conversation outgrew the model: never a crash, never a false claim.
    #expect([0, 1, 4, 5].contains(result.status), "\(result.shown)")
    if result.status == 0 { #expect(end["patch"]?.string?.contains("left + right") == true) }
    #expect((end["turns"]?.int ?? 0) >= 1)
    #expect((end["output_tokens"]?.int ?? 0) > 0)
    #expect(try scratch.fingerprint() == before)
  }
}
