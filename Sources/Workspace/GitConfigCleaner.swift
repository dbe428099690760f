import Paths

/// Takes out of a git configuration whatever could be a secret or run a program, for the copy that commands see.
///
/// What is kept is an allow-list of sections and keys; addresses lose user, password and query. Syntax: git-config(1),
/// CONFIGURATION FILE.
enum GitConfigCleaner {
  /// The cleaned configuration.
  static func clean(_ configuration: [UInt8]) -> [UInt8] {
    var output: [UInt8] = []
    var reader = Reader(bytes: configuration)
    var section: Section?
    while let item = reader.next() {
      switch item {
      case .section(let next):
        section = next
        if isKept(next, key: nil) { output += next.text }
      case .value(let key, let value):
        guard let section, isKept(section, key: key) else { continue }
        let isAddress = key == "url" || key == "pushurl"
        let kept = isAddress ? withoutSecrets(value) : value
        // `submodule.*.update = !command` is the one kept key whose value can be a command.
        guard kept.first != UInt8(ascii: "!") else { continue }
        output += Array("\t\(key) = ".utf8) + quoted(kept) + [0x0a]
      }
    }
    return output
  }

  /// True when cleaning changed nothing but the layout, so that the file itself can be shown.
  static func says(_ configuration: [UInt8], theSameAs cleaned: [UInt8]) -> Bool {
    var left = Reader(bytes: configuration)
    var right = Reader(bytes: cleaned)
    while true {
      let item = left.next()
      guard item == right.next() else { return false }
      // What the reader could not read to its end was dropped.
      if item == nil { return left.isAtEnd }
    }
  }

  struct Section: Equatable {
    /// In lower case.
    var name: String
    var subsection: [UInt8]?

    var text: [UInt8] {
      guard let subsection else { return Array("[\(name)]\n".utf8) }
      var escaped: [UInt8] = []
      for byte in subsection {
        if byte == 0x22 || byte == 0x5c { escaped.append(0x5c) }
        escaped.append(byte)
      }
      return Array("[\(name) \"".utf8) + escaped + Array("\"]\n".utf8)
    }
  }

  private static let plainSections: [String: Set<String>] = [
    "core": [
      "repositoryformatversion", "filemode", "bare", "logallrefupdates", "ignorecase", "precomposeunicode", "symlinks",
      "autocrlf", "eol", "safecrlf", "worktree", "sparsecheckout", "sparsecheckoutcone", "quotepath", "abbrev",
      "sharedrepository", "commentchar", "checkstat", "trustctime", "bigfilethreshold", "compression", "splitindex",
      "untrackedcache", "protecthfs", "protectntfs", "whitespace",
    ],
    "extensions": [
      "objectformat", "partialclone", "worktreeconfig", "preciousobjects", "noop", "refstorage", "relativeworktrees",
    ],
    "user": ["name", "email"],
    "init": ["defaultbranch"],
    "push": ["default", "autosetupremote", "followtags"],
    "pull": ["rebase", "ff"],
    "fetch": ["prune"],
    "merge": ["conflictstyle", "ff", "renames"],
    "diff": ["algorithm", "renames", "renamelimit", "mnemonicprefix", "noprefix"],
    "index": ["version", "threads", "sparse"],
    "feature": ["manyfiles", "experimental"],
    "rerere": ["enabled"],
    "submodule": ["recurse", "active"],
  ]

  private static let namedSections: [String: Set<String>] = [
    "remote": ["url", "pushurl", "fetch", "push", "tagopt", "promisor", "partialclonefilter", "prune", "mirror"],
    "branch": ["remote", "merge", "rebase", "pushremote", "description"],
    "submodule": ["url", "active", "branch", "path", "ignore", "update", "fetchrecursesubmodules"],
  ]

  /// True for a section, or a key in one, that is kept.
  private static func isKept(_ section: Section, key: String?) -> Bool {
    let keys = section.subsection == nil ? plainSections[section.name] : namedSections[section.name]
    guard let keys else { return false }
    return key.map(keys.contains) ?? true
  }

