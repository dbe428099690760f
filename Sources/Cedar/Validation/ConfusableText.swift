/// Warns of texts that do not read as they are: characters that do not show or that reorder what is shown, and ids that
/// mix alphabets that look alike.
enum ConfusableText {
  struct Finding {
    let offset: Int
    let message: String
    let help: String?
  }

  static func findings(_ policy: Policy) -> [Finding] {
    var findings: [Finding] = []
    func look(_ text: String, _ offset: Int) {
      guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return }
      if let hidden = text.unicodeScalars.first(where: { !Names.isVisible($0) && $0 != "\u{200d}" && !$0.isASCII }) {
        findings.append(
          Finding(
            offset: offset,
            message: "this text holds U+\(String(hidden.value, radix: 16, uppercase: true)), which does not show",
            help: "write it as \\u{\(String(hidden.value, radix: 16))}"))
      } else if mixesAlphabets(text) {
        findings.append(
          Finding(
            offset: offset, message: "the text \(Names.quoted(text)) mixes letters of alphabets that look alike",
            help: "compare it by its bytes before trusting it"))
      }
    }
    for (constraint, offset) in [
      (policy.principal, policy.places.principal), (policy.resource, policy.places.resource),
    ] {
      if case .entity(let uid) = constraint.reference { look(uid.id, offset) }
    }
    for uid in policy.action.entities { look(uid.id, policy.places.action) }
    var stack = policy.conditions
    while let expression = stack.popLast() {
      switch expression.kind {
      case .literal(.string(let text)): look(text, expression.offset)
      case .literal(.entity(let uid)): look(uid.id, expression.offset)
      case .attribute(_, let name), .hasAttribute(_, let name): look(name, expression.offset)
      case .like(_, let pattern):
        for piece in pattern.pieces { look(String(decoding: piece, as: UTF8.self), expression.offset) }
      default: break
      }
      stack.append(contentsOf: expression.kind.children)
    }
    return findings.sorted { $0.offset < $1.offset }
  }

  /// Latin together with Greek or Cyrillic, or these two together.
  private static func mixesAlphabets(_ text: String) -> Bool {
    var alphabets: Set<Int> = []
    for scalar in text.unicodeScalars where scalar.properties.isAlphabetic {
      switch scalar.value {
      case 0x41...0x24f, 0x1e00...0x1eff: alphabets.insert(0)
      case 0x370...0x3ff, 0x1f00...0x1fff: alphabets.insert(1)
      case 0x400...0x52f: alphabets.insert(2)
      default: break
      }
    }
    return alphabets.count > 1
  }
}
