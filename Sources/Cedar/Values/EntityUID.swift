/// The name of an entity: its type, such as `Shop::User`, and its id, any text.
///
/// Compared by code points, never by Unicode equivalence. Copies share storage and a hash computed once.
public struct EntityUID: Hashable, Sendable, CustomStringConvertible {
  private final class Storage: Sendable {
    let type: String
    let id: String
    let hash: Int

    init(type: String, id: String) {
      self.type = type
      self.id = id
      var hasher = Hasher()
      type.hashExactly(into: &hasher)
      id.hashExactly(into: &hasher)
      hash = hasher.finalize()
    }
  }

  private let storage: Storage

  /// An entity's name. A `type` that is no Cedar name (``EntityUID/isTypeName(_:)``) can be named by no policy.
  public init(type: String, id: String) { storage = Storage(type: type, id: id) }

  /// The type with its namespaces, such as `Shop::User`.
  public var type: String { storage.type }

  /// The id.
  public var id: String { storage.id }

  /// True when the last part of the type is `Action`.
  public var isAction: Bool { Names.isActionType(storage.type) }

  /// By type and id.
  public static func == (left: EntityUID, right: EntityUID) -> Bool {
    left.storage === right.storage
      || left.storage.hash == right.storage.hash && left.storage.id.isExactly(right.storage.id)
        && left.storage.type.isExactly(right.storage.type)
  }

  /// Feeds the stored hash.
  public func hash(into hasher: inout Hasher) { hasher.combine(storage.hash) }

  /// As a policy writes it: `Shop::User::"alice"`.
  public var description: String { "\(type)::\(Names.quoted(id))" }

  /// True for a name that can be an entity's type: identifiers joined by `::`, none of them reserved.
  public static func isTypeName(_ text: String) -> Bool { Names.isName(text) }
}

/// Identifiers, names and their quoting.
enum Names {
  /// Words that are never identifiers.
  static let reserved: Set<String> = ["true", "false", "if", "then", "else", "in", "is", "has", "like"]

  /// The namespace of the language itself.
  static let languageNamespace = "__cedar"

  /// True for `[_a-zA-Z][_a-zA-Z0-9]*` that is no reserved word.
  static func isIdentifier(_ text: some StringProtocol) -> Bool {
    guard let first = text.utf8.first, isIdentifierStart(first) else { return false }
    return text.utf8.allSatisfy { isIdentifierStart($0) || (0x30...0x39).contains($0) }
      && !reserved.contains(String(text))
  }

  @inline(__always)
  static func isIdentifierStart(_ byte: UInt8) -> Bool {
    byte == 0x5f || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
  }

  /// True for identifiers joined by `::`, none of them `__cedar` unless that is allowed.
  static func isName(_ text: String, allowingLanguageNamespace: Bool = false) -> Bool {
    let parts = components(text)
    return !parts.isEmpty
      && parts.allSatisfy { isIdentifier($0) && (allowingLanguageNamespace || $0 != languageNamespace) }
  }

  /// The parts between `::`. A lone colon makes a part that is no identifier.
  static func components(_ text: String) -> [String] {
    var parts: [String] = []
    var part: [UInt8] = []
    let bytes = Array(text.utf8)
    var index = 0
    while index < bytes.count {
      if bytes[index] == 0x3a, index + 1 < bytes.count, bytes[index + 1] == 0x3a {
        parts.append(String(decoding: part, as: UTF8.self))
        part = []
        index += 2
      } else {
        part.append(bytes[index])
        index += 1
      }
    }
    parts.append(String(decoding: part, as: UTF8.self))
    return parts
  }

  /// The part after the last `::`.
  static func basename(_ name: String) -> String { components(name).last ?? name }

  static func isQualified(_ name: String) -> Bool { name.utf8.contains(0x3a) }

  static func isActionType(_ type: String) -> Bool { type == "Action" || type.hasSuffix("::Action") }

  /// A string literal: escapes for quotes, backslashes and all that would not show.
  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": result += "\\\""
      case "\\": result += "\\\\"
      case "\n": result += "\\n"
      case "\r": result += "\\r"
      case "\t": result += "\\t"
      case "\0": result += "\\0"
      default:
        if isVisible(scalar) {
          result.unicodeScalars.append(scalar)
        } else {
          result += "\\u{\(String(scalar.value, radix: 16))}"
        }
      }
    }
    return result + "\""
  }

  /// False for control characters, and for format characters that change how the text around them is shown.
  static func isVisible(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.isASCII { return scalar.value >= 0x20 && scalar.value != 0x7f }
    switch scalar.properties.generalCategory {
    case .control, .format, .lineSeparator, .paragraphSeparator, .privateUse, .unassigned: return false
    default: return true
    }
  }
}
