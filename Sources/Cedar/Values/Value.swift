/// A value of the Cedar language. Equality is the language's `==`: values of different types are different.
public enum Value: Sendable {
  /// `true` or `false`.
  case bool(Bool)
  /// A 64-bit integer.
  case long(Int64)
  /// A text, compared by code points.
  case string(String)
  /// A reference to an entity.
  case entity(EntityUID)
  /// A set.
  case set(ValueSet)
  /// A record.
  case record(Record)
  /// An IP address or range.
  case ip(IPAddress)
  /// A number with four digits after the point.
  case decimal(CedarDecimal)
  /// A moment.
  case datetime(CedarDatetime)
  /// A span of time.
  case duration(CedarDuration)
}

extension Value: Hashable {
  /// The language's `==`.
  public static func == (left: Value, right: Value) -> Bool {
    switch (left, right) {
    case (.bool(let a), .bool(let b)): a == b
    case (.long(let a), .long(let b)): a == b
    case (.string(let a), .string(let b)): a.isExactly(b)
    case (.entity(let a), .entity(let b)): a == b
    case (.set(let a), .set(let b)): a == b
    case (.record(let a), .record(let b)): a == b
    case (.ip(let a), .ip(let b)): a == b
    case (.decimal(let a), .decimal(let b)): a == b
    case (.datetime(let a), .datetime(let b)): a == b
    case (.duration(let a), .duration(let b)): a == b
    default: false
    }
  }

  /// Consistent with `==`.
  public func hash(into hasher: inout Hasher) {
    switch self {
    case .bool(let value): hasher.combine(value)
    case .long(let value): hasher.combine(value)
    case .string(let value): value.hashExactly(into: &hasher)
    case .entity(let value): hasher.combine(value)
    case .set(let value): hasher.combine(value)
    case .record(let value): hasher.combine(value)
    case .ip(let value): hasher.combine(value)
    case .decimal(let value): hasher.combine(value)
    case .datetime(let value): hasher.combine(value)
    case .duration(let value): hasher.combine(value)
    }
  }
}

extension Value {
  /// A set of these values.
  public static func set(_ elements: some Sequence<Value>) -> Value { .set(ValueSet(elements)) }

  /// A set of texts.
  public static func strings(_ texts: some Sequence<String>) -> Value {
    .set(ValueSet(texts.lazy.map { Value.string($0) }))
  }

  /// A set of entities.
  public static func entities(_ names: some Sequence<EntityUID>) -> Value {
    .set(ValueSet(names.lazy.map { Value.entity($0) }))
  }

  /// The type's name, as messages show it: `long`, `set`, `ipaddr`, or an entity's type.
  public var typeName: String {
    switch self {
    case .bool: "bool"
    case .long: "long"
    case .string: "string"
    case .entity(let uid): "entity of type \(uid.type)"
    case .set: "set"
    case .record: "record"
    case .ip: "ipaddr"
    case .decimal: "decimal"
    case .datetime: "datetime"
    case .duration: "duration"
    }
  }
}

extension Value: ExpressibleByBooleanLiteral, ExpressibleByIntegerLiteral, ExpressibleByStringLiteral,
  ExpressibleByArrayLiteral, ExpressibleByDictionaryLiteral
{
  /// A set.
  public init(arrayLiteral elements: Value...) { self = .set(ValueSet(elements)) }
  /// A record; of a repeated name the last value holds.
  public init(dictionaryLiteral elements: (String, Value)...) {
    self = .record(Record(elements.map { Record.Field(name: $0, value: $1) }))
  }
  /// A bool.
  public init(booleanLiteral value: Bool) { self = .bool(value) }
  /// A long.
  public init(integerLiteral value: Int64) { self = .long(value) }
  /// A string.
  public init(stringLiteral value: String) { self = .string(value) }
}

extension Value: CustomStringConvertible {
  /// As an expression of the language.
  public var description: String {
    switch self {
    case .bool(let value): value ? "true" : "false"
    case .long(let value): String(value)
    case .string(let value): Names.quoted(value)
    case .entity(let value): value.description
    case .set(let value): "[" + value.elements.map(\.description).joined(separator: ", ") + "]"
    case .record(let value):
      "{" + value.fields.map { "\(Names.quoted($0.name)): \($0.value)" }.joined(separator: ", ") + "}"
    case .ip(let value): "ip(\"\(value)\")"
    case .decimal(let value): "decimal(\"\(value)\")"
    case .datetime(let value): "datetime(\"\(value)\")"
    case .duration(let value): "duration(\"\(value)\")"
    }
  }
}
