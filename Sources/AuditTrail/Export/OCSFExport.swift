import JSON
import TransparencyLog

/// Events of the Open Cybersecurity Schema Framework 1.9: process, file, API and lifecycle activity, with the profiles
/// `ai_operation` (who acted, by which model) and `record_integrity` (the event's hash, the one before, the log).
struct OCSFExport {
  private let run: RecordedRun
  private let export: RecordExport

  init(_ run: RecordedRun, _ export: RecordExport) {
    self.run = run
    self.export = export
  }

  func event(_ event: Event) -> JSONValue {
    let intent = event.fields["intent"]?.int.flatMap { number in run.events.first { $0.sequence == number } }
    let effect = (intent ?? event).fields["effect"]?.string
    let isRefused = event.kind == "policy.refusal"
    let outcome = event.fields["outcome"]?.string
    let (category, type, activity) = Self.classify(event, effect)
    var object: JSONObject = [
      "metadata": [
        "version": "1.9.0",
        "product": ["name": "codeagent", "vendor_name": "codeagent", "version": .string(export.version)],
        "profiles": ["ai_operation", "record_integrity"], "uid": .string(event.hash.hex),
        "sequence": JSONValue(event.position), "correlation_uid": .string(event.run.text),
        "event_code": .string(event.kind),
      ],
      "time": .int(event.wallTime / 1_000_000), "category_uid": JSONValue(category), "class_uid": JSONValue(type),
      "activity_id": JSONValue(activity), "type_uid": JSONValue(type * 100 + activity),
      "severity_id": JSONValue(isRefused ? 3 : 1),
      "status_id": JSONValue(isRefused || outcome == "failed" ? 2 : outcome == "unknown" ? 0 : 1),
      "actor": ["user": ["name": JSONValue(run.started["user"]?.string)]],
      "ai_agent": [
        "uid": "codeagent", "instance_uid": .string(event.run.text), "name": "codeagent",
        "version": .string(export.version),
        "ai_model": [
          "name": JSONValue(run.started["model"]?.string), "ai_provider": JSONValue(run.started["provider"]?.string),
        ],
      ],
      "attestation": [
        "fingerprint": ["algorithm_id": 3, "algorithm": "SHA-256", "value": .string(event.hash.hex)],
        "prev_event": .string(event.previousHash.hex), "chain_uid": .string(export.store.origin),
      ],
      "unmapped": event.fields,
    ]
    if isRefused {
      object["action_id"] = 2
      object["disposition_id"] = 2
    } else if type != 6002 {
      object["action_id"] = 1
    }
    let subject = (intent ?? event).fields
    switch type {
    case 1007:
      object["process"] = [
        "cmd_line": JSONValue(subject["argv"]?[2]?.string ?? subject["command"]?.string),
        "working_directory": JSONValue(subject["cwd"]?.string),
      ]
    case 1001:
      let path = subject["path"]?.string ?? subject["writes"]?[0]?.string ?? subject["deletes"]?[0]?.string ?? "."
      object["file"] = ["name": .string(path), "path": .string(path), "type_id": 1]
    case 6003:
      object["api"] = [
        "operation": .string(effect ?? event.kind), "service": ["name": JSONValue(subject["endpoint"]?.string)],
      ]
    case 6002: object["app"] = ["name": "codeagent", "version": .string(export.version)]
    default: break
    }
    if let milliseconds = event.fields["milliseconds"]?.int { object["duration"] = JSONValue(milliseconds) }
    return .object(object)
  }

  /// Category, class and activity.
  private static func classify(_ event: Event, _ effect: String?) -> (Int, Int, Int) {
    switch EventSubject(kind: event.kind, effect: effect) {
    case .process: (1, 1007, 1)
    case .file: (1, 1001, effect == "edit" ? 3 : 2)
    case .api: (6, 6003, 99)
    case .lifecycle: (6, 6002, event.kind == "run.ended" ? 4 : 3)
    case .other: (6, 6003, 99)
    }
  }
}
