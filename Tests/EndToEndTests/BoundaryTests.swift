import JSON
import TestSupport
import Testing

/// What a run may not do, tried through the real binary.
@Suite struct BoundaryTests {
  @Test func secretsReachNeitherCommandsNorModelNorRecord() async throws {
    let scratch = try Scratch()
    var files = Calculator.files
    files[".env"] = "DB_PASSWORD=canary-env-77aa31\n"
    try scratch.makeProject(files)
    _ = try scratch.directory.write("home/.ssh/id_rsa", "canary-ssh-5510\n")
    try scratch.git("remote", "add", "origin", "https://user:canary-remote-9b2e@example.invalid/x.git")
    let server = try ScriptedModelServer([
      .call("shell", ["command": "env; cat .env; cat ~/.ssh/id_rsa; cat .git/config; ls -la /root /home"]),
      .call("read_file", ["path": ".env"]),
      .freeform("apply_patch", Calculator.fix), .say("Done."),
    ])
    let result = try await scratch.codeagent(
      "fix", "--json", "--model", "openai/mock", server: server,
      extra: ["AWS_SECRET_ACCESS_KEY": "canary-aws-4c4c4c4c", "GITHUB_TOKEN": "canary-token-8d8d8d"])
    #expect(result.status == 0, "\(result.shown)")
    let sent = server.received.map { String(decoding: $0.body, as: UTF8.self) }.joined()
    let log = try await scratch.codeagent("audit", "log", "last", "--content", "--json")
    for canary in [
      "canary-env-77aa31", "canary-ssh-5510", "canary-remote-9b2e", "canary-aws-4c4c4c4c", "canary-token-8d8d8d",
      Scratch.key,
    ] {
      #expect(!sent.contains(canary), "\(canary) was sent")
      #expect(!log.out.contains(canary), "\(canary) was recorded")
      #expect(!result.out.contains(canary), "\(canary) was shown")
    }
  }

  @Test func whatMayNotBeReadHasNoName() async throws {
    let scratch = try Scratch()
    var files = Calculator.files
    files[".codeagent/policy.toml"] = "deny_read = [\"private/**\"]\n"
    files["private/zanzibar_plan.py"] = "def zanzibar_secret():\n    return 'canary-zanzibar'\n"
    try scratch.makeProject(files)
    let server = try ScriptedModelServer([
      .call("list_files", ["depth": 5]), .call("list_files", ["path": "private"]),
      .call("search", ["query": "def .*secret", "regex": true]), .call("search", ["query": "secret plan return"]),
      .freeform("apply_patch", Calculator.fix), .say("Done."),
    ])
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 0, "\(result.shown)")
    let sent = server.received.map { String(decoding: $0.body, as: UTF8.self) }.joined()
    #expect(sent.contains("calc.py") && !sent.contains("zanzibar"))
  }

  @Test func protectedNamesNeedApprovalToBeDelivered() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([
      .freeform("apply_patch", Calculator.fix),
      .call("shell", ["command": "mkdir -p .vscode && echo '{}' > .vscode/tasks.json"]),
      .say("Done."),
    ])
    let result = try await scratch.codeagent("fix", "--json", "--apply", "--model", "openai/mock", server: server)
    #expect(result.status == 3, "\(result.shown)")
    #expect(scratch.directory.text("project/.vscode/tasks.json") == nil)
    #expect(scratch.directory.text("project/calc.py") == Calculator.files["calc.py"])
  }

  @Test func theRepositoryCanRestrictAndNotLoosen() async throws {
    let scratch = try Scratch()
    var files = Calculator.files
    files[".codeagent/policy.toml"] = "deny_write = [\"calc.py\"]\n"
    try scratch.makeProject(files)
    let server = try ScriptedModelServer([.freeform("apply_patch", Calculator.fix), .say("Refused.")])
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 1, "\(result.shown)")
    #expect(result.events.contains { $0["type"] == "tool.failed" && $0["reason"]?.string?.contains("policy") == true })
    _ = try scratch.directory.write("project/.codeagent/policy.toml", "allow_read = [\"**\"]\n")
    try scratch.git("commit", "-qam", "loosen")
    let loosened = try await scratch.codeagent("fix")
    #expect(loosened.status == 2 || loosened.status == 3, "\(loosened.shown)")
  }

  @Test func instructionsComeFromTheCommittedBaseOnly() async throws {
    let scratch = try Scratch()
    var files = Calculator.files
    files["AGENTS.md"] = "committed-instruction\n"
    try scratch.makeProject(files)
    _ = try scratch.directory.write("project/AGENTS.md", "uncommitted-instruction\n")
    let server = try ScriptedModelServer([.freeform("apply_patch", Calculator.fix), .say("Done.")])
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 0, "\(result.shown)")
    let first = server.requests.first?.userTexts.first ?? ""
    #expect(first.contains("> committed-instruction") && !first.contains("uncommitted-instruction"))
  }

  @Test func theSandboxCommandIsTheRunsSandbox() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let before = try scratch.fingerprint()
    let status = try await scratch.codeagent("sandbox", "run", "--", "sh", "-c", "echo new > added.txt; exit 7")
    #expect(status.status == 7, "\(status.shown)")
    #expect(try await scratch.codeagent("sandbox", "run", "--", "sh", "-c", "kill -9 $$").status == 137)
    #expect(try await scratch.codeagent("sandbox", "run", "--", "no-such-program-at-all").status == 127)
    #expect(try await scratch.codeagent("sandbox", "run", "--cwd", "/no/such", "--", "true").status == 125)
    #expect(try await scratch.codeagent("sandbox", "run", "--", "cat", "added.txt").out == "new\n")
    #expect(try scratch.fingerprint() == before)
    let diff = try await scratch.codeagent("sandbox", "diff")
    #expect(diff.out.contains("+new"), "\(diff.shown)")
    let exported = try await scratch.codeagent("sandbox", "export")
    #expect(exported.status == 0, "\(exported.shown)")
    #expect(scratch.directory.text("project/added.txt") == "new\n")
    #expect(try await scratch.codeagent("sandbox", "discard").status == 0)
    #expect(try await scratch.codeagent("sandbox", "diff").out == "")
  }

  @Test func hostileTestCommandsAreStopped() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let hanging = try await scratch.codeagent("fix", "--json", "--test", "sleep 1000", "--timeout", "5s")
    #expect([1, 4].contains(hanging.status), "\(hanging.shown)")
    let flooding = try await scratch.codeagent("fix", "--json", "--test", "yes", "--timeout", "60s")
    #expect([1, 4].contains(flooding.status), "\(flooding.status)")
  }
}
