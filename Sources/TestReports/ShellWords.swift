/// One word of a shell command.
struct ShellWord: Hashable {
  /// The word without its quotes; expansions stay as written.
  var text: String
  /// Where it stands in the command, in UTF-8 bytes, quotes included.
  var range: Range<Int>
}

/// One simple command of a shell text, such as `node $f` in `for f in test/*.js; do node $f || r=1; done`.
struct ShellCommand: Hashable {
  /// `NAME=value` words before the program.
  var assignments: [ShellWord] = []
  /// The program and its arguments; redirections are left out.
  var words: [ShellWord] = []
  /// What ended it: `;`, `&&`, `||`, `|`, `&`, a newline, a parenthesis, or nothing at the end.
  var separator = ""
  /// True when it redirects its output.
  var redirects = false

  var texts: [String] { words.map(\.text) }

  /// Splits a text of POSIX shell into its simple commands: enough to see which program is meant, not to run it.
  /// Keywords (`if`, `do`, `then`, `!` …) in front of a command are dropped.
  static func parse(_ shell: String) -> [ShellCommand] {
    var scanner = ShellScanner(source: Array(shell.utf8.prefix(64 << 10)))
    return scanner.parse()
  }

  static let keywords: Set<String> = [
    "if", "then", "else", "elif", "do", "while", "until", "!", "{", "time", "exec", "command", "builtin",
  ]
}

private struct ShellScanner {
  let source: [UInt8]
  var index = 0
  var commands: [ShellCommand] = []
  var current = ShellCommand()

  mutating func parse() -> [ShellCommand] {
    while index < source.count {
      let byte = source[index]
      switch byte {
      case 0x20, 0x09, 0x0d: index += 1
      case 0x5c where index + 1 < source.count && source[index + 1] == 0x0a: index += 2
      case UInt8(ascii: "#"):
        while index < source.count, source[index] != 0x0a { index += 1 }
      case 0x0a, UInt8(ascii: ";"), UInt8(ascii: "&"), UInt8(ascii: "|"), UInt8(ascii: "("), UInt8(ascii: ")"):
        end(byte)
      case UInt8(ascii: ">"), UInt8(ascii: "<"): redirection()
      default: word()
      }
    }
    finish("")
    return commands
  }

  private mutating func end(_ byte: UInt8) {
    index += 1
    var separator = byte == 0x0a ? ";" : String(Unicode.Scalar(byte))
    if byte == UInt8(ascii: "&") || byte == UInt8(ascii: "|"), index < source.count, source[index] == byte {
      separator += separator
      index += 1
    } else if byte == UInt8(ascii: "&"), index < source.count, source[index] == UInt8(ascii: ">") {
      redirection()
      return
    }
    finish(separator)
  }

  private mutating func finish(_ separator: String) {
    while let first = current.words.first, ShellCommand.keywords.contains(first.text) { current.words.removeFirst() }
    if !current.words.isEmpty || !current.assignments.isEmpty {
      current.separator = separator
      commands.append(current)
    } else if let last = commands.indices.last, !separator.isEmpty, separator != ";" {
      commands[last].separator = separator
    }
    current = ShellCommand()
  }

  private mutating func redirection() {
    while index < source.count, source[index] == UInt8(ascii: ">") || source[index] == UInt8(ascii: "<") { index += 1 }
    if index < source.count, source[index] == UInt8(ascii: "&") { index += 1 }
    while index < source.count, source[index] == 0x20 { index += 1 }
    current.redirects = true
    if index < source.count { _ = scanWord() }
  }

  private mutating func word() {
    let word = scanWord()
    if index < source.count, source[index] == UInt8(ascii: ">") || source[index] == UInt8(ascii: "<"),
      !word.text.isEmpty, word.text.utf8.allSatisfy(\.isDigit)
    {
      redirection()
      return
    }
    let name = word.text.prefix { $0 != "=" }
    let isAssignment = name.count < word.text.count && !name.isEmpty && name.utf8.allSatisfy(\.isWord)
    if current.words.isEmpty, isAssignment {
      current.assignments.append(word)
    } else {
      current.words.append(word)
    }
  }

  private mutating func scanWord() -> ShellWord {
    let start = index
    var text: [UInt8] = []
    while index < source.count {
      let byte = source[index]
      switch byte {
      case 0x20, 0x09, 0x0a, 0x0d, UInt8(ascii: ";"), UInt8(ascii: "&"), UInt8(ascii: "|"), UInt8(ascii: "("),
        UInt8(ascii: ")"), UInt8(ascii: "<"), UInt8(ascii: ">"):
        if index == start { index += 1 }
        return ShellWord(text: String(decoding: text, as: UTF8.self), range: start..<index)
      case UInt8(ascii: "'"):
        index += 1
        while index < source.count, source[index] != byte { take(&text) }
        index += 1
      case 0x22:
        index += 1
        while index < source.count, source[index] != 0x22 {
          if source[index] == 0x5c, index + 1 < source.count, [0x22, 0x5c, 0x24, 0x60].contains(source[index + 1]) {
            index += 1
          }
          take(&text)
        }
        index += 1
      case 0x5c:
        index += 1
        if index < source.count { if source[index] == 0x0a { index += 1 } else { take(&text) } }
      case UInt8(ascii: "$") where index + 1 < source.count && source[index + 1] == UInt8(ascii: "("):
        var depth = 0
        repeat {
          if source[index] == UInt8(ascii: "(") { depth += 1 }
          if source[index] == UInt8(ascii: ")") { depth -= 1 }
          take(&text)
        } while index < source.count && (depth > 0 || source[index - 1] == UInt8(ascii: "$"))
      case UInt8(ascii: "`"):
        repeat { take(&text) } while index < source.count && source[index] != byte
        if index < source.count { take(&text) }
      default: take(&text)
      }
    }
    index = Swift.min(index, source.count)
    return ShellWord(text: String(decoding: text, as: UTF8.self), range: start..<index)
  }

  private mutating func take(_ text: inout [UInt8]) {
    text.append(source[index])
    index += 1
  }
}

extension String {
  /// The text as one word of POSIX shell.
  var shellQuoted: String {
    let isPlain =
      !isEmpty
      && utf8.allSatisfy { byte in
        byte.isLetter || byte.isDigit || "_-+=:,./@%".utf8.contains(byte)
      }
    return isPlain ? self : "'" + replacing("'", with: "'\\''") + "'"
  }
}
