import Crypto
import FoundationEssentials
import JSON
import Testing
import TransparencyLog

@testable import AuditTrail

/// What leaves the record: its forms, and that nothing of its content goes along.
@Suite struct ExportTests {
  static let patch = Array("diff --git a/x b/x\nnew file mode 100644\n".utf8)

  /// A run with one of everything that exports look at.
  static func run(_ store: AuditStore) throws -> RunID {
    let run = RunID.new()
    let log = try store.begin(run: run)
    try log.append(
      "run.started",
      [
        "user": "someone", "provider": "openai", "model": "gpt-x", "checkout": "/work/app", "policy": "abc",
        "testCommand": "make test",
      ], content: ["task": Array("CANARY task".utf8)], durable: true)
    try log.append(
      "effect.intent", ["effect": "callModel", "provider": "openai", "model": "gpt-x", "rules": ["r/1"]], durable: true)
    try log.append(
      "model.answer", ["model": "gpt-x-1", "id": "resp-1", "stop": "toolCalls", "usage": ["input": 10, "output": 20]],
      content: ["answer": Array("CANARY answer".utf8)], durable: false)
    try log.append("effect.outcome", ["intent": 2, "outcome": "done"], durable: false)
    try log.append(
      "effect.intent",
      ["effect": "execute", "argv": ["/bin/sh", "-c", "make"], "cwd": ".", "call": "c1", "rules": []],
      durable: true)
    try log.append(
      "effect.outcome", ["intent": 5, "outcome": "done", "status": "exit 0", "milliseconds": 12],
      content: ["output": Array("CANARY output".utf8)], durable: false)
    try log.append(
      "policy.refusal", ["effect": "read", "path": ".env", "reason": "no", "rules": ["shipped/secret"]], durable: true)
    try log.append("effect.intent", ["effect": "edit", "writes": ["x"]], durable: true)
    try log.append("effect.outcome", ["intent": 8, "outcome": "unknown"], durable: false)
    try log.append(
      "effect.outcome", ["intent": 5, "outcome": "done", "commit": "0123456789012345678901234567890123456789"],
      durable: false)
    try log.append(
      "run.ended",
      [
        "outcome": "fixed", "turns": 1, "microdollars": 7, "milliseconds": 99, "usage": ["input": 10, "output": 20],
        "proof": ["p"],
      ],
      content: ["patch": patch], durable: true)
    return run
  }

  private func export(_ store: AuditStore, _ run: RunID, _ format: ExportFormat) throws -> [JSONValue] {
    var lines: [JSONValue] = []
    try RecordExport(store, version: "1").write(run, as: format) { lines.append($0) }
    return lines
  }

