import Crypto
import FoundationEssentials
import JSON
import Testing
import TransparencyLog

@testable import AuditTrail

/// The page: what it shows, and that nothing that was recorded can be more than text in it.
@Suite struct ReportTests {
  private func page(_ run: RunID, _ store: AuditStore) throws -> String {
    String(decoding: try RunReport(run, in: store, version: "1").page(), as: UTF8.self)
  }

  @Test func everythingIsThere() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = try ExportTests.run(store)
    let page = try page(run, store)
    for text in [
      run.text, "✔", "fixed", "CANARY task", "CANARY output", "refused", "shipped/secret", "Ran <code>make</code>",
      "unknown", "openai/gpt-x", store.origin, "All 11 events", "c2sp.org/tlog-proof@v1", "audit verify",
    ] {
      let isThere = page.contains(text)
      #expect(isThere, "\(text)")
    }
    for event in try store.events(of: run) where event.kind == "effect.intent" {
      #expect(page.contains("id=\"e\(event.sequence)\""))
    }
  }

  @Test func thePolicyAllowsThisScriptAndThisStyleAndNothingElse() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let page = try page(try ExportTests.run(store), store)
    for (asset, name) in [(ReportAssets.style, "style"), (ReportAssets.script, "script")] {
      let digest = Base64.encode(Array(SHA256.hash(data: Array(asset.utf8))))
      #expect(page.contains("\(name)-src 'sha256-\(digest)'"))
      #expect(page.split(separator: "<\(name)>").count == 2)
      #expect(page.contains("<\(name)>\(asset)</\(name)>"))
    }
    #expect(page.contains("default-src 'none'"))
    for text in [
      "http://", "https://", "<img", "<iframe", "<link rel=stylesheet", " onclick", "javascript:", " style=",
    ] {
      #expect(!page.contains(text), "\(text)")
    }
  }

  /// The same texts in every place that others write: fields, contents, file names, diffs.
  @Test func hostileContentIsText() throws {
    let hostile = [
      "<script>alert(1)</script>", "</pre></details><img src=x onerror=alert(1)>", "\"><svg onload=alert(1)>",
      "' autofocus onfocus=alert(1) x='", "</title><h1>", "&lt;b&gt;", "\u{202e}gnp.exe", "\u{0}\u{1b}[31mred\u{1b}[0m",
      "<!--", "]]>", "</style><style>*{display:none}", "\u{2028}alert(1)",
    ]
    for text in hostile {
      let scratch = try Scratch()
      let store = try scratch.open()
      let run = RunID.new()
      let log = try store.begin(run: run)
      let bytes = Array(text.utf8)
      let value = JSONValue.string(text)
      try log.append(
        "run.started",
        ["checkout": value, "user": value, "model": value, "provider": value, "testCommand": value, "policy": value],
        content: ["task": bytes], durable: true)
      try log.append("effect.intent", ["effect": value, "path": value, "rules": [value], "cwd": value], durable: true)
      try log.append(
        "effect.intent", ["effect": "execute", "argv": ["sh", "-c", value], "purpose": value, "rules": [value]],
        durable: true)
      let item: JSONValue = [
        ["type": "toolCall", "name": value, "arguments": value], ["type": "assistant", "text": value],
      ]
      try log.append(
        "model.answer", ["model": value, "stop": value],
        content: ["answer": JSONValue.object(["items": item]).serialized], durable: false
      )
      try log.append(
        "effect.outcome",
        ["intent": 3, "outcome": value, "status": value, "error": value, "failing": [value]],
        content: [
          "output": bytes, String(text.unicodeScalars.filter { $0.value >= 0x20 && $0.value != 0x7f }): bytes,
          "diff": Array("diff --git a/x b/x\n--- a/x\n+++ b/x\n@@ -1 +1 @@\n-\(text.filter { $0 != "\n" })\n+b\n".utf8),
        ], durable: false)
      try log.append(
        "policy.refusal", ["effect": value, "path": value, "reason": value, "rules": [value]], durable: true)
      try log.append("policy.approval", ["effect": ["effect": value], "by": value], durable: true)
      try log.append("plan", ["steps": [["text": value, "status": value]]], durable: false)
      try log.append("verification", ["ruling": value, "findings": [value], "proof": [value]], durable: false)
      try log.append("odd.kind", ["x": value], durable: false)
      try log.append(
        "run.ended",
        ["outcome": value, "reason": value, "summary": value, "proof": [value], "flags": [value], "delivered": value],
        content: ["patch": bytes], durable: true)
      let page = try page(run, store)
      let body = page.replacing(ReportAssets.style, with: "").replacing(ReportAssets.script, with: "")
      #expect(body.split(separator: "<script", omittingEmptySubsequences: false).count == 2)
      #expect(body.split(separator: "<style", omittingEmptySubsequences: false).count == 2)
      #expect(
        !body.contains("<img") && !body.contains("<svg onload") && !body.contains("<!--") && !body.contains("<h1><h1"))
      #expect(!body.contains("onerror=alert(1)>") && !body.contains("' autofocus"))
      #expect(!body.unicodeScalars.contains { [0x202e, 0x2028, 0x1b, 0].contains($0.value) })
    }
  }

  @Test func terminalsArePlain() {
    func plain(_ text: String) -> String { String(decoding: TerminalText.plain(Array(text.utf8)), as: UTF8.self) }
    #expect(plain("\u{1b}[1;31mred\u{1b}[0m text") == "red text")
    #expect(plain("10%\r20%\r100%\ndone\r\n") == "100%\ndone\n")
    #expect(plain("\u{1b}]8;;http://x\u{7}link\u{1b}]8;;\u{1b}\\") == "link")
    #expect(plain("\u{1b}[") == "")
    #expect(plain("\u{1b}") == "\u{1b}")
  }

  @Test func diffsStandBesideEachOther() {
    let patch = """
      diff --git a/x b/x
      index 1111111111111111111111111111111111111111..2222222222222222222222222222222222222222 100644
      --- a/x
      +++ b/x
      @@ -3,3 +3,4 @@ head
       same
      -return left - right
      +return left + right
      +added
       end

      """
    let html = String(decoding: DiffTable.render(Array(patch.utf8), isOpen: true).bytes, as: UTF8.self)
    #expect(html.contains("return left <mark>-</mark> right"))
    #expect(html.contains("return left <mark>+</mark> right"))
    #expect(html.contains("<td class=\"n del\">4</td>"))
    #expect(html.contains("<td class=\"n none\"></td><td class=\"c none\"></td><td class=\"n add\">5</td>"))
    #expect(DiffTable.counts(Array(patch.utf8)) == (1, 2, 1))
  }

  @Test func figures() {
    #expect(Figure.grouped(1_234_567) == "1,234,567")
    #expect(Figure.grouped(-12) == "-12")
    #expect(Figure.short(1_500_000) == "1.5 M")
    #expect(Figure.duration(90_000_000_000) == "1 min 30 s")
    #expect(Figure.cost(1_234_500) == "$1.2345")
    #expect(Figure.bytes(2048) == "2.0 KiB")
  }
}
