import Git
import JSON
public import Paths

/// Who wrote a line of a file, as far as the record knows.
public struct LineOrigin: Sendable, Hashable {
  /// The run that wrote it.
  public let run: RunID
  /// The event that recorded the change.
  public let change: Int
  /// The intent that led to it, with the rules that allowed it; nil when it cannot be told.
  public let intent: Int?
  /// The rules that allowed it.
  public let rules: [String]
  /// The model's answer that asked for it; nil when none did, as with changes that tests make.
  public let answer: Int?
  /// The model.
  public let model: String
  /// When, in nanoseconds since 1970.
  public let time: Int64
}

/// Finds for the lines of a file the steps of runs that wrote them: the newest run first, each by its final diff.
public struct Blame: Sendable {
  /// The file's lines, with their line feeds.
  public let lines: [[UInt8]]
  /// For each line its origin; nil for lines that no run wrote.
  public private(set) var origins: [LineOrigin?]

  /// Looks through all runs of a checkout.
  /// - Parameters:
  ///   - content: the file as it is now.
  ///   - path: where it is, from the checkout's root.
  ///   - checkout: the checkout's root in its text form, as runs record it.
  public init(_ content: [UInt8], path: RepoPath, checkout: String, in store: AuditStore) throws {
    lines = FilePatch.lines(content).map { Array($0) }
    origins = Array(repeating: nil, count: lines.count)
    let id = BlobHash.id(of: content)
    for summary in try store.runs(limit: .max) {
      guard summary.firstFields["checkout"]?.string == checkout, origins.contains(nil) else { continue }
      let run = try RecordedRun(summary.run, in: store)
      guard let end = run.events.last(where: { $0.content.contains { $0.name == "patch" } }),
        let patch = try store.content(of: end, "patch"), let files = GitPatch.files(in: patch)
      else { continue }
      for file in files where file.path == path && !file.isBinary {
        try assign(file, isExact: file.after == id, Steps(run, path, store))
      }
    }
  }

  private mutating func assign(_ file: FilePatch, isExact: Bool, _ steps: Steps) throws {
    for hunk in file.hunks {
      let new = hunk.lines.filter { $0.first != UInt8(ascii: "-") }
      let texts = new.map { Array($0.dropFirst()) }
      guard let place = isExact ? hunk.newStart - 1 : place(of: texts, near: hunk.newStart - 1) else {
        // The surroundings have changed since: the added lines alone may still be there.
        assignParts(hunk, steps)
        continue
      }
      for (offset, line) in new.enumerated() where line.first == UInt8(ascii: "+") {
        take(place + offset, texts[offset], steps)
      }
    }
  }

  private mutating func assignParts(_ hunk: FilePatch.Hunk, _ steps: Steps) {
    var block: [[UInt8]] = []
    func isDistinct(_ block: [[UInt8]]) -> Bool { block.reduce(0) { $0 + $1.filter { $0 > 0x20 }.count } >= 8 }
    for line in hunk.lines.filter({ $0.first != UInt8(ascii: "-") }) + [[]] {
      if line.first == UInt8(ascii: "+") {
        block.append(Array(line.dropFirst()))
        continue
      }
      if isDistinct(block), let place = place(of: block, near: hunk.newStart - 1) {
        for (offset, text) in block.enumerated() { take(place + offset, text, steps) }
      }
      block = []
    }
  }

  private mutating func take(_ index: Int, _ text: [UInt8], _ steps: Steps) {
    guard lines.indices.contains(index), origins[index] == nil, lines[index] == text else { return }
    origins[index] = steps.origin(of: text)
  }

  /// Where a block of lines stands; of several places the nearest.
  private func place(of block: [[UInt8]], near expected: Int) -> Int? {
    guard !block.isEmpty, block.count <= lines.count else { return nil }
    let places = (0...(lines.count - block.count)).filter { start in
      lines[start] == block[0] && lines[start..<start + block.count].elementsEqual(block)
    }
    return places.min { abs($0 - expected) < abs($1 - expected) }
  }
}

/// The steps of one run that added lines to one file.
private struct Steps {
  private let run: RecordedRun
  /// For each added line the last step that added it.
  private var added: [[UInt8]: Event] = [:]
  private let answers: [(event: Event, text: String)]

  init(_ run: RecordedRun, _ path: RepoPath, _ store: AuditStore) throws {
    self.run = run
    for event in run.events where event.content.contains(where: { $0.name == "diff" }) {
      guard let diff = try store.content(of: event, "diff"), let files = GitPatch.files(in: diff) else { continue }
      for file in files where file.path == path {
        for line in file.hunks.flatMap(\.lines) where line.first == UInt8(ascii: "+") {
          added[Array(line.dropFirst())] = event
        }
      }
    }
    var answers: [(Event, String)] = []
    for event in run.events where event.kind == "model.answer" {
      guard let answer = try store.content(of: event, "answer") else { continue }
      answers.append((event, String(decoding: answer, as: UTF8.self)))
    }
    self.answers = answers
  }

  func origin(of line: [UInt8]) -> LineOrigin? {
    // Without a step that says so, the run's end is what is known.
    guard let event = added[line] ?? run.end else { return nil }
    let number = event.fields["intent"]?.int
    let intent = number.flatMap { number in run.events.first { $0.sequence == number } }
    let call = intent?.fields["call"]?.string
    let answer = call.flatMap { call in
      answers.last { $0.event.sequence < event.sequence && $0.text.contains("\"\(call)\"") }
    }
    return LineOrigin(
      run: run.run, change: event.sequence, intent: number,
      rules: (intent?.fields["rules"]?.array ?? []).compactMap(\.string), answer: answer?.event.sequence,
      model: run.model, time: event.wallTime)
  }
}
