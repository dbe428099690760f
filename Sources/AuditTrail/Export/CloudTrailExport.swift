import JSON
import TransparencyLog

/// A run's effects in the form of CloudTrail records, version 1.11. The origin of the events is codeagent, not AWS:
/// `eventSource` says so.
struct CloudTrailExport {
  private let run: RecordedRun
  private let version: String

  init(_ run: RecordedRun, version: String) {
    self.run = run
    self.version = version
  }

  var document: JSONValue { ["Records": .array(run.events.compactMap(record))] }

  private func record(_ event: Event) -> JSONValue? {
    let isRefusal = event.kind == "policy.refusal"
    let name: String
    switch event.kind {
    case "effect.intent", "policy.refusal": name = event.fields["effect"]?.string ?? event.kind
    case "run.started", "run.resumed", "run.ended", "policy.approval": name = event.kind
    default: return nil
    }
    let outcome = run.outcomes[event.sequence]
    let state = outcome?.fields["outcome"]?.string
    var object: JSONObject = [
      "eventVersion": "1.11",
      "userIdentity": [
        "type": "Unknown", "principalId": .string(run.run.text), "invokedBy": "codeagent",
        "sessionContext": ["sessionIssuer": ["userName": JSONValue(run.started["user"]?.string)]],
        "onBehalfOf": ["userId": JSONValue(run.started["user"]?.string)],
      ],
      "eventTime": .string(String(Timestamp.text(event.wallTime).prefix(19)) + "Z"), "eventSource": "codeagent.local",
      "eventName": .string(name), "userAgent": .string("codeagent/\(version)"), "requestParameters": event.fields,
      "responseElements": outcome?.fields ?? .null, "requestID": .string("\(run.run.text)/\(event.sequence)"),
      "eventID": .string(event.hash.hex), "readOnly": .bool(["read", "list", "search"].contains(name)),
      "eventType": "AwsServiceEvent", "managementEvent": false, "eventCategory": "Data",
    ]
    if isRefusal {
      object["errorCode"] = "AccessDenied"
      object["errorMessage"] = event.fields["reason"] ?? .null
    } else if let state, state != "done" {
      object["errorCode"] = .string(
        state == "unknown" ? "OutcomeUnknown" : state == "cancelled" ? "Cancelled" : "Failed")
      object["errorMessage"] = outcome?.fields["error"] ?? .null
    }
    return .object(object)
  }
}