  @Test(arguments: ExportFormat.allCases) func noContentLeaves(format: ExportFormat) throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = try Self.run(store)
    let lines = try export(store, run, format)
    #expect(!lines.isEmpty)
    for line in lines {
      #expect(!line.text.contains("CANARY"))
      #expect(try JSONValue(parsing: line.serialized) == line)
    }
  }

  @Test func linesAreTheLeaves() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = try Self.run(store)
    var tree = MemoryTree()
    for line in try export(store, run, .jsonl) {
      let leaf = MerkleHash.leaf(try #require(line["event"]).canonical)
      #expect(line["hash"]?.string == leaf.hex)
      tree.append(leaf)
    }
    #expect(tree.root == (try store.head().root))
  }

  @Test func otherForms() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = try Self.run(store)
    let events = try export(store, run, .ocsf)
    #expect(events.count == 11)
    for event in events {
      for name in ["class_uid", "category_uid", "activity_id", "type_uid", "severity_id", "time", "metadata"] {
        #expect(event[name] != nil, "\(name)")
      }
    }
    #expect(events[6]["disposition_id"] == 2)
    #expect(events[4]["process"]?["cmd_line"] == "make")
    #expect(events[4]["attestation"]?["prev_event"] == events[3]["attestation"]?["fingerprint"]?["value"])

    let spans = try #require(
      try export(store, run, .otlp)[0]["resourceSpans"]?[0]?["scopeSpans"]?[0]?["spans"]?.array)
    #expect(
      spans.map { $0["name"]?.string } == [
        "invoke_agent codeagent", "chat gpt-x", "execute_tool execute", "execute_tool read", "execute_tool edit",
      ])
    for span in spans {
      #expect(span["traceId"]?.string?.count == 32)
      #expect(span["spanId"]?.string?.count == 16)
      #expect(span["parentSpanId"]?.string == (span == spans[0] ? nil : spans[0]["spanId"]?.string))
    }
    let records = try #require(try export(store, run, .cloudtrail)[0]["Records"]?.array)
    #expect(
      records.map { $0["eventName"]?.string } == [
        "run.started", "callModel", "execute", "read", "edit", "run.ended",
      ])
    #expect(records[3]["errorCode"] == "AccessDenied")
    #expect(records[4]["errorCode"] == "OutcomeUnknown")
    #expect(records[1]["eventTime"]?.string?.count == 20)
  }

  @Test func sumsOfRuns() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    for _ in 0..<3 { _ = try Self.run(store) }
    let statistics = try store.statistics()
    #expect(statistics.total.runs == 3)
    #expect(statistics.total.outcomes == ["fixed": 3])
    #expect((statistics.total.refusals, statistics.total.microdollars, statistics.total.inputTokens) == (3, 21, 30))
    #expect(statistics.users["someone"] == statistics.total)
    #expect(statistics.models["openai/gpt-x"]?.runs == 3)
    #expect(statistics.repositories["/work/app"]?.milliseconds == 297)
    #expect(try store.statistics(from: Clock.wallTime()).total.runs == 0)
    #expect(try store.statistics(to: Clock.wallTime()).total.runs == 3)
  }

  // MARK: Receipts

  @Test func aReceiptProvesPatchAndRun() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    _ = try Self.run(store)
    let run = try Self.run(store)
    let receipt = try store.receipt(of: run, version: "1").json.serialized
    let key = try store.loadKey().verificationKey
    let checked = try ReceiptVerifier.check(receipt, patch: Self.patch, keys: [key])
    #expect(checked.run == run.text)
    #expect(checked.outcome == "fixed")
    #expect(checked.isKeyTrusted)
    #expect(checked.commit == "0123456789012345678901234567890123456789")
    #expect(checked.checkpoint.size == 22)
    #expect(!(try ReceiptVerifier.check(receipt, patch: nil, keys: []).isKeyTrusted))
    #expect(throws: ReceiptError.self) { try ReceiptVerifier.check(receipt, patch: Self.patch + [0x0a], keys: [key]) }
    let other = try NoteSigningKey(generating: "other").verificationKey
    #expect(throws: ReceiptError.self) { try ReceiptVerifier.check(receipt, patch: Self.patch, keys: [other]) }
  }

  @Test func anAlteredReceiptDoesNotHold() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let run = try Self.run(store)
    let envelope = try store.receipt(of: run, version: "1")
    let key = try store.loadKey()
    // Even with a good signature, what it says must be in the log.
    let changes: [(String, String)] = [
      ("\"outcome\":\"fixed\"", "\"outcome\":\"other\""), (run.text, "r-20260101-aaaaaaaa"),
      ("\"events\":11", "\"events\":10"), ("index 10", "index 9"), (store.origin, "codeagent/other"),
    ]
    for (old, new) in changes {
      let text = String(decoding: envelope.payload, as: UTF8.self)
      #expect(text.contains(old), "\(old)")
      var forged = Envelope(
        Array(text.split(separator: old, omittingEmptySubsequences: false).joined(separator: new).utf8))
      try forged.sign(with: key)
      #expect(throws: ReceiptError.self, "\(old)") {
        try ReceiptVerifier.check(forged.json.serialized, patch: nil, keys: [key.verificationKey])
      }
    }
    // A flipped bit of the signed bytes.
    var bytes = envelope.json.serialized
    bytes[40] ^= 1
    #expect(throws: ReceiptError.self) { try ReceiptVerifier.check(bytes, patch: nil, keys: []) }
    #expect(kind { _ = try store.receipt(of: .new(), version: "1") } == .unknown)
  }

  @Test func theEnvelopesVector() {
    // The example of the DSSE specification.
    #expect(
      Envelope.preAuthentication(Array("hello world".utf8), type: "http://example.com/HelloWorld")
        == Array("DSSEv1 29 http://example.com/HelloWorld 11 hello world".utf8))
  }
}
