internal import Paths

/// Reads what `cargo test` prints (libtest's pretty format), and `cargo nextest run`.
///
/// libtest names tests within one binary; the binary's own name goes in front: `crate::module::test`. The line numbers in
/// names of documentation tests are left out: they move with every edit above them.
enum CargoTestOutput {
  static func read(_ lines: [Bytes], into builder: inout ReportBuilder, root: ProjectRoot) -> Bool {
    var binary = ""
    var expected = 0
    var ended = 0
    var running = 0
    var reported = 0
    var indexOf: [String: Int] = [:]
    var isNamed = true
    var index = 0
    while index < lines.count {
      let line = lines[index]
      index += 1
      let text = line.trimmed
      if text.starts("Running "), let (_, path) = text.cutLast(at: "("), let inner = path.before(suffix: ")") {
        binary = name(ofBinary: inner)
        indexOf = [:]
      } else if let crate = text.after(prefix: "Doc-tests ") {
        binary = crate.text
        indexOf = [:]
      } else if let rest = line.after(prefix: "running "), let (count, tail) = rest.leadingNumber, tail.starts(" test")
      {
        expected += 1
        running = count
        reported = 0
      } else if let rest = line.after(prefix: "test "), let (name, result) = outcome(rest) {
        reported += 1
        let title = title(name)
        let added = builder.add(
          TestOutcome(name: binary.isEmpty ? title : "\(binary)::\(title)", result: result.0, message: result.1))
        if let added { indexOf[name.text] = added }
      } else if line.starts("test result: ") {
        ended += 1
        // `-q` prints a letter for a test that passes.
        if reported < running { isNamed = false }
      } else if let rest = line.after(prefix: "---- "), let name = rest.before(suffix: " stdout ----") {
        let start = index
        while index < lines.count, !lines[index].starts("---- "), !lines[index].elementsEqual("failures:".utf8),
          !lines[index].starts("test result: "),
          index - start < 4000
        {
          index += 1
        }
        let block = Array(lines[start..<index])
        let full = binary.isEmpty ? title(name) : "\(binary)::\(title(name))"
        let position = indexOf[name.text] ?? builder.add(TestOutcome(name: full, result: .failed))
        if let position { fill(position, block, into: &builder, root: root) }
      } else {
        readNextest(text, into: &builder)
      }
    }
    if expected > ended { builder.incomplete("a test program ended before its tests did") }
    let errors = CompilerErrors(lines, root: root).errors
    for error in errors { builder.add(error) }
    if !errors.isEmpty { builder.incomplete("the crate does not build") }
    return isNamed || builder.isEmpty
  }

  /// `target/debug/deps/crate-0123456789abcdef` is `crate`.
  private static func name(ofBinary path: Bytes) -> String {
    let file = path.split(separator: UInt8(ascii: "/")).last ?? path
    guard let (stem, hash) = file.cutLast(at: "-"), hash.count == 16, !stem.isEmpty else { return file.text }
    return stem.text
  }

  private static func outcome(_ rest: Bytes) -> (Bytes, (TestOutcome.Result, String?))? {
    guard let (name, tail) = rest.cutLast(at: " ... "), !name.isEmpty else { return nil }
    let word = tail.prefix { $0.isLetter }.text
    switch word {
    case "ok": return (name, (.passed, nil))
    case "FAILED": return (name, (.failed, nil))
    case "ignored": return (name, (.skipped, tail.after(prefix: "ignored, ")?.text))
    default: return nil
    }
  }

  /// Without ` (line 12)` and ` - should panic`.
  private static func title(_ name: Bytes) -> String {
    var name = name
    for suffix in [" - should panic", " - compile fail", " - compile"] { name = name.before(suffix: suffix) ?? name }
    if let (head, tail) = name.cutLast(at: " (line "), tail.before(suffix: ")")?.number != nil { return head.text }
    return name.text
  }

  /// A failure's captured output: the panic's message, its place and, with a backtrace, its frames.
  private static func fill(_ index: Int, _ block: [Bytes], into builder: inout ReportBuilder, root: ProjectRoot) {
    var frames: [SourceLocation] = []
    var place: SourceLocation?
    var message: [String] = []
    var isMessage = false
    for line in block {
      if let (_, rest) = line.cut(at: "' panicked at ") ?? line.cut(at: " panicked at "), line.starts("thread ") {
        isMessage = true
        if let quoted = rest.after(prefix: "'"), let (text, at) = quoted.cutLast(at: "', ") {
          // Before Rust 1.73: `panicked at 'message', src/lib.rs:10:9`.
          message = [text.text]
          place = root.location(prefix: at)
        } else {
          place = root.location(prefix: rest)
          if place == nil, rest.first == UInt8(ascii: "'") { message = [rest.dropFirst().text] }
        }
        continue
      }
      if isMessage, place == nil, let (text, at) = line.cutLast(at: "', "), let found = root.location(prefix: at) {
        message.append(text.text)
        place = found
        isMessage = false
        continue
      }
      if line.starts("stack backtrace:") || line.starts("note: ") { isMessage = false }
      if let at = line.trimmed.after(prefix: "at "), !isMessage, let found = root.location(prefix: at) {
        frames.append(found)
      } else if isMessage, message.count < 200 {
        message.append(line.text)
      }
    }
    frames.reverse()
    if let place, frames.last != place { frames.append(place) }
    while message.last?.isEmpty == true { message.removeLast() }
    builder.update(index) {
      $0.message =
        message.isEmpty ? block.prefix(40).map(\.text).joined(separator: "\n") : message.joined(separator: "\n")
      $0.trace = frames
      $0.location = place ?? frames.last
    }
  }

  /// `PASS [   0.004s] crate module::test`, `FAIL [   0.005s] …`.
  private static func readNextest(_ text: Bytes, into builder: inout ReportBuilder) {
    for (word, result) in [("PASS [", TestOutcome.Result.passed), ("FAIL [", .failed), ("ABORT [", .errored)] {
      guard let rest = text.after(prefix: word), let (time, tail) = rest.cut(at: "] ") else { continue }
      var words = tail.words.map(\.text)
      if let first = words.first, first.hasPrefix("(") {
        words.removeFirst(words.count > 1 && words[1].hasSuffix(")") ? 2 : 1)
      }
      let name = words.joined(separator: "::")
      // A failure is printed once more at the end.
      if !name.isEmpty, builder.index(of: name) == nil {
        builder.add(TestOutcome(name: name, result: result, duration: time.seconds))
      }
    }
  }
}
