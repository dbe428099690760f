import Glibc
import JSON
import TestSupport
import Testing

/// Policies as people bring them, through the real binary.
@Suite struct PolicyTests {
  private static var examples: String {
    "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/") + "/docs/policies"
  }

  @Test func theExamplesOfTheDocumentationDecideAsTheySay() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let names = [
      "read-only-reviewer", "ci-bot", "restricted-stays-inside", "one-host", "budget-per-group",
      "two-person-migrations",
    ]
    for name in names {
      let result = try await scratch.codeagent("policy", "test", "--json", "\(Self.examples)/\(name).test.toml")
      #expect(result.status == 0, "\(result.shown)")
      #expect(result.events.count >= 4)
    }
    let check = try await scratch.codeagent("policy", "check", "--json", Self.examples)
    #expect(check.status == 0, "\(check.shown)")
    #expect(check.events.first?["warnings"]?.array?.isEmpty == true, "\(check.shown)")
    #expect(try await scratch.codeagent("policy", "schema").out.contains("entity Run in [User]"))
  }

  @Test func aPolicyWithAMistakeStopsEveryRun() async throws {
    let scratch = try Scratch()
    var files = Calculator.files
    files[".codeagent/policies/edit.cedar"] =
      "// first line\nforbid (principal, action == Action::\"wirte\", resource);\n"
    try scratch.makeProject(files)
    let run = try await scratch.codeagent("fix")
    #expect(run.status == 3, "\(run.shown)")
    #expect(run.err.contains(".codeagent/policies/edit.cedar:2"), "\(run.shown)")
    let check = try await scratch.codeagent("policy", "check")
    #expect(check.status == 1, "\(check.shown)")
    // What lies in the checkout and is not committed is nobody's policy.
    try scratch.git("rm", "-q", "--cached", ".codeagent/policies/edit.cedar")
    try scratch.git("commit", "-qm", "drop")
    #expect(try await scratch.codeagent("policy", "check").status == 0)
    _ = try scratch.directory.write(
      "project/.codeagent/policies/edit.cedar", "permit (principal, action, resource is File);\n")
    try scratch.git("add", "-A")
    try scratch.git("commit", "-qm", "loosen")
    #expect(try await scratch.codeagent("fix").status == 3)
  }

  @Test func labelledFilesStayHiddenFromAModelOutside() async throws {
    let scratch = try Scratch()
    var files = Calculator.files
    files["pricing/model.py"] = "FACTOR = 'canary-price-1188'\n"
    files["notes.txt"] = "COMPANY CONFIDENTIAL canary-note-2299\n"
    try scratch.makeProject(files)
    _ = try scratch.directory.write(
      "home/.config/codeagent/policies/inside.cedar",
      """
      @id("inside") @reason("restricted code stays inside")
      forbid (principal, action == Action::"callModel", resource is Model)
      when { context.labels.contains("restricted") } unless { resource.isBuiltIn };
      """)
    _ = try scratch.directory.write(
      "home/.config/codeagent/policies/inside.labels",
      "path pricing/** restricted\ncontent \"COMPANY CONFIDENTIAL\" restricted\n")
    let server = try ScriptedModelServer([
      .call("shell", ["command": "cat pricing/*.py notes.txt; cp notes.txt copy.txt; ls"]),
      .call("search", ["query": "canary-note", "regex": true]),
      .call("read_file", ["path": "notes.txt"]),
      .call("shell", ["command": "printf 'COMPANY CONF' > new.txt; printf 'IDENTIAL canary-new-3311' >> new.txt"]),
      .call("shell", ["command": "cat new.txt"]),
      .freeform("apply_patch", Calculator.fix), .say("Done."),
    ])
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 0, "\(result.shown)")
    let sent = server.received.map { String(decoding: $0.body, as: UTF8.self) }.joined()
    for canary in ["canary-price-1188", "canary-note-2299"] { #expect(!sent.contains(canary), "\(canary) was sent") }
    // The model wrote it, and so knows it; that it comes back from a file is what is stopped.
    let answers = server.received.map { String(decoding: $0.body, as: UTF8.self) }.last ?? ""
    #expect(answers.contains("hidden") || answers.contains("Permission denied"), "\(result.shown)")
    let explained = try await scratch.codeagent("policy", "explain", "last")
    #expect(explained.out.contains("user/inside/inside"), "\(explained.shown)")
    #expect(result.events.contains { $0["text"]?.string?.contains("restricted") == true }, "\(result.shown)")
  }

  @Test func policiesOnTrialAreRecordedAndNotEnforced() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    _ = try scratch.directory.write(
      "home/.config/codeagent/policies/trial.cedar",
      "@id(\"no-edit\") @reason(\"on trial\") forbid (principal, action in Action::\"edit\", resource);\n")
    let answers: [ScriptedTurn] = [.freeform("apply_patch", Calculator.fix), .say("Done.")]
    let strict = try await scratch.codeagent(
      "fix", "--json", "--model", "openai/mock", server: try ScriptedModelServer(answers))
    #expect(strict.status == 1, "\(strict.shown)")
    let trial = try await scratch.codeagent(
      "fix", "--json", "--policy-mode", "log", "--model", "openai/mock", server: try ScriptedModelServer(answers))
    #expect(trial.status == 0, "\(trial.shown)")
    let explained = try await scratch.codeagent("policy", "explain", "last")
    #expect(explained.out.contains("would be refused"), "\(explained.shown)")
    #expect(explained.out.contains("user/trial/no-edit"), "\(explained.shown)")
  }

  @Test func withoutAPersonWhatNeedsApprovalNamesTheAction() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([
      .freeform("apply_patch", Calculator.fix),
      .call("shell", ["command": "mkdir -p .vscode && echo '{}' > .vscode/tasks.json"]), .say("Done."),
    ])
    let result = try await scratch.codeagent("fix", "--json", "--apply", "--model", "openai/mock", server: server)
    #expect(result.status == 3, "\(result.shown)")
    let log = try await scratch.codeagent("audit", "log", "last", "--json")
    let refusal = log.events.first { $0["kind"]?.string == "policy.refusal" }
    #expect(refusal?["fields"]?["approvals"]?.int == 1, "\(log.shown)")
    #expect(refusal?["fields"]?["action"]?.string?.utf8.count == 64)
    #expect(refusal?["fields"]?["rules"] == ["shipped/protected-names"])
    let intents = log.events.filter { $0["kind"]?.string == "effect.intent" }
    #expect(intents.allSatisfy { ($0["fields"]?["rules"]?.array ?? []).isEmpty == false })
    #expect(intents.allSatisfy { $0["fields"]?["labels"]?.array != nil && $0["fields"]?["policy"]?.string != nil })
  }

  @Test func aTokenWithoutAnIssuerBeginsNoRun() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let result = try await scratch.codeagent("fix", extra: ["CODEAGENT_ID_TOKEN": "a.b.c", "CI": "true"])
    #expect(result.status == 3, "\(result.shown)")
  }
}
