import Crypto
import CryptoExtras
import JSON

/// Why a token is refused.
public enum TokenError: Error, Sendable, Hashable, CustomStringConvertible {
  /// It is no token in the compact form of RFC 7515.
  case malformed(String)
  /// It is not signed with RS256 or ES256; `none` never counts.
  case algorithm(String)
  /// No key of the key set has its key id.
  case unknownKey(String)
  /// The signature is not that key's.
  case signature
  /// It is from another issuer.
  case issuer(String)
  /// It is for somebody else.
  case audience
  /// It is not valid any more, or not yet.
  case time(String)
  /// A claim that is needed is missing or of another type.
  case claim(String)

  /// A sentence for people.
  public var description: String {
    switch self {
    case .malformed(let what): "the identity token is malformed: \(what)"
    case .algorithm(let name): "the identity token is signed with \(RequestText.quote(name)), not with RS256 or ES256"
    case .unknownKey(let name): "the identity token's key \(RequestText.quote(name)) is not in the key set"
    case .signature: "the identity token's signature is not that of its key"
    case .issuer(let name): "the identity token is from another issuer: \(RequestText.quote(name))"
    case .audience: "the identity token is for another audience"
    case .time(let what): "the identity token \(what)"
    case .claim(let name): "the identity token has no usable claim \(RequestText.quote(name))"
    }
  }
}

/// Who may vouch for an identity by a token (OpenID Connect Core 1.0, section 3.1.3.7), and for whom.
public struct TokenRules: Sendable, Hashable {
  /// The `iss` that a token must have, exactly.
  public var issuer: String
  /// The `aud` that a token must name.
  public var audience: String
  /// The claim that names the user.
  public var userClaim: String
  /// The claim that lists the user's groups.
  public var groupsClaim: String
  /// The issuer's keys.
  public var keys: JSONWebKeys

  /// Rules for one issuer.
  public init(
    issuer: String, audience: String, userClaim: String = "sub", groupsClaim: String = "groups", keys: JSONWebKeys
  ) {
    self.issuer = issuer
    self.audience = audience
    self.userClaim = userClaim
    self.groupsClaim = groupsClaim
    self.keys = keys
  }

  /// Seconds by which clocks may differ.
  public static let leeway: Int64 = 60
  static let mostBytes = 64 << 10

  /// Checks a token and tells whom it names.
  /// - Parameter now: seconds since 1970.
  public func verify(_ token: String, now: Int64) throws(TokenError) -> TokenIdentity {
    guard token.utf8.count <= Self.mostBytes else { throw .malformed("it is longer than \(Self.mostBytes) bytes") }
    let parts = token.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard parts.count == 3, let signature = Base64URL.decode(parts[2]) else {
      throw .malformed("it is not three base64url parts")
    }
    let header = try Self.object(parts[0], "header")
    let claims = try Self.object(parts[1], "claims")
    let algorithm = header["alg"]?.string ?? "nothing"
    guard algorithm == "RS256" || algorithm == "ES256" else { throw .algorithm(algorithm) }
    // What must be understood and is not: RFC 7515, section 4.1.11.
    guard header["crit"] == nil else { throw .malformed("its header demands an extension") }
    let signed = Array(token.utf8.prefix(parts[0].count + 1 + parts[1].count))
    guard let key = keys.key(id: header["kid"]?.string, algorithm: algorithm) else {
      throw .unknownKey(header["kid"]?.string ?? "")
    }
    guard key.verifies(signature, of: signed) else { throw .signature }
    let issuer = claims["iss"]?.string ?? ""
    guard issuer == self.issuer, !issuer.isEmpty else { throw .issuer(issuer) }
    let audiences = claims["aud"]?.string.map { [$0] } ?? (claims["aud"]?.array ?? []).compactMap(\.string)
    guard audiences.contains(audience) else { throw .audience }
    guard let expiry = claims["exp"]?.seconds else { throw .claim("exp") }
    guard expiry > now - Self.leeway else { throw .time("has expired") }
    for (name, words) in [("nbf", "is not valid yet"), ("iat", "is from the future")] {
      guard let claim = claims[name] else { continue }
      guard let seconds = claim.seconds else { throw .claim(name) }
      guard seconds <= now + Self.leeway else { throw .time(words) }
    }
    guard let user = claims[userClaim]?.string, !user.isEmpty else { throw .claim(userClaim) }
    var groups: [String] = []
    if let value = claims[groupsClaim] {
      guard let names = value.array?.map(\.string) ?? value.string.map({ [$0] }),
        names.allSatisfy({ $0 != nil })
      else { throw .claim(groupsClaim) }
      groups = names.compactMap { $0 }
    }
    var texts: [String: String] = [:]
    for member in claims.members {
      if let text = member.value.string { texts[member.name] = text }
    }
    return TokenIdentity(user: user, groups: groups, issuer: issuer, claims: texts)
  }

