public import Access
import JSON

/// One person's approval of one action.
public struct Approval: Sendable, Hashable {
  /// What was approved.
  public var action: ActionDigest
  /// Who approved it.
  public var person: String
  /// How that is known: `terminal`, or the file that the person left.
  public var evidence: String
  /// Until when it counts, in seconds since 1970.
  public var expires: Int64

  /// How long an approval counts that says nothing else, in seconds.
  public static let lifetime: Int64 = 15 * 60

  /// An approval.
  public init(action: ActionDigest, person: String, evidence: String, expires: Int64) {
    self.action = action
    self.person = person
    self.evidence = evidence
    self.expires = expires
  }

  /// As the record keeps it.
  var json: JSONObject {
    [
      "action": .string(action.hex), "by": .string(person), "evidence": .string(evidence), "expires": .int(expires),
    ]
  }

  /// As the record gave it.
  init?(_ fields: JSONValue) {
    guard let action = fields["action"]?.string.flatMap(ActionDigest.init(hex:)), let person = fields["by"]?.string,
      case .int(let expires)? = fields["expires"]
    else { return nil }
    self.init(action: action, person: person, evidence: fields["evidence"]?.string ?? "", expires: expires)
  }
}

/// What people are asked to approve.
public struct ApprovalRequest: Sendable {
  /// The action.
  public var action: ActionDigest
  /// What it is.
  public var effect: Effect
  /// What policy says of it.
  public var decision: Decision
  /// Who has approved it already.
  public var people: Set<String>

  /// How many more people are needed.
  public var missing: Int { max(0, decision.approvals - people.count) }
}
