import Glibc
import JSON
import TestSupport
import Testing

/// The record through the real binary: what a run leaves behind, and who can check it.
@Suite struct AuditTests {
  /// A repaired calculator, delivered as a branch and as a patch.
  private func repaired(_ scratch: Scratch, extra: [String: String] = [:]) async throws {
    let server = try ScriptedModelServer([
      .call("shell", ["command": "grep -n return calc.py"]), .freeform("apply_patch", Calculator.fix), .say("Done."),
    ])
    let result = try await scratch.codeagent(
      "fix", "--json", "--model", "openai/mock", "--branch", "repair", "--patch",
      scratch.directory.path("change.patch"),
      server: server, extra: extra)
    #expect(result.status == 0, "\(result.shown)")
  }

  private func codeagent(_ scratch: Scratch, _ arguments: [String], _ status: Int32 = 0, input: String? = nil)
    async throws
    -> String
  {
    let result = try await runningProcess(
      [builtProduct("codeagent")] + arguments, environment: scratch.environment(), cwd: scratch.project,
      input: input.map { Array($0.utf8) }, timeout: 120)
    #expect(result.status == status, "\(arguments): \(result.shown)")
    return result.out
  }

  @Test func linesAreBlamedOutsideGitToo() async throws {
    let scratch = try Scratch()
    let test = Calculator.files["test_calc.py"]?.replacing("from calc", with: "from lib.calc") ?? ""
    try scratch.makeProject(
      ["lib/__init__.py": "", "lib/calc.py": Calculator.files["calc.py"] ?? "", "test_calc.py": test], git: false)
    let server = try ScriptedModelServer([
      .freeform("apply_patch", Calculator.fix.replacing("calc.py", with: "lib/calc.py")), .say("Done."),
    ])
    let fixed = try await scratch.codeagent(
      "fix", "--json", "--apply", "--model", "openai/mock", server: server)
    #expect(fixed.status == 0, "\(fixed.shown)")
    let text = try await codeagent(scratch, ["audit", "blame", "--json", "lib/calc.py"])
    let runs = try text.split(separator: "\n").map { try JSONValue(parsing: String($0))["run"]?.string }
    #expect(runs.count { $0?.hasPrefix("r-") == true } == 1)
  }

  @Test func aRunProvesItself() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let anchors = scratch.directory.path("anchors")
    try await repaired(scratch, extra: ["CODEAGENT_AUDIT_ANCHOR_FILE": anchors, "CI": "true"])

    // The record, its anchors, and the commit that names its checkpoint.
    let key = try await codeagent(scratch, ["audit", "key"]).split(separator: "\n").first.map(String.init) ?? ""
    let verified = try JSONValue(parsing: try await codeagent(scratch, ["audit", "verify", "--json", "--key", key]))
    #expect(verified["whole"] == true)
    #expect(verified["anchor"]?["events"] == verified["events"])
    let message = try scratch.git("log", "-1", "--format=%B", "repair")
    #expect(message.contains("Codeagent-Run: r-"))
    _ = try await codeagent(scratch, ["audit", "verify", "--checkpoint", "-", "--key", key], input: message)
    #expect(try scratch.git("notes", "--ref", "codeagent", "show", "repair").contains("application/vnd.in-toto+json"))

    // The receipt beside the patch.
    let patch = scratch.directory.path("change.patch")
    let receipt = ["audit", "verify", "--receipt", "\(patch).intoto.json", "--patch", patch, "--key", key]
    #expect(try await codeagent(scratch, receipt).contains("the one given"))
    _ = try scratch.directory.write("other.patch", "something else\n")
    _ = try await codeagent(
      scratch,
      [
        "audit", "verify", "--receipt", "\(patch).intoto.json", "--patch", scratch.directory.path("other.patch"),
        "--key", key,
      ], 8)

    // The change, made again, and its lines.
    let replay = try JSONValue(parsing: try await codeagent(scratch, ["replay", "--json"]))
    #expect(replay["identical"] == true)
    try scratch.git("checkout", "-q", "repair")
    let blame = try JSONValue(parsing: try await codeagent(scratch, ["audit", "blame", "--json", "calc.py:5"]))
    #expect(blame["text"] == "    return left + right")
    #expect(blame["run"]?.string?.hasPrefix("r-") == true)
    #expect(blame["answer"]?.int != nil)
    #expect(blame["rules"]?.array?.isEmpty == false)

    // Somebody with a database shell.
    let database = scratch.directory.path("home/.local/state/codeagent/record.db")
    let edit = try runProcess(
      [
        "python3", "-c",
        "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]); c.execute('UPDATE event SET record=CAST(replace(CAST(record AS TEXT),?,?) AS BLOB) WHERE sequence=5',('kind','kinD')); c.commit()",
        database,
      ], environment: scratch.environment())
    #expect(edit.status == 0, "\(edit.err)")
    #expect(try await codeagent(scratch, ["audit", "verify"], 8).contains("event 5 of r-"))
  }

  /// Secrets of every origin: in no form do they leave.
  @Test func plantedSecretsAreNowhere() async throws {
    let scratch = try Scratch()
    let token = "ghp_0123456789canaryABCDEFGHIJKLMNOPQRST"
    let value = "canary+variable=99x1"
    var files = Calculator.files
    files[".env"] = "DB_PASSWORD=canary-file-5512aa\n"
    files["name-\(value).txt"] = "a file whose name is a secret\n"
    files["show.py"] = """
      import base64
      import urllib.parse
      value = "\(value)"
      print("output", value, "\(token)")
      print(base64.b64encode(value.encode()).decode(), value.encode().hex(), urllib.parse.quote(value, safe=""))
      raise RuntimeError("exception with " + value)

      """
    try scratch.makeProject(files)
    try scratch.git("remote", "add", "origin", "https://user:canary-remote-77b1@example.invalid/x.git")
    let server = try ScriptedModelServer([
      .call(
        "shell", ["command": "python3 show.py; ls; cat .git/config .env; cp name-*.txt copy.txt; cat show.py > new.txt"]
      ),
      .freeform("apply_patch", Calculator.fix), .say("Done with \(token) and \(value)."),
    ])
    let result = try await scratch.codeagent(
      "fix", "--json", "--model", "openai/mock", server: server, extra: ["SERVICE_TOKEN": value])
    let secrets = [
      value, "canary-file-5512aa", "canary-remote-77b1", token, "Y2FuYXJ5K3ZhcmlhYmxlPTk5eD",
      "63616e6172792b7661726961626c653d39397831", "canary%2Bvariable%3D99x1", Scratch.key,
    ]
    var places: [(String, String)] = [
      ("the record", try await codeagent(scratch, ["audit", "log", "--json", "--content"]))
    ]
    places.append(("the requests", server.received.map { String(decoding: $0.body, as: UTF8.self) }.joined()))
    _ = try await codeagent(scratch, ["audit", "report", "--html", scratch.directory.path("report.html")])
    places.append(("the report", scratch.directory.text("report.html") ?? ""))
    for format in ["jsonl", "ocsf", "otlp", "cloudtrail", "in-toto"] {
      places.append((format, try await codeagent(scratch, ["audit", "export", "--format", format])))
    }
    for (place, text) in places {
      #expect(!text.isEmpty, "\(place)")
      for secret in secrets { #expect(!text.contains(secret), "\(secret.prefix(12)) in \(place)") }
    }
    #expect(places[0].1.contains("⟦secret:known-value:"))
    #expect(places[0].1.contains("\"redacted\""))
    #expect(!result.err.contains("canary"))
  }
}
