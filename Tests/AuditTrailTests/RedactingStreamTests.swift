import Testing

@testable import AuditTrail

/// Secrets that pieces share.
@Suite struct RedactingStreamTests {
  private let redactor = Redactor(
    knownValues: ["PASSWORD": "correct-horse-battery", "PIN_TOKEN": "two\nlines-of-secret"],
    key: [UInt8](repeating: 1, count: 32))

  private static let key =
    "-----BEGIN PRIVATE KEY-----\n"
    + String(repeating: "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7\n", count: 12)
    + "-----END PRIVATE KEY-----\n"

  private let text =
    "start\npassword is correct-horse-battery here\nY29ycmVjdC1ob3JzZS1iYXR0ZXJ5 and 636f72726563742d686f7273652d62617474657279\n"
    + "Authorization: Bearer abcdefghij0123456789ABCDEF\ntwo\nlines-of-secret and more\n\(key)after the key\n"
    + "ghp_0123456789abcdefghijABCDEFGHIJ012345 end without a line feed"

  @Test(arguments: [1, 2, 3, 7, 16, 50, 333, 5000]) func piecesOfAnySize(size: Int) {
    let bytes = Array(text.utf8)
    var stream = RedactingStream(redactor)
    var output: [UInt8] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      output += stream.feed(Array(bytes[start..<min(bytes.count, start + size)]))
    }
    output += stream.finish()
    #expect(String(decoding: output, as: UTF8.self) == String(decoding: redactor.redact(bytes).bytes, as: UTF8.self))
    let shown = String(decoding: output, as: UTF8.self)
    for secret in ["correct-horse", "Y29ycmVjd", "636f7272", "abcdefghij0123", "lines-of-secret", "MIIEvQ", "ghp_0123"]
    {
      #expect(!shown.contains(secret), "\(secret)")
    }
  }

  @Test func linesThatDoNotEndAreNotHeldForEver() {
    var stream = RedactingStream(redactor)
    let piece = [UInt8](repeating: 0x61, count: 40_000)
    let given = (0..<5).reduce(0) { sum, _ in sum + stream.feed(piece).count }
    #expect(given > 100_000)
    #expect(given + stream.finish().count == 200_000)
    #expect(stream.finish().isEmpty)
  }
}
