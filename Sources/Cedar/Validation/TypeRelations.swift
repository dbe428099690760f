/// How strict validation relates types: records only with the same attributes, entities only of the same type.
extension CedarType {
  /// True when every value of this type is one of the other.
  func isSubtype(of other: CedarType) -> Bool {
    switch (self, other) {
    case (.bool(let mine), .bool(let theirs)): mine == theirs || theirs == .any
    case (.long, .long), (.string, .string): true
    case (.entity(let mine), .entity(let theirs)): mine == theirs
    case (.extension(let mine), .extension(let theirs)): mine == theirs
    case (.set(let mine), .set(let theirs)): mine.isSubtype(of: theirs)
    case (.record(let mine), .record(let theirs)):
      mine.hasSameNames(as: theirs)
        && zip(mine.attributes, theirs.attributes).allSatisfy {
          $0.isRequired == $1.isRequired && $0.type.isSubtype(of: $1.type)
        }
    default: false
    }
  }

  /// Why two types have nothing in common that strict validation accepts.
  enum Mismatch: Error {
    case types
    case entityTypes
    case attributes
    case optionality

    var help: String? {
      switch self {
      case .types: nil
      case .entityTypes: "different entity types have nothing in common"
      case .attributes: "records must have the same attributes"
      case .optionality: "an attribute is required in one record and optional in the other"
      }
    }
  }

  /// The least type that holds the values of both.
  func joined(_ other: CedarType) throws(Mismatch) -> CedarType {
    if isSubtype(of: other) { return other }
    if other.isSubtype(of: self) { return self }
    switch (self, other) {
    case (.bool, .bool): return .bool(.any)
    case (.set(let mine), .set(let theirs)): return .set(try mine.joined(theirs))
    case (.record(let mine), .record(let theirs)):
      guard mine.hasSameNames(as: theirs) else { throw .attributes }
      var attributes: [RecordType.Attribute] = []
      for (left, right) in zip(mine.attributes, theirs.attributes) {
        let type = try left.type.joined(right.type)
        guard left.isRequired == right.isRequired else { throw .optionality }
        attributes.append(RecordType.Attribute(name: left.name, type: type, isRequired: left.isRequired))
      }
      return .record(RecordType(attributes))
    case (.entity, .entity): throw .entityTypes
    default: throw .types
    }
  }
}

extension RecordType {
  func hasSameNames(as other: RecordType) -> Bool {
    attributes.count == other.attributes.count
      && zip(attributes, other.attributes).allSatisfy { $0.name == $1.name }
  }
}
