internal import Paths

/// Reads the Test Anything Protocol, versions 12 to 14 (testanything.org), as tape, node-tap, node:test, Test::More and
/// hand-written harnesses print it.
struct TAPOutput {
  /// One test point.
  struct Point {
    /// Names from the outermost subtest to the test itself.
    var path: [String]
    var result: TestOutcome.Result
    var duration: Double?
    var diagnostics: [Bytes] = []
    /// The file that a harness named above the document.
    var file: Bytes?
  }

  private(set) var points: [Point] = []
  /// Why the stream is not whole: fewer points than planned, or a bail-out.
  private(set) var problem: String?
  /// True when something could only be TAP: a version, a plan or a numbered point.
  private(set) var isTAP = false

  private var pending: [[Point]] = [[]]
  private var planned: Int?
  private var seen = 0
  private var file: Bytes?
  /// What Test::More says on standard error about a test, by its name: that may come before or after its point.
  private var notes: [Bytes: [Bytes]] = [:]
  private var noted: Bytes?
  private static let maximumDepth = 16
  private static let maximumDiagnostics = 200

  init(_ lines: [Bytes]) {
    var index = 0
    while index < lines.count {
      let line = lines[index]
      index += 1
      let spaces = line.prefix { $0 == 0x20 }.count
      let text = line.dropFirst(spaces)
      // A diagnostic block: `  ---` below its point, up to `  ...`.
      if text.starts("---"), text.dropFirst(3).trimmed.isEmpty, spaces >= 2, !isEmpty(depth: (spaces - 2) / 4) {
        let start = index
        while index < lines.count, lines[index].trimmed.text != "..." || lines[index].indentation > spaces {
          if index - start > 2000 || Self.looksLikePoint(lines[index]) { break }
          index += 1
        }
        for block in lines[start..<index] {
          diagnose(block.dropFirst(Swift.min(spaces, block.indentation)), spaces - 2)
        }
        if index < lines.count, lines[index].trimmed.text == "..." { index += 1 }
        continue
      }
      read(text, spaces: spaces)
    }
    closeDocument()
  }

  private static func looksLikePoint(_ line: Bytes) -> Bool { line.starts("ok ") || line.starts("not ok ") }

  private func isEmpty(depth: Int) -> Bool { depth >= pending.count || pending[depth].isEmpty }

  private mutating func read(_ text: Bytes, spaces: Int) {
    let depth = spaces / 4
    // prove's word on a whole file, below its points.
    if file != nil, depth == 0, text.elementsEqual("ok".utf8) { return }
    if spaces % 4 == 0, depth < Self.maximumDepth {
      if let point = point(text) {
        add(point, depth: depth)
        return
      }
      if depth == 0, text.starts("TAP version ") {
        closeDocument()
        isTAP = true
        return
      }
      if let rest = text.after(prefix: "1.."), let (count, after) = rest.leadingNumber,
        after.isEmpty || after[after.startIndex].isSpace
      {
        isTAP = true
        if depth == 0 {
          // A second plan begins another document of a concatenated stream.
          if planned != nil { closeDocument() }
          planned = count
        }
        return
      }
      if text.starts("Bail out!") {
        isTAP = true
        problem = problem ?? "the tests bailed out: \(text.dropFirst(9).trimmed.text)"
        return
      }
    }
    if text.starts("#") { diagnose(text.dropFirst(), spaces) }
    // prove's own line above each verbose document: `t/a.t .. `.
    if spaces == 0, let (name, rest) = text.cut(at: " .."), rest.allSatisfy({ $0 == UInt8(ascii: ".") || $0.isSpace }),
      name.contains(UInt8(ascii: ".")), !name.contains(0x20)
    {
      closeDocument()
      file = name
    }
  }

