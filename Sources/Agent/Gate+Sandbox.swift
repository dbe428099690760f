import Access
import AuditTrail
import Glibc
import JSON
import Paths
import Sandbox

/// What a run asks of the sandbox beyond what always holds.
public struct SandboxTerms: Sendable, Hashable {
  /// Whether every program that a command executes is watched. Off, debuggers and leak checkers work inside, and no rule can
  /// be about programs.
  public var watchesPrograms = true
  /// How many programs, and how many connections, of one effect are recorded one by one; all are counted.
  public var recorded = 100

  /// The usual terms.
  public init() {}
}

extension Gate {
  /// The rule that stands for a decision that could not be recorded.
  static let unrecorded = "shipped/unrecorded"

  /// Decides about a program that a command executes, before its first instruction. A rule that forbids any of the things that
  /// the program can be called forbids it. What is denied, and what would be under rules on trial, is recorded, and durable
  /// with the next effect. What a person has to approve waits where one can be asked.
  /// - Parameter labels: what the command was decided on with, as a whole.
  func mayStart(_ event: ExecEvent, labels: Set<String>) -> ExecVerdict {
    guard let denied = denial(of: event, labels, approvals: 0) else { return .allow }
    guard denied.decision.outcome == .needsApproval, !denied.decision.isPermitted else {
      return refuse(event, denied, labels, action: nil)
    }
    let action = digest(of: .start(program: event.executable, arguments: event.arguments), [:], labels)
    let people = people(approving: action)
    if !people.isEmpty, denial(of: event, labels, approvals: people.count) == nil { return .allow }
    // An approval is for these arguments: without all of them, nobody knows for what.
    if hasApprover, !isDeclined(action), !event.argumentsAreCut { return .wait }
    return refuse(event, denied, labels, action: action)
  }

  /// Asks people about a program that waits for them.
  func decideStart(_ event: ExecEvent, labels: Set<String>) async -> ExecVerdict {
    guard let denied = denial(of: event, labels, approvals: 0) else { return .allow }
    let effect = Effect.start(program: event.executable, arguments: event.arguments)
    let action = digest(of: effect, [:], labels)
    let count = await questions.ask { [self] in
      if isDeclined(action) { return 0 }
      return (try? await approvals(of: action, effect, denied.decision)) ?? 0
    }
    if count > 0, denial(of: event, labels, approvals: count) == nil { return .allow }
    decline(action)
    return refuse(event, denied, labels, action: action)
  }

  private struct Denial {
    var decision: Decision
    /// What the program is called where it is denied.
    var name: [UInt8]
  }

  /// What policy does not permit about a program, the hardest of it; nil when it permits all.
  private func denial(of event: ExecEvent, _ labels: Set<String>, approvals: Int) -> Denial? {
    var denied: Denial?
    for identity in event.identities {
      let decision = authorizer.decide(
        AccessRequest(
          principal: principal, action: .execute,
          resource: .command(.init(program: identity, arguments: event.arguments)),
          context: AccessContext(approvals: approvals, labels: labels)))
      if decision.outcome == .permit || denied != nil && decision.isPermitted { continue }
      // What may be asked for does not stand above what is denied anyway.
      if let denied, !denied.decision.isPermitted, decision.outcome != .deny { continue }
      denied = Denial(decision: decision, name: identity)
      if !decision.isPermitted, decision.outcome == .deny { break }
    }
    return denied
  }

  private func refuse(
    _ event: ExecEvent, _ denied: Denial, _ labels: Set<String>, action: ActionDigest?
  ) -> ExecVerdict {
    let decision = denied.decision
    var fields: JSONObject = [
      "program": .string(Quoting.quote(event.executable)), "calledAs": .string(Quoting.quote(denied.name)),
      "argv": .array(event.arguments.prefix(CommandLedger.mostArguments).map { .string(Quoting.quote($0)) }),
    ]
    if let action { fields["approval"] = .string(action.hex) }
    let isRecorded = record(decision, "execute", labels, fields)
    if decision.isPermitted { return isRecorded ? .allow : .deny(rule: Self.unrecorded) }
    let rules = decision.rules.map(\.rawValue).joined(separator: ", ")
    guard let action, decision.outcome == .needsApproval else { return .deny(rule: rules) }
    let why =
      isDeclined(action)
      ? "nobody has given it" + (decision.approvals > 1 ? ": codeagent policy approve \(action.hex)" : "")
      : "nobody can be asked here"
    return .deny(rule: "\(rules), which wants a person's approval; \(why)")
  }

  /// Decides about a connection out of the sandbox, and whether it may lead to a private address.
  /// - Parameter labels: of all that the run has read and that the command can see.
  func mayConnect(_ request: ConnectionRequest, labels: Set<String>) -> ConnectionVerdict {
    let host = Resource.Host(name: request.host, port: request.port)
    let decision = authorizer.decide(
      AccessRequest(
        principal: principal, action: .connect, resource: .host(host), context: AccessContext(labels: labels)))
    if decision.outcome != .permit {
      let fields: JSONObject = ["host": .string(request.host), "port": JSONValue(request.port)]
      guard record(decision, "connect", labels, fields) else { return .deny(rule: Self.unrecorded) }
      if !decision.isPermitted { return .deny(rule: decision.rules.map(\.rawValue).joined(separator: ", ")) }
    }
    return authorizer.names(host, in: decision.rules) ? .allowPrivate : .allow
  }

  /// Records what policy did not permit, or would not have; false when that cannot be.
  private func record(_ decision: Decision, _ action: String, _ labels: Set<String>, _ about: JSONObject) -> Bool {
    guard mayRecordDecision() else { return true }
    var fields = about.merging(decision.fields(labels: labels))
    fields["action"] = .string(action)
    do throws(AuditError) {
      try recorder.append(.decision, .object(fields))
      return true
    } catch { return false }
  }
}

extension Decision {
  /// As the record keeps what was not simply permitted.
  func fields(labels: Set<String>) -> JSONObject {
    [
      "decision": .string(outcome.rawValue), "enforced": .bool(isEnforced), "reason": .string(reason),
      "rules": .array(rules.map { .string("\($0)") }), "policy": .string(policyDigest),
      "labels": .array(labels.sorted().map { .string($0) }),
    ]
  }
}

extension Effect {
  /// Whether commands run in the sandbox for it.
  var runsCommands: Bool {
    switch self {
    case .execute, .tryPatches: true
    case .read, .list, .search, .edit, .start, .callModel, .deliver: false
    }
  }
}

extension ExecSummary {
  /// What is said of programs that were not started, for the model and for people; nil when all were.
  var denials: String? {
    if denied.isEmpty { return nil }
    var lines: [String] = []
    for record in denied {
      let line =
        "[\(Quoting.quote(record.event.executable)) was not started: forbidden by \(record.deniedBy ?? "policy")]"
      if !lines.contains(line), lines.count < 10 { lines.append(line) }
    }
    if deniedTotal > lines.count { lines.append("[\(deniedTotal) starts were denied in all]") }
    return lines.joined(separator: "\n")
  }
}
