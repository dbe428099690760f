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

  /// What, under what and when: a command with all that is to be known of it.
  @Test func aCommandIsRecordedWhole() async throws {
    let scratch = try Scratch()
    try scratch.makeProject(Calculator.files)
    let server = try ScriptedModelServer([
      .call("shell", ["command": "sed -i s/Sums/Totals/ calc.py; kill -9 $$"]),
      ScriptedTurn(text: "", calls: [.freeform("apply_patch", Calculator.fix)]).failing(.status(503)),
      .say("Done."),
    ])
    let result = try await scratch.codeagent("fix", "--json", "--model", "openai/mock", server: server)
    #expect(result.status == 0, "\(result.shown)")
    let events = try await codeagent(scratch, ["audit", "log", "--json", "--content"]).split(separator: "\n").map {
      try JSONValue(parsing: String($0))
    }
    func first(_ matches: (JSONValue) -> Bool) throws -> JSONValue {
      let found = events.first(where: matches)
      return try #require(found)
    }
    #expect(events.allSatisfy { $0["mono_ns"]?.int != nil && $0["boot"]?.string?.isEmpty == false })

    let started = try first { $0["kind"] == "run.started" }["fields"]
    #expect(started?["prompts"]?["system"]?.string?.count == 64)
    for name in ["codeagent", "libgit2", "sqlite", "kernel", "codeagent-launch"] {
      #expect(started?["versions"]?[name]?.string?.isEmpty == false, "\(name)")
    }
    #expect(started?["policy"]?.string?.count == 64)

    let intent = try first { $0["fields"]?["argv"]?[2]?.string?.contains("kill") == true }
    #expect(intent["fields"]?["cwd"] == "." && intent["fields"]?["rules"]?.array?.isEmpty == false)
    let outcome = try first { $0["kind"] == "effect.outcome" && $0["fields"]?["intent"] == intent["seq"] }
    let fields = outcome["fields"]
    #expect(fields?["exit"] == 137 || fields?["signal"] == 9, "\(String(describing: fields))")
    #expect(fields?["milliseconds"]?.int != nil && fields?["outputBytes"] == 0)
    let variables = (fields?["variables"]?.array ?? []).compactMap(\.string)
    #expect(variables.contains("PATH") && variables.contains("HOME") && !variables.contains("OPENAI_API_KEY"))
    #expect(fields?["sandbox"]?["level"] == "full" && fields?["sandbox"]?["network"] == "none")
    #expect(fields?["sandbox"]?["limits"]?["memoryBytes"]?.int != nil)
    #expect(outcome["content"]?["diff"]?.string?.contains("+\"\"\"Totals.\"\"\"") == true)
    let blobs = try JSONValue(parsing: outcome["content"]?["blobs"]?.string ?? "")[0]
    #expect(blobs?["path"] == "calc.py")
    let id = try scratch.git("rev-parse", "HEAD:calc.py").trimmed
    #expect(blobs?["before"]?.string == id)
    #expect(blobs?["after"]?.string?.count == 40)

    let asked = try first { $0["fields"]?["effect"] == "callModel" }["fields"]
    #expect(asked?["systemDigest"] == started?["prompts"]?["system"])
    #expect(asked?["toolsDigest"]?.string?.count == 64)
    #expect(try first { $0["kind"] == "model.answer" }["fields"]?["model"]?.string?.isEmpty == false)
    #expect(try first { $0["kind"] == "model.retry" }["fields"]?["attempt"]?.int != nil)

    let shown = try await codeagent(scratch, ["audit", "log"])
    #expect(shown.contains("+    return left + right") && shown.contains("by shipped/"))
  }

  /// Secrets of every origin: in no form do they leave.
  @Test func plantedSecretsAreNowhere() async throws {
    let scratch = try Scratch()
    let token = "ghp_0123456789canaryABCDEFGHIJKLMNOPQRST"
    let value = "canary+variable=99x1"
    let named = "cAn4rYx9Kq2LmN8vB4cZ7tR1wY6p"
    var files = Calculator.files
    files[".env"] = "DB_PASSWORD=canary-file-5512aa\n"
    // The tests' own output, and what they fail with.
    files["test_calc.py"] = files["test_calc.py"]?.replacing(
      "    def test_zero(self):",
      with: "    def test_zero(self):\n        print(\"seen by a test: \(token)\")\n"
    )
    .replacing("add(2, 3), 5)", with: "add(2, 3), 5, \"\(value)\")")
    // A key that only its name gives away.
    files["settings.ini"] = "[mail]\nsmtp_password = \(named)\n"
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
        "shell",
        [
          "command":
            "python3 show.py; ls; cat .git/config .env settings.ini; cp name-*.txt copy.txt; cat show.py > new.txt"
        ]
      ).failing(.status(500, message: "overloaded while serving \(value)")),
      .call("read_file", ["path": "settings.ini"]), .call("run_tests", [:]),
      .freeform("apply_patch", Calculator.fix), .say("Done with \(token) and \(value)."),
    ])
    let result = try await scratch.codeagent(
      "fix", "--json", "--model", "openai/mock", "--patch", scratch.directory.path("change.patch"), server: server,
      extra: ["SERVICE_TOKEN": value])
    #expect(result.status == 0, "\(result.shown)")
    // A provider that answers with the key it was sent.
    let refusing = try ScriptedModelServer([
      ScriptedTurn(fault: .status(401, message: "Incorrect API key provided: \(Scratch.key)"), faultTimes: 9)
    ])
    let refused = try await scratch.codeagent(
      "fix", "--json", "--model", "openai/mock", server: refusing, extra: ["SERVICE_TOKEN": value])
    #expect(refused.status != 0)
    let secrets = [
      value, named, "canary-file-5512aa", "canary-remote-77b1", token, "Y2FuYXJ5K3ZhcmlhYmxlPTk5eD",
      "63616e6172792b7661726961626c653d39397831", "canary%2Bvariable%3D99x1", Scratch.key,
    ]
    let runs = try await codeagent(scratch, ["runs", "list", "--json"]).split(separator: "\n").compactMap {
      try JSONValue(parsing: String($0))["run"]?.string
    }
    #expect(runs.count == 2)
    var places: [(String, String)] = []
    for run in runs.reversed() {
      places.append(("the record", try await codeagent(scratch, ["audit", "log", run, "--json", "--content"])))
      places.append(("the log", try await codeagent(scratch, ["audit", "log", run])))
      _ = try await codeagent(scratch, ["audit", "report", run, "--html", scratch.directory.path("report.html")])
      places.append(("the report", scratch.directory.text("report.html") ?? ""))
      places.append(("the run", try await codeagent(scratch, ["runs", "show", run, "--json"])))
    }
    places.append(("the requests", server.received.map { String(decoding: $0.body, as: UTF8.self) }.joined()))
    places.append(("the receipt", scratch.directory.text("change.patch.intoto.json") ?? ""))
    // The files themselves, whatever the commands show of them.
    let state = scratch.directory.path("home/.local/state/codeagent")
    let stored = try runProcess(
      ["sh", "-c", "cat record.db record.db-wal 2>/dev/null | tr -c '[:print:]' '\\n'"], cwd: state)
    places.append(("the store", stored.out))
    for format in ["jsonl", "ocsf", "otlp", "cloudtrail", "in-toto"] {
      places.append((format, try await codeagent(scratch, ["audit", "export", "--format", format])))
    }
    for (place, text) in places {
      #expect(!text.isEmpty, "\(place)")
      for secret in secrets { #expect(!text.contains(secret), "\(secret.prefix(12)) in \(place)") }
    }
    for rule in ["known-value", "github-token", "named-secret"] {
      #expect(places[0].1.contains("⟦secret:\(rule):"), "\(rule)")
    }
    #expect(places[0].1.contains("\"redacted\""))
    #expect(places[0].1.contains("model.retry"))
    #expect(!result.err.contains("canary"))
  }
}

extension String {
  fileprivate var trimmed: String { String(split(separator: "\n").first ?? "") }
}
