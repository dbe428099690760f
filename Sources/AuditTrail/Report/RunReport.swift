import Crypto
import FoundationEssentials
import JSON
import TransparencyLog

/// A run as one page for people: what came of it, how that was proven, everything that happened, and what holds it fast.
///
/// The page stands alone: it asks for nothing over the network, its policy forbids that, and without scripts it shows everything
/// but the filters. Whatever a repository, a command or a model wrote is escaped.
public struct RunReport {
  let store: AuditStore
  let run: RecordedRun
  private let version: String

  /// The most bytes of one output, and of all of them, that a page shows.
  private static let longestOutput = 32 << 10
  private static let longestPage = 24 << 20

  /// A report of a run.
  /// - Parameter version: this program's version.
  public init(_ run: RunID, in store: AuditStore, version: String) throws {
    self.store = store
    self.run = try RecordedRun(run, in: store)
    self.version = version
  }

  /// The page, as UTF-8.
  public func page() throws -> [UInt8] {
    let timeline = try Timeline(run, in: store)
    let report = try store.verify(run: run.run)
    var html = HTMLText()
    head(&html)
    html.markup("<body><a class=skip href=\"#timeline\">To the timeline</a><main>")
    try top(report, &html)
    try change(&html)
    charts(&html)
    self.timeline(timeline, &html)
    decisions(timeline, &html)
    try verification(report, &html)
    html.markup("</main><footer>Written by codeagent ")
    html.text(version)
    html.markup(" from its own record. Times are UTC.</footer><script>\(ReportAssets.script)</script></body></html>\n")
    return html.bytes
  }

  // MARK: Head

  private func head(_ html: inout HTMLText) {
    func digest(_ text: String) -> String {
      Base64.encode(Array(SHA256.hash(data: Array(text.utf8))))
    }
    html.markup(
      "<!doctype html><html lang=en><head><meta charset=utf-8>"
        + "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'sha256-\(digest(ReportAssets.style))'; "
        + "script-src 'sha256-\(digest(ReportAssets.script))'; img-src data:; base-uri 'none'; form-action 'none'\">"
        + "<meta name=viewport content=\"width=device-width, initial-scale=1\"><meta name=color-scheme content=\"light dark\">"
        + "<meta name=referrer content=no-referrer><link rel=icon href=\"data:,\"><title>")
    html.text("\(run.outcome) · \(run.run.text)")
    html.markup("</title><style>\(ReportAssets.style)</style></head>")
  }

  // MARK: Outcome

  private func top(_ report: VerificationReport, _ html: inout HTMLText) throws {
    let end = run.end?.fields
    let outcome = run.outcome
    let tone =
      ["fixed", "nothing_to_fix"].contains(outcome) ? "good" : ["unconfirmed"].contains(outcome) ? "warning" : "bad"
    let mark = tone == "good" ? "✔" : tone == "warning" ? "?" : "✘"
    html.markup("<header class=\(tone)><p class=outcome><span class=mark aria-hidden=true>\(mark)</span>")
    html.text(outcome.split(separator: "_").joined(separator: " "))
    html.markup("</p><h1>")
    html.text(try title())
    html.markup("</h1><p class=reason>")
    html.text(end?["reason"]?.string ?? "The run was cut off: it has no end in the record.")
    html.markup("</p><dl class=facts>")
    let start = run.started
    let first = run.events.first
    for (name, value) in [
      ("run", run.run.text), ("project", start["checkout"]?.string ?? ""),
      ("model", run.model == "builtin" ? "built-in engine" : run.model), ("for", start["user"]?.string ?? ""),
      (
        "began",
        first.map { String(Timestamp.text($0.wallTime).prefix(19).map { $0 == "T" ? " " : $0 }) + " UTC" } ?? ""
      ),
      ("check", start["testCommand"]?.string ?? ""), ("delivered", end?["delivered"]?.string ?? ""),
    ] where !value.isEmpty {
      html.markup("<div><dt>\(name)</dt><dd>")
      html.text(value)
      html.markup("</dd></div>")
    }
    html.markup("</dl></header>")
    try cards(end, report, &html)
    let proof = (end?["proof"]?.array ?? []).compactMap(\.string)
    let flags = (end?["flags"]?.array ?? []).compactMap(\.string)
    let summary = end?["summary"]?.string ?? ""
    guard !proof.isEmpty || !flags.isEmpty || !summary.isEmpty else { return }
    html.markup("<section class=proof><h2>Proof</h2>")
    list(proof, "held", &html)
    list(flags, "flag", &html)
    if !summary.isEmpty {
      html.markup("<blockquote>")
      html.text(summary)
      html.markup("<cite>the model, in its own words: not proven</cite></blockquote>")
    }
    html.markup("</section>")
  }

