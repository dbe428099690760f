/// A set of values: each once, in the order first seen, compared without order.
public struct ValueSet: Sendable, Hashable {
  /// Above this many elements a hashed index is kept.
  private static let mostWithoutIndex = 8

  /// The elements, each once.
  public let elements: [Value]
  private let index: Set<Value>?

  /// A set of these values.
  public init(_ values: some Sequence<Value>) {
    var unique: [Value] = []
    var seen: Set<Value>?
    for value in values {
      if seen != nil {
        if seen?.insert(value).inserted == true { unique.append(value) }
        continue
      }
      if unique.contains(value) { continue }
      unique.append(value)
      if unique.count > Self.mostWithoutIndex { seen = Set(unique) }
    }
    elements = unique
    index = seen
  }

  /// How many elements there are.
  public var count: Int { elements.count }

  /// True without elements.
  public var isEmpty: Bool { elements.isEmpty }

  /// True when the value is an element.
  public func contains(_ value: Value) -> Bool {
    if let index { return index.contains(value) }
    return elements.contains(value)
  }

  /// True when every element of the other is one of this.
  public func containsAll(_ other: ValueSet) -> Bool { other.elements.allSatisfy { contains($0) } }

  /// True when an element of the other is one of this.
  public func containsAny(_ other: ValueSet) -> Bool {
    other.count <= count ? other.elements.contains { contains($0) } : elements.contains { other.contains($0) }
  }

  /// Without regard to order.
  public static func == (left: ValueSet, right: ValueSet) -> Bool {
    left.count == right.count && left.containsAll(right)
  }

  /// Consistent with `==`.
  public func hash(into hasher: inout Hasher) {
    var combined = 0
    for element in elements {
      var own = Hasher()
      own.combine(element)
      combined ^= own.finalize()
    }
    hasher.combine(combined)
    hasher.combine(count)
  }
}
