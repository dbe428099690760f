import Paths
import TestReports

/// Inputs that no test has: the calls in the tests with one value changed. Patches that all tests accept are told apart by
/// what they give for them. Python only.
struct Probes: Sendable {
  /// A call as it is written, with one value changed.
  struct Call: Sendable, Hashable {
    var text: String
    /// Whether the test that it was made from passed before any change.
    var isFromPassing: Bool
  }

  private(set) var calls: [Call] = []
  /// The functions that are called.
  private(set) var functions: [String] = []

  static let most = 48
  private static let mostPerCall = 12
  /// What an answer is cut to, in characters.
  private static let length = 60
  static let start = "<<probes|~|"
  static let end = "|~|>>"
  static let separator = "|~|"

  /// The calls of a file's functions in the tests, changed.
  init(file: SourceFile, tests: [SourceFile], report: TestReport) {
    guard file.language == .python else { return }
    let own = Set(file.functions.filter { file.statements[$0.header].parent < 0 }.map(\.name))
    let failing = Set(report.failing.map { name in String(name.split { ".:/[ ".contains($0) }.last ?? "") })
    var changed: [[Call]] = []
    // `module.function(…)` in a test is `function(…)` in the module.
    let name = String(decoding: file.path.name.prefix { $0 != UInt8(ascii: ".") }, as: UTF8.self)
    let words = Self.words(of: tests, calling: own)
    var used = OrderedNames()
    var seen: Set<String> = []
    for test in tests where test.language == .python && changed.count < 60 {
      for open in test.tokens.indices
      where test.isCall(open) && own.contains(test.texts[open - 1])
        && (!test.isMember(open - 1) || open >= 3 && test.texts[open - 3] == name)
        && test.functionOf[open] >= 0 && test.match[open] - open <= 80
      {
        let text = test.text(open - 1, test.match[open])
        guard !text.utf8.contains(0x0a), text.utf8.count <= 160, seen.insert(text).inserted else { continue }
        used.add(test.texts[open - 1])
        let isFailing = failing.contains(test.functions[test.functionOf[open]].name)
        changed.append(
          Self.changes(of: open, in: test, words: words).map { Call(text: $0, isFromPassing: !isFailing) })
      }
    }
    // Of every call a few, before more of any.
    for round in 0..<Self.mostPerCall {
      for list in changed where round < list.count && calls.count < Self.most {
        if seen.insert(list[round].text).inserted { calls.append(list[round]) }
      }
    }
    functions = used.names
  }

  /// The words of the texts that are given to the functions.
  private static func words(of tests: [SourceFile], calling own: Set<String>) -> [[Substring]] {
    var found: [[Substring]] = []
    for test in tests where found.count < 12 {
      for open in test.tokens.indices
      where test.isCall(open) && own.contains(test.texts[open - 1]) && open + 1 < test.tokens.count
        && test.tokens[open + 1].kind == .string && test.texts[open + 1].utf8.count < 60 && found.count < 12
      {
        let words = test.texts[open + 1].dropFirst().dropLast().split(separator: " ", omittingEmptySubsequences: false)
        if words.count > 1, !test.texts[open + 1].utf8.contains(0x5c) { found.append(words) }
      }
    }
    return found
  }

