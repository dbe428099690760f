import FoundationEssentials

/// A text with signatures below it, as C2SP `signed-note` writes it: the text, an empty line, and one line
/// `— <key name> <base64 of key id and signature>` for each signature.
public struct SignedNote: Hashable, Sendable {
  /// One signature line.
  public struct Signature: Hashable, Sendable {
    /// The name of the key that made it.
    public let name: String
    /// The first four bytes that identify the key beside its name.
    public let keyID: UInt32
    /// The signature itself; its form depends on the key's type.
    public let bytes: [UInt8]
  }

  /// The signed text; it ends with a line feed, and every byte of it is signed.
  public let text: String
  /// The signatures, in order.
  public private(set) var signatures: [Signature]

  /// A note without signatures; nil for a text that no note can carry: empty, without a line feed at its end, or
  /// with control characters.
  public init?(text: String) {
    guard text.utf8.last == 0x0a, SignedNote.isClean(text.utf8) else { return nil }
    self.text = text
    signatures = []
  }

  /// Reads a note; nil when it is malformed. Signatures are not checked here: see ``verify(with:)``.
  public init?(parsing bytes: [UInt8]) {
    guard bytes.count <= SignedNote.maximumSize, SignedNote.isClean(bytes), bytes.last == 0x0a,
      let note = String(validating: bytes, as: UTF8.self)
    else { return nil }
    let lines = note.utf8.split(separator: 0x0a, omittingEmptySubsequences: false).dropLast()
    guard let blank = lines.lastIndex(where: \.isEmpty), blank > lines.startIndex, blank + 1 < lines.endIndex else {
      return nil
    }
    guard lines.endIndex - blank - 1 <= SignedNote.maximumSignatures else { return nil }
    var signatures: [Signature] = []
    for line in lines[(blank + 1)...] {
      guard let signature = Signature(line: Substring(line)) else { return nil }
      signatures.append(signature)
    }
    text = lines[..<blank].map { String(Substring($0)) + "\n" }.joined()
    self.signatures = signatures
  }

  /// The note as bytes.
  public var bytes: [UInt8] {
    var note = text + "\n"
    for signature in signatures {
      note += signature.line + "\n"
    }
    return Array(note.utf8)
  }

  /// Adds a signature.
  /// - Parameter time: seconds since 1970; only a cosignature carries it.
  public mutating func sign(with key: NoteSigningKey, time: UInt64 = 0) throws(NoteKeyError) {
    let bytes =
      switch key.verificationKey.type {
      case .ed25519: try key.signature(of: Array(text.utf8))
      case .cosignature:
        Cosignature.bytes(time: time) + (try key.signature(of: Cosignature.message(text, time: time)))
      }
    signatures.append(Signature(name: key.name, keyID: key.verificationKey.keyID, bytes: bytes))
  }

  /// Adds the signatures of another note of the same text that this one lacks.
  public mutating func add(_ others: [Signature]) {
    for signature in others where !signatures.contains(signature) { signatures.append(signature) }
  }

  /// When a witness says that it saw the note, in seconds since 1970; nil without its cosignature. Not verified here.
  public func time(by key: NoteVerificationKey) -> UInt64? {
    guard key.type == .cosignature else { return nil }
    return signatures.first { $0.name == key.name && $0.keyID == key.keyID }.flatMap { Cosignature.time(in: $0.bytes) }
  }

  /// Which of the known keys signed this note.
  ///
  /// Signatures of unknown keys are ignored. One of a known key that does not hold condemns the whole note, whatever
  /// else it carries.
  /// - Returns: the keys whose signatures hold; nil when there is none, or when one does not hold.
  public func verify(with known: [NoteVerificationKey]) -> [NoteVerificationKey]? {
    var valid: [NoteVerificationKey] = []
    for signature in signatures {
      guard let key = known.first(where: { $0.name == signature.name && $0.keyID == signature.keyID }) else { continue }
      if valid.contains(key) { continue }
      guard key.signs(text, with: signature.bytes) else { return nil }
      valid.append(key)
    }
    return valid.isEmpty ? nil : valid
  }

  private static let maximumSize = 1 << 20
  private static let maximumSignatures = 100

  private static func isClean(_ bytes: some Sequence<UInt8>) -> Bool {
    bytes.allSatisfy { ($0 >= 0x20 && $0 != 0x7f) || $0 == 0x0a }
  }
}

extension SignedNote.Signature {
  /// The line as it stands in a note, without its line feed.
  public var line: String { "\u{2014} \(name) \(KeyBytes(id: keyID, rest: bytes).base64)" }

  /// Reads a line; nil when it is no signature.
  public init?(line: Substring) {
    let parts = line.split(separator: " ", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "\u{2014}", NoteVerificationKey.isName(parts[1]),
      let key = KeyBytes(base64: parts[2])
    else { return nil }
    self.init(name: String(parts[1]), keyID: key.id, bytes: key.rest)
  }
}

/// The bytes behind a base64 text of signed notes: four bytes of key id and what follows them.
struct KeyBytes {
  var id: UInt32
  var rest: [UInt8]

  init(id: UInt32, rest: [UInt8]) {
    self.id = id
    self.rest = rest
  }

  init?(base64 text: Substring) {
    guard let bytes = Base64.decode(String(text)), bytes.count > 4 else { return nil }
    id = bytes[..<4].reduce(0) { $0 << 8 | UInt32($1) }
    rest = Array(bytes[4...])
  }

  var base64: String {
    Base64.encode((0..<4).map { UInt8(truncatingIfNeeded: id >> (24 - 8 * UInt32($0))) } + rest)
  }
}

/// Base64 of RFC 4648, section 4, with padding; only the canonical form is read.
public enum Base64 {
  /// The text of bytes.
  public static func encode(_ bytes: [UInt8]) -> String { Data(bytes).base64EncodedString() }

  /// The bytes of a text; nil when it is not canonical.
  public static func decode(_ text: String) -> [UInt8]? {
    guard let data = Data(base64Encoded: text), data.base64EncodedString() == text else { return nil }
    return Array(data)
  }
}
