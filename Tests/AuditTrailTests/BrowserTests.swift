import FoundationEssentials
import Git
import Glibc
import JSON
import Paths
import TestSupport
import Testing

@testable import AuditTrail

/// Where Chromium is, if it is installed.
enum Browser {
  static let path: String? = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"].first {
    (name: String) in access(name, X_OK) == 0
  }
}

/// The page in a browser, where Chromium is installed: no error, no request, filters that filter.
@Suite(.enabled(if: Browser.path != nil, "needs chromium")) struct BrowserTests {
  /// A run of some hundred events: answers, commands, edits, refusals, tests.
  static func longRun(_ store: AuditStore, steps: Int) throws -> RunID {
    let run = RunID.new()
    let log = try store.begin(run: run)
    let path = try #require(RepoPath("ledger/reports.py"))
    func file(_ step: Int) -> [UInt8] {
      Array(
        (0..<60).map { line in
          "    total_\(line) = balances[\"account-\(line)\"]" + (line == step % 60 ? " + adjustment(\(step))" : "")
            + "  # line \(line)\n"
        }.joined().utf8)
    }
    func diff(_ old: Int, _ new: Int) throws -> [UInt8] {
      try Diff.unified(old: Diff.Side(file(old)), new: Diff.Side(file(new)), oldPath: path, newPath: path)
    }
    try log.append(
      "run.started",
      [
        "checkout": "/home/ada/src/ledger", "project": ".", "user": "ada", "provider": "openai", "model": "gpt-5.5",
        "testCommand": "python3 -m pytest",
        "policy": "91b1ac73454a53e67b0c39dbaaf7bf02aa340838fba0ce5cff2792ade88be723",
      ],
      content: [
        "task": Array("Losses in a foreign currency are reported as gains; the reports must show the sign.".utf8)
      ],
      durable: true)
    try log.append("workspace.opened", ["mode": "overlay", "snapshot": "d2a15f79"], durable: false)
    func effect(
      _ fields: JSONObject, _ outcome: JSONObject, _ content: [String: [UInt8]] = [:], answer: JSONObject? = nil,
      answerContent: JSONValue? = nil, pause: UInt32 = 0
    ) throws {
      var intent = fields
      intent["policy"] = "91b1ac73454a53e67b0c39dbaaf7bf02aa340838fba0ce5cff2792ade88be723"
      let reference = try log.append("effect.intent", .object(intent), durable: false)
      usleep(pause)
      if let answer, let answerContent {
        try log.append("model.answer", .object(answer), content: ["answer": answerContent.serialized], durable: false)
      }
      var result = outcome
      result["intent"] = JSONValue(reference.sequence)
      result["outcome"] = outcome["outcome"] ?? "done"
      try log.append("effect.outcome", .object(result), content: content, durable: false)
    }
    let output = Array(
      ("============================= test session starts =============================\n"
        + (0..<40).map { "tests/test_reports.py::test_case_\($0) PASSED\n" }.joined()
        + "FAILED tests/test_reports.py::test_loss_is_negative - AssertionError: assert 1200 == -1200\n").utf8)
    try effect(
      [
        "effect": "execute", "argv": ["/bin/sh", "-c", "python3 -m pytest"], "cwd": ".", "purpose": "baseline",
        "rules": ["shipped/sandboxed-commands"],
      ],
      [
        "status": "exit 1", "milliseconds": 4421, "passed": 21, "failed": 2,
        "failing": ["tests/test_reports.py::test_loss_is_negative"],
      ],
      ["output": output], pause: 4000)
    try log.append("baseline", ["passed": 21, "failed": 2, "incomplete": false], durable: true)
    for step in 0..<steps {
      let items: JSONValue = [
        ["type": "reasoning", "summary": "The sign is lost where the rate is applied."],
        [
          "type": "assistant",
          "text": .string("Step \(step): I look at how `exchange()` treats negative amounts, and change one line."),
        ],
        [
          "type": "toolCall", "id": .string("c\(step)"), "name": "apply_patch",
          "arguments": .string(String(decoding: try diff(step, step + 1), as: UTF8.self)),
        ],
      ]
      try effect(
        [
          "effect": "callModel", "provider": "openai", "model": "gpt-5.5", "endpoint": "api.openai.com",
          "rules": ["user/chosen-model"],
        ], [:],
        answer: [
          "model": "gpt-5.5", "stop": "toolCalls", "microdollars": JSONValue(3200 + step * 40),
          "usage": [
            "input": JSONValue(4000 + step * 310), "cachedInput": JSONValue(step == 0 ? 0 : 3600 + step * 300),
            "output": JSONValue(180 + step * 37 % 400),
          ],
        ], answerContent: ["items": items], pause: 2500)
      try effect(
        [
          "effect": "read", "path": "ledger/money.py", "call": .string("c\(step)"),
          "rules": ["shipped/workspace-files"],
        ], ["bytes": 1524])
      try effect(
        [
          "effect": "edit", "writes": ["ledger/reports.py"], "deletes": [], "call": .string("c\(step)"),
          "rules": ["shipped/workspace-files"],
        ],
        ["changed": ["ledger/reports.py"]], ["diff": try diff(step, step + 1)], pause: 200)
      if step % 7 == 3 {
        try log.append(
          "policy.refusal",
          [
            "effect": "read", "path": ".env", "decision": "deny",
            "reason": "files that hold secrets are not shown to models", "rules": ["shipped/secret-files"],
          ],
          durable: true)
      }
      if step % 3 == 2 {
        try effect(
          [
            "effect": "execute", "argv": ["/bin/sh", "-c", "grep -rn 'def exchange' ledger | head -20"], "cwd": ".",
            "purpose": "tool", "rules": ["shipped/sandboxed-commands"],
          ],
          ["status": step % 2 == 0 ? "exit 0" : "exit 1", "milliseconds": 31],
          ["output": Array("ledger/rates.py:21:def exchange(amount, currency):\n".utf8)], pause: 600)
      }
      try effect(
        [
          "effect": "execute", "argv": ["/bin/sh", "-c", "python3 -m pytest"], "cwd": ".", "purpose": "tests",
          "rules": ["shipped/sandboxed-commands"],
        ],
        [
          "status": "exit 1", "milliseconds": 1200, "passed": JSONValue(min(23, 21 + step / 10)),
          "failed": JSONValue(max(0, 2 - step / 10)),
        ],
        ["output": output], pause: 1800)
      try log.append(
        "conversation.item", [:],
        content: [
          "item": JSONValue.object(["type": "toolResult", "output": "Done: ledger/reports.py changed."]).serialized
        ],
        durable: true)
    }
    try log.append(
      "verification", ["ruling": "proven", "proof": ["2 failing checks pass"], "findings": []], durable: false)
    try log.append("second.look", ["flags": []], durable: false)
    try log.append(
      "run.ended",
      [
        "outcome": "fixed", "exitCode": 0,
        "reason": "the failing checks pass and nothing is lost, judged in a clean workspace",
        "milliseconds": 183_000, "turns": JSONValue(steps), "microdollars": JSONValue(steps * 4200),
        "delivered": "branch fix-losses holds the change as commit 4be1c09d2a77",
        "usage": ["input": JSONValue(steps * 9000), "output": JSONValue(steps * 350)],
        "proof": [
          "2 of 2 checks that failed before pass now: test_loss_is_negative, test_gains_against_what_was_paid",
          "21 checks that passed before still pass", "judged in a clean workspace, with the base's own tests",
        ], "flags": ["the change touches a file that 14 others import: ledger/reports.py"],
        "summary": "The amount was rounded before the sign was applied. I keep the sign and round afterwards.",
        "failedBefore": ["a", "b"], "passesNow": ["a", "b"],
      ], content: ["patch": try diff(0, steps)], durable: true)
    return run
  }

  /// Loads a page with some script of the test's own appended, and gives what the document then is.
  private func load(_ page: [UInt8], script: String, in directory: TemporaryDirectory) throws -> (
    dom: String, log: String
  ) {
    // The test's script needs leave from the page's policy, which names digests; it is given one of its own.
    var text = String(decoding: page, as: UTF8.self)
    text = text.replacing("script-src ", with: "script-src 'nonce-test' ")
    text = text.replacing("</body>", with: "<script nonce=test>\(script)</script></body>")
    let file = try directory.write("page.html", text)
    let result = try runProcess(
      [
        Browser.path ?? "", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
        "--disable-background-networking", "--disable-component-update", "--disable-sync", "--disable-extensions",
        "--proxy-server=http://127.0.0.1:9", "--user-data-dir=\(directory.path("profile"))", "--enable-logging=stderr",
        "--v=0",
        "--virtual-time-budget=4000", "--dump-dom", "file://\(file)",
      ], environment: ["HOME": directory.path, "PATH": "/usr/bin:/bin"], timeout: 300)
    return (result.out, result.err)
  }

  @Test func itLoadsFiltersAndAsksForNothing() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = try Self.longRun(store, steps: 48)
    #expect(try store.events(of: run).count > 500)
    let page = try RunReport(run, in: store, version: "1").page()
    #expect(page.count < 4 << 20)
    if let file = getenv("CODEAGENT_TEST_REPORT") { try ByteFile.write(page, String(cString: file)) }
    let directory = try TemporaryDirectory("browser")
    let script = """
      const out={errors:[]};addEventListener("error",e=>out.errors.push(e.message));
      addEventListener("securitypolicyviolation",e=>out.errors.push("policy "+e.violatedDirective));
      const items=[...document.querySelectorAll(".timeline>li")],shown=()=>items.filter(i=>!i.hidden).length;
      const set=(value,on)=>{const b=document.querySelector(".filters [value="+value+"]");b.checked=on;
      b.dispatchEvent(new Event("input",{bubbles:true}))};
      out.all=items.length;out.first=shown();set("told",true);out.told=shown();set("model",false);out.noModel=shown();
      out.models=items.filter(i=>i.dataset.kind==="model").length;set("bad",true);out.bad=shown();set("bad",false);
      const search=document.querySelector("[type=search]");search.value=".env";
      search.dispatchEvent(new Event("input",{bubbles:true}));out.found=shown();
      out.label=document.querySelector(".filters output").textContent;
      search.value="no such words";search.dispatchEvent(new Event("input",{bubbles:true}));
      out.empty=!document.querySelector(".empty").hidden;out.requests=performance.getEntriesByType("resource").length;
      out.wide=document.documentElement.scrollWidth>document.documentElement.clientWidth;
      requestAnimationFrame(()=>{document.title=JSON.stringify(out)});
      """
    let (dom, log) = try load(page, script: script, in: directory)
    let title = try #require(
      dom.split(separator: "<title>").dropFirst().first?.split(separator: "</title>").first.map(String.init),
      "\(log.suffix(800))")
    let found = try JSONValue(parsing: title.replacing("&quot;", with: "\""))
    #expect(found["errors"] == [], "\(title)")
    #expect(found["requests"] == 0)
    #expect(found["first"]?.int.map { $0 < found["all"]?.int ?? 0 } == true)
    #expect(found["told"] == found["all"])
    #expect(found["noModel"]?.int == (found["all"]?.int ?? 0) - (found["models"]?.int ?? 0))
    #expect(found["bad"]?.int.map { $0 > 0 && $0 < found["noModel"]?.int ?? 0 } == true)
    #expect(found["found"]?.int == 7)
    #expect(found["empty"] == true)
    #expect(found["wide"] == false)
    #expect(!log.contains("CONSOLE"), "\(log.split(separator: "\n").filter { $0.contains("CONSOLE") })")
    #expect(!log.contains("Refused to"))
  }
}
