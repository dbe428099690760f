import Conversation
import JSON

/// What one tried patch came to.
struct TrialResult: Sendable {
  enum Outcome: String, Sendable { case passed, failed, broken, timeout, notRun }

  var outcome: Outcome
  /// Tests that fail with the patch, of those that failed before.
  var failing: Int?
  /// Tests that failed before and pass now.
  var fixed: Int
  /// Tests that passed before and do not now.
  var lost: Int
  var firstFailure: String?
  /// Names of the tests that still fail; optional in the tool's answer.
  var still: [String]?

  init?(json: JSONValue) {
    guard let outcome = json["outcome"]?.string.flatMap(Outcome.init) else { return nil }
    self.outcome = outcome
    failing = json["failing"]?.int
    fixed = json["fixed"]?.int ?? 0
    lost = json["lost"]?.int ?? 0
    firstFailure = json["firstFailure"]?.string
    still = json["still"]?.array.map { $0.compactMap(\.string) }
  }
}

extension ToolResult {
  /// The answer as data: the structured part, else the output when that is JSON; nil for an error.
  var answer: JSONValue? {
    if isError { return nil }
    if let structured { return structured }
    return try? JSONValue(parsing: output)
  }
}

/// Decodes base64 (RFC 4648), in which tools hand over files that are not UTF-8; nil when it is malformed.
func decodeBase64(_ text: String) -> [UInt8]? {
  var result: [UInt8] = []
  var buffer: UInt32 = 0
  var bits = 0
  for byte in text.utf8 {
    let value: UInt32
    switch byte {
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): value = UInt32(byte) - 65
    case UInt8(ascii: "a")...UInt8(ascii: "z"): value = UInt32(byte) - 97 + 26
    case UInt8(ascii: "0")...UInt8(ascii: "9"): value = UInt32(byte) - 48 + 52
    case UInt8(ascii: "+"), UInt8(ascii: "-"): value = 62
    case UInt8(ascii: "/"), UInt8(ascii: "_"): value = 63
    case UInt8(ascii: "="), 0x0a, 0x0d: continue
    default: return nil
    }
    buffer = buffer << 6 | value
    bits += 6
    if bits >= 8 {
      bits -= 8
      result.append(UInt8(truncatingIfNeeded: buffer >> UInt32(bits)))
      buffer &= (1 << UInt32(bits)) - 1
    }
  }
  return result
}
