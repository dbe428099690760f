/// Finds the formats of ``SecretFormats`` in bytes, from left to right.
///
/// Every attempt either consumes what it has looked at or looks at a run of characters that no later attempt of the same
/// kind enters again: that keeps the whole linear.
struct FormatScanner {
  struct Match {
    var rule: String
    var range: Range<Int>
  }

  let bytes: UnsafeBufferPointer<UInt8>
  let formats: SecretFormats
  /// Headers and settings are not tried again inside a value that was no secret.
  private var valueBarrier = 0
  /// Where the last match ended: there a run begins, whatever the byte before.
  var lastEnd = 0

  init(_ bytes: UnsafeBufferPointer<UInt8>, _ formats: SecretFormats) {
    self.bytes = bytes
    self.formats = formats
  }

  mutating func match(at index: Int) -> Match? {
    let byte = bytes[index]
    switch byte {
    case UInt8(ascii: "-"): return privateKey(at: index)
    case UInt8(ascii: ":"): return addressPassword(at: index) ?? namedSecret(at: index)
    case UInt8(ascii: "="): return namedSecret(at: index)
    default: break
    }
    for format in formats.prefixed[Int(byte)] {
      if let end = prefixed(format, at: index) { return Match(rule: format.rule, range: index..<end) }
    }
    if byte == UInt8(ascii: "e"), let end = webToken(at: index) { return Match(rule: "jwt", range: index..<end) }
    return labelledValue(at: index)
  }

  /// The end of a placeholder that begins at a place: what an earlier redaction left is never looked into.
  func placeholderEnd(at index: Int) -> Int? {
    guard has("⟦secret:", at: index) else { return nil }
    var cursor = index + 10
    let limit = min(bytes.count, cursor + 32)
    while cursor < limit, bytes[cursor] != UInt8(ascii: ":") {
      guard (0x61...0x7a).contains(bytes[cursor]) || bytes[cursor] == UInt8(ascii: "-") else { return nil }
      cursor += 1
    }
    guard cursor < limit, run(.hexadecimal, from: cursor + 1, most: 8) == cursor + 9, has("⟧", at: cursor + 9) else {
      return nil
    }
    return cursor + 12
  }

  // MARK: Tokens

  func prefixed(_ format: SecretFormats.Prefixed, at index: Int) -> Int? {
    guard has(format.prefix, at: index), isBoundary(index, format.characters) else { return nil }
    let start = index + format.prefix.count
    let end = run(format.characters, from: start, most: format.lengths.upperBound + 1)
    guard format.lengths.contains(end - start) else { return nil }
    if format.needsDigit, !bytes[start..<end].contains(where: { (0x30...0x39).contains($0) }) { return nil }
    return end
  }

  /// Three runs with dots between them, the first two the base64 of `{"`.
  func webToken(at index: Int) -> Int? {
    guard has("eyJ", at: index), isBoundary(index, .wordOrHyphen) else { return nil }
    let header = run(.wordOrHyphen, from: index, most: 4096)
    guard header - index >= 10, header < bytes.count, bytes[header] == UInt8(ascii: "."), has("eyJ", at: header + 1)
    else {
      return nil
    }
    let payload = run(.wordOrHyphen, from: header + 1, most: 1 << 16)
    guard payload - header >= 10, payload < bytes.count, bytes[payload] == UInt8(ascii: ".") else { return nil }
    return run(.wordOrHyphen, from: payload + 1, most: 4096)
  }

