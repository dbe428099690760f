/// A type of the language, as validation sees it.
indirect enum CedarType: Sendable, Hashable {
  /// What is known of a bool: some expressions can only be true, or only false.
  enum Truth: Sendable, Hashable { case any, always, never }

  enum Extension: String, Sendable, Hashable, CaseIterable { case ipaddr, decimal, datetime, duration }

  case bool(Truth)
  case long
  case string
  case entity(String)
  case set(CedarType)
  case record(RecordType)
  case `extension`(Extension)
}

/// The attributes of a record or an entity, sorted by name.
struct RecordType: Sendable, Hashable {
  struct Attribute: Sendable, Hashable {
    let name: ExactText
    let type: CedarType
    let isRequired: Bool
  }

  let attributes: [Attribute]

  static let empty = RecordType([])

  init(_ attributes: [Attribute]) { self.attributes = attributes.sorted { $0.name < $1.name } }

  subscript(name: String) -> Attribute? {
    var low = 0
    var high = attributes.count
    while low < high {
      let middle = (low + high) / 2
      if attributes[middle].name.text.precedesExactly(name) { low = middle + 1 } else { high = middle }
    }
    return low < attributes.count && attributes[low].name.text.isExactly(name) ? attributes[low] : nil
  }
}

extension CedarType: CustomStringConvertible {
  /// As a schema writes it; inner records only by their braces, as types can be large.
  var description: String { text(depth: 2) }

  private func text(depth: Int) -> String {
    switch self {
    case .bool(.any): return "Bool"
    case .bool(.always): return "true"
    case .bool(.never): return "false"
    case .long: return "Long"
    case .string: return "String"
    case .entity(let name): return name
    case .extension(let name): return name.rawValue
    case .set(let element): return depth == 0 ? "Set<…>" : "Set<\(element.text(depth: depth - 1))>"
    case .record(let record):
      guard depth > 0 else { return "{…}" }
      let shown = record.attributes.prefix(8).map { attribute in
        let name = attribute.name.text
        return (Names.isIdentifier(name) ? name : Names.quoted(name)) + (attribute.isRequired ? "" : "?") + ": "
          + attribute.type.text(depth: depth - 1)
      }
      return "{" + (shown + (record.attributes.count > 8 ? ["…"] : [])).joined(separator: ", ") + "}"
    }
  }
}
