/// What a schema declares, in either form, before names are resolved.
struct SchemaDeclarations {
  /// Where something was declared: a byte of a text, or a path into JSON.
  enum Place {
    case offset(Int)
    case path(String)
  }

  struct Name {
    let text: String
    let place: Place
  }

  /// A type as it was written.
  indirect enum TypeExpression {
    case bool
    case long
    case string
    case set(TypeExpression)
    case record([Attribute])
    case `extension`(Name)
    /// A name that must be an entity type.
    case entity(Name)
    /// A name that must be a common type.
    case common(Name)
    /// A name that may be either; common types come first.
    case entityOrCommon(Name)
  }

  struct Attribute {
    let name: String
    let type: TypeExpression
    let isRequired: Bool
  }

  struct Entity {
    enum Kind {
      case standard(parents: [Name], shape: TypeExpression, tags: TypeExpression?)
      case enumerated([String])
    }
    let name: Name
    let kind: Kind
  }

  struct Action {
    let name: Name
    /// Groups: the type is that of the namespace's actions unless one is written.
    let parents: [(type: String?, id: String, place: Place)]
    let principals: [Name]
    let resources: [Name]
    let context: TypeExpression
  }

  struct Common {
    let name: Name
    let type: TypeExpression
  }

  struct Namespace {
    /// Nil for declarations outside any namespace.
    let name: Name?
    var entities: [Entity] = []
    var actions: [Action] = []
    var commons: [Common] = []
  }

  let source: SourceText
  var namespaces: [Namespace]

  func diagnostic(_ place: Place, _ message: String, help: String? = nil) -> CedarDiagnostic {
    switch place {
    case .offset(let offset): source.diagnostic(offset, message, help: help)
    case .path(let path):
      CedarDiagnostic(
        source: source.name, position: nil, message: path.isEmpty ? message : "\(path): \(message)", help: help)
    }
  }

  /// Types that cannot be declared as common types: the JSON form means something else by them.
  static let reservedCommonNames: Set<String> = [
    "Bool", "Boolean", "Entity", "Extension", "Long", "Record", "Set", "String",
  ]
}
