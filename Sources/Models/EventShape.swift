import Conversation
import Glibc

/// What the last event of a stream looked like, so that the next one, which nearly always differs in its piece of text alone,
/// need not be read as JSON again.
///
/// An event is cut at its *holes*: values that may differ, such as the text, a running number, padding. Everything between
/// them is compared byte by byte; a hole takes a string or a number and nothing else. An event that fits is therefore the
/// very same JSON as the one that was read, with other values in the holes. What does not fit is read as ever.
struct EventShape {
  /// What may stand in a hole.
  enum Hole {
    /// The piece that is wanted: a string.
    case text
    /// A string or a whole number that nobody looks at.
    case ignored
  }

  /// Longer events are not worth keeping.
  private static let mostBytes = 4 << 10

  /// What stands before, between and behind the holes, one after another.
  private var literals: [UInt8] = []
  /// Where each literal but the last ends, and the hole behind it.
  private var holes: [(end: Int, kind: Hole)] = []
  private var isKnown = false

  /// Forgets; the next event is read as JSON.
  mutating func forget() { isKnown = false }

  /// Learns an event that was read and is well-formed.
  /// - Parameter values: what may differ, found in `event`; one at most of the kind `text`. Values that are no string and no
  ///   whole number stay as they are.
  mutating func learn(_ event: UnsafeBufferPointer<UInt8>, _ values: [(cursor: JSONCursor?, kind: Hole)]) {
    isKnown = false
    guard event.count <= Self.mostBytes else { return }
    var places: [(start: Int, end: Int, kind: Hole)] = []
    for (cursor, kind) in values {
      guard let cursor, let place = cursor.place(in: event), cursor.isString || cursor.isDigits else { continue }
      places.append((place.lowerBound, place.upperBound, kind))
    }
    places.sort { $0.start < $1.start }
    literals.removeAll(keepingCapacity: true)
    holes.removeAll(keepingCapacity: true)
    var index = 0
    for place in places {
      // A value within another one was not found by members of this event.
      guard place.start >= index else { return }
      literals.append(contentsOf: event[index..<place.start])
      holes.append((literals.count, place.kind))
      index = place.end
    }
    literals.append(contentsOf: event[index...])
    isKnown = true
  }

  /// The text of an event of this shape, quotation marks included, and whether something in it is escaped; nil when the event
  /// has another shape.
  func text(of event: UnsafeBufferPointer<UInt8>) -> (quoted: UnsafeBufferPointer<UInt8>, isEscaped: Bool)? {
    guard isKnown, let base = event.baseAddress else { return nil }
    return literals.withUnsafeBufferPointer { literals in
      guard let expected = literals.baseAddress else { return nil }
      var found = UnsafeBufferPointer(rebasing: event[..<0])
      var isEscaped = false
      var index = 0
      var done = 0
      for hole in holes {
        let count = hole.end - done
        guard event.count - index > count, memcmp(base + index, expected + done, count) == 0 else { return nil }
        index += count
        done = hole.end
        let start = index
        if base[index] == 0x22 {
          guard let escaped = Self.skipString(base, event.count, &index) else { return nil }
          if case .text = hole.kind {
            found = UnsafeBufferPointer(start: base + start, count: index - start)
            isEscaped = escaped
          } else if escaped {
            return nil
          }
        } else {
          guard case .ignored = hole.kind, Self.skipNumber(base, event.count, &index) else { return nil }
        }
      }
      let count = literals.count - done
      guard event.count - index == count, memcmp(base + index, expected + done, count) == 0 else { return nil }
      return (found, isEscaped)
    }
  }

  /// Moves behind a string; says whether there is a backslash in it. Nil when it does not end, or holds what a string may
  /// not hold.
  private static func skipString(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ index: inout Int) -> Bool? {
    var isEscaped = false
    index += 1
    while index < count {
      let byte = bytes[index]
      index += 1
      if byte == 0x22 { return isEscaped }
      if byte < 0x20 { return nil }
      if byte == 0x5c {
        isEscaped = true
        index += 1
      }
    }
    return nil
  }

  /// Moves behind a whole number without a sign or leading zeros.
  private static func skipNumber(_ bytes: UnsafePointer<UInt8>, _ count: Int, _ index: inout Int) -> Bool {
    let start = index
    while index < count, (0x30...0x39).contains(bytes[index]) { index += 1 }
    return index > start && index - start < 16 && (bytes[start] != 0x30 || index == start + 1)
  }
}

/// Pieces of text that came, put together for a person who watches: each tells of all that came at once, not of every word.
struct ShownText {
  /// What a piece is.
  enum Kind { case text, reasoning }

  private var bytes: [UInt8] = []
  private var kind = Kind.text

  /// Adds a piece; what is of another kind is told first.
  mutating func add(_ piece: UnsafeBufferPointer<UInt8>, _ kind: Kind, _ context: AnswerContext) {
    if kind != self.kind {
      tell(context)
      self.kind = kind
    }
    bytes.append(contentsOf: piece)
  }

  /// Tells what came since the last time.
  mutating func tell(_ context: AnswerContext) {
    guard !bytes.isEmpty else { return }
    let text = String(decoding: bytes, as: UTF8.self)
    bytes.removeAll(keepingCapacity: true)
    context.observe(kind == .text ? .text(text) : .reasoning(text))
  }
}
