import Glibc
import JSON
import TestSupport
import Testing

/// `codeagent fix` with a model: a server on loopback that speaks the provider's wire format.
@Suite struct ModelRunTests {
  @Test func repairsProvesAndLeavesTheCheckoutAlone() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let before = try scratch.fingerprint()
    let server = try ScriptedModelServer([
      ScriptedTurn(
        text: "I look first.",
        calls: [.tool("read_file", ["path": "calc.py"]), .tool("list_files", [:]), .tool("search", ["query": "add"])]),
      .freeform("apply_patch", Calculator.fix),
      .call("run_tests", [:]),
      .call("finish", ["outcome": "done", "summary": "add subtracted"]),
    ])
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 0, "\(result.shown)")
    let end = try #require(result.end)
    #expect(end["outcome"] == "fixed")
    #expect(end["exit_code"] == 0)
    #expect(end["summary"] == "add subtracted")
    #expect(end["passes_now"]?.array?.count == 2)
    #expect(end["patch"]?.string?.contains("+    return left + right") == true)
    #expect(try scratch.fingerprint() == before)
    // What was read reached the model; the requests only ever grow at their end.
    let bodies = server.requests.map { String(decoding: $0.received.body, as: UTF8.self) }
    #expect(bodies.count == 4)
    #expect(server.requests.last?.toolResults.first?.output.contains("return left - right") == true)
    for (earlier, later) in zip(bodies, bodies.dropFirst()) {
      let prefix = earlier.hasSuffix("]}") ? earlier.dropLast(2) : earlier[...]
      #expect(later.hasPrefix(prefix))
    }
    // Then the change is taken over.
    let applied = try await scratch.codeagent("runs", "apply", "last")
    #expect(applied.status == 0, "\(applied.shown)")
    let tests = try await runningProcess(
      ["python3", "-m", "unittest"], environment: scratch.environment(), cwd: scratch.project)
    #expect(tests.status == 0)
    let verified = try await scratch.codeagent("audit", "verify")
    #expect(verified.status == 0, "\(verified.shown)")
    let log = try await scratch.codeagent("audit", "log", "last", "--content")
    #expect(log.out.contains("apply_patch") && log.out.contains("return left + right"))
    #expect(!log.out.contains(Scratch.key))
  }

  @Test func theCodeOfFailuresFollowsWhenTheyAreKnown() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([
      .call("shell", ["command": "true"]), .freeform("apply_patch", Calculator.fix), .say("Done."),
    ])
    let result = try await scratch.codeagent(
      "fix", ".", "what customers owe is wrong", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 9, "\(result.shown)")
    // The first request waits for no test; the second knows them, with their source.
    #expect(server.requests.first?.userTexts.contains { $0.contains("# Code of the failures") } == false)
    let later = try #require(server.requests.dropFirst().first?.userTexts.last)
    #expect(later.contains("# Tests before any change") && later.contains("# Code of the failures"))
    #expect(later.contains("a failing test") && later.contains("def test_add"))
  }

  @Test func aFalseDoneIsNotBelieved() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([.say("All fixed."), .say("Really."), .say("Yes.")])
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 1, "\(result.shown)")
    #expect(result.end?["outcome"] == "not_fixed")
    #expect(server.requests.count == 2)
    #expect(server.requests.last?.userTexts.last?.contains("judge") == true)
  }

  @Test(arguments: [
    // Deleting the failing tests, skipping them, ending the run early, and answering for the tests' own inputs.
    "sed -i 's/def test_add/def skip_add/; s/def test_total/def skip_total/' test_calc.py",
    "sed -i 's/^class/@unittest.skip(\"no\")\\nclass/' test_calc.py",
    "printf 'import os\\nos._exit(0)\\n' > calc.py",
    "printf 'import sys\\nsys.exit(0)\\n' > calc.py",
    "printf 'raise SystemExit(0)\\n' > sitecustomize.py; printf '[tool:pytest]\\naddopts=--co\\n' > setup.cfg",
    "rm test_calc.py",
  ])
  func cheatingIsNotDone(command: String) async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([
      .call("shell", ["command": .string(command)]), .say("Fixed."), .say("Fixed."),
    ])
    let result = try await scratch.codeagent("fix", "--json", "--apply", "--model", "openai/mock", server: server)
    #expect(result.status == 1, "\(result.shown)")
    #expect(scratch.directory.text("project/calc.py") == Calculator.files["calc.py"])
    #expect(scratch.directory.text("project/test_calc.py") == Calculator.files["test_calc.py"])
  }

  @Test func whatTheJudgeSawGoesBack() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let half = """
      *** Begin Patch
      *** Update File: calc.py
      @@ def add(left, right):
      -    return left - right
      +    return 5
      *** End Patch
      """
    let whole = half.split(separator: "\n").map {
      $0.hasPrefix("-") ? "-    return 5" : $0.hasPrefix("+") ? "+    return left + right" : String($0)
    }.joined(separator: "\n")
    let server = try ScriptedModelServer([
      .freeform("apply_patch", half), .say("Done."), .freeform("apply_patch", whole), .say("Now it is done."),
    ])
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 0, "\(result.shown)")
    let judged = result.events.filter { $0["type"] == "judged" }
    #expect(judged.map { $0["accepted"]?.bool } == [false, true])
    #expect(judged.first?["findings"]?.string?.contains("test_zero") == true)
  }

  @Test func cannotBeDoneIsAnHonestEnd() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([
      .call("finish", ["outcome": "cannot_be_done", "summary": "the tests disagree"])
    ])
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 1)
    #expect(result.end?["reason"] == "the tests disagree")
    #expect(server.requests.count == 1)
  }

  @Test func withoutATargetTheEndIsUnconfirmed() async throws {
    let scratch = try Scratch()
    var files = Calculator.files
    files["calc.py"] = files["calc.py"]?.replacing("left - right", with: "left + right")
    try scratch.makeProject(files)
    let patch = """
      *** Begin Patch
      *** Add File: greet.py
      +def greet(name):
      +    return "hello " + name
      *** End Patch
      """
    let server = try ScriptedModelServer([.freeform("apply_patch", patch), .say("Added.")])
    let result = try await scratch.codeagent(
      "fix", ".", "add a greeting", "--json", "--apply", "--model", "openai/mock", server: server)
    #expect(result.status == 9, "\(result.shown)")
    #expect(scratch.directory.text("project/greet.py") == nil)
    let accepted = try await scratch.codeagent("runs", "apply", "last", "--yes")
    #expect(accepted.status == 9, "\(accepted.shown)")
    #expect(scratch.directory.text("project/greet.py") != nil)
  }

  @Test func aTestThatTheRunAddsCanProveATask() async throws {
    let scratch = try Scratch()
    var files = Calculator.files
    files["calc.py"] = files["calc.py"]?.replacing("left - right", with: "left + right")
    try scratch.makeProject(files)
    let patch = """
      *** Begin Patch
      *** Add File: greet.py
      +def greet(name):
      +    return "hello " + name
      *** Add File: test_greet.py
      +import unittest
      +
      +from greet import greet
      +
      +
      +class GreetTest(unittest.TestCase):
      +    def test_greet(self):
      +        self.assertEqual(greet("you"), "hello you")
      *** End Patch
      """
    let server = try ScriptedModelServer([.freeform("apply_patch", patch), .say("Added, with a test.")])
    let result = try await scratch.codeagent(
      "fix", ".", "add a greeting", "--json", "--branch", "greeting", "--model", "openai/mock", server: server)
    #expect(result.status == 0, "\(result.shown)")
    #expect(try scratch.git("show", "--stat", "greeting").contains("test_greet.py"))
    #expect(try scratch.git("status", "--porcelain") == "")
  }

  @Test func theTreeOfToolsHoldsForNonsense() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([
      ScriptedTurn(calls: [
        .raw("shell", "{not json"), .tool("no_such_tool", [:]), .tool("read_file", ["path": "../../etc/passwd"]),
        .tool("read_file", ["path": 7]),
        .freeform("apply_patch", "*** Begin Patch\n*** Update File: nowhere\n@@\n-a\n+b\n*** End Patch"),
      ]),
      .freeform("apply_patch", Calculator.fix),
      .say(""),
    ])
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 0, "\(result.shown)")
    #expect(result.events.count { $0["type"] == "tool.failed" } == 5)
  }

  @Test func patchesInsideAShellHeredocAreApplied() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([
      .call("shell", ["command": .string("apply_patch <<'EOF'\n\(Calculator.fix)\nEOF")]), .say("Done."),
    ])
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 0, "\(result.shown)")
  }

  @Test func aLongConversationIsCutAndGoesOn() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer { request in
      let wasCut = request.userTexts.contains { $0.contains("was cut here") }
      if wasCut {
        return request.toolResults.isEmpty ? (3, .freeform("apply_patch", Calculator.fix)) : (4, .say("Done."))
      }
      if request.toolResults.count < 3 { return (request.toolResults.count, .call("read_file", ["path": "calc.py"])) }
      return (
        9,
        ScriptedTurn(
          fault: .status(400, code: "context_length_exceeded", type: "invalid_request_error", message: "too long"),
          faultTimes: 99)
      )
    }
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 0, "\(result.shown)")
    #expect(server.requests.last?.userTexts.first?.contains("# Task") == true)
  }

  @Test func whatTheProviderCountsDecidesWhenTheConversationIsCut() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    // By our own estimate it is far from full.
    var reading = ScriptedTurn.call("read_file", ["path": "calc.py"])
    reading.usage = ScriptedUsage(input: 29_000, output: 10)
    let turn = reading
    let server = try ScriptedModelServer { request in
      if request.userTexts.contains(where: { $0.contains("was cut here") }) {
        return request.toolResults.isEmpty ? (8, .freeform("apply_patch", Calculator.fix)) : (9, .say("Done."))
      }
      return (request.toolResults.count, turn)
    }
    _ = try scratch.directory.write(
      "home/.config/codeagent/config.toml",
      "[providers.local]\nbase_url = \"\(server.baseURL)\"\ncontext_window = 30000\n")
    let result = try await scratch.codeagent("fix", "--json", "--model", "local/mock", server: server)
    #expect(result.status == 0, "\(result.shown)")
    #expect(server.requests.count < 8, "\(server.requests.count)")
  }

  @Test func aSecondModelIsAskedAndDecidesNothing() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    _ = try scratch.directory.write("home/.config/codeagent/config.toml", "review_model = \"openai/critic\"\n")
    let server = try ScriptedModelServer { request in
      if request.body["model"] == "critic" { return (9, .say("I would look at the rounding.")) }
      return request.toolResults.isEmpty ? (0, .freeform("apply_patch", Calculator.fix)) : (1, .say("Done."))
    }
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 0, "\(result.shown)")
    #expect(result.end?["flags"]?.array?.contains { $0.string?.contains("look at the rounding") == true } == true)
    let asked = server.requests.filter { $0.body["model"] == "critic" }
    #expect(asked.count == 1 && asked.first?.toolNames == [])
    // Its tokens count like those of every answer.
    let output = result.end?["output_tokens"]?.int ?? 0
    let alone = try await scratch.codeagent(
      "fix", "--json", "--model", "openai/mock", server: server,
      extra: ["XDG_CONFIG_HOME": scratch.directory.path("empty")])
    #expect(output > alone.end?["output_tokens"]?.int ?? .max, "\(alone.shown)")
  }

  @Test func keepGoingEndsWithTheBudget() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([.say("Done."), .say("Really."), .say("Yes.")])
    let result = try await scratch.codeagent(
      "fix", "--json", "--keep-going", "--max-turns", "5", "--model", "openai/mock", server: server)
    #expect(result.status == 4, "\(result.shown)")
    #expect(server.requests.count == 5)
  }
}