  /// The call whose bracket opens at a token, with one value of its arguments changed.
  private static func changes(of open: Int, in file: SourceFile, words: [[Substring]]) -> [String] {
    let close = file.match[open]
    var edits: [(range: Range<Int>, text: String)] = []
    for index in (open + 1)..<max(close, open + 1) {
      let text = file.texts[index]
      switch file.tokens[index].kind {
      case .number:
        guard let value = Int(text) else { continue }
        for other in [value + 1, max(0, value - 1), 0, value + 3, -value] where other != value {
          edits.append((file.tokens[index].range, String(other)))
        }
      case .string:
        guard let quote = text.last, text.count >= 2, text.count < 60, let first = text.firstIndex(of: quote) else {
          continue
        }
        let prefix = text[...first]
        let content = String(text[text.index(after: first)...].dropLast())
        guard !content.contains("\\"), !content.contains(quote) else { continue }
        // One word of another call in the place of this one's.
        let parts = content.split(separator: " ", omittingEmptySubsequences: false)
        for other in words where parts.count > 1 && other.count > 1 {
          for place in 0..<min(parts.count, other.count) where parts[place] != other[place] {
            var mixed = parts
            mixed[place] = other[place]
            edits.append((file.tokens[index].range, "\(prefix)\(mixed.joined(separator: " "))\(quote)"))
          }
          if edits.count > 40 { break }
        }
        let others: [String] = [
          content + content, String(content.dropLast()), String(content.dropFirst()), String(content.reversed()), "",
        ]
        for other in others where other != content {
          edits.append((file.tokens[index].range, "\(prefix)\(other)\(quote)"))
        }
      case .open where text == "[" || text == "(" || text == "{":
        let elements = file.elements(ofBracket: index)
        guard elements.count > 1, !file.isCall(index), !file.isSubscript(index),
          let first = elements.first, let last = elements.last
        else { continue }
        let inside = Int(file.tokens[first.lowerBound].start)..<Int(file.tokens[last.upperBound].end)
        let texts = elements.map { file.text($0) }
        edits.append((inside, texts.reversed().joined(separator: ", ")))
        edits.append(
          (inside, (texts.dropLast() + (texts.count == 2 && text == "(" ? [""] : [])).joined(separator: ", ")))
        if text == "[" {
          edits.append((inside, (texts + [texts[0]]).joined(separator: ", ")))
          edits.append((inside, texts.dropFirst().joined(separator: ", ")))
        }
      default: continue
      }
      if edits.count > 60 { break }
    }
    let whole = file.byteRange(open - 1, close)
    let bytes = file.bytes
    var made: [String] = []
    // The first change of every value, then the second.
    let step = max(1, edits.count / mostPerCall)
    for first in 0..<step {
      for edit in stride(from: first, to: edits.count, by: step).map({ edits[$0] }) {
        let text =
          String(decoding: bytes[whole.lowerBound..<edit.range.lowerBound], as: UTF8.self) + edit.text
          + String(decoding: bytes[edit.range.upperBound..<whole.upperBound], as: UTF8.self)
        made.append(text)
      }
    }
    return made
  }

  /// What is put behind the file: the first test that calls one of the functions fails with what all calls give.
  var code: String {
    let list = calls.map { Self.literal($0.text) }.joined(separator: ", ")
    let names = functions.map { Self.literal($0) }.joined(separator: ", ")
    return """


      def _probe_all(calls, names):
          import copy, itertools, re, signal, time
          state = []
          def answer(call):
              def stop(number, frame):
                  raise TimeoutError
              before = signal.signal(signal.SIGALRM, stop)
              signal.setitimer(signal.ITIMER_REAL, 0.05)
              try:
                  value = eval(call, globals())
                  if hasattr(value, '__next__'):
                      value = list(itertools.islice(value, 100))
                  text = ascii(value)
              except BaseException as error:
                  text = '!' + type(error).__name__
              finally:
                  signal.setitimer(signal.ITIMER_REAL, 0)
                  signal.signal(signal.SIGALRM, before)
              return re.sub('0x[0-9a-f]+', '', text).replace('|~|', '')[:\(Self.length)]
          def wrapped(function):
              def probe(*given, **named):
                  if state:
                      return function(*given, **named)
                  state.append(1)
                  began = time.monotonic()
                  found = []
                  for call in calls:
                      found.append(answer(call) if time.monotonic() - began < 0.4 else '?')
                  state.clear()
                  raise AssertionError('\(Self.start)' + '|~|'.join(found) + '\(Self.end)')
              return probe
          for name in names:
              if callable(globals().get(name)):
                  globals()[name] = wrapped(globals()[name])
      _probe_all([\(list)], [\(names)])

      """
  }

  private static func literal(_ text: String) -> String {
    "'" + text.replacing("\\", with: "\\\\").replacing("'", with: "\\'") + "'"
  }

  /// Reads the answers from a failure's message; nil when it has none.
  func answers(in message: String?) -> [String]? {
    guard let message, let from = message.firstRange(of: Self.start),
      let to = message[from.upperBound...].firstRange(of: Self.end)
    else { return nil }
    let parts = String(message[from.upperBound..<to.lowerBound]).split(
      separator: Self.separator, omittingEmptySubsequences: false
    ).map(String.init)
    return parts.count == calls.count ? parts : nil
  }
}
