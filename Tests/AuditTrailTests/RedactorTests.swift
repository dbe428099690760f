import Foundation
import TestSupport
import Testing

@testable import AuditTrail

@Suite struct RedactorTests {
  let redactor = Redactor(
    knownValues: [
      "SERVICE_KEY": "correct-horse/battery+staple", "QUOTED": "with \"quotes\" and\nlines", "SHORT": "abc123",
      "PLAIN": "hunter22",
    ], key: [UInt8](repeating: 1, count: 32))

  func redact(_ text: String) -> String { String(decoding: redactor.redact(Array(text.utf8)).bytes, as: UTF8.self) }

  func rules(_ text: String) -> [String] { redactor.redact(Array(text.utf8)).findings.map(\.rule) }

  // The tokens are put together here, so that this file holds none.
  static let filler = "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8S9t0U1v2W3x4Y5z6A7b8C9d0E1f2G3h4I5j6"
  static func filler(_ count: Int) -> String { String(filler.prefix(count)) }
  static let hexadecimal = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
  static let formats: [(String, String)] = [
    ("aws-access-key", "AKIA" + "IOSFODNN7EXAMPLE"), ("github-token", "ghp_" + filler(36)),
    ("github-token", "ghs_" + filler(36)), ("github-token", "github_pat_" + filler(22) + "_" + filler(59)),
    ("gitlab-token", "glpat-" + filler(20)), ("model-key", "sk-" + filler(48)), ("model-key", "sk-proj-" + filler(60)),
    ("model-key", "sk-ant-api03-" + filler(70)), ("stripe-key", "sk_live_" + filler(24)),
    ("slack-token", "xoxb-" + "123456789012-1234567890123-" + filler(24)), ("google-api-key", "AIza" + filler(35)),
    ("npm-token", "npm_" + filler(36)), ("pypi-token", "pypi-AgE" + filler(60)), ("vault-token", "hvs." + filler(30)),
    ("hugging-face-token", "hf_" + filler(34)), ("digitalocean-token", "dop_v1_" + hexadecimal),
    ("docker-token", "dckr_pat_" + filler(27)),
    ("jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9P"),
  ]

  @Test(arguments: formats) func formatsAreFound(rule: String, token: String) {
    for text in [
      token, "key=\(token)", "\"\(token)\"", "(\(token)).", "first line\n\(token)\nlast", "{\"a\":\"x\\n\(token)\\n\"}",
      "token%3D\(token)&x", "\(token) \(token)",
    ] {
      let result = redact(text)
      #expect(!result.contains(token), "\(text)")
      #expect(result.contains("⟦secret:\(rule):"), "\(result)")
      #expect(rules(text).allSatisfy { $0 == rule })
      #expect(redact(result) == result)
    }
  }

