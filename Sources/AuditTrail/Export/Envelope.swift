public import JSON
public import TransparencyLog

/// Signed bytes with their type: Dead Simple Signing Envelope, version 1.
public struct Envelope: Sendable, Hashable {
  /// The type of an in-toto statement.
  public static let statementType = "application/vnd.in-toto+json"

  /// What is signed.
  public let payload: [UInt8]
  /// The payload's type.
  public let payloadType: String
  /// The signatures, each with the text form of the key that made it.
  public private(set) var signatures: [Signature]

  /// One signature.
  public struct Signature: Sendable, Hashable {
    /// The key's text form, `name+id+key`: a hint, which proves nothing.
    public let keyID: String
    /// The 64 bytes of Ed25519.
    public let bytes: [UInt8]
  }

  /// An envelope without signatures.
  public init(_ payload: [UInt8], type: String = statementType) {
    self.payload = payload
    payloadType = type
    signatures = []
  }

  /// What signatures are made over: lengths in bytes keep type and payload apart.
  public static func preAuthentication(_ payload: [UInt8], type: String) -> [UInt8] {
    Array("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
  }

  /// Adds a signature.
  public mutating func sign(with key: NoteSigningKey) throws(NoteKeyError) {
    let bytes = try key.signature(of: Envelope.preAuthentication(payload, type: payloadType))
    signatures.append(Signature(keyID: key.verificationKey.text, bytes: bytes))
  }

  /// The keys among these that signed; empty when none did.
  public func signers(among keys: [NoteVerificationKey]) -> [NoteVerificationKey] {
    let message = Envelope.preAuthentication(payload, type: payloadType)
    return keys.filter { key in signatures.contains { key.isValidSignature($0.bytes, of: message) } }
  }

  /// The envelope as JSON.
  public var json: JSONValue {
    [
      "payload": .string(Base64.encode(payload)), "payloadType": .string(payloadType),
      "signatures": .array(
        signatures.map { ["keyid": .string($0.keyID), "sig": .string(Base64.encode($0.bytes))] }),
    ]
  }

  /// Reads an envelope; nil when it is malformed.
  public init?(_ json: JSONValue) {
    guard let payload = json["payload"]?.string.flatMap(Base64.decode), let type = json["payloadType"]?.string,
      let signatures = json["signatures"]?.array
    else { return nil }
    self.init(payload, type: type)
    for signature in signatures {
      guard let bytes = signature["sig"]?.string.flatMap(Base64.decode) else { return nil }
      self.signatures.append(Signature(keyID: signature["keyid"]?.string ?? "", bytes: bytes))
    }
  }
}
