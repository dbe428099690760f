import AuditTrail
import TransparencyLog

/// The `[audit]` table, and the variables that take its place in CI.
struct AuditSettings: Sendable {
  /// A file with the private key that signs checkpoints; the record's own when nil.
  var keyFile: String?
  /// A file that every run's last checkpoint is appended to.
  var anchorFile: String?
  /// Witnesses, each as `URL VKEY`.
  var witnesses: [WitnessAddress] = []
  /// Days that content is kept at least.
  var retentionDays = 183

  /// Where a witness listens, and the key that it signs with.
  struct WitnessAddress: Sendable, Hashable {
    var url: String
    var key: NoteVerificationKey

    /// Reads `URL VKEY`; nil when it is not that.
    init?(_ text: String) {
      let parts = text.split(separator: " ").map(String.init)
      guard parts.count == 2, parts[0].hasPrefix("http://") || parts[0].hasPrefix("https://"),
        let key = NoteVerificationKey(parts[1]), key.type == .cosignature
      else { return nil }
      url = parts[0].hasSuffix("/") ? String(parts[0].dropLast()) : parts[0]
      self.key = key
    }
  }

  mutating func read(_ table: TableReader) throws(UsageFailure) {
    try table.allow(["key_file", "anchor_file", "witnesses", "retention_days"])
    keyFile = try table.string("key_file") ?? keyFile
    anchorFile = try table.string("anchor_file") ?? anchorFile
    for text in try table.list("witnesses") ?? [] {
      guard let witness = WitnessAddress(text) else {
        throw UsageFailure(
          "\(table.place): `\(text)` is no witness",
          advice: "write its URL, a space, and the key that `codeagent audit witness serve` shows")
      }
      witnesses.append(witness)
    }
    if let days = try table.int("retention_days") {
      guard days >= 0 else { throw UsageFailure("\(table.place): `retention_days` cannot be negative") }
      retentionDays = days
    }
  }

  /// The key that signs: from `CODEAGENT_AUDIT_KEY`, the file that `CODEAGENT_AUDIT_KEY_FILE` names, or the configured file.
  /// Nil means the record's own.
  func key(_ environment: [String: String]) throws -> NoteSigningKey? {
    if let text = environment["CODEAGENT_AUDIT_KEY"], !text.isEmpty {
      return try Self.key(text, from: "CODEAGENT_AUDIT_KEY")
    }
    let variable = environment["CODEAGENT_AUDIT_KEY_FILE"].flatMap { $0.isEmpty ? nil : $0 }
    guard let file = variable ?? keyFile else { return nil }
    return try Self.key(try TextInput.read(file), from: file)
  }

  private static func key(_ text: String, from place: String) throws -> NoteSigningKey {
    do throws(NoteKeyError) {
      return try NoteSigningKey(privateText: text)
    } catch {
      throw UsageFailure(
        "\(place): \(error.description)", advice: "make one with `codeagent audit key --generate NAME`")
    }
  }

  /// The file for anchors: `CODEAGENT_AUDIT_ANCHOR_FILE`, or the configured one.
  func anchorFile(_ environment: [String: String]) -> String? {
    environment["CODEAGENT_AUDIT_ANCHOR_FILE"].flatMap { $0.isEmpty ? nil : $0 } ?? anchorFile
  }
}
