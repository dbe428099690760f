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

  /// A sentence for people.
  public var description: String {
    switch self {
    case .invalidName: "the key's name is empty, or holds a space, a plus sign or a control character"
    case .invalidSeed: "an Ed25519 private key has exactly 32 bytes"
    case .signingFailed: "the signature could not be made"
    }
  }
}

/// An Ed25519 key that signs notes.
public struct NoteSigningKey: Sendable {
  /// The name that stands in signature lines.
  public let name: String
  /// What others verify with.
  public let verificationKey: NoteVerificationKey
  private let key: Curve25519.Signing.PrivateKey

  /// A key from its 32 private bytes (the seed of RFC 8032).
  public init(name: String, seed: [UInt8]) throws(NoteKeyError) {
    guard NoteVerificationKey.isName(name) else { throw .invalidName }
    guard seed.count == 32, let key = try? Curve25519.Signing.PrivateKey(rawRepresentation: seed) else {
      throw .invalidSeed
    }
    self.name = name
    self.key = key
    verificationKey = NoteVerificationKey(name: name, publicKey: key.publicKey)
  }

  /// A new key.
  public init(generating name: String) throws(NoteKeyError) {
    try self.init(name: name, seed: Array(Curve25519.Signing.PrivateKey().rawRepresentation))
  }

  /// The 32 private bytes, for a file that nobody else may read.
  public var seed: [UInt8] { Array(key.rawRepresentation) }

  func sign(_ message: [UInt8]) throws(NoteKeyError) -> [UInt8] {
    guard let signature = try? key.signature(for: message) else { throw .signingFailed }
    return Array(signature)
  }
}

/// An Ed25519 key that verifies notes, and its text form `<name>+<key id>+<base64 of type and key>`.
public struct NoteVerificationKey: Hashable, Sendable {
  /// The name that stands in signature lines.
  public let name: String
  /// The first four bytes of `SHA-256(name ‖ 0x0a ‖ type ‖ public key)`.
  public let keyID: UInt32
  /// The 32 bytes of the public key.
  public let publicKey: [UInt8]

  /// The signature type byte of Ed25519 in C2SP `signed-note`.
  private static let type: UInt8 = 1

  init(name: String, publicKey: Curve25519.Signing.PublicKey) {
    self.init(name: name, key: Array(publicKey.rawRepresentation))
  }

  private init(name: String, key: [UInt8]) {
    self.name = name
    self.publicKey = key
    let digest = SHA256.hash(data: Array(name.utf8) + [0x0a, NoteVerificationKey.type] + key)
    keyID = digest.prefix(4).reduce(0) { $0 << 8 | UInt32($1) }
  }

  /// Reads the text form; nil when it is malformed, of another key type, or its key id is not the key's own.
  public init?(_ text: String) {
    // The base64 part may hold plus signs of its own.
    let parts = text.split(separator: "+", maxSplits: 2, omittingEmptySubsequences: false)
    guard parts.count == 3, NoteVerificationKey.isName(parts[0]), let bytes = Base64.decode(String(parts[2])),
      bytes.count == 33, bytes[0] == NoteVerificationKey.type
    else { return nil }
    self.init(name: String(parts[0]), key: Array(bytes[1...]))
    guard parts[1] == keyIDText else { return nil }
  }

  /// The text form.
  public var text: String { "\(name)+\(keyIDText)+\(Base64.encode([NoteVerificationKey.type] + publicKey))" }

  private var keyIDText: String {
    let digits = String(keyID, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  func isValid(_ signature: [UInt8], for message: [UInt8]) -> Bool {
    guard signature.count == 64, let key = try? Curve25519.Signing.PublicKey(rawRepresentation: publicKey) else {
      return false
    }
    return key.isValidSignature(signature, for: message)
  }

  /// Whether a text can name a key: not empty, no white space, no plus sign, no control character.
  static func isName(_ text: some StringProtocol) -> Bool {
    !text.isEmpty
      && text.unicodeScalars.allSatisfy { scalar in
        scalar != "+" && !scalar.properties.isWhitespace && scalar.properties.generalCategory != .control
      }
  }
}
