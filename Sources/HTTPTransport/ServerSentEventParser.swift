import Glibc

/// One event of a `text/event-stream`.
public struct ServerSentEvent: Sendable, Hashable {
  /// The event's type; empty when the stream gave none.
  public var type: String
  /// The data, lines joined by line feeds.
  public var data: [UInt8]

  /// An event.
  public init(type: String = "", data: [UInt8]) {
    self.type = type
    self.data = data
  }
}

/// An event larger than the parser's bound.
public struct OversizedEvent: Error, Sendable, Hashable, CustomStringConvertible {
  /// The bound in bytes.
  public let limit: Int
  /// A sentence for people.
  public var description: String { "an event of the stream is larger than \(limit) bytes" }
}

/// Cuts a stream of bytes into server-sent events as the HTML standard has them ("9.2.6 Interpreting an event stream"):
/// lines end with LF, CR LF or CR, comments are skipped, a leading byte order mark is dropped.
///
/// Pieces may be cut anywhere; each byte is looked at a bounded number of times, and no more than one event is kept.
/// `id` and `retry` fields are skipped: model streams cannot be resumed.
public struct ServerSentEventParser: Sendable {
  private let limit: Int
  /// The beginning of a line whose end has not come yet.
  private var partial: [UInt8] = []
  /// The data and type of the event under way, when they had to be kept.
  private var data: [UInt8] = []
  private var hasData = false
  private var type: [UInt8] = []
  private var afterCarriageReturn = false
  private var isAtStart = true
  /// Events so far. Comments, by which servers show that they are still there, are none.
  public private(set) var eventCount = 0

  /// A parser at the start of a stream.
  public init(maximumEventBytes: Int = 16 << 20) { limit = maximumEventBytes }

  /// Reads on; calls `handle` with type and data of each event that is complete now.
  /// - Throws: ``OversizedEvent``, or what `handle` throws; the parser is of no use afterwards.
  public mutating func feed(
    _ bytes: [UInt8], _ handle: (_ type: Span<UInt8>, _ data: Span<UInt8>) throws -> Void
  ) throws {
    try bytes.withUnsafeBufferPointer { bytes in
      var start = 0
      if afterCarriageReturn, let first = bytes.first {
        afterCarriageReturn = false
        if first == 0x0a { start = 1 }
      }
      // The next LF and CR are looked for once each, not once a line: a stream of bare CRs must not cost its square.
      var feed = -1
      var carriage = -1
      while start < bytes.count {
        if feed < start { feed = Self.offset(of: 0x0a, in: bytes, from: start) }
        if carriage < start { carriage = Self.offset(of: 0x0d, in: bytes, from: start) }
        let end = min(feed, carriage)
        guard end < bytes.count else {
          partial.append(contentsOf: bytes[start...])
          try checkSize(0)
          return
        }
        let line = UnsafeBufferPointer(rebasing: bytes[start..<end])
        // The common event, one line of data that is all there, is handed over where it lies.
        if end + 1 < bytes.count, bytes[end] == 0x0a, bytes[end + 1] == 0x0a, partial.isEmpty, !hasData, !isAtStart,
          let value = Self.data(of: line)
        {
          try checkSize(value.count + 1)
          eventCount += 1
          try handle(type.span, value.span)
          type.removeAll(keepingCapacity: true)
          start = end + 2
          continue
        }
        if partial.isEmpty {
          try handleLine(line, handle)
        } else {
          partial.append(contentsOf: line)
          var whole: [UInt8] = []
          swap(&whole, &partial)
          try whole.withUnsafeBufferPointer { try handleLine($0, handle) }
        }
        start = end + 1
        if bytes[end] == 0x0d {
          if start == bytes.count {
            afterCarriageReturn = true
          } else if bytes[start] == 0x0a {
            start += 1
          }
        }
      }
    }
  }

  /// The events that are complete after these bytes.
  /// - Throws: ``OversizedEvent``.
  public mutating func events(in bytes: [UInt8]) throws -> [ServerSentEvent] {
    var events: [ServerSentEvent] = []
    try feed(bytes) { type, data in
      events.append(
        ServerSentEvent(
          type: type.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) },
          data: data.withUnsafeBufferPointer { Array($0) }))
    }
    return events
  }

  /// The event that the end of the stream left open: the standard drops it, but a server that forgets the last empty
  /// line has still said it. It may be cut off.
  public mutating func finish() -> ServerSentEvent? {
    var last: ServerSentEvent?
    let line = partial
    partial = []
    try? line.withUnsafeBufferPointer { try handleLine($0) { _, _ in } }
    if hasData { last = ServerSentEvent(type: String(decoding: type, as: UTF8.self), data: data) }
    self = ServerSentEventParser(maximumEventBytes: limit)
    return last
  }

  /// The offset of the first such byte at or after `start`; the count when there is none.
  private static func offset(of byte: Int32, in bytes: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    guard let base = bytes.baseAddress, let found = memchr(base + start, byte, bytes.count - start) else {
      return bytes.count
    }
    return UnsafeRawPointer(found) - UnsafeRawPointer(base)
  }

  /// The value of a line of data; nil of any other.
  private static func data(of line: UnsafeBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8>? {
    guard line.count >= 5, let base = line.baseAddress, memcmp(base, "data:", 5) == 0 else { return nil }
    let start = line.count > 5 && base[5] == 0x20 ? 6 : 5
    return UnsafeBufferPointer(start: base + start, count: line.count - start)
  }

  private func checkSize(_ more: Int) throws {
    guard partial.count + data.count + more <= limit else { throw OversizedEvent(limit: limit) }
  }

  private mutating func handleLine(
    _ line: UnsafeBufferPointer<UInt8>, _ handle: (Span<UInt8>, Span<UInt8>) throws -> Void
  ) throws {
    var line = line
    if isAtStart {
      isAtStart = false
      if line.starts(with: [0xef, 0xbb, 0xbf]) { line = UnsafeBufferPointer(rebasing: line.dropFirst(3)) }
    }
    if line.isEmpty {
      defer {
        type.removeAll(keepingCapacity: true)
        data.removeAll(keepingCapacity: true)
        hasData = false
      }
      if hasData {
        eventCount += 1
        try handle(type.span, data.span)
      }
      return
    }
    let colon = Self.offset(of: 0x3a, in: line, from: 0)
    var value = UnsafeBufferPointer(rebasing: line[min(colon + 1, line.count)...])
    if value.first == 0x20 { value = UnsafeBufferPointer(rebasing: value.dropFirst()) }
    switch colon {
    case 4 where line.starts(with: "data".utf8):
      try checkSize(value.count + 1)
      if hasData { data.append(0x0a) }
      hasData = true
      data.append(contentsOf: value)
    case 5 where line.starts(with: "event".utf8):
      try checkSize(value.count)
      type.removeAll(keepingCapacity: true)
      type.append(contentsOf: value)
    default: break  // A comment, or a field of no use here.
    }
  }
}
