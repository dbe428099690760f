/// A named piece of a program.
public struct Declaration: Sendable, Hashable {
  /// What it is.
  public enum Kind: UInt8, Sendable, CaseIterable {
    case function
    case method
    case property
    case `class`
    case `struct`
    case `enum`
    case interface
    case namespace
    case `extension`
    case macro
    case type
    /// Found by another tool, of a kind that none of the others names.
    case other

    /// Functions, methods and computed properties: what runs.
    public var isCallable: Bool { self == .function || self == .method || self == .property }

    /// The word for it.
    public var word: String {
      switch self {
      case .function: "function"
      case .method: "method"
      case .property: "property"
      case .class: "class"
      case .struct: "struct"
      case .enum: "enum"
      case .interface: "interface"
      case .namespace: "namespace"
      case .extension: "extension"
      case .macro: "macro"
      case .type: "type"
      case .other: "name"
      }
    }
  }

  /// What it is.
  public var kind: Kind
  /// Its name.
  public var name: [UInt8]
  /// Its first line, from 1.
  public var line: Int
  /// Its last line.
  public var endLine: Int
  /// The parameters as written, on one line; nil when it has none.
  public var signature: [UInt8]?
  /// The name of what it is declared in.
  public var scope: [UInt8]?

  /// A declaration.
  public init(kind: Kind, name: [UInt8], line: Int, endLine: Int, signature: [UInt8]? = nil, scope: [UInt8]? = nil) {
    self.kind = kind
    self.name = name
    self.line = line
    self.endLine = endLine
    self.signature = signature
    self.scope = scope
  }
}