  /// Keeps what is said about the last point of a depth.
  private mutating func diagnose(_ text: Bytes, _ spaces: Int) {
    if let quoted = text.trimmed.after(prefix: "Failed test '"), notes.count < 1000 {
      noted = quoted.before(suffix: "'") ?? quoted
    }
    if let noted, (notes[noted]?.count ?? 0) < Self.maximumDiagnostics { notes[noted, default: []].append(text) }
    let depth = Swift.min(spaces / 4, pending.count - 1)
    guard depth >= 0, let last = pending[depth].indices.last, pending[depth][last].result == .failed else { return }
    guard !text.trimmed.starts("Subtest"), pending[depth][last].diagnostics.count < Self.maximumDiagnostics else {
      return
    }
    pending[depth][last].diagnostics.append(text)
  }

  private mutating func add(_ point: Point, depth: Int) {
    if depth == 0 {
      // Without versions, a plan that is fulfilled ends its document.
      if let planned, seen >= planned, planned > 0 { closeDocument() }
      seen += 1
    }
    while pending.count <= depth { pending.append([]) }
    var point = point
    point.file = file
    // Points one level deeper belong to this one, which sums them up.
    while pending.count > depth + 2 { fold() }
    if pending.count == depth + 2 {
      for child in pending.removeLast() {
        var child = child
        child.path = point.path + child.path
        pending[depth].append(child)
      }
    }
    pending[depth].append(point)
  }

  /// Moves the deepest points one level up, as those of a subtest that was never summed up.
  private mutating func fold() {
    let deepest = pending.removeLast()
    pending[pending.count - 1] += deepest
  }

  private mutating func closeDocument() {
    while pending.count > 1 { fold() }
    points += pending[0]
    pending = [[]]
    if let planned, seen < planned {
      problem = problem ?? "\(seen) of \(planned) planned tests reported"
    }
    (planned, seen) = (nil, 0)
  }

  /// `not ok 3 - name # TODO reason`.
  private mutating func point(_ line: Bytes) -> Point? {
    let isBad = line.starts("not ok")
    guard let rest = line.after(prefix: isBad ? "not ok" : "ok"), rest.isEmpty || rest[rest.startIndex] == 0x20 else {
      return nil
    }
    var text = rest.trimmed
    var number: Int?
    if let (value, after) = text.leadingNumber, after.isEmpty || after[after.startIndex].isSpace {
      number = value
      text = after.trimmed
      isTAP = true
    }
    if number == nil, rest.first == 0x20, rest.dropFirst().first?.isSpace == true { return nil }
    if text.starts("- ") || text.elementsEqual("-".utf8) { text = text.dropFirst().trimmed }
    var (name, directive) = Self.directive(text)
    if name.ends(" {") { name = name.dropLast(2) }
    var result: TestOutcome.Result = isBad ? .failed : .passed
    var duration: Double?
    let word = directive.prefix(4).text.lowercased()
    if word == "skip" || (word == "todo" && isBad) { result = .skipped }
    if let time = directive.after(prefix: "time=") { duration = time.seconds }
    let title = Self.unescaped(name.trimmed)
    return Point(path: [title.isEmpty ? "test \(number ?? seen + 1)" : title], result: result, duration: duration)
  }

  /// Splits at the last ` # ` that is not escaped.
  private static func directive(_ text: Bytes) -> (Bytes, Bytes) {
    var search = text
    while let hash = search.lastIndex(of: UInt8(ascii: "#")) {
      let isEscaped = hash > text.startIndex && text[hash - 1] == 0x5c
      let after = text[(hash + 1)...].trimmed
      let word = after.prefix(4).text.lowercased()
      if !isEscaped, word == "skip" || word == "todo" || word == "time" { return (text[..<hash].trimmed, after) }
      search = text[..<hash]
    }
    return (text, [])
  }