  private func title() throws -> String {
    guard let start = run.events.first(where: { $0.kind == "run.started" }),
      let task = try store.content(of: start, "task").map({ String(decoding: $0, as: UTF8.self) }),
      let line = task.split(separator: "\n").first
    else { return "Repair what the tests say is broken" }
    return line.count > 160 ? line.prefix(159) + "…" : String(line)
  }

  private func cards(_ end: JSONValue?, _ report: VerificationReport, _ html: inout HTMLText) throws {
    let refusals = run.events.count { $0.kind == "policy.refusal" }
    let before = end?["failedBefore"]?.array?.count ?? 0
    let now = end?["passesNow"]?.array?.count ?? 0
    let input = end?["usage"]?["input"]?.int ?? 0
    let output = end?["usage"]?["output"]?.int ?? 0
    var cards: [(String, String, String)] = []
    if before + now > 0 { cards.append(("checks", "\(now) of \(max(before, now))", "that failed pass now")) }
    if let event = run.end, let patch = try? store.content(of: event, "patch") {
      let counts = DiffTable.counts(patch)
      cards.append(
        ("change", "+\(counts.added) −\(counts.removed)", "in \(counts.files) file\(counts.files == 1 ? "" : "s")"))
    }
    if input + output > 0 {
      cards.append(
        ("tokens", Figure.short(input + output), "\(Figure.short(input)) read, \(Figure.short(output)) written"))
    }
    if let cost = end?["microdollars"]?.int {
      cards.append(("cost", cost == 0 ? "$0" : Figure.cost(cost), run.model == "builtin" ? "no model was paid" : ""))
    }
    if let time = end?["milliseconds"]?.int {
      cards.append(("time", Figure.duration(Int64(time) * 1_000_000), "\(end?["turns"]?.int ?? 0) answers"))
    }
    cards.append(("refused", "\(refusals)", refusals == 0 ? "by policy: nothing" : "by policy"))
    html.markup("<ul class=cards>")
    for (name, value, note) in cards {
      html.markup(
        "<li><span>\(name)</span><b>\(HTMLText.escaped(value))</b><small>\(HTMLText.escaped(note))</small></li>")
    }
    // Whether to believe the rest of the page.
    let isSigned = try run.events.last.flatMap { try store.checkpoint(covering: $0) } != nil
    html.markup(
      "<li class=\(report.isWhole ? "good" : "bad")><span>record</span><b>\(report.isWhole ? "✔ whole" : "✘ changed")</b>"
        + "<small><a href=\"#verification\">\(Figure.grouped(run.events.count)) events\(isSigned ? ", signed" : "")</a></small></li>"
    )
    html.markup("</ul>")
  }

  private func list(_ sentences: [String], _ kind: String, _ html: inout HTMLText) {
    guard !sentences.isEmpty else { return }
    html.markup("<ul class=\(kind)>")
    for sentence in sentences {
      html.markup("<li>")
      html.text(sentence)
      html.markup("</li>")
    }
    html.markup("</ul>")
  }

  // MARK: Change and charts

  private func change(_ html: inout HTMLText) throws {
    guard let event = run.events.last(where: { $0.content.contains { $0.name == "patch" } && $0.kind == "run.ended" })
    else {
      return
    }
    html.markup("<section><h2>Change</h2>")
    if let patch = try store.content(of: event, "patch") {
      if patch.isEmpty {
        html.markup("<p class=note>The run ended without a change.</p>")
      } else {
        html.append(DiffTable.render(patch, isOpen: true))
      }
    } else {
      html.markup("<p class=note>The change was erased from the record; what it was is still committed to.</p>")
    }
    html.markup("</section>")
  }

  private func charts(_ html: inout HTMLText) {
    let charts = ReportCharts(run)
    let parts = [("Tokens and cost", charts.tokens()), ("Time", charts.time())].compactMap { name, svg in
      svg.map { (name, $0) }
    }
    guard !parts.isEmpty else { return }
    html.markup("<section><h2>Spending</h2><div class=charts>")
    for (name, svg) in parts { html.markup("<figure><figcaption>\(name)</figcaption>\(svg)</figure>") }
    html.markup("</div></section>")
  }

  // MARK: Timeline

