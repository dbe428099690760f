/// A key. Nothing prints it: not string interpolation, not `dump`, not a debugger's description.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
  /// The key itself, for the header it belongs in.
  let value: String

  /// Keeps a key. White space and line ends around it, which files and variables often have, are dropped.
  public init(_ value: String) {
    var text = value[...]
    while let first = text.first, first.isWhitespace { text.removeFirst() }
    while let last = text.last, last.isWhitespace { text.removeLast() }
    self.value = String(text)
  }

  /// True when there is no key in it.
  public var isEmpty: Bool { value.isEmpty }
  /// Never the key.
  public var description: String { "(secret)" }
  /// Never the key.
  public var debugDescription: String { "(secret)" }
  /// Without children.
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Takes keys out of texts that others wrote: a server may repeat the key that it refuses.
struct Redactor: Sendable {
  private var secrets: [String] = []

  init(_ secrets: [String]) { add(secrets) }

  /// Takes these out, too.
  mutating func add(_ more: [String]) {
    // Very short ones would take letters out of every word, and are no secrets.
    let new = more.filter { $0.utf8.count >= 6 && !secrets.contains($0) }
    if !new.isEmpty { secrets = (secrets + new).sorted { $0.utf8.count > $1.utf8.count } }
  }

  func redact(_ text: String) -> String {
    var text = text
    for secret in secrets where text.contains(secret) {
      var result = ""
      var rest = text[...]
      while let range = rest.firstRange(of: secret) {
        result += rest[..<range.lowerBound] + "(secret)"
        rest = rest[range.upperBound...]
      }
      text = result + rest
    }
    return text
  }
}