  private static func object(_ part: Substring.UTF8View, _ what: String) throws(TokenError) -> JSONObject {
    guard let bytes = Base64URL.decode(part), let object = (try? JSONValue(parsing: bytes))?.object else {
      throw .malformed("its \(what) is not a JSON object in base64url")
    }
    // Two readers must not see two different tokens.
    var names: Set<[UInt8]> = []
    for member in object.members where !names.insert(Array(member.name.utf8)).inserted {
      throw .malformed("its \(what) names \(RequestText.quote(member.name)) twice")
    }
    return object
  }
}

/// Whom a verified token names.
public struct TokenIdentity: Sendable, Hashable {
  /// The user.
  public var user: String
  /// The user's groups, as the token says.
  public var groups: [String]
  /// Who vouches for it.
  public var issuer: String
  /// All claims that are texts.
  public var claims: [String: String]
}

/// A set of public keys (RFC 7517): RSA keys of 2048 to 8192 bits and keys on P-256; others are passed over.
public struct JSONWebKeys: Sendable, Hashable {
  private let keys: [Key]

  struct Key: Sendable, Hashable {
    enum Material: Sendable, Hashable {
      case rsa(modulus: [UInt8], exponent: [UInt8])
      case p256([UInt8])
    }

    var id: String?
    var material: Material

    var algorithm: String {
      switch material {
      case .rsa: "RS256"
      case .p256: "ES256"
      }
    }

    func verifies(_ signature: [UInt8], of message: [UInt8]) -> Bool {
      switch material {
      case .rsa(let modulus, let exponent):
        guard let key = try? _RSA.Signing.PublicKey(n: modulus, e: exponent) else { return false }
        return key.isValidSignature(
          _RSA.Signing.RSASignature(rawRepresentation: signature), for: SHA256.hash(data: message),
          padding: .insecurePKCS1v1_5)
      case .p256(let point):
        guard let key = try? P256.Signing.PublicKey(rawRepresentation: point),
          let signature = try? P256.Signing.ECDSASignature(rawRepresentation: signature)
        else { return false }
        return key.isValidSignature(signature, for: message)
      }
    }
  }

  /// Reads a key set; nil when it is not one, or holds no key that can be used.
  public init?(_ text: [UInt8]) {
    guard let entries = (try? JSONValue(parsing: text))?["keys"]?.array else { return nil }
    var keys: [Key] = []
    for entry in entries {
      if let use = entry["use"]?.string, use != "sig" { continue }
      func bytes(_ name: String) -> [UInt8]? { (entry[name]?.string).flatMap { Base64URL.decode($0.utf8) } }
      let material: Key.Material
      switch entry["kty"]?.string {
      case "RSA":
        guard let modulus = bytes("n").map({ Array($0.drop { $0 == 0 }) }), let exponent = bytes("e"),
          (256...1024).contains(modulus.count), (1...8).contains(exponent.count)
        else { continue }
        material = .rsa(modulus: modulus, exponent: exponent)
      case "EC":
        guard entry["crv"]?.string == "P-256", let x = bytes("x"), let y = bytes("y"), x.count == 32, y.count == 32
        else {
          continue
        }
        material = .p256(x + y)
      default: continue
      }
      let key = Key(id: entry["kid"]?.string, material: material)
      if let algorithm = entry["alg"]?.string, algorithm != key.algorithm { continue }
      keys.append(key)
    }
    if keys.isEmpty { return nil }
    self.keys = keys
  }

  /// The key of that id; without an id the only key of that algorithm.
  func key(id: String?, algorithm: String) -> Key? {
    let fitting = keys.filter { $0.algorithm == algorithm && (id == nil || $0.id == id) }
    return fitting.count == 1 ? fitting.first : nil
  }
}

extension JSONValue {
  /// A NumericDate (RFC 7519, section 2), without its fraction.
  fileprivate var seconds: Int64? {
    switch self {
    case .int(let value): value
    case .double(let value): value.magnitude < 1e15 ? Int64(value) : nil
    default: nil
    }
  }
}

/// Base64 for addresses without padding (RFC 4648, section 5), in its one canonical form.
enum Base64URL {
  static func decode(_ text: some Collection<UInt8>) -> [UInt8]? {
    guard text.count % 4 != 1 else { return nil }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(text.count / 4 * 3 + 2)
    var bits: UInt32 = 0
    var count = 0
    for character in text {
      let value: UInt8
      switch character {
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = character - UInt8(ascii: "A")
      case UInt8(ascii: "a")...UInt8(ascii: "z"): value = character - UInt8(ascii: "a") + 26
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = character - UInt8(ascii: "0") + 52
      case UInt8(ascii: "-"): value = 62
      case UInt8(ascii: "_"): value = 63
      default: return nil
      }
      bits = bits << 6 | UInt32(value)
      count += 6
      if count >= 8 {
        count -= 8
        bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        bits &= (1 << UInt32(count)) - 1
      }
    }
    return bits == 0 ? bytes : nil
  }
}