  /// From `-----BEGIN … PRIVATE KEY-----` to its end, or as far as what follows could be a key, line ends in JSON included.
  private func privateKey(at index: Int) -> Match? {
    guard has("-----BEGIN ", at: index) else { return endOfPrivateKey(at: index) }
    let labelStart = index + 11
    var cursor = labelStart
    let labelEnd = min(bytes.count, cursor + 64)
    while cursor < labelEnd, bytes[cursor] != UInt8(ascii: "-") { cursor += 1 }
    guard has("-----", at: cursor) else { return nil }
    let label = String(decoding: bytes[labelStart..<cursor], as: UTF8.self)
    guard label.hasSuffix("PRIVATE KEY") || label.hasSuffix("PRIVATE KEY BLOCK") else { return nil }
    cursor += 5
    let body = cursor
    while cursor < bytes.count, isKeyText(bytes[cursor]) {
      if bytes[cursor] == UInt8(ascii: "-"), has("-----", at: cursor) {
        guard has("-----END ", at: cursor) else { break }
        let end = cursor + 9 + label.utf8.count
        return Match(rule: "private-key", range: index..<(has("-----", at: end) ? end + 5 : cursor))
      }
      cursor += 1
    }
    // Cut off: what is there of it is still secret. A mention in prose has no body.
    return cursor - body >= 32 ? Match(rule: "private-key", range: index..<cursor) : nil
  }

  /// The lines before `-----END … PRIVATE KEY-----` where the beginning was cut off.
  private func endOfPrivateKey(at index: Int) -> Match? {
    guard has("-----END ", at: index) else { return nil }
    var cursor = index + 9
    let limit = min(bytes.count, cursor + 64)
    while cursor < limit, bytes[cursor] != UInt8(ascii: "-") { cursor += 1 }
    let label = String(decoding: bytes[(index + 9)..<cursor], as: UTF8.self)
    guard label.hasSuffix("PRIVATE KEY") || label.hasSuffix("PRIVATE KEY BLOCK"), has("-----", at: cursor) else {
      return nil
    }
    var start = index
    let furthest = max(lastEnd, index - (16 << 10))
    while let line = keyLine(before: start, notBefore: furthest) { start = line }
    return index - start >= 32 ? Match(rule: "private-key", range: start..<cursor + 5) : nil
  }

  /// Where a line of base64 begins whose line end stands before a place; nil when there is none.
  private func keyLine(before end: Int, notBefore furthest: Int) -> Int? {
    var cursor = end
    if cursor - 2 >= furthest, has("\\n", at: cursor - 2) {
      cursor -= 2
    } else {
      if cursor > furthest, bytes[cursor - 1] == 0x0a { cursor -= 1 }
      if cursor > furthest, bytes[cursor - 1] == 0x0d { cursor -= 1 }
    }
    guard cursor < end else { return nil }
    let border = cursor
    while cursor > furthest, border - cursor <= 80,
      formats.classes[Int(bytes[cursor - 1])] & SecretFormats.Characters.base64.rawValue != 0
    {
      // The letter of an escaped line end.
      if bytes[cursor - 1] == UInt8(ascii: "n"), cursor - 2 >= furthest, bytes[cursor - 2] == 0x5c { break }
      cursor -= 1
    }
    return border - cursor >= 4 ? cursor : nil
  }

