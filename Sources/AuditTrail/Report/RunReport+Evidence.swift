import JSON
import TransparencyLog

extension RunReport {
  /// Which effects were asked for, and which rules answered.
  func decisions(_ timeline: Timeline, _ html: inout HTMLText) {
    struct Key: Hashable {
      var effect: String
      var rules: String
    }
    var permitted: [Key: Int] = [:]
    for event in run.events where event.kind == "effect.intent" {
      let rules = (event.fields["rules"]?.array ?? []).compactMap(\.string).joined(separator: ", ")
      permitted[Key(effect: event.fields["effect"]?.string ?? "", rules: rules), default: 0] += 1
    }
    let refused = run.events.filter { $0.kind == "policy.refusal" || $0.kind == "policy.approval" }
    html.markup("<section><h2>Decisions</h2><p class=note>Every effect passed the policy ")
    html.markup("<code>")
    html.text(String((run.started["policy"]?.string ?? "").prefix(16)))
    html.markup(
      "</code> before it happened.</p><div class=scroll><table class=list><thead><tr><th>effect<th>decision<th>rule<th>times</thead><tbody>"
    )
    // Models ask again: the same refusal is one line, with a link to the first.
    var order: [JSONValue] = []
    var groups: [JSONValue: (first: Event, count: Int)] = [:]
    for event in refused {
      var fields = event.fields.object ?? JSONObject()
      fields["call"] = nil
      let key = JSONValue.array([.string(event.kind), .object(fields)])
      if groups[key] == nil { order.append(key) }
      groups[key] = (groups[key]?.first ?? event, (groups[key]?.count ?? 0) + 1)
    }
    for (event, count) in order.compactMap({ groups[$0] }) {
      let isApproval = event.kind == "policy.approval"
      let fields = isApproval ? event.fields["effect"] ?? .null : event.fields
      html.markup("<tr><td><a href=\"#e\(event.sequence)\">")
      html.text("\(fields["effect"]?.string ?? "") \(Timeline.subject(fields))")
      html.markup("</a><td><span class=\"status bad\">")
      html.text(isApproval ? "asked \(event.fields["by"]?.string ?? "")" : "refused")
      html.markup("</span><td>")
      html.text((event.fields["rules"]?.array ?? []).compactMap(\.string).joined(separator: ", "))
      if let reason = event.fields["reason"]?.string {
        html.markup("<br><small>")
        html.text(reason)
        html.markup("</small>")
      }
      html.markup("<td>\(count)")
    }
    for (key, count) in permitted.sorted(by: { ($1.value, $0.key.effect) < ($0.value, $1.key.effect) }) {
      html.markup("<tr><td>")
      html.text(key.effect)
      html.markup("<td><span class=\"status good\">permitted</span><td>")
      html.text(key.rules)
      html.markup("<td>\(count)")
    }
    html.markup("</tbody></table></div></section>")
  }

  /// What holds the run's record fast.
  func verification(_ report: VerificationReport, _ html: inout HTMLText) throws {
    html.markup("<section id=verification><h2>Verification</h2>")
    if let bad = report.firstBad {
      html.markup("<p class=\"verdict bad\">✘ ")
      html.text("The record was changed: \(bad)")
    } else {
      html.markup(
        "<p class=\"verdict good\">✔ All \(Figure.grouped(report.count)) events are as they were written, in order, none is missing; "
      )
      html.markup("\(Figure.grouped(report.contents)) contents fit what was committed to, \(report.erased) erased.")
    }
    html.markup("</p><dl class=facts>")
    var facts: [(String, String)] = [("log", store.origin)]
    if let head = report.head { facts.append(("last event", head.hex)) }
    var proofText: String?
    if let last = run.events.last, let checkpoint = try store.checkpoint(covering: last),
      let path = try store.inclusionProof(of: last, size: checkpoint.size),
      let claim = Checkpoint(parsing: checkpoint.note.text)
    {
      facts.append(("signed", "\(Figure.grouped(checkpoint.size)) events, \(Timestamp.text(checkpoint.time))"))
      facts.append(("root", claim.root.hex))
      proofText = LogProof(index: last.position, path: path, checkpoint: checkpoint.note).text
    }
    for signer in try store.signers() { facts.append(("key", signer.key.text)) }
    if let anchor = try store.anchors(limit: 1).first {
      facts.append(
        ("held by", "\(anchor.kind) \(anchor.place), up to event \(anchor.size), \(Timestamp.text(anchor.time))"))
    } else {
      facts.append(("held by", "nobody else yet: codeagent audit anchor"))
    }
    for (name, value) in facts {
      html.markup("<div><dt>\(name)</dt><dd>")
      html.text(value)
      html.markup("</dd></div>")
    }
    html.markup(
      "</dl><p class=note>The promise: what somebody else holds a checkpoint of, nobody can change unseen. What follows it is as "
        + "safe as the machine and its key. This page is a view of the record, not the record: check with "
        + "<code>codeagent audit verify</code>, or the proof below with <code>scripts/verify-record</code>.</p>")
    if let proofText {
      html.markup("<details><summary>Proof that the run's last event is in the log</summary><pre class=out>")
      html.text(proofText)
      html.markup("</pre></details>")
    }
    html.markup("</section>")
  }
}