  private static func unescaped(_ text: Bytes) -> String {
    guard text.contains(0x5c) else { return text.text }
    var result: [UInt8] = []
    var index = text.startIndex
    while index < text.endIndex {
      if text[index] == 0x5c, index + 1 < text.endIndex, text[index + 1] == 0x5c || text[index + 1] == UInt8(ascii: "#")
      {
        index += 1
      }
      result.append(text[index])
      index += 1
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// Adds the points, named `file::outer > inner`; `file` is what is known better than the stream itself.
  func add(to builder: inout ReportBuilder, root: ProjectRoot, file: RepoPath? = nil) {
    for point in points {
      var name = point.path.joined(separator: " > ")
      let place = file ?? point.file.flatMap { root.path($0) }
      if let place { name = "\(place.quoted)::\(name)" }
      let said = point.diagnostics.isEmpty && point.result == .failed ? notes[(point.path.last ?? "").bytes] : nil
      let details = TAPDiagnostics(said ?? point.diagnostics, root: root)
      builder.add(
        TestOutcome(
          name: name, result: point.result, duration: point.duration ?? details.duration, message: details.message,
          location: details.trace.last, trace: details.trace))
    }
    if let problem { builder.incomplete(problem) }
  }
}

/// What a stream says about one failed point: a YAML block, or comments.
struct TAPDiagnostics {
  var message: String?
  var trace: [SourceLocation] = []
  var duration: Double?

  init(_ lines: [Bytes], root: ProjectRoot) {
    var kept: [String] = []
    var error: [String] = []
    var field = ""
    var file: Bytes?
    var line: Int?
    var definition: SourceLocation?
    for raw in lines {
      let text = raw.trimmed
      if let key = Self.key(raw) {
        field = key.name
        switch field {
        case "duration_ms": duration = key.value.text.isEmpty ? nil : Double(key.value.text).map { $0 / 1000 }
        case "file": file = Self.unquoted(key.value)
        case "line": line = key.value.number
        case "error", "message":
          if !key.value.starts("|") && !key.value.starts(">") { error.append(Self.unquoted(key.value).text) }
        default: break
        }
      } else if field == "error" || field == "message" {
        error.append(raw.dropFirst(Swift.min(2, raw.indentation)).text)
      }
      for place in Self.places(text, root: root) where trace.count < ReportBuilder.maximumFrames {
        // Where a test is defined: less than where it failed.
        if field == "location" { definition = place } else { trace.append(place) }
      }
      if !["stack", "duration_ms", "failureType", "code", "type", "location", "at"].contains(field), !text.isEmpty {
        kept.append(raw.text)
      }
    }
    if trace.isEmpty, let definition { trace = [definition] }
    if let file, let line, let place = root.location(file, line: line) { trace.append(place) }
    // Stacks are printed innermost first.
    trace.reverse()
    let text = error.isEmpty ? kept.joined(separator: "\n") : error.joined(separator: "\n")
    message = text.isEmpty ? nil : text
  }

  private static func key(_ line: Bytes) -> (name: String, value: Bytes)? {
    guard line.indentation <= 2, let (name, value) = line.trimmed.cut(at: ":"), !name.isEmpty,
      name.allSatisfy(\.isWord), value.isEmpty || value.first?.isSpace == true
    else { return nil }
    return (name.text, value.trimmed)
  }

  private static func unquoted(_ value: Bytes) -> Bytes {
    guard value.count >= 2, let quote = value.first, quote == UInt8(ascii: "'") || quote == 0x22, value.last == quote
    else { return value }
    return value.dropFirst().dropLast()
  }

  /// `(path:12:5)`, `at path:12:5`, `at path line 12`, `path:12: said`.
  private static func places(_ text: Bytes, root: ProjectRoot) -> [SourceLocation] {
    if let (before, after) = text.cutLast(at: " line "), let (number, _) = after.leadingNumber,
      let path = before.words.last
    {
      return root.location(path, line: number).map { [$0] } ?? []
    }
    var place = text
    if let open = text.lastIndex(of: UInt8(ascii: "(")) { place = text[(open + 1)...] }
    if let last = place.words.last { place = last }
    while let last = place.last, ")'\".,".utf8.contains(last) { place = place.dropLast() }
    while let first = place.first, "('\"<".utf8.contains(first) { place = place.dropFirst() }
    if let found = location(place, root: root) { return [found] }
    // `tests/list.c:12: got 3, expected 4`, as compilers put it.
    return text.words.first.flatMap { location($0, root: root) }.map { [$0] } ?? []
  }

  private static func location(_ place: Bytes, root: ProjectRoot) -> SourceLocation? {
    guard place.contains(UInt8(ascii: ":")), place.contains(UInt8(ascii: ".")) else { return nil }
    return root.location(prefix: place)
  }
}
