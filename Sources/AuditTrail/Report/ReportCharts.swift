import JSON

/// Small charts as SVG, without scripts, in the page's colours.
struct ReportCharts {
  private let run: RecordedRun
  private static let width = 520

  init(_ run: RecordedRun) { self.run = run }

  // MARK: Tokens

  private struct Answer {
    var sequence: Int
    var fresh: Int
    var cached: Int
    var output: Int
    var cost: Int?
  }

  private var answers: [Answer] {
    run.events.filter { $0.kind == "model.answer" }.map { event in
      let usage = event.fields["usage"]
      let input = usage?["input"]?.int ?? 0
      let cached = min(input, usage?["cachedInput"]?.int ?? 0)
      return Answer(
        sequence: event.sequence, fresh: input - cached, cached: cached, output: usage?["output"]?.int ?? 0,
        cost: event.fields["microdollars"]?.int)
    }
  }

  /// Bars of each answer's tokens with the cost so far above them; nil when no tokens were spent.
  func tokens() -> String? {
    let answers = answers
    let most = answers.map { $0.fresh + $0.cached + $0.output }.max() ?? 0
    guard most > 0 else { return nil }
    let height = 170
    let step = Double(Self.width - 60) / Double(answers.count)
    let bar = min(28, max(1, step * 0.7))
    let top = Double(height - 24)
    var svg = open(height: height, "Tokens of each answer")
    for (index, share) in [1.0, 0.5].enumerated() {
      let y = 8 + (top - 8) * (1 - share)
      svg += line(50, y, Double(Self.width), y, "grid")
      svg += text(46, y + 4, Figure.short(index == 0 ? most : most / 2), "end")
    }
    let costs = answers.compactMap(\.cost)
    let total = costs.reduce(0, +)
    var sum = 0
    var points: [String] = []
    for (index, answer) in answers.enumerated() {
      let x = 54 + step * Double(index) + (step - bar) / 2
      var y = top
      for (count, kind) in [(answer.cached, "cached"), (answer.fresh, "fresh"), (answer.output, "output")]
      where count > 0 {
        let size = max(0.5, (top - 8) * Double(count) / Double(most))
        y -= size
        svg +=
          "<rect class=\(kind) x=\"\(round(x))\" y=\"\(round(y))\" width=\"\(round(bar))\" height=\"\(round(size))\"/>"
      }
      sum += answer.cost ?? 0
      if total > 0 { points.append("\(round(x + bar / 2)),\(round(top - (top - 8) * Double(sum) / Double(total)))") }
      svg +=
        "<rect class=hit x=\"\(round(54 + step * Double(index)))\" y=\"0\" width=\"\(round(step))\" height=\"\(height)\"><title>"
        + "answer \(answer.sequence): \(Figure.grouped(answer.fresh)) in, \(Figure.grouped(answer.cached)) cached, "
        + "\(Figure.grouped(answer.output)) out\(answer.cost.map { ", " + Figure.cost($0) } ?? "")</title></rect>"
    }
    if points.count > 1 { svg += "<polyline class=cost points=\"\(points.joined(separator: " "))\"/>" }
    svg += line(50, top, Double(Self.width), top, "axis")
    svg += text(54, Double(height) - 6, "first answer", "start")
    svg += text(Double(Self.width) - 4, Double(height) - 6, "\(answers.count) answers", "end")
    svg += "</svg>"
    var legend =
      "<span><i class=fresh></i>read</span><span><i class=cached></i>from the cache</span><span><i class=output></i>written</span>"
    if points.count > 1 { legend += "<span><i class=cost></i>cost so far, \(Figure.cost(total)) in all</span>" }
    return svg + "<p class=legend>\(legend)</p>"
  }

  // MARK: Time

  /// Where the time went: one bar for each effect, along the run.
  func time() -> String? {
    guard let first = run.events.first, let last = run.events.last else { return nil }
    let whole = RecordedRun.duration(from: first, to: last)
    guard whole > 0 else { return nil }
    let lanes: [(String, String, [String])] = [
      ("model", "model", ["callModel"]), ("tests", "test", []), ("commands", "command", ["execute"]),
      ("patches tried", "test", ["tryPatches"]), ("files", "file", ["read", "list", "search", "edit"]),
      ("delivery", "deliver", ["deliver"]),
    ]
    var bars: [[(start: Int64, length: Int64, sequence: Int)]] = Array(repeating: [], count: lanes.count)
    for event in run.events where event.kind == "effect.intent" {
      guard let outcome = run.outcomes[event.sequence] else { continue }
      let purpose = event.fields["purpose"]?.string ?? "tool"
      let effect = event.fields["effect"]?.string ?? ""
      let isTest = effect == "execute" && !["tool", "setup"].contains(purpose)
      guard let lane = isTest ? 1 : lanes.firstIndex(where: { $0.2.contains(effect) }) else { continue }
      bars[lane].append(
        (RecordedRun.duration(from: first, to: event), RecordedRun.duration(from: event, to: outcome), event.sequence))
    }
    let used = lanes.indices.filter { !bars[$0].isEmpty }
    guard !used.isEmpty else { return nil }
    let height = used.count * 22 + 24
    let area = Double(Self.width - 170)
    var svg = open(height: height, "Where the time went")
    for (row, lane) in used.enumerated() {
      let y = Double(row * 22 + 4)
      let sum = bars[lane].reduce(Int64(0)) { $0 + $1.length }
      svg += text(96, y + 12, lanes[lane].0, "end")
      svg += "<rect class=lane x=\"102\" y=\"\(round(y))\" width=\"\(round(area))\" height=\"16\"/>"
      for bar in bars[lane] {
        let x = 102 + area * Double(bar.start) / Double(whole)
        let size = max(1, area * Double(bar.length) / Double(whole))
        svg +=
          "<rect class=\"k-\(lanes[lane].1)\" x=\"\(round(x))\" y=\"\(round(y))\" width=\"\(round(size))\" height=\"16\"><title>"
          + "event \(bar.sequence): \(Figure.duration(bar.length))</title></rect>"
      }
      svg += text(Double(Self.width) - 2, y + 12, Figure.duration(sum), "end")
    }
    let bottom = Double(height) - 6
    svg += text(102, bottom, "0", "start") + text(102 + area, bottom, Figure.duration(whole), "end")
    return svg + "</svg>"
  }

  // MARK: Parts

  private func open(height: Int, _ title: String) -> String {
    "<svg viewBox=\"0 0 \(Self.width) \(height)\" role=img aria-label=\"\(title)\">"
  }

  private func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ kind: String) -> String {
    "<line class=\(kind) x1=\"\(round(x1))\" y1=\"\(round(y1))\" x2=\"\(round(x2))\" y2=\"\(round(y2))\"/>"
  }

  private func text(_ x: Double, _ y: Double, _ text: String, _ anchor: String) -> String {
    "<text x=\"\(round(x))\" y=\"\(round(y))\" text-anchor=\"\(anchor)\">\(HTMLText.escaped(text))</text>"
  }

  private func round(_ value: Double) -> String {
    let tenths = Int((value * 10).rounded())
    return tenths % 10 == 0 ? "\(tenths / 10)" : "\(tenths / 10).\(abs(tenths % 10))"
  }
}
