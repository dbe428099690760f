import Access
import Crypto
import CryptoExtras
import JSON
import TestSupport
import Testing

@Suite struct IdentityTokenTests {
  private static let rsa = try? _RSA.Signing.PrivateKey(keySize: .bits2048)
  private let curve = P256.Signing.PrivateKey()
  private let now: Int64 = 1_800_000_000

  private func base64(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".utf8)
    var text: [UInt8] = []
    var bits: UInt32 = 0
    var count = 0
    for byte in bytes {
      bits = bits << 8 | UInt32(byte)
      count += 8
      while count >= 6 {
        count -= 6
        text.append(digits[Int(bits >> UInt32(count) & 63)])
      }
    }
    if count > 0 { text.append(digits[Int(bits << UInt32(6 - count) & 63)]) }
    return String(decoding: text, as: UTF8.self)
  }

  private func keys() throws -> JSONWebKeys {
    let rsa = try #require(Self.rsa)
    let primitives = try rsa.publicKey.getKeyPrimitives()
    let point = [UInt8](curve.publicKey.rawRepresentation)
    let set: JSONValue = [
      "keys": [
        [
          "kty": "RSA", "kid": "r1", "alg": "RS256", "n": .string(base64(primitives.modulus)),
          "e": .string(base64(primitives.publicExponent)),
        ],
        [
          "kty": "EC", "kid": "e1", "crv": "P-256", "x": .string(base64(point[..<32])),
          "y": .string(base64(point[32...])),
        ],
        ["kty": "oct", "kid": "secret", "k": "AAAA"],
      ]
    ]
    return try #require(JSONWebKeys(set.serialized))
  }

  private var claims: JSONObject {
    [
      "iss": "https://ci.example", "aud": ["codeagent", "other"], "sub": "repo:acme/shop", "exp": .int(now + 300),
      "iat": .int(now), "groups": ["bots", "shop"], "ref": "refs/heads/main",
    ]
  }

  private func token(_ header: JSONValue, _ claims: JSONObject, algorithm: String? = nil) throws -> String {
    let signed = base64(header.serialized) + "." + base64(JSONValue.object(claims).serialized)
    let signature: [UInt8]
    switch algorithm ?? header["alg"]?.string {
    case "RS256":
      signature = Array(
        try #require(Self.rsa).signature(
          for: SHA256.hash(data: Array(signed.utf8)), padding: .insecurePKCS1v1_5
        ).rawRepresentation)
    case "ES256": signature = Array(try curve.signature(for: Array(signed.utf8)).rawRepresentation)
    default: signature = []
    }
    return signed + "." + base64(signature)
  }

  private func verify(_ token: String, now moment: Int64? = nil) throws -> TokenIdentity {
    try TokenRules(issuer: "https://ci.example", audience: "codeagent", keys: keys()).verify(
      token, now: moment ?? now)
  }

  @Test func goodTokensTellWhomTheyName() throws {
    for (algorithm, id) in [("RS256", "r1"), ("ES256", "e1")] {
      let known = try verify(token(["alg": .string(algorithm), "kid": .string(id)], claims))
      #expect(known.user == "repo:acme/shop")
      #expect(known.groups == ["bots", "shop"])
      #expect(known.issuer == "https://ci.example")
      #expect(known.claims["ref"] == "refs/heads/main")
    }
    var single = claims
    single["aud"] = "codeagent"
    _ = try verify(token(["alg": "ES256"], single))
  }

  @Test func doubtfulTokensAreRefused() throws {
    func changed(_ change: (inout JSONObject) -> Void) throws -> String {
      var claims = claims
      change(&claims)
      return try token(["alg": "ES256", "kid": "e1"], claims)
    }
    func refusal(_ token: String, at moment: Int64? = nil) -> TokenError? {
      #expect(throws: TokenError.self) { try verify(token, now: moment) }
    }
    #expect(refusal(try changed { $0["aud"] = "another" }) == .audience)
    #expect(refusal(try changed { $0["aud"] = nil }) == .audience)
    #expect(refusal(try changed { $0["iss"] = "https://ci.example/" }) == .issuer("https://ci.example/"))
    #expect(refusal(try changed { $0["exp"] = nil }) == .claim("exp"))
    #expect(refusal(try changed { $0["exp"] = "1800000300" }) == .claim("exp"))
    #expect(refusal(try changed { $0["exp"] = .int(now - 61) }) == .time("has expired"))
    #expect(refusal(try changed { _ in }, at: now + 400) == .time("has expired"))
    #expect(refusal(try changed { $0["nbf"] = .int(now + 61) }) == .time("is not valid yet"))
    #expect(refusal(try changed { $0["iat"] = .int(now + 3600) }) == .time("is from the future"))
    #expect(refusal(try changed { $0["sub"] = "" }) == .claim("sub"))
    #expect(refusal(try changed { $0["groups"] = ["a", 1] }) == .claim("groups"))
    #expect(refusal(try token(["alg": "none"], claims)) == .algorithm("none"))
    #expect(refusal(try token(["alg": "None", "kid": "e1"], claims)) == .algorithm("None"))
    #expect(refusal(try token(["alg": "HS256", "kid": "secret"], claims)) == .algorithm("HS256"))
    #expect(refusal(try token([:], claims)) == .algorithm("nothing"))
    #expect(refusal(try token(["alg": "ES256", "kid": "e2"], claims)) == .unknownKey("e2"))
    // A key is good for its own algorithm alone.
    #expect(refusal(try token(["alg": "ES256", "kid": "r1"], claims)) == .unknownKey("r1"))
    #expect(refusal(try token(["alg": "RS256", "kid": "r1"], claims, algorithm: "ES256")) == .signature)
    #expect(refusal(try token(["alg": "ES256", "kid": "e1", "crit": ["b64"]], claims)) != nil)
    let good = try token(["alg": "ES256", "kid": "e1"], claims)
    var parts = good.split(separator: ".").map(String.init)
    #expect(refusal("\(parts[0]).\(parts[1]).") == .signature)
    #expect(refusal("\(parts[0]).\(parts[1])") == .malformed("it is not three base64url parts"))
    #expect(refusal(good + "=") == .malformed("it is not three base64url parts"))
    #expect(refusal(good + ".x") == .malformed("it is not three base64url parts"))
    parts[1] = base64(#"{"iss":"https://ci.example","aud":"codeagent","sub":"root","exp":1900000000}"#.utf8)
    #expect(refusal(parts.joined(separator: ".")) == .signature)
    #expect(refusal(String(repeating: "a", count: 1 << 20)) != nil)
  }

  @Test func anyTextIsRefused() throws {
    var random = Seeded(3)
    let good = Array(try token(["alg": "ES256", "kid": "e1"], claims).utf8)
    for _ in 0..<300 {
      var bytes = good
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        bytes[Int.random(in: 0..<bytes.count, using: &random)] = UInt8.random(in: 0x20...0x7e, using: &random)
      }
      guard bytes != good else { continue }
      #expect(throws: TokenError.self) { try verify(String(decoding: bytes, as: UTF8.self)) }
    }
  }

  @Test func keySetsWithoutUsableKeysAreNone() {
    #expect(JSONWebKeys(Array("{}".utf8)) == nil)
    #expect(JSONWebKeys(Array("[]".utf8)) == nil)
    #expect(JSONWebKeys(Array(#"{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}"#.utf8)) == nil)
    #expect(JSONWebKeys(Array(#"{"keys":[{"kty":"RSA","n":"AQAB","e":"AQAB"}]}"#.utf8)) == nil)
  }
}
