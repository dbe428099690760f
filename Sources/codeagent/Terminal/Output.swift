import Glibc
import Paths
import Synchronization

/// Writing to the process's own streams: whole texts, retried until written; a closed reader is not an error.
enum Output {
  /// Why standard output could not be written, as `errno` has it; 0 when it could.
  private static let failure = Atomic<Int32>(0)

  /// Why standard output could not be written (no space, closed), in words; nil when it could.
  static var problem: String? {
    let reason = failure.load(ordering: .relaxed)
    return reason == 0 ? nil : String(cString: strerror(reason))
  }

  /// Writes to standard output.
  static func write(_ text: String) { write(Array(text.utf8), to: 1) }

  /// Writes bytes to standard output.
  static func write(_ bytes: [UInt8]) { write(bytes, to: 1) }

  /// Writes a line to standard error.
  static func error(_ text: String, isLine: Bool = true) { write(Array((isLine ? text + "\n" : text).utf8), to: 2) }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0 {
        if errno == EINTR { continue }
        if errno == EAGAIN {
          usleep(1000)
          continue
        }
        if descriptor == 1, errno != EPIPE { failure.store(errno, ordering: .relaxed) }
        return
      }
      rest = rest.dropFirst(count)
    }
  }
}

/// What the terminal can do.
struct TerminalTraits: Sendable {
  /// Standard output is a terminal that can redraw a line.
  var isLive: Bool
  /// Colours may be used.
  var hasColor: Bool
  /// Characters in a line.
  var columns: Int

  /// Looks at standard output and the environment: `NO_COLOR` (no-color.org), `CLICOLOR_FORCE`, `TERM=dumb`.
  static func detect(_ environment: [String: String]) -> TerminalTraits {
    let isTerminal = isatty(1) == 1 && environment["TERM"] != "dumb"
    var size = winsize()
    let hasSize = ioctl(1, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    let noColor = environment["NO_COLOR"].map { !$0.isEmpty } ?? false
    let forced = environment["CLICOLOR_FORCE"].map { $0 != "0" && !$0.isEmpty } ?? false
    return TerminalTraits(
      isLive: isTerminal, hasColor: !noColor && (isTerminal || forced), columns: hasSize ? Int(size.ws_col) : 80)
  }
}

/// Colours by meaning.
struct Style: Sendable {
  let hasColor: Bool

  func good(_ text: String) -> String { paint(text, "32") }
  func bad(_ text: String) -> String { paint(text, "31") }
  func warning(_ text: String) -> String { paint(text, "33") }
  func strong(_ text: String) -> String { paint(text, "1") }
  func faint(_ text: String) -> String { paint(text, "2") }
  func name(_ text: String) -> String { paint(text, "36") }

  private func paint(_ text: String, _ code: String) -> String {
    hasColor ? "\u{1b}[\(code)m\(text)\u{1b}[0m" : text
  }
}

/// Text from repositories, commands and models, made safe to show: nothing in it can move the cursor, set a title,
/// reorder a line or hide.
enum Display {
  /// Control, format (bidirectional, invisible) and unassigned characters become visible escapes; tab and newline stay.
  static func safe(_ text: String) -> String {
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7f || $0 == 0x0a || $0 == 0x09 }) { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar.properties.generalCategory {
      case .control where scalar == "\n" || scalar == "\t": result.unicodeScalars.append(scalar)
      case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned, .surrogate:
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Bytes as safe text.
  static func safe(_ bytes: [UInt8]) -> String { safe(String(decoding: bytes, as: UTF8.self)) }

  /// A path in git's quoted form.
  static func path(_ bytes: [UInt8]) -> String { Quoting.quote(bytes) }

  /// A number of things as people write it: `1 file`, `2 files`.
  static func count(_ number: Int, _ noun: String) -> String { "\(number) \(noun)\(number == 1 ? "" : "s")" }

  /// A size as people read it.
  static func bytes(_ count: Int) -> String {
    if count < 1000 { return "\(count) bytes" }
    if count < 1_000_000 { return "\(count / 1000) kB" }
    let tenths = count / 100_000
    return "\(tenths / 10).\(tenths % 10) MB"
  }

  /// The first line, cut to a width.
  static func line(_ text: String, width: Int) -> String {
    let first = safe(
      text.split(separator: "\n", maxSplits: 1, omittingEmptySubsequences: true).first.map(String.init) ?? "")
    return first.count <= width ? first : first.prefix(max(1, width - 1)) + "…"
  }

  /// Seconds as people read them.
  static func seconds(_ seconds: Double) -> String {
    if seconds < 0.9995 { return "\(Int((seconds * 1000).rounded())) ms" }
    if seconds < 60 {
      let tenths = Int((seconds * 10).rounded())
      return "\(tenths / 10).\(tenths % 10) s"
    }
    return "\(Int(seconds) / 60) min \(Int(seconds) % 60) s"
  }

  /// Millionths of a dollar as dollars.
  static func cost(_ microdollars: Int?) -> String {
    guard let microdollars else { return "cost unknown" }
    let cents = (microdollars + 50) / 100
    let fraction = String(cents % 10_000)
    return "$\(cents / 10_000)." + String(repeating: "0", count: 4 - fraction.count) + fraction
  }
}