  private func isKeyText(_ byte: UInt8) -> Bool {
    formats.classes[Int(byte)] & SecretFormats.Characters.base64.rawValue != 0 || byte == 0x20 || byte == 0x0a
      || byte == 0x0d || byte == 0x09 || byte == 0x5c || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ":")
      || byte == UInt8(ascii: ",") || byte == UInt8(ascii: ".")
  }

  // MARK: Addresses

  /// The password in `scheme://user:password@host`.
  private func addressPassword(at index: Int) -> Match? {
    guard has("://", at: index) else { return nil }
    let start = index + 3
    var colon: Int?
    var cursor = start
    let limit = min(bytes.count, start + 1024)
    while cursor < limit {
      let byte = bytes[cursor]
      if byte == UInt8(ascii: "@") { break }
      if byte == UInt8(ascii: ":"), colon == nil { colon = cursor }
      if has("⟦", at: cursor) { return nil }
      if byte <= 0x20 || byte == 0x22 || byte == 0x27 || byte == 0x5c || byte == 0x60 || "/?#<>|".utf8.contains(byte) {
        return nil
      }
      cursor += 1
    }
    guard cursor < limit, bytes[cursor] == UInt8(ascii: "@"), let colon else { return nil }
    let password = bytes[(colon + 1)..<cursor]
    guard password.count >= 3, !isStandIn(password) else { return nil }
    return Match(rule: "url-password", range: colon + 1..<cursor)
  }

  // MARK: Headers and settings

  private struct Label {
    let name: [UInt8]
    let rule: String
    /// How many characters a value has at least.
    let shortest: Int
  }

  private static let labels: [Label] = [
    Label(name: Array("authorization".utf8), rule: "authorization", shortest: 8),
    Label(name: Array("x-api-key".utf8), rule: "authorization", shortest: 8),
    Label(name: Array("x-auth-token".utf8), rule: "authorization", shortest: 8),
    Label(name: Array("private-token".utf8), rule: "authorization", shortest: 8),
    Label(name: Array("api-key".utf8), rule: "authorization", shortest: 16),
    Label(name: Array("aws_secret_access_key".utf8), rule: "aws-secret-key", shortest: 30),
    Label(name: Array("aws_session_token".utf8), rule: "aws-session-token", shortest: 30),
    Label(name: Array("secretaccesskey".utf8), rule: "aws-secret-key", shortest: 30),
    Label(name: Array("_authtoken".utf8), rule: "registry-token", shortest: 6),
    Label(name: Array("_password".utf8), rule: "registry-token", shortest: 6),
    Label(name: Array("_auth".utf8), rule: "registry-token", shortest: 6),
  ]

  private static let schemes = ["bearer", "basic", "token", "apikey"].map { Array($0.utf8) }

  private mutating func labelledValue(at index: Int) -> Match? {
    guard index >= valueBarrier else { return nil }
    if let end = named("bearer", at: index), end < bytes.count, bytes[end] == 0x20, isBoundary(index, .word) {
      return value(from: end + 1, shortest: 16).map { Match(rule: "authorization", range: $0) }
    }
    let first = lower(bytes[index])
    for label in Self.labels {
      guard label.name[0] == first, hasIgnoringCase(label.name, at: index), isLabelStart(index) else { continue }
      var cursor = index + label.name.count
      cursor = skip(" \t\"'\\", from: cursor, most: 6)
      guard cursor < bytes.count, bytes[cursor] == UInt8(ascii: ":") || bytes[cursor] == UInt8(ascii: "=") else {
        continue
      }
      cursor = skip(" \t\"'\\", from: cursor + 1, most: 6)
      if let scheme = Self.schemes.first(where: { hasIgnoringCase($0, at: cursor) }),
        cursor + scheme.count < bytes.count, bytes[cursor + scheme.count] == 0x20
      {
        cursor += scheme.count + 1
      }
      return value(from: cursor, shortest: label.shortest).map {
        Match(rule: label.rule, range: $0)
      }
    }
    return nil
  }

  /// Whether a setting's name can begin here. Those with an underscore are npm's: `//host/:_authToken=`, or on a line of
  /// their own.
  private func isLabelStart(_ index: Int) -> Bool {
    guard bytes[index] == UInt8(ascii: "_") else { return isBoundary(index, .word) }
    return index == 0 || bytes[index - 1] == UInt8(ascii: ":") || bytes[index - 1] == 0x0a
      || (isBoundary(index, .word) && bytes[index - 1] == UInt8(ascii: "n"))
  }

  /// A value up to white space, a quote or a separator, if it is one that somebody would want to keep secret.
  private mutating func value(from start: Int, shortest: Int) -> Range<Int>? {
    var end = start
    while end < bytes.count, bytes[end] > 0x20, !"\"'`\\,;<>".utf8.contains(bytes[end]), !has("⟦", at: end) { end += 1 }
    let value = bytes[start..<end]
    guard value.count >= shortest, !isStandIn(value), looksRandom(value) else {
      valueBarrier = end
      return nil
    }
    return start..<end
  }

  /// Not a name or a word: digits, or capitals and small letters together.
  private func looksRandom(_ value: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    var hasDigit = false
    var hasUpper = false
    var hasLower = false
    var isName = true
    for byte in value {
      switch byte {
      case 0x30...0x39: hasDigit = true
      case 0x41...0x5a: hasUpper = true
      case 0x61...0x7a: hasLower = true
      case UInt8(ascii: "("), UInt8(ascii: ")"), UInt8(ascii: "{"), UInt8(ascii: "["): return false
      case UInt8(ascii: "_"), UInt8(ascii: "."): break
      default: isName = false
      }
    }
    return hasDigit || (hasUpper && hasLower && (isName ? value.count >= 16 : true))
  }

  /// A variable, a mask, a placeholder, or one of the words that stand where a password would.
  func isStandIn(_ value: Slice<UnsafeBufferPointer<UInt8>>) -> Bool {
    guard let first = value.first else { return true }
    if "${<%[*".utf8.contains(first) || first == 0xe2 { return true }
    if value.allSatisfy({ $0 == first }) || value.contains(UInt8(ascii: "{")) { return true }
    let word = String(decoding: value.prefix(24), as: UTF8.self).lowercased()
    return Self.stockWords.contains(word)
  }

  private static let stockWords: Set<String> = [
    "password", "passwd", "pass", "pwd", "secret", "token", "user", "username", "root", "admin", "guest", "test",
    "example", "changeme", "postgres", "mysql", "redis", "rabbitmq", "foo", "bar", "baz", "abc", "123", "1234", "12345",
    "123456", "your_password", "your-password", "mypassword", "dbpass", "letmein", "hunter2", "redacted", "xxx",
  ]

  // MARK: Bytes

  func has(_ text: StaticString, at index: Int) -> Bool {
    let count = text.utf8CodeUnitCount
    guard index + count <= bytes.count else { return false }
    for offset in 0..<count where bytes[index + offset] != text.utf8Start[offset] { return false }
    return true
  }

  private func has(_ text: [UInt8], at index: Int) -> Bool {
    guard index >= 0, index + text.count <= bytes.count else { return false }
    for offset in 0..<text.count where bytes[index + offset] != text[offset] { return false }
    return true
  }

  private func hasIgnoringCase(_ text: [UInt8], at index: Int) -> Bool {
    guard index + text.count <= bytes.count else { return false }
    for offset in 0..<text.count {
      if lower(bytes[index + offset]) != text[offset] { return false }
    }
    return true
  }

  private func lower(_ byte: UInt8) -> UInt8 { (0x41...0x5a).contains(byte) ? byte | 0x20 : byte }

  private func named(_ text: StaticString, at index: Int) -> Int? {
    let count = text.utf8CodeUnitCount
    guard index + count <= bytes.count else { return nil }
    for offset in 0..<count {
      if lower(bytes[index + offset]) != text.utf8Start[offset] { return nil }
    }
    return index + count
  }

  private func run(_ characters: SecretFormats.Characters, from start: Int, most: Int) -> Int {
    let limit = min(bytes.count, start + most)
    var end = start
    while end < limit, formats.classes[Int(bytes[end])] & characters.rawValue != 0 { end += 1 }
    return end
  }

  func skip(_ characters: StaticString, from start: Int, most: Int) -> Int {
    var cursor = start
    let limit = min(bytes.count, start + most)
    let set = UnsafeBufferPointer(start: characters.utf8Start, count: characters.utf8CodeUnitCount)
    while cursor < limit, set.contains(bytes[cursor]) { cursor += 1 }
    return cursor
  }

  /// Whether a run of these characters begins here: the byte before is not one of them, or ends an escape (`\n`, `%3D`).
  private func isBoundary(_ index: Int, _ characters: SecretFormats.Characters) -> Bool {
    guard index > lastEnd, formats.classes[Int(bytes[index - 1])] & characters.rawValue != 0 else { return true }
    return isEscaped(index)
  }

  /// Whether the letters before a place are the end of an escape: of a line end in JSON, or of a percent sign.
  func isEscaped(_ index: Int) -> Bool {
    if index > 1, bytes[index - 2] == 0x5c {
      let letter = bytes[index - 1]
      return letter == UInt8(ascii: "n") || letter == UInt8(ascii: "r") || letter == UInt8(ascii: "t")
    }
    return index > 2 && bytes[index - 3] == UInt8(ascii: "%")
  }
}
