import Crypto
import JSON
import TransparencyLog

/// A run as an OpenTelemetry trace in OTLP/JSON: the run is an `invoke_agent` span, each effect a span below it, after the
/// semantic conventions for generative AI.
struct TraceExport {
  private let run: RecordedRun
  private let version: String

  init(_ run: RecordedRun, version: String) {
    self.run = run
    self.version = version
  }

  var document: JSONValue {
    [
      "resourceSpans": [
        [
          "resource": [
            "attributes": .array([
              Self.attribute("service.name", "codeagent"), Self.attribute("service.version", .string(version)),
            ])
          ],
          "scopeSpans": [
            ["scope": ["name": "codeagent.record", "version": .string(version)], "spans": .array(spans)]
          ],
        ]
      ]
    ]
  }

  private var spans: [JSONValue] {
    guard let first = run.events.first, let last = run.events.last else { return [] }
    let digest = Self.hex(Array(SHA256.hash(data: Array(run.run.text.utf8))))
    let trace = String(digest.prefix(32))
    let root = String(digest.suffix(16))
    let usage = run.end?.fields["usage"]
    var attributes = [
      Self.attribute("gen_ai.operation.name", "invoke_agent"), Self.attribute("gen_ai.agent.name", "codeagent"),
      Self.attribute("gen_ai.agent.id", .string(run.run.text)),
      Self.attribute("gen_ai.agent.version", .string(version)),
      Self.attribute("gen_ai.conversation.id", .string(run.run.text)),
      Self.attribute("codeagent.outcome", .string(run.outcome)),
      Self.attribute("codeagent.policy", run.started["policy"]),
      Self.attribute("gen_ai.provider.name", run.started["provider"]),
      Self.attribute("gen_ai.request.model", run.started["model"]),
    ]
    attributes += Self.usage(usage)
    var spans = [
      Self.span(
        trace, root, nil, "invoke_agent codeagent", 1, first.wallTime,
        first.wallTime + RecordedRun.duration(from: first, to: last), attributes, isError: false)
    ]
    for event in run.events {
      if event.kind == "effect.intent" {
        spans.append(effect(event, trace, root))
      } else if event.kind == "policy.refusal" {
        spans.append(
          Self.span(
            trace, Self.id(event), root, "execute_tool \(event.fields["effect"]?.string ?? "")", 1, event.wallTime,
            event.wallTime,
            [
              Self.attribute("gen_ai.operation.name", "execute_tool"), Self.attribute("error.type", "policy.refusal"),
              Self.attribute("codeagent.reason", event.fields["reason"]),
              Self.attribute("gen_ai.tool.call.id", event.fields["call"]),
            ], isError: true))
      }
    }
    return spans
  }

  private func effect(_ intent: Event, _ trace: String, _ root: String) -> JSONValue {
    let outcome = run.outcomes[intent.sequence]
    let name = intent.fields["effect"]?.string ?? "effect"
    let end = intent.wallTime + (outcome.map { RecordedRun.duration(from: intent, to: $0) } ?? 0)
    let state = outcome?.fields["outcome"]?.string ?? "unknown"
    var attributes = [Self.attribute("codeagent.rules", intent.fields["rules"])]
    if state != "done" { attributes.append(Self.attribute("error.type", .string(state))) }
    guard name == "callModel" else {
      attributes += [
        Self.attribute("gen_ai.operation.name", "execute_tool"), Self.attribute("gen_ai.tool.name", .string(name)),
        Self.attribute("gen_ai.tool.type", "function"), Self.attribute("gen_ai.tool.call.id", intent.fields["call"]),
        Self.attribute("codeagent.command", intent.fields["argv"]?[2] ?? intent.fields["command"]),
        Self.attribute("codeagent.path", intent.fields["path"]),
        Self.attribute("codeagent.exit", outcome?.fields["status"]),
      ]
      return Self.span(
        trace, Self.id(intent), root, "execute_tool \(name)", 1, intent.wallTime, end, attributes,
        isError: state != "done")
    }
    let model = intent.fields["model"]?.string ?? ""
    // The answer is recorded between a model request's intent and its outcome.
    let answer = run.events.first {
      $0.kind == "model.answer" && $0.sequence > intent.sequence && $0.sequence < outcome?.sequence ?? .max
    }
    attributes += [
      Self.attribute("gen_ai.operation.name", "chat"),
      Self.attribute("gen_ai.provider.name", intent.fields["provider"]),
      Self.attribute("gen_ai.request.model", .string(model)),
      Self.attribute("gen_ai.response.model", answer?.fields["model"]),
      Self.attribute("gen_ai.response.id", answer?.fields["id"]),
      Self.attribute("gen_ai.response.finish_reasons", answer?.fields["stop"].map { .array([$0]) }),
      Self.attribute("server.address", intent.fields["endpoint"]),
    ]
    attributes += Self.usage(answer?.fields["usage"])
    return Self.span(
      trace, Self.id(intent), root, "chat \(model)", 3, intent.wallTime, end, attributes, isError: state != "done")
  }

  private static func usage(_ usage: JSONValue?) -> [JSONValue] {
    [
      attribute("gen_ai.usage.input_tokens", usage?["input"]),
      attribute("gen_ai.usage.output_tokens", usage?["output"]),
      attribute("gen_ai.usage.cache_read.input_tokens", usage?["cachedInput"]),
      attribute("gen_ai.usage.reasoning.output_tokens", usage?["reasoning"]),
    ]
  }

  private static func id(_ event: Event) -> String { String(event.hash.hex.prefix(16)) }

  private static func span(
    _ trace: String, _ id: String, _ parent: String?, _ name: String, _ kind: Int, _ start: Int64, _ end: Int64,
    _ attributes: [JSONValue], isError: Bool
  ) -> JSONValue {
    var object: JSONObject = [
      "traceId": .string(trace), "spanId": .string(id), "name": .string(name), "kind": JSONValue(kind),
      "startTimeUnixNano": .string(String(start)), "endTimeUnixNano": .string(String(end)),
      "attributes": .array(attributes.filter { !$0.isNull }), "status": ["code": isError ? 2 : 1],
    ]
    if let parent { object["parentSpanId"] = .string(parent) }
    return .object(object)
  }

  /// An attribute; null when there is no value.
  private static func attribute(_ name: String, _ value: JSONValue?) -> JSONValue {
    guard let value = value.flatMap(wrapped) else { return .null }
    return ["key": .string(name), "value": value]
  }

  private static func wrapped(_ value: JSONValue) -> JSONValue? {
    switch value {
    case .null, .double, .object: nil
    case .string: ["stringValue": value]
    case .bool: ["boolValue": value]
    case .int(let number): ["intValue": .string(String(number))]
    case .array(let values): ["arrayValue": ["values": .array(values.compactMap(wrapped))]]
    }
  }

  private static func hex(_ bytes: [UInt8]) -> String {
    bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
