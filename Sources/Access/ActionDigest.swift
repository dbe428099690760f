public import JSON

/// Names one action by everything that it will do: an approval of it is good for nothing else.
public struct ActionDigest: Sendable, Hashable, CustomStringConvertible {
  /// SHA-256 in hexadecimal.
  public let hex: String

  /// The digest of what an action is: its run, its fields, the contents that it brings.
  public init(of action: JSONValue, contents: [String: [UInt8]] = [:]) {
    var digests = JSONObject()
    for (name, content) in contents.sorted(by: { $0.key < $1.key }) {
      digests[name] = .string(PolicyDigest.hex(content))
    }
    let document: JSONValue = ["action": action, "contents": .object(digests)]
    hex = PolicyDigest.hex(document.canonical)
  }

  /// Reads a digest; nil for anything but 64 hexadecimal digits in lower case.
  public init?(hex: String) {
    guard hex.utf8.count == 64,
      hex.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) })
    else { return nil }
    self.hex = hex
  }

  /// The digits.
  public var description: String { hex }
}
