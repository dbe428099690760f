import Paths

/// Sources from which what a compiler complains of can be taken out.
public protocol ComplaintDropping {
  /// Takes out what a compiler complained of.
  /// - Parameters:
  ///   - output: what the build printed.
  ///   - countingWarnings: whether warnings count as errors.
  /// - Returns: false when nothing was found that can be taken out.
  mutating func drop(complaints output: [UInt8], countingWarnings: Bool) -> Bool
}

extension ComplaintDropping {
  /// Takes out what made a build fail: errors, else warnings where the build says at its end that they are errors.
  /// - Returns: false when nothing was found that can be taken out.
  public mutating func dropWhatFailed(in output: [UInt8]) -> Bool {
    if drop(complaints: output, countingWarnings: false) { return true }
    let end = String(decoding: output.suffix(4000), as: UTF8.self)
    return (end.contains("-Werror") || end.contains("warnings found"))
      && drop(complaints: output, countingWarnings: true)
  }
}

/// A place that a compiler complains of.
struct Complaint: Hashable {
  var path: RepoPath
  var line: Int

  private static let most = 20_000

  /// Finds `name.c:10`, `name.java:[10,5]` and the like, with the path as far as it is printed.
  static func all(in output: [UInt8], files: [RepoPath], countingWarnings: Bool) -> [Complaint] {
    var result: [Complaint] = []
    // Rust says the place on the line below the message.
    var isError = true
    for line in output.split(separator: 0x0a) where result.count < most {
      let line = line.prefix(2000)
      if starts(line, "error") { isError = true }
      if ["warning", "note", "help"].contains(where: { starts(line, $0) }) {
        isError = countingWarnings && starts(line, "warning")
      }
      let inner = line.drop { $0 == 0x20 }
      if starts(inner, "::: ") { continue }
      if starts(inner, "--> ") ? !isError : isAside(String(decoding: line, as: UTF8.self), countingWarnings) {
        continue
      }
      for path in files {
        guard let number = number(after: path, in: line) else { continue }
        result.append(Complaint(path: path, line: number))
        break
      }
    }
    return result
  }

  /// Names of which the C compilers say that they are not declared.
  static func undeclared(in output: [UInt8]) -> Set<String> {
    var names: Set<String> = []
    for line in output.split(separator: 0x0a) where line.count < 2000 {
      let text = String(decoding: line, as: UTF8.self)
      guard let end = text.firstRange(of: " undeclared (") else { continue }
      let quoted = text[..<end.lowerBound].dropLast()
      let name = quoted.utf8.reversed().prefix { Lexer.isWord($0) && $0 < 0x80 }.reversed()
      if !name.isEmpty { names.insert(String(decoding: name, as: UTF8.self)) }
    }
    return names
  }

  private static func starts(_ line: ArraySlice<UInt8>, _ word: String) -> Bool { line.starts(with: word.utf8) }

  private static func isAside(_ text: String, _ countingWarnings: Bool) -> Bool {
    // A call of what C knows nothing of declares it: the cause of an error at the definition that follows.
    let isNote = text.contains(": note: ") && !text.contains("previous implicit declaration")
    return isNote || !countingWarnings && (text.contains("warning: ") || text.hasPrefix("[WARNING]"))
  }

  /// The line number behind a file's name; nil when the file is not named, or by another path.
  private static func number(after path: RepoPath, in text: ArraySlice<UInt8>) -> Int? {
    let name = path.name
    guard let initial = name.first else { return nil }
    var rest = text
    while let first = rest.firstIndex(of: initial), first + name.count + 1 < text.endIndex {
      rest = text[(first + 1)...]
      let end = first + name.count
      guard text[first..<end].elementsEqual(name), text[end] == UInt8(ascii: ":"),
        isSame(printed(text[..<end], name: first), path)
      else { continue }
      var digits = text[(end + 1)...]
      if digits.first == UInt8(ascii: "[") { digits = digits.dropFirst() }
      let number = digits.prefix(9).prefix { (0x30...0x39).contains($0) }
      if !number.isEmpty { return number.reduce(0) { $0 * 10 + Int($1 - 0x30) } }
    }
    return nil
  }

  /// The path that ends where the text does.
  private static func printed(_ text: ArraySlice<UInt8>, name: Int) -> ArraySlice<UInt8> {
    var start = name
    while start > text.startIndex, ![0x20, 0x09, 0x22, 0x27, 0x28, 0x5d, 0x60, 0x3e, 0x3d].contains(text[start - 1]) {
      start -= 1
    }
    var path = text[start...]
    for prefix in ["file://", "./"] where path.starts(with: prefix.utf8) { path = path.dropFirst(prefix.utf8.count) }
    while path.starts(with: "../".utf8) { path = path.dropFirst(3) }
    return path
  }

  /// Whether a printed path may mean a file: one is the end of the other.
  private static func isSame(_ printed: ArraySlice<UInt8>, _ path: RepoPath) -> Bool {
    let (short, long) = printed.count < path.bytes.count ? (printed, path.bytes[...]) : (path.bytes[...], printed)
    guard long.suffix(short.count).elementsEqual(short) else { return false }
    return long.count == short.count || long[long.endIndex - short.count - 1] == 0x2f
  }
}
