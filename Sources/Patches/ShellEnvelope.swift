/// Recognises shell commands that do nothing but apply a patch.
enum ShellEnvelope {
  private static let commands = ["apply_patch", "applypatch"]

  static func extract(_ command: String) -> (directory: String?, patch: String)? {
    extract(command, depth: 0)
  }

  static func extract(arguments: [String]) -> (directory: String?, patch: String)? {
    extract(arguments: arguments, depth: 0)
  }

  private static func extract(_ command: String, depth: Int) -> (directory: String?, patch: String)? {
    guard depth < 4 else { return nil }
    var script = Script(Array(command.utf8))
    if script.next == UInt8(ascii: "["), let arguments = script.stringArray() {
      return extract(arguments: arguments, depth: depth + 1)
    }
    // A heredoc alone, as when the whole redirection was passed as the argument.
    if let body = script.heredoc() { return script.isAtEnd ? (nil, body) : nil }
    guard var word = script.word() else { return nil }
    var directory: String?
    if word == "cd" {
      guard let place = script.word(), !place.isEmpty, !place.hasPrefix("-"), script.take("&&"),
        let next = script.word()
      else { return nil }
      directory = place
      word = next
    }
    if commands.contains(word) {
      if let body = script.heredoc() { return script.isAtEnd ? (directory, body) : nil }
      guard let patch = script.word(), script.isAtEnd else { return nil }
      return (directory, patch)
    }
    guard isShell(word), let flag = script.word(), flag == "-lc" || flag == "-c", let inner = script.word(),
      script.isAtEnd, let found = extract(inner, depth: depth + 1)
    else { return nil }
    guard let directory else { return found }
    guard let inside = found.directory else { return (directory, found.patch) }
    return (inside.hasPrefix("/") ? inside : directory + "/" + inside, found.patch)
  }

  private static func extract(arguments: [String], depth: Int) -> (directory: String?, patch: String)? {
    if arguments.count == 2, commands.contains(arguments[0]) {
      return extract(arguments[1], depth: depth + 1) ?? (nil, arguments[1])
    }
    guard arguments.count == 3, isShell(arguments[0]), arguments[1] == "-lc" || arguments[1] == "-c" else { return nil }
    return extract(arguments[2], depth: depth + 1)
  }

  private static func isShell(_ word: String) -> Bool {
    ["bash", "sh", "zsh"].contains(word.split(separator: "/").last.map(String.init) ?? "")
  }
}