  private func timeline(_ timeline: Timeline, _ html: inout HTMLText) {
    let counts = Dictionary(grouping: timeline.entries, by: \.kind).mapValues(\.count)
    html.markup(
      "<section id=timeline><h2>Timeline</h2><form class=filters hidden><input type=search placeholder=\"Find in the timeline\" "
        + "aria-label=\"Find in the timeline\">")
    for kind in Timeline.Kind.allCases {
      guard let count = counts[kind] else { continue }
      html.markup(
        "<label class=\"k-\(kind.rawValue)\"><input type=checkbox value=\(kind.rawValue)"
          + (kind == .told ? "" : " checked") + ">\(kind.label) <small>\(count)</small></label>")
    }
    html.markup(
      "<label class=only><input type=checkbox value=bad>only what went wrong</label><output></output></form><ol class=timeline>"
    )
    let start = run.events.first
    for entry in timeline.entries { self.entry(entry, start, &html) }
    html.markup("</ol><p class=\"note empty\" hidden>Nothing here fits the filters.</p></section>")
  }

  private func entry(_ entry: Timeline.Entry, _ start: Event?, _ html: inout HTMLText) {
    let offset = start.map { RecordedRun.duration(from: $0, to: entry.event) } ?? 0
    let number = entry.event.sequence
    html.markup(
      "<li id=\"e\(number)\" class=\"k-\(entry.kind.rawValue)\" data-kind=\(entry.kind.rawValue) data-state=\(entry.state.rawValue)>"
    )
    let isFolded = !entry.parts.isEmpty && html.bytes.count < Self.longestPage
    html.markup(isFolded ? "<details><summary>" : "<div class=summary>")
    html.markup(
      "<span class=time>\(Figure.duration(offset))</span><span class=dot aria-hidden=true></span><span class=title>")
    html.text(entry.title)
    if !entry.subject.isEmpty {
      html.markup(" <code>")
      html.text(entry.subject.utf8.count > 400 ? String(entry.subject.prefix(399)) + "…" : entry.subject)
      html.markup("</code>")
    }
    html.markup("</span>")
    if !entry.status.isEmpty {
      html.markup("<span class=\"status \(entry.state.rawValue)\">")
      html.text(entry.status)
      html.markup("</span>")
    }
    html.markup(
      "<span class=took>\(entry.duration.map(Figure.duration) ?? "")</span><span class=number>\(number)</span>")
    guard isFolded else {
      html.markup("</div></li>")
      return
    }
    html.markup("</summary><div class=parts>")
    for part in entry.parts { self.part(part, &html) }
    html.markup(
      "<p class=hash>event \(number) · leaf \(entry.event.position) · <code>\(entry.event.hash.hex)</code></p></div></details></li>"
    )
  }

  private func part(_ part: Timeline.Part, _ html: inout HTMLText) {
    switch part {
    case .facts(let facts):
      guard !facts.isEmpty else { return }
      html.markup("<dl class=facts>")
      for (name, value) in facts.prefix(200) {
        html.markup("<div><dt>")
        html.text(name)
        html.markup("</dt><dd>")
        html.text(value.utf8.count > 4000 ? String(value.prefix(4000)) + "…" : value)
        html.markup("</dd></div>")
      }
      html.markup("</dl>")
    case .diff(let patch): html.append(DiffTable.render(patch, isOpen: true))
    case .folded(let name, let bytes):
      html.markup("<details class=block><summary>")
      html.text(name)
      html.markup("</summary><pre class=out>")
      html.text(bytes.prefix(Self.longestOutput))
      html.markup("</pre></details>")
    case .output(let name, let bytes): block(name, bytes, "out", &html)
    case .text(let name, let text): block(name, Array(text.utf8), "said", &html)
    }
  }

  private func block(_ name: String, _ bytes: [UInt8], _ kind: String, _ html: inout HTMLText) {
    guard !bytes.isEmpty else { return }
    let clean = TerminalText.plain(bytes)
    html.markup("<figure class=block><figcaption>")
    html.text(name)
    html.markup(" <small>\(Figure.bytes(bytes.count))</small></figcaption><pre class=\(kind)>")
    let half = Self.longestOutput / 2
    if clean.count <= Self.longestOutput {
      html.text(clean)
    } else {
      html.text(clean[..<half])
      html.markup(
        "</pre><p class=note>\(Figure.bytes(clean.count - 2 * half)) more are in the record.</p><pre class=\(kind)>")
      html.text(clean[(clean.count - half)...])
    }
    html.markup("</pre></figure>")
  }
}
