/// Named values, each name once, sorted by the names' bytes.
public struct Record: Sendable, Hashable, ExpressibleByDictionaryLiteral {
  /// One name with its value.
  public struct Field: Sendable, Hashable {
    /// The attribute's name.
    public let name: String
    /// Its value.
    public let value: Value

    /// A field.
    public init(name: String, value: Value) {
      self.name = name
      self.value = value
    }

    /// By code points of the name, and value.
    public static func == (left: Field, right: Field) -> Bool {
      left.name.isExactly(right.name) && left.value == right.value
    }

    /// Consistent with `==`.
    public func hash(into hasher: inout Hasher) {
      name.hashExactly(into: &hasher)
      hasher.combine(value)
    }
  }

  /// The fields in the order of their names.
  public let fields: [Field]

  /// The record without fields.
  public static let empty = Record([Field]())

  /// A record of these fields; of a repeated name the last value holds.
  public init(_ fields: some Sequence<Field>) {
    var sorted = Array(fields)
    // A stable sort keeps repeated names in the order given, so that the last one can be kept.
    if !sorted.indices.dropFirst().allSatisfy({ sorted[$0 - 1].name.precedesExactly(sorted[$0].name) }) {
      sorted = sorted.enumerated().sorted {
        $0.element.name.isExactly($1.element.name)
          ? $0.offset < $1.offset : $0.element.name.precedesExactly($1.element.name)
      }.map(\.element)
      var unique: [Field] = []
      for field in sorted {
        if let last = unique.last, last.name.isExactly(field.name) { unique.removeLast() }
        unique.append(field)
      }
      sorted = unique
    }
    self.fields = sorted
  }

  /// A record from a literal; of a repeated name the last value holds.
  public init(dictionaryLiteral elements: (String, Value)...) {
    self.init(elements.map { Field(name: $0, value: $1) })
  }

  /// The value of a name.
  public subscript(name: String) -> Value? {
    if fields.count <= 8 {
      for field in fields where field.name.isExactly(name) { return field.value }
      return nil
    }
    var low = 0
    var high = fields.count
    while low < high {
      let middle = (low + high) / 2
      if fields[middle].name.precedesExactly(name) { low = middle + 1 } else { high = middle }
    }
    return low < fields.count && fields[low].name.isExactly(name) ? fields[low].value : nil
  }
}
