import Crypto
import FoundationEssentials

/// Why a note key cannot be used.
public enum NoteKeyError: Error, Sendable, Equatable, CustomStringConvertible {
  /// A key's name is empty or holds a space, a plus sign or a control character.
  case invalidName
  /// The private key is not 32 bytes.
  case invalidSeed
  /// The signature could not be made.
  case signingFailed
  /// A private key's text is not one, or its key id is not the key's own.
  case malformed

  /// A sentence for people.
  public var description: String {
    switch self {
    case .invalidName: "the key's name is empty, or holds a space, a plus sign or a control character"
    case .invalidSeed: "an Ed25519 private key has exactly 32 bytes"
    case .signingFailed: "the signature could not be made"
    case .malformed: "this is not the text of a private note key (PRIVATE+KEY+name+id+key)"
    }
  }
}

/// What a key signs, by the type byte of C2SP `signed-note`.
public enum NoteKeyType: UInt8, Sendable, Hashable {
  /// Ed25519 over the note's text.
  case ed25519 = 1
  /// Ed25519 over a time and the note's text, as witnesses sign (C2SP `tlog-cosignature`, `cosignature/v1`).
  case cosignature = 4
}

/// An Ed25519 key that signs notes.
public struct NoteSigningKey: Sendable {
  /// The name that stands in signature lines.
  public let name: String
  /// What others verify with.
  public let verificationKey: NoteVerificationKey
  private let key: Curve25519.Signing.PrivateKey

  /// A key from its 32 private bytes (the seed of RFC 8032).
  public init(name: String, seed: [UInt8], type: NoteKeyType = .ed25519) throws(NoteKeyError) {
    guard NoteVerificationKey.isName(name) else { throw .invalidName }
    guard seed.count == 32, let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
      throw .invalidSeed
    }
    self.name = name
    self.key = key
    verificationKey = NoteVerificationKey(name: name, type: type, key: Array(key.publicKey.rawRepresentation))
  }

  /// A new key.
  public init(generating name: String, type: NoteKeyType = .ed25519) throws(NoteKeyError) {
    try self.init(name: name, seed: Array(Curve25519.Signing.PrivateKey().rawRepresentation), type: type)
  }

  /// Reads the private text form, `PRIVATE+KEY+<name>+<key id>+<base64 of type and seed>`; white space around it is ignored.
  public init(privateText: String) throws(NoteKeyError) {
    let parts = privateText.split(whereSeparator: \.isWhitespace).joined().split(
      separator: "+", maxSplits: 4, omittingEmptySubsequences: false)
    guard parts.count == 5, parts[0] == "PRIVATE", parts[1] == "KEY", let bytes = Base64.decode(String(parts[4])),
      let type = bytes.first.flatMap(NoteKeyType.init)
    else { throw .malformed }
    try self.init(name: String(parts[2]), seed: Array(bytes[1...]), type: type)
    guard parts[3] == verificationKey.keyIDText else { throw .malformed }
  }

  /// The private text form: whoever has it can sign.
  public var privateText: String {
    "PRIVATE+KEY+\(name)+\(verificationKey.keyIDText)+"
      + Base64.encode([verificationKey.type.rawValue] + seed)
  }

  /// The 32 private bytes, for a file that nobody else may read.
  public var seed: [UInt8] { Array(key.rawRepresentation) }

  /// The 64 bytes of an Ed25519 signature of any message.
  public func signature(of message: [UInt8]) throws(NoteKeyError) -> [UInt8] {
    guard let signature = try? key.signature(for: message) else { throw .signingFailed }
    return Array(signature)
  }
}

/// An Ed25519 key that verifies notes, and its text form `<name>+<key id>+<base64 of type and key>`.
public struct NoteVerificationKey: Hashable, Sendable {
  /// The name that stands in signature lines.
  public let name: String
  /// What it signs.
  public let type: NoteKeyType
  /// The first four bytes of `SHA-256(name ‖ 0x0a ‖ type ‖ public key)`.
  public let keyID: UInt32
  /// The 32 bytes of the public key.
  public let publicKey: [UInt8]

  init(name: String, type: NoteKeyType, key: [UInt8]) {
    self.name = name
    self.type = type
    self.publicKey = key
    let digest = SHA256.hash(data: Array(name.utf8) + [0x0a, type.rawValue] + key)
    keyID = digest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Reads the text form; nil when it is malformed, of another key type, or its key id is not the key's own.
  public init?(_ text: String) {
    // The base64 part may hold plus signs of its own.
    let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, NoteVerificationKey.isName(parts[0]), let bytes = Base64.decode(String(parts[2])),
      bytes.count == 33, let type = NoteKeyType(rawValue: bytes[0])
    else { return nil }
    self.init(name: String(parts[0]), type: type, key: Array(bytes[1...]))
    guard parts[1] == keyIDText else { return nil }
  }

  /// The text form.
  public var text: String { "\(name)+\(keyIDText)+\(Base64.encode([type.rawValue] + publicKey))" }

  /// The key id as eight hexadecimal digits.
  public var keyIDText: String {
    let digits = String(keyID, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// Whether 64 bytes are this key's Ed25519 signature of a message.
  public func isValidSignature(_ signature: [UInt8], of message: [UInt8]) -> Bool {
    guard signature.count == 64, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else {
      return false
    }
    return key.isValidSignature(signature, for: message)
  }

  /// Whether what a signature line holds behind the key id signs a note's text.
  func signs(_ text: String, with bytes: [UInt8]) -> Bool {
    switch type {
    case .ed25519: return isValidSignature(bytes, of: Array(text.utf8))
    case .cosignature:
      guard let time = Cosignature.time(in: bytes) else { return false }
      return isValidSignature(Array(bytes[8...]), of: Cosignature.message(text, time: time))
    }
  }

  /// Whether a text can name a key: not empty, no white space, no plus sign, no control character.
  static func isName(_ text: some StringProtocol) -> Bool {
    !text.isEmpty
      && text.unicodeScalars.allSatisfy { scalar in
        scalar != "+" && !scalar.properties.isWhitespace && scalar.properties.generalCategory != .control
      }
  }
}

/// The signature of a witness: eight bytes of time, big-endian seconds since 1970, and an Ed25519 signature.
enum Cosignature {
  static func message(_ text: String, time: UInt64) -> [UInt8] { Array("cosignature/v1\ntime \(time)\n\(text)".utf8) }

  static func time(in bytes: [UInt8]) -> UInt64? {
    bytes.count == 72 ? bytes[..<8].reduce(0) { $0 << 8 | UInt64($1) } : nil
  }

  static func bytes(time: UInt64) -> [UInt8] { (0..<8).map { UInt8(truncatingIfNeeded: time >> (56 - 8 * $0)) } }
}