  @Test func privateKeys() {
    let body = (0..<12).map { _ in String(repeating: "Ab3+/", count: 12) }
    for label in [
      "PRIVATE KEY", "RSA PRIVATE KEY", "OPENSSH PRIVATE KEY", "PGP PRIVATE KEY BLOCK", "ENCRYPTED PRIVATE KEY",
    ] {
      for lineEnd in ["\n", "\r\n", "\\n"] {
        let key = (["-----BEGIN \(label)-----"] + body + ["-----END \(label)-----"]).joined(separator: lineEnd)
        let result = redact("before \"\(key)\" after")
        #expect(result.hasPrefix("before \"⟦secret:private-key:"), "\(result)")
        #expect(result.hasSuffix("⟧\" after"), "\(result)")
        // Cut off anywhere, what is left of the key is gone all the same.
        let cut = redact(String(key.prefix(key.count - 30)))
        #expect(!cut.contains("Ab3+/Ab3+/"))
        for dropped in [5, 40, 100, 400] {
          let rest = redact("cut" + String(key.dropFirst(dropped)) + " after")
          #expect(!rest.contains(String(repeating: "Ab3+/", count: 12)), "\(rest)")
          #expect(rest.hasSuffix("⟧ after"), "\(rest)")
        }
      }
    }
    let certificate = "-----BEGIN CERTIFICATE-----\n\(body[0])\n-----END CERTIFICATE-----"
    #expect(redact(certificate) == certificate)
    let mention = "The file ends with\n-----END PRIVATE KEY-----\nand nothing more."
    #expect(redact(mention) == mention)
    #expect(
      redact("if text.contains(\"-----BEGIN PRIVATE KEY-----\") {")
        == "if text.contains(\"-----BEGIN PRIVATE KEY-----\") {")
  }

  @Test(arguments: [
    ("Authorization: Bearer a8f5f167f44f4964e6c998dee827110c", "authorization"),
    ("authorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW", "authorization"),
    ("\"Authorization\": \"token a8f5f167f44f4964\"", "authorization"),
    ("{\\\"Authorization\\\":\\\"Bearer a8f5f167f44f4964e6c9\\\"}", "authorization"),
    ("-H 'X-Api-Key: a8f5f167f44f4964e6c998dee827110c'", "authorization"),
    ("curl -H \"Proxy-Authorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW\"", "authorization"),
    ("aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzzKEY1", "aws-secret-key"),
    ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCYzzzzzzzzKEY1", "aws-secret-key"),
    ("//registry.example/:_authToken=0a1b2c3d-4e5f", "registry-token"),
    ("_auth=dXNlcjpwYXNzd29yZDE=", "registry-token"),
    ("postgres://app:S3cr3t!pw@db:5432/x", "url-password"), ("https://user:p%40ss0rd@h.example/", "url-password"),
    ("git clone https://x-access-token:zzz9zzz8@host/a.git", "url-password"),
  ])
  func labelledValues(text: String, rule: String) {
    #expect(rules(text) == [rule], "\(redact(text))")
    #expect(redact(redact(text)) == redact(text))
  }

  @Test(arguments: [
    "let x = headers[\"Authorization\"]", "Authorization: Bearer ${TOKEN}", "Authorization: Bearer <token>",
    "Authorization: Bearer YOUR_API_KEY", "authorization = request.headers.get('authorization')",
    "_authToken=${NPM_TOKEN}", "db_password = settings.DATABASE_PASSWORD", "ResultCode.SQLITE_AUTH = SQLITE_AUTH",
    "postgres://postgres:postgres@localhost/test", "https://host.example:8080/path@x", "http://[::1]:80/a@b",
    "see https://a.example/x:y@z", "ssh://git@host/x", "task-runner sk-loading-spinner-animation-wrapper",
    "d41d8cd98f00b204e9800998ecf8427e", "550e8400-e29b-41d4-a716-446655440000",
    "sha512-9NET910DNaIPngYnLLPeg+Ogzqsi9uM4",
    "AKIA", "ghp_short", "XAKIAIOSFODNN7EXAMPLE0", "eyJhbGciOiJIUzI1NiJ9", "user:password@", "://",
    "bearer of bad news",
    "abc123", "Redirecting to basic usage of token authentication",
  ])
  func ordinaryTextStays(text: String) { #expect(redact(text) == text) }

  /// Drawn by lot beside a name that says what it is.
  @Test(arguments: [
    "API_SECRET=wJalrXUtnFEMI7K7MDENGbPxRfiCYKEY12", "db_password: \"aB3dE5fG7hI9jK1lM3nO5pQ7\"",
    "{\"clientSecret\":\"x9Kq2LmN8vB4cZ7tR1wY6pHs\"}", "{\\\"token\\\":\\\"x9Kq2LmN8vB4cZ7tR1wY6pHs\\\"}",
    "secret_key = '9f86d081884c7d659a2feaa0c55ad015'", "refreshToken => 'x9Kq2LmN8vB4cZ7tR1wY6pHs'",
    "export SERVICE_TOKEN=x9Kq2LmN8vB4cZ7tR1wY6pHs==",
  ])
  func namedSecrets(text: String) {
    #expect(rules(text) == ["named-secret"], "\(redact(text))")
    #expect(redact(redact(text)) == redact(text))
  }

  @Test(arguments: [
    "token_hash = \"9f86d081884c7d659a2feaa0c55ad015\"", "password = getPasswordFromVault2Production()",
    "token = Settings.currentUserSession2Token", "secret: \"correct horse battery staple\"", "public_token_url=a",
    "cache_key: 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "tokenizer = AutoTokenizerForSequence2Sequence", "api_key = os.environ[\"SERVICE_API_KEY_2\"]",
  ])
  func namesOfOtherThings(text: String) { #expect(redact(text) == text) }

  @Test func whatLooksDrawnIsAHintOnly() {
    func hints(_ text: String) -> Int { redactor.hints(in: Array(text.utf8)) }
    #expect(hints("nothing here\nx9Kq2LmN8vB4cZ7tR1wY6pHs and again x9Kq2LmN8vB4cZ7tR1wY6pHs") == 2)
    #expect(redact("x9Kq2LmN8vB4cZ7tR1wY6pHs") == "x9Kq2LmN8vB4cZ7tR1wY6pHs")
    for text in [
      "550e8400-e29b-41d4-a716-446655440000", "550E8400-E29B-41D4-A716-446655440000",
      "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "AuditTrailExportReceiptVerifierTests2Cases",
      "integrity: sha512-aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7bC9dE1fG3hI5jK7lM9nO1pQ3rS5tU7vW9xY1zA3bC5dE7fG==",
      "h1:aB3dE5fG7hI9jK1lM3nO5pQ7rS9tU1vW3xY5zA7bC9d=", "_ZNSt6vectorIiSaIiEE9push_backERKi2xY5zA7bC9dE",
      "tests/fixtures/2024/Report1Final/summary_of_things_v2.json", String(repeating: "aB3dE5fG7hI9", count: 30),
    ] { #expect(hints(text) == 0, "\(text)") }
  }

  @Test func knownValuesInEveryForm() {
    for value in ["correct-horse/battery+staple", "with \"quotes\" and\nlines", "hunter22"] {
      let bytes = Array(value.utf8)
      var forms = [bytes, bytes.reversed()]
      forms.append(Array(bytes.map { String(format: "%02x", $0) }.joined().utf8))
      forms.append(Array(bytes.map { String(format: "%02X", $0) }.joined().utf8))
      for prefix in ["", "a", "ab", "abc"] {
        let encoded = Data(Array(prefix.utf8) + bytes).base64EncodedString()
        forms.append(Array(encoded.utf8))
        forms.append(
          Array(encoded.replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_").utf8))
      }
      let percent = value.addingPercentEncoding(
        withAllowedCharacters: .alphanumerics.union(.init(charactersIn: "-._~")))
      forms.append(Array((percent ?? "").utf8))
      forms.append(Array((try? JSONEncoder().encode([value])) ?? Data()).dropFirst(2).dropLast(2).map { $0 })
      for form in forms where !form.contains(UInt8(ascii: "\\")) || !form.contains(UInt8(ascii: "/")) {
        let result = redactor.redact(Array("<<".utf8) + form + Array(">>".utf8))
        #expect(result.findings.map(\.rule) == ["known-value"], "\(String(decoding: form, as: UTF8.self))")
      }
    }
    // One secret, one placeholder, in whatever form.
    let plain = redact("correct-horse/battery+staple")
    #expect(plain == redact("correct-horse%2Fbattery%2Bstaple"))
    #expect(plain != redact("hunter22"))
    #expect(redact("xhunter22x") == "x\(redact("hunter22"))x")
    #expect(redact("abc123") == "abc123")
  }

  @Test func placeholdersAreStableUnderOneKey() {
    let token = "ghp_" + Self.filler(36)
    let again = Redactor(key: redactor.key)
    #expect(String(decoding: again.redact(Array(token.utf8)).bytes, as: UTF8.self) == redact(token))
    let other = Redactor()
    #expect(other.key != redactor.key)
    #expect(String(decoding: other.redact(Array(token.utf8)).bytes, as: UTF8.self) != redact(token))
  }

  @Test func findingsSayWhere() {
    let token = "npm_" + Self.filler(36)
    let result = redactor.redact(Array("a \(token) b hunter22".utf8))
    #expect(result.findings.map(\.range) == [2..<42, 45..<53])
    #expect(result.findings.map(\.rule) == ["npm-token", "known-value"])
    #expect(result.findings.allSatisfy { String(decoding: result.bytes, as: UTF8.self).contains($0.placeholder) })
  }

  /// Known values planted in noise are always found; noise alone is left as it is.
  @Test func plantedValuesAreAlwaysFound() {
    var random = Seeded(11)
    for _ in 0..<300 {
      let count = Int.random(in: 8...40, using: &random)
      let value = (0..<count).map { _ in UInt8.random(in: 0x21...0x7e, using: &random) }
      let redactor = Redactor(knownValues: ["X": String(decoding: value, as: UTF8.self)])
      let noise = (0..<Int.random(in: 0...60, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let tail = (0..<Int.random(in: 0...60, using: &random)).map { _ in UInt8.random(in: 0...255, using: &random) }
      let result = redactor.redact(noise + value + tail)
      #expect(result.bytes.firstRange(of: value) == nil)
      #expect(!result.findings.isEmpty)
    }
  }

  @Test func anyBytesAreScannedAndRedactionIsIdempotent() {
    var random = Seeded(12)
    let pieces = [
      "-----BEGIN ", "PRIVATE KEY-----", "-----END ", "-----", "://", "a:b@", "@", "authorization: ", "bearer ", "eyJ",
      ".",
      "ghp_", "sk-", "A1b2C3d4E5f6G7h8I9j0", "\\n", "\n", "\"", " ", "_authToken=", "=", "%3D", "hunter22",
      "⟦secret:x:00⟧",
      "api-key", "x",
    ]
    for _ in 0..<1200 {
      let text = (0..<Int.random(in: 0...14, using: &random)).map { _ in pieces.randomElement(using: &random) ?? "" }
        .joined()
      let once = redactor.redact(Array(text.utf8))
      #expect(redactor.redact(once.bytes).bytes == once.bytes, "\(text)")
    }
  }

  /// What would take a backtracking matcher for ever.
  @Test(arguments: [
    "eyJ", "eyJaaaaaaaaaa.", "-----BEGIN ", "-----BEGIN PRIVATE KEY-----\n", "://", "://a:", "authorization:",
    "bearer ",
    "sk-", "_auth=", "hunter2", "api-key=", "ghp_A1b2C3d4E5", "AKIAIOSFODNN7EXAMPL", "\\n",
  ])
  func timeIsLinear(piece: String) {
    let text = Array(String(repeating: piece, count: 60_000 / piece.utf8.count).utf8)
    #expect(!redactor.redact(text).bytes.isEmpty)
  }
}