/// A cursor over shell text that knows words, quotes and heredocs, and gives up on everything else.
private struct Script {
  private let bytes: [UInt8]
  private var index = 0

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    skipLines()
  }

  /// The next byte that is not white space.
  var next: UInt8? { index < bytes.count ? bytes[index] : nil }

  /// True when nothing but white space is left.
  var isAtEnd: Bool { bytes[index...].allSatisfy { PatchText.isSpace($0) } }

  private mutating func skipLines() {
    while index < bytes.count, PatchText.isSpace(bytes[index]) { index += 1 }
  }

  private mutating func skipSpaces() {
    while index < bytes.count, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
  }

  mutating func take(_ token: String) -> Bool {
    skipSpaces()
    guard bytes[index...].starts(with: token.utf8) else { return false }
    index += token.utf8.count
    skipLines()
    return true
  }

  /// One word with its quotes removed; nil, without moving, where there is none or where it would be expanded.
  mutating func word() -> String? {
    skipSpaces()
    let start = index
    var word: [UInt8] = []
    while index < bytes.count {
      let byte = bytes[index]
      if PatchText.isSpace(byte) { break }
      index += 1
      switch byte {
      case UInt8(ascii: "'"):
        guard let end = bytes[index...].firstIndex(of: byte) else { return rewind(start) }
        word.append(contentsOf: bytes[index..<end])
        index = end + 1
      case UInt8(ascii: "\""):
        guard let inner = doubleQuoted() else { return rewind(start) }
        word.append(contentsOf: inner)
      case UInt8(ascii: "\\"):
        guard index < bytes.count else { return rewind(start) }
        if bytes[index] != 0x0a { word.append(bytes[index]) }
        index += 1
      case UInt8(ascii: "$"), UInt8(ascii: "`"), UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "["),
        UInt8(ascii: "<"), UInt8(ascii: ">"), UInt8(ascii: "|"), UInt8(ascii: "&"), UInt8(ascii: ";"),
        UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "{"), UInt8(ascii: "#"), UInt8(ascii: "~"):
        return rewind(start)
      default: word.append(byte)
      }
    }
    return index == start ? nil : String(decoding: word, as: UTF8.self)
  }

  private mutating func rewind(_ start: Int) -> String? {
    index = start
    return nil
  }

  /// After the opening quote. A `$` or backquote would be expanded by a shell; a patch means it as it stands.
  private mutating func doubleQuoted() -> [UInt8]? {
    var result: [UInt8] = []
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      if byte == UInt8(ascii: "\"") { return result }
      guard byte == UInt8(ascii: "\\"), index < bytes.count else {
        result.append(byte)
        continue
      }
      let escaped = bytes[index]
      index += 1
      if escaped == 0x0a { continue }
      if !"$`\"\\".utf8.contains(escaped) { result.append(byte) }
      result.append(escaped)
    }
    return nil
  }

  /// `<<'WORD'` and the lines up to the one that is WORD; nil, without moving, when there is no heredoc here.
  mutating func heredoc() -> String? {
    let start = index
    skipSpaces()
    guard bytes[index...].starts(with: "<<".utf8), !bytes[index...].starts(with: "<<<".utf8) else {
      return rewind(start)
    }
    index += 2
    let stripsTabs = index < bytes.count && bytes[index] == UInt8(ascii: "-")
    if stripsTabs { index += 1 }
    guard let delimiter = word(), !delimiter.isEmpty else { return rewind(start) }
    skipSpaces()
    if index < bytes.count, bytes[index] == 0x0d { index += 1 }
    guard index < bytes.count, bytes[index] == 0x0a else { return rewind(start) }
    index += 1
    var body: [UInt8] = []
    while index < bytes.count {
      let end = bytes[index...].firstIndex(of: 0x0a) ?? bytes.count
      var line = bytes[index..<end]
      index = min(end + 1, bytes.count)
      if stripsTabs { line = line.drop { $0 == 0x09 } }
      if PatchText.trimmed(line).elementsEqual(delimiter.utf8) {
        return String(decoding: body, as: UTF8.self)
      }
      body.append(contentsOf: line)
      body.append(0x0a)
    }
    // The end of the heredoc got lost; a shell would take the rest, too.
    return String(decoding: body, as: UTF8.self)
  }

  /// A JSON array of strings and nothing after it.
  mutating func stringArray() -> [String]? {
    var reader = StringArrayReader(bytes: bytes, index: index)
    return reader.read()
  }
}

/// Reads a JSON array of strings: this room imports no JSON reader for the one shape it needs.
private struct StringArrayReader {
  let bytes: [UInt8]
  var index: Int

  mutating func read() -> [String]? {
    guard take(UInt8(ascii: "[")) else { return nil }
    var strings: [String] = []
    while !take(UInt8(ascii: "]")) {
      if !strings.isEmpty {
        guard take(UInt8(ascii: ",")) else { return nil }
      }
      guard let string = string() else { return nil }
      strings.append(string)
    }
    skipSpace()
    return index == bytes.count ? strings : nil
  }

  private mutating func skipSpace() {
    while index < bytes.count, PatchText.isSpace(bytes[index]) { index += 1 }
  }

  private mutating func take(_ byte: UInt8) -> Bool {
    skipSpace()
    guard index < bytes.count, bytes[index] == byte else { return false }
    index += 1
    return true
  }

  private mutating func string() -> String? {
    guard take(0x22) else { return nil }
    // Code units of UTF-16, as surrogates are escaped in pairs.
    var result: [UInt8] = []
    var pending: UInt16?
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      var unit: UInt16?
      switch byte {
      case 0x22: return String(decoding: result, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard index < bytes.count else { return nil }
        let escape = bytes[index]
        index += 1
        switch escape {
        case UInt8(ascii: "n"): result.append(0x0a)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "r"): result.append(0x0d)
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0c)
        case UInt8(ascii: "u"):
          guard index + 4 <= bytes.count,
            let value = UInt16(String(decoding: bytes[index..<index + 4], as: UTF8.self), radix: 16)
          else { return nil }
          index += 4
          unit = value
        default: result.append(escape)
        }
      default: result.append(byte)
      }
      guard let unit else {
        pending = nil
        continue
      }
      if UTF16.isLeadSurrogate(unit) {
        pending = unit
      } else if let lead = pending, UTF16.isTrailSurrogate(unit) {
        result.append(contentsOf: String(decoding: [lead, unit], as: UTF16.self).utf8)
        pending = nil
      } else {
        result.append(contentsOf: String(decoding: [unit], as: UTF16.self).utf8)
        pending = nil
      }
    }
    return nil
  }
}