  /// An address without user information and query: a token can be in either. The user of an SSH address stays.
  static func withoutSecrets(_ address: [UInt8]) -> [UInt8] {
    var result = address
    if let end = result.firstIndex(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }) {
      result = Array(result[..<end])
    }
    let mark = Array("://".utf8)
    guard let start = result.indices.first(where: { result[$0...].starts(with: mark) }) else {
      // `user@host:path` names a user; `user:secret@…` is no address that ssh knows.
      if let at = result.firstIndex(of: UInt8(ascii: "@")), result[..<at].contains(UInt8(ascii: ":")) {
        return Array(result[(at + 1)...])
      }
      return result
    }
    let authority = start + mark.count
    let end = result[authority...].firstIndex(of: 0x2f) ?? result.count
    guard let at = result[authority..<end].lastIndex(of: UInt8(ascii: "@")) else { return result }
    let isSSH = String(decoding: result[..<start], as: UTF8.self).lowercased().contains("ssh")
    let user = result[authority..<at]
    let kept = isSSH && !user.contains(UInt8(ascii: ":")) ? Array(user) + [UInt8(ascii: "@")] : []
    return Array(result[..<authority]) + kept + Array(result[(at + 1)...])
  }

  private static func quoted(_ value: [UInt8]) -> [UInt8] {
    var result: [UInt8] = [0x22]
    for byte in value {
      switch byte {
      case 0x22, 0x5c: result += [0x5c, byte]
      case 0x0a: result += Array("\\n".utf8)
      case 0x09: result += Array("\\t".utf8)
      default: result.append(byte)
      }
    }
    return result + [0x22]
  }

  /// Reads sections and values one by one; a line that is neither ends the reading, as it does for git.
  private struct Reader {
    let bytes: [UInt8]
    var index = 0

    var isAtEnd: Bool { index >= bytes.count }

    enum Item: Equatable {
      case section(Section)
      case value(key: String, value: [UInt8])
    }

    mutating func next() -> Item? {
      while index < bytes.count {
        let byte = bytes[index]
        if byte == 0x20 || byte == 0x09 || byte == 0x0a || byte == 0x0d {
          index += 1
        } else if byte == UInt8(ascii: "#") || byte == UInt8(ascii: ";") {
          skipLine()
        } else if byte == UInt8(ascii: "[") {
          return section().map(Item.section)
        } else if Self.isLetter(byte) {
          return value()
        } else if bytes[index...].starts(with: [0xef, 0xbb, 0xbf]) && index == 0 {
          index = 3
        } else {
          return nil
        }
      }
      return nil
    }

    private mutating func section() -> Section? {
      index += 1
      let name = word { Self.isLetter($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: ".") }
      skipBlanks()
      if index < bytes.count, bytes[index] == 0x22 {
        index += 1
        var subsection: [UInt8] = []
        while index < bytes.count, bytes[index] != 0x22 {
          if bytes[index] == 0x0a { return nil }
          if bytes[index] == 0x5c { index += 1 }
          guard index < bytes.count else { return nil }
          subsection.append(bytes[index])
          index += 1
        }
        index += 1
        guard index < bytes.count, bytes[index] == UInt8(ascii: "]") else { return nil }
        index += 1
        return Section(name: name, subsection: subsection)
      }
      guard index < bytes.count, bytes[index] == UInt8(ascii: "]") else { return nil }
      index += 1
      // The old form `[remote.origin]`.
      guard let dot = name.firstIndex(of: ".") else { return Section(name: name, subsection: nil) }
      return Section(name: String(name[..<dot]), subsection: Array(name[name.index(after: dot)...].utf8))
    }

    private mutating func value() -> Item? {
      let key = word { Self.isLetter($0) || $0 == UInt8(ascii: "-") }
      skipBlanks()
      guard index < bytes.count, bytes[index] == UInt8(ascii: "=") else {
        // A key alone is true.
        skipLine()
        return .value(key: key, value: Array("true".utf8))
      }
      index += 1
      skipBlanks()
      var value: [UInt8] = []
      var kept = 0
      var isQuoted = false
      scan: while index < bytes.count {
        let byte = bytes[index]
        index += 1
        switch byte {
        case 0x0a: break scan
        case 0x22:
          isQuoted.toggle()
          kept = value.count
        case 0x5c:
          guard index < bytes.count else { break scan }
          let escaped = bytes[index]
          index += 1
          switch escaped {
          case 0x0a: break
          case UInt8(ascii: "n"): value.append(0x0a)
          case UInt8(ascii: "t"): value.append(0x09)
          case UInt8(ascii: "b"): value.append(0x08)
          default: value.append(escaped)
          }
          kept = value.count
        case UInt8(ascii: "#"), UInt8(ascii: ";"):
          if isQuoted {
            value.append(byte)
            kept = value.count
          } else {
            skipLine()
            break scan
          }
        default:
          value.append(byte)
          if isQuoted || (byte != 0x20 && byte != 0x09 && byte != 0x0d) { kept = value.count }
        }
      }
      return .value(key: key, value: Array(value.prefix(kept)))
    }

    private mutating func word(_ isPart: (UInt8) -> Bool) -> String {
      let start = index
      while index < bytes.count, isPart(bytes[index]) { index += 1 }
      return String(decoding: bytes[start..<index], as: UTF8.self).lowercased()
    }

    private mutating func skipBlanks() {
      while index < bytes.count, bytes[index] == 0x20 || bytes[index] == 0x09 { index += 1 }
    }

    private mutating func skipLine() {
      while index < bytes.count, bytes[index] != 0x0a { index += 1 }
    }

    private static func isLetter(_ byte: UInt8) -> Bool {
      (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte)
    }
  }
}
