import Crypto

/// Replaces secrets in bytes before they are stored or sent: values that are known, and texts in the formats of keys.
///
/// A secret becomes `⟦secret:rule:1a2b3c4d⟧`. The tag is an HMAC of the secret under the redactor's key: one secret has one
/// placeholder wherever it turns up, so that a reader can still tell secrets apart, and cannot guess them.
/// Known values are found as they are, and in base64, hexadecimal, percent and JSON encoding. Time is linear in the input.
public struct Redactor: Sendable {
  /// The key of the tags: give it to another redactor, and placeholders stay the same.
  public let key: [UInt8]

  private let known: KnownValues
  private let formats = SecretFormats.shared

  /// A redactor that knows values by name, and the usual formats.
  /// - Parameters:
  ///   - knownValues: names (of variables) and their values. Values under eight bytes are too common to be told from
  ///     other text, and are left alone.
  ///   - key: 32 bytes for the tags; random when nil.
  public init(knownValues: [String: String] = [:], key: [UInt8]? = nil) {
    self.key = key ?? SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
    known = KnownValues(knownValues.sorted { $0.key < $1.key }.map { Array($0.value.utf8) })
  }

  /// What a redaction gives.
  public struct Result: Sendable, Hashable {
    /// The bytes with placeholders.
    public let bytes: [UInt8]
    /// What was replaced, in order.
    public let findings: [Finding]
  }

  /// One secret that was replaced.
  public struct Finding: Sendable, Hashable {
    /// Which rule found it: `known-value`, `github-token`, `private-key`.
    public let rule: String
    /// Where it stood in the input.
    public let range: Range<Int>
    /// What stands there now.
    public let placeholder: String
  }

  /// The most bytes that a known value, in any of its forms, spans beyond its first.
  var longestKnown: Int { known.longest }

  /// Replaces every secret.
  public func redact(_ bytes: [UInt8]) -> Result {
    let matches = bytes.withUnsafeBufferPointer { scan($0) }
    guard !matches.isEmpty else { return Result(bytes: bytes, findings: []) }
    var output: [UInt8] = []
    output.reserveCapacity(bytes.count)
    var findings: [Finding] = []
    var end = 0
    for match in matches {
      let placeholder = placeholder(match.rule, for: match.value ?? Array(bytes[match.range]))
      output += bytes[end..<match.range.lowerBound]
      output += Array(placeholder.utf8)
      end = match.range.upperBound
      findings.append(Finding(rule: match.rule, range: match.range, placeholder: placeholder))
    }
    output += bytes[end...]
    return Result(bytes: output, findings: findings)
  }

  /// How many texts look drawn by lot, as keys do, and are none that any rule knows: a hint for people, and nothing that is
  /// replaced. Digests in one case, UUIDs and the checksums of lock files are not counted.
  public func hints(in bytes: [UInt8]) -> Int {
    bytes.withUnsafeBufferPointer { FormatScanner($0, formats).countDrawn() }
  }

  private struct Match {
    var rule: String
    var range: Range<Int>
    /// The secret itself where the text holds an encoding of it.
    var value: [UInt8]?
  }

  private func scan(_ bytes: UnsafeBufferPointer<UInt8>) -> [Match] {
    var matches: [Match] = []
    var scanner = FormatScanner(bytes, formats)
    let steps = formats.steps.span
    var index = 0
    /// What the byte before allows to begin here.
    var before = SecretFormats.Step.mayBegin
    while index < bytes.count {
      let step = steps[Int(bytes[index])]
      if let found = known.match(bytes, at: index) {
        matches.append(
          Match(rule: "known-value", range: index..<index + found.length, value: known.values[found.value]))
        index += found.length
        scanner.lastEnd = index
        before = .mayBegin
        continue
      }
      // Most letters stand inside of words, where no format begins.
      if step.isMark || (step.isStart && (before.endsWord || scanner.isEscaped(index))) {
        if let end = scanner.placeholderEnd(at: index) {
          index = end
          scanner.lastEnd = index
          before = .mayBegin
          continue
        }
        if let found = scanner.match(at: index) {
          matches.append(Match(rule: found.rule, range: found.range))
          index = found.range.upperBound
          scanner.lastEnd = index
          before = .mayBegin
          continue
        }
      }
      before = step
      index += 1
    }
    return matches
  }

  private func placeholder(_ rule: String, for value: [UInt8]) -> String {
    let code = HMAC<SHA256>.authenticationCode(for: value, using: SymmetricKey(data: key))
    let digits = Array("0123456789abcdef".utf8)
    let tag = code.prefix(4).flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
    return "⟦secret:\(rule):\(String(decoding: tag, as: UTF8.self))⟧"
  }
}
