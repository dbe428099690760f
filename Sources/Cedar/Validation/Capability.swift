/// Something that a test has shown: that an expression has an attribute, or an entity a tag.
struct Capability: Hashable {
  enum Subject: Hashable {
    case attribute(ExactText)
    case tag(ExpressionShape)
  }

  let owner: ExpressionShape
  let subject: Subject

  static func attribute(_ name: String, of owner: Expression) -> Capability {
    Capability(owner: ExpressionShape(expression: owner), subject: .attribute(ExactText(name)))
  }

  static func tag(_ name: Expression, of owner: Expression) -> Capability {
    Capability(owner: ExpressionShape(expression: owner), subject: .tag(ExpressionShape(expression: name)))
  }
}
