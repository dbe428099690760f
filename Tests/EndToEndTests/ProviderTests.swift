import Glibc
import JSON
import TestSupport
import Testing

/// What a user does with providers: looks what they offer, tries a model, goes on with another, plays a run again.
@Suite struct ProviderTests {
  /// A configuration with a provider for each dialect at one server.
  private func configure(_ scratch: Scratch, _ server: ScriptedModelServer, _ more: String = "") throws {
    var text = more + "\n"
    for (name, dialect) in [("r", "responses"), ("c", "chat"), ("a", "anthropic"), ("b", "bedrock")] {
      let base = name == "a" || name == "b" ? server.origin : server.baseURL
      text += "[providers.\(name)]\nbase_url = \"\(base)\"\ndialect = \"\(dialect)\"\napi_key_env = \"TEAM_KEY\"\n"
    }
    _ = try scratch.directory.write("home/.config/codeagent/config.toml", text)
  }

  private let key = ["TEAM_KEY": Scratch.key]

  @Test func modelsAreListedAndKept() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([.say("ok")])
    try configure(scratch, server, "[prices.\"c/scripted-model\"]\ninput = 1.5\noutput = 3\n")
    let first = try await scratch.codeagent("models", "list", "c", extra: key)
    #expect(first.status == 0, "\(first.shown)")
    #expect(first.out.contains("c/scripted-model") && first.out.contains("$1.5/$3 per million"), "\(first.shown)")
    #expect(first.out.contains("context not told") && !first.out.contains("\u{1b}"), "\(first.shown)")
    // The answer is kept for a day.
    let json = try await scratch.codeagent("models", "list", "c", "--json", extra: key)
    #expect(json.events.map { $0["model"] } == ["c/scripted-model"], "\(json.shown)")
    #expect(server.received.count == 1)
    _ = try await scratch.codeagent("models", "list", "c", "--refresh", extra: key)
    #expect(server.received.count == 2)
    // Asked for all, one that is not there does not hide the others.
    _ = try scratch.directory.write(
      "home/.config/codeagent/config.toml",
      "[providers.c]\nbase_url = \"\(server.baseURL)\"\n[providers.gone]\nbase_url = \"http://127.0.0.1:9/v1\"\n")
    let all = try await scratch.codeagent("models", "list")
    #expect(all.status == 0 && all.out.contains("c/scripted-model") && all.err.contains("gone:"), "\(all.shown)")
    let gone = try await scratch.codeagent("models", "list", "gone")
    #expect(
      gone.status == 5 && gone.err.contains("127.0.0.1:9") && gone.err.contains("server running"), "\(gone.shown)")
  }

  @Test(arguments: ["r", "c", "a", "b"]) func aModelIsTried(provider: String) async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([
      ScriptedTurn(
        calls: [.tool("look_up", ["key": "alpha"]), .tool("look_up", ["key": "beta"])], reasoning: "Both at once.")
    ])
    try configure(scratch, server)
    let result = try await scratch.codeagent("models", "probe", "\(provider)/scripted-model", "--json", extra: key)
    #expect(result.status == 0, "\(result.shown)")
    let probe = try #require(result.events.first)
    #expect(probe["model"] == .string("\(provider)/scripted-model"))
    #expect(probe["tools"] == "native" && probe["parallel_calls"] == true && probe["streaming"] == true)
    #expect(probe["counts_tokens"] == true)
    let text = try await scratch.codeagent("models", "probe", "\(provider)/scripted-model", extra: key)
    #expect(text.out.contains("called by the provider's own means"), "\(text.shown)")
  }

  @Test func aTrialThatFailsSaysWhy() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([.say("ok")], requiredKey: "another")
    try configure(scratch, server)
    let refused = try await scratch.codeagent("models", "probe", "c/scripted-model", extra: key)
    #expect(refused.status == 5 && refused.err.contains("401"), "\(refused.shown)")
    #expect(!refused.err.contains(Scratch.key) && !refused.out.contains(Scratch.key))
    let unset = try await scratch.codeagent("models", "probe", "c/scripted-model")
    #expect(unset.status == 2 && unset.err.contains("TEAM_KEY"), "\(unset.shown)")
    let nameless = try await scratch.codeagent("models", "probe", "c", extra: key)
    #expect(nameless.status == 2 && nameless.err.contains("PROVIDER/NAME"), "\(nameless.shown)")
    let nobody = try await scratch.codeagent("models", "list", "nobody")
    #expect(nobody.status == 2 && nobody.err.contains("nobody"), "\(nobody.shown)")
  }

  // MARK: Fallback

  private func pair() throws -> (broken: ScriptedModelServer, good: ScriptedModelServer) {
    (
      try ScriptedModelServer([.say("no").failing(.status(401, code: "invalid_api_key"), times: .max)]),
      try ScriptedModelServer([.freeform("apply_patch", Calculator.fix), .say("Done.")])
    )
  }

  private func configure(_ scratch: Scratch, _ broken: String, _ good: String, _ more: String) throws {
    _ = try scratch.directory.write(
      "home/.config/codeagent/config.toml",
      more + "\n[providers.first]\nbase_url = \"\(broken)\"\n[providers.second]\nbase_url = \"\(good)\"\n")
  }

  @Test func theConfiguredFallbackIsAskedAndRecorded() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let (broken, good) = try pair()
    try configure(scratch, broken.baseURL, good.baseURL, "fallback_models = [\"second/other\"]")
    let result = try await scratch.codeagent("fix", "--json", "--model", "first/one")
    #expect(result.status == 0, "\(result.shown)")
    #expect(broken.requests.count == 1, "one that answered is asked first from then on")
    #expect(good.requests.count == 2)
    // A person is told, and the record has who was asked and who failed.
    #expect(result.events.contains { $0["text"]?.string?.contains("asking second/other instead") == true })
    let log = try await scratch.codeagent("audit", "log", "last", "--json")
    let lines = log.out.split(separator: "\n")
    #expect(lines.contains { $0.contains("callModel") && $0.contains("first") && $0.contains("one") }, "\(log.shown)")
    #expect(
      lines.contains { $0.contains("callModel") && $0.contains("second") && $0.contains("other") }, "\(log.shown)")
    #expect(lines.contains { $0.contains("effect.outcome") && $0.contains("failed") && $0.contains("401") })
  }

  @Test func withoutTheLineNobodyElseIsAsked() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let (broken, good) = try pair()
    try configure(scratch, broken.baseURL, good.baseURL, "")
    let result = try await scratch.codeagent("fix", "--json", "--model", "first/one")
    #expect(result.status == 5 && result.end?["resumable"] == true, "\(result.shown)")
    #expect(good.received.isEmpty)
  }

  @Test func policyDecidesAboutFallbacks() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let (broken, good) = try pair()
    try configure(
      scratch, broken.baseURL, good.baseURL,
      "fallback_models = [\"second/other\"]\n[policy]\ndeny_models = [\"second/*\"]")
    let result = try await scratch.codeagent("fix", "--json", "--model", "first/one")
    #expect(result.status == 5, "what happened is that the provider failed: \(result.shown)")
    #expect(good.received.isEmpty)
    let log = try await scratch.codeagent("audit", "log", "last", "--json")
    #expect(log.out.contains("policy.refusal"), "\(log.shown)")
  }

  // MARK: Faults end resumably, whatever the dialect

  @Test(arguments: ["r", "c", "a", "b"]) func aLostProviderEndsTheRunResumably(provider: String) async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let revoked = ScriptedFault.status(401, message: "The key \(Scratch.key) was revoked.")
    let failing = try ScriptedModelServer([
      .freeform("apply_patch", Calculator.fix), .say("Done.").failing(revoked, times: .max),
    ])
    try configure(scratch, failing)
    let result = try await scratch.codeagent("fix", "--json", "--model", "\(provider)/m", extra: key)
    #expect(result.status == 5 && result.end?["resumable"] == true, "\(result.shown)")
    #expect(failing.requests.count == 2)
    let nonsense = try ScriptedModelServer([
      .say("x"), .say("Done.").failing(.malformed(afterEvents: 0), times: .max),
    ])
    try configure(scratch, nonsense)
    let again = try await scratch.codeagent("runs", "resume", "last", "--json", extra: key)
    #expect(again.status == 5 && again.end?["resumable"] == true, "\(again.shown)")
    #expect(nonsense.requests.count == 2, "it is asked for once more")
    let server = try ScriptedModelServer([.freeform("apply_patch", "never asked again"), .say("Done.")])
    try configure(scratch, server)
    let resumed = try await scratch.codeagent("runs", "resume", "last", "--json", extra: key)
    #expect(resumed.status == 0, "\(resumed.shown)")
    #expect(server.requests.count == 1)
    // The key was said by the server, and is nowhere.
    let record = try await scratch.codeagent("audit", "log", "last", "--json", "--content", extra: key)
    for text in [result.out, result.err, again.out, again.err, resumed.out, resumed.err, record.out] {
      #expect(!text.contains(Scratch.key))
    }
    let state = try runProcess(["grep", "-rl", Scratch.key, scratch.directory.path("home")])
    #expect(state.out.isEmpty, "\(state.out)")
  }

  // MARK: Cassettes

  @Test func aRunIsPlayedAgain() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([
      ScriptedTurn(
        calls: [.tool("shell", ["command": "echo \(Scratch.key) | wc -c; env"])], reasoning: "Only mine to read."),
      .freeform("apply_patch", Calculator.fix), .say("Done."),
    ])
    let played = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(played.status == 0, "\(played.shown)")
    let cassette = scratch.directory.path("run.jsonl")
    let made = try await scratch.codeagent("runs", "export", "last", "--cassette", cassette, server: server)
    #expect(made.status == 0, "\(made.shown)")
    let text = try #require(scratch.directory.text("run.jsonl"))
    #expect(!text.contains(Scratch.key) && !text.contains("Only mine to read"))
    #expect(text.split(separator: "\n").count == 4)
    let asked = server.received.count
    // Tools and judge are as ever; nothing is asked of anybody, and it costs nothing.
    let replayed = try await scratch.codeagent("fix", "--json", "--replay", cassette)
    #expect(replayed.status == 0, "\(replayed.shown)")
    #expect(replayed.end?["patch"]?.string == played.end?["patch"]?.string)
    #expect(replayed.end?["cost_microdollars"] == 0)
    #expect(server.received.count == asked)
    let both = try await scratch.codeagent("fix", "--replay", cassette, "--model", "openai/mock")
    #expect(both.status == 2, "\(both.shown)")
    _ = try scratch.directory.write("run.jsonl", "{\"cassette\":1}\n{\"nonsense\":1}\n")
    let wrong = try await scratch.codeagent("fix", "--replay", cassette)
    #expect(wrong.status == 2 && wrong.err.contains("line 2"), "\(wrong.shown)")
    _ = try scratch.directory.write("run.jsonl", text.split(separator: "\n").prefix(2).joined(separator: "\n"))
    let short = try await scratch.codeagent("fix", "--json", "--replay", cassette)
    #expect(short.status == 5 && short.end?["reason"]?.string?.contains("1 answers") == true, "\(short.shown)")
  }

  // MARK: Pictures

  @Test(arguments: ["r", "c", "a", "b"]) func picturesGoWithTheTask(provider: String) async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let png: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 1, 2, 3]
    _ = try scratch.directory.write("shot.txt", bytes: png)
    _ = try scratch.directory.write("fake.png", "<svg/>")
    let server = try ScriptedModelServer([.freeform("apply_patch", Calculator.fix), .say("Done.")])
    try configure(scratch, server)
    let shot = scratch.directory.path("shot.txt")
    let result = try await scratch.codeagent(
      "fix", ".", "see the picture", "--image", shot, "--json", "--model", "\(provider)/m", extra: key)
    #expect([0, 9].contains(result.status), "\(result.shown)")
    // In every request, in the dialect's own form.
    #expect(
      server.requests.allSatisfy { String(decoding: $0.received.body, as: UTF8.self).contains("iVBORw0KGgoBAgM=") })
    // The event tells of it, and commits to its bytes; they lie where what is redacted and erased lies.
    let log = try await scratch.codeagent("audit", "log", "last", "--json", extra: key)
    #expect(log.out.contains("image/png") && !log.out.contains("iVBORw0KGgoBAgM="), "\(log.shown)")
    let engine = try await scratch.codeagent("fix", "--image", shot)
    #expect(engine.status == 2 && engine.err.contains("no pictures"), "\(engine.shown)")
    let fake = try await scratch.codeagent(
      "fix", "--image", scratch.directory.path("fake.png"), "--model", "\(provider)/m", extra: key)
    #expect(fake.status == 2 && fake.err.contains("no picture that models take"), "\(fake.shown)")
  }

  @Test func picturesStayWhenTheConversationIsCut() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let shot = try scratch.directory.write("shot.gif", "GIF89a-scratch")
    let server = try ScriptedModelServer { request in
      if request.userTexts.contains(where: { $0.contains("was cut here") }) {
        return request.toolResults.isEmpty ? (3, .freeform("apply_patch", Calculator.fix)) : (4, .say("Done."))
      }
      if request.toolResults.count < 3 { return (request.toolResults.count, .call("read_file", ["path": "calc.py"])) }
      let tooLong = ScriptedFault.status(400, code: "context_length_exceeded", message: "too long")
      return (9, ScriptedTurn(fault: tooLong, faultTimes: .max))
    }
    let result = try await scratch.codeagent(
      "fix", ".", "as in the picture", "--image", shot, "--json", "--model", "openai/mock", server: server)
    #expect([0, 9].contains(result.status), "\(result.shown)")
    let bodies = server.requests.map { String(decoding: $0.received.body, as: UTF8.self) }
    #expect(bodies.contains { $0.contains("was cut here") })
    #expect(bodies.allSatisfy { $0.contains("R0lGODlhLXNjcmF0Y2g=") })
  }
}
