import Conversation

/// A conversation with the bytes that its items have in one dialect, kept so that a request costs only what is new in
/// it.
struct EncodedConversation: Sendable {
  /// Items that are encoded together.
  private struct Unit: Sendable {
    /// The index behind the last item.
    var end: Int
    var bytes: [UInt8]
    /// True when the items came from outside the model: only their ends are worth a cache mark.
    var isFromOutside: Bool
  }

  let fixed: FixedPart
  private let head: [UInt8]
  private let headEndsWithItem: Bool
  private var items: [Item] = []
  private var units: [Unit] = []
  /// The ids of all calls, so that a new answer's can be told apart.
  private(set) var callIDs: Set<String> = []
  /// True when there was ever a picture in it.
  private(set) var hasImages = false

  init(fixed: FixedPart, dialect: any WireDialect, provider: Provider, model: String) {
    self.fixed = fixed
    (head, headEndsWithItem) = dialect.head(fixed, provider: provider, model: model)
  }

  /// How many of these items are encoded already, from the first on.
  func sharedCount(with other: [Item]) -> Int {
    var count = 0
    // Items that were copied share their storage, which makes the comparison a glance.
    while count < items.count, count < other.count, items[count] == other[count] { count += 1 }
    return count
  }

  /// Encodes what is new.
  /// - Returns: the items and bytes that had to be encoded.
  mutating func update(to new: [Item], shared: Int, dialect: any WireDialect) -> (items: Int, bytes: Int) {
    if shared < items.count {
      while let last = units.last, last.end > shared { units.removeLast() }
      items.removeLast(items.count - shared)
      callIDs = Set(items.lazy.compactMap { if case .toolCall(let call) = $0 { call.id } else { nil } })
    }
    // The last unit may have grown.
    if shared < new.count, let last = units.last, last.end == shared,
      dialect.joins(new[shared], to: new[shared - 1], fixed.features)
    {
      units.removeLast()
    }
    var index = units.last?.end ?? 0
    var work = (items: 0, bytes: 0)
    var needsComma = headEndsWithItem || units.contains { !$0.bytes.isEmpty }
    while index < new.count {
      var end = index + 1
      while end < new.count, dialect.joins(new[end], to: new[end - 1], fixed.features) { end += 1 }
      let bytes = dialect.encode(new[index..<end], fixed: fixed)
      let unit = bytes.isEmpty || !needsComma ? bytes : [UInt8(ascii: ",")] + bytes
      needsComma = needsComma || !bytes.isEmpty
      units.append(Unit(end: end, bytes: unit, isFromOutside: !new[index].isFromModel))
      work.items += end - index
      work.bytes += unit.count
      index = end
    }
    for item in new[items.count...] {
      if case .toolCall(let call) = item { callIDs.insert(call.id) }
      if case .image = item { hasImages = true }
      items.append(item)
    }
    return work
  }

  /// The request's body, piece by piece. Cache marks stand at the ends of the last two units from outside the model: the
  /// older one is where the request before left its own, which the provider then finds again however much came since.
  func body(tail: [UInt8], mark: CacheMark?) -> [[UInt8]] {
    var pieces = [head] + units.map(\.bytes) + [tail]
    guard let mark else { return pieces }
    let marked = units.indices.reversed().lazy.filter { units[$0].isFromOutside && !units[$0].bytes.isEmpty }.prefix(2)
    for index in marked {
      let bytes = units[index].bytes
      let end = bytes.count - mark.closing
      pieces[index + 1] = bytes[..<end] + mark.bytes + bytes[end...]
    }
    return pieces
  }
}
