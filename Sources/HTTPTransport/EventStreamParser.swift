/// One message of an `application/vnd.amazon.eventstream`.
public struct EventStreamMessage: Sendable, Hashable {
  /// What a message is, by its `:message-type`.
  public enum Kind: Sendable, Hashable {
    /// A part of the answer.
    case event
    /// An error that the service's interface names.
    case exception
    /// An error beneath the service.
    case error
  }

  /// What it is.
  public var kind: Kind
  /// The event's or exception's type, or the error's code.
  public var type: String
  /// The payload; of an error, its message.
  public var payload: [UInt8]

  /// A message.
  public init(kind: Kind, type: String, payload: [UInt8]) {
    self.kind = kind
    self.type = type
    self.payload = payload
  }
}

/// Bytes that are no event stream.
public struct EventStreamError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What is wrong, for people.
  public let description: String

  init(_ description: String) { self.description = description }
}

/// Cuts a stream of bytes into the messages of Amazon's event stream encoding:
///
/// ```text
/// u32 length of all | u32 length of headers | u32 CRC-32 of these 8 bytes | headers | payload | u32 CRC-32 of all before
/// ```
///
/// All numbers are big-endian; both check values are checked, the first one before any length is believed. Pieces may be
/// cut anywhere; each byte is moved at most once, and no more than one message is kept.
public struct EventStreamParser: Sendable {
  private static let preludeBytes = 12
  /// What the prelude and the last check value take.
  private static let frameBytes = 16
  private static let mostHeaderBytes = 128 << 10

  private let limit: Int
  private var partial: [UInt8] = []
  /// The length of the message under way, once its prelude is there.
  private var length: Int?

  /// A parser at the start of a stream.
  public init(maximumPayloadBytes: Int = 16 << 20) { limit = maximumPayloadBytes }

  /// True when the stream ended, if it ends here, within a message.
  public var isWithinMessage: Bool { !partial.isEmpty }

  /// Reads on; calls `handle` with each message that is complete now.
  /// - Throws: ``EventStreamError``, or what `handle` throws; the parser is of no use afterwards.
  public mutating func feed(
    _ bytes: [UInt8],
    _ handle: (_ kind: EventStreamMessage.Kind, _ type: Span<UInt8>, _ payload: Span<UInt8>) throws -> Void
  ) throws {
    try bytes.withUnsafeBufferPointer { bytes in
      var start = 0
      while start < bytes.count {
        let rest = UnsafeBufferPointer(rebasing: bytes[start...])
        if partial.isEmpty, rest.count >= Self.preludeBytes {
          let length = try messageLength(rest)
          if rest.count >= length {
            try Self.read(UnsafeBufferPointer(rebasing: rest[..<length]), handle)
            start += length
            continue
          }
        }
        let wanted = (length ?? Self.preludeBytes) - partial.count
        let taken = min(wanted, rest.count)
        partial.append(contentsOf: rest[..<taken])
        start += taken
        if taken < wanted { return }
        if length == nil {
          length = try partial.withUnsafeBufferPointer { try messageLength($0) }
        } else {
          var whole: [UInt8] = []
          swap(&whole, &partial)
          length = nil
          try whole.withUnsafeBufferPointer { try Self.read($0, handle) }
        }
      }
    }
  }

  /// The messages that are complete after these bytes.
  /// - Throws: ``EventStreamError``.
  public mutating func messages(in bytes: [UInt8]) throws -> [EventStreamMessage] {
    var messages: [EventStreamMessage] = []
    try feed(bytes) { kind, type, payload in
      messages.append(
        EventStreamMessage(
          kind: kind, type: type.withUnsafeBufferPointer { String(decoding: $0, as: UTF8.self) },
          payload: payload.withUnsafeBufferPointer { Array($0) }))
    }
    return messages
  }

  private func messageLength(_ bytes: UnsafeBufferPointer<UInt8>) throws -> Int {
    guard CRC32.of(UnsafeBufferPointer(rebasing: bytes[..<8])) == UInt32(Self.number(bytes, 8, 4)) else {
      throw EventStreamError("the check value of a message's prelude is wrong")
    }
    let length = Self.number(bytes, 0, 4)
    let headers = Self.number(bytes, 4, 4)
    guard headers <= Self.mostHeaderBytes, length >= Self.frameBytes + headers else {
      throw EventStreamError("the lengths of a message are impossible")
    }
    guard length - headers - Self.frameBytes <= limit else {
      throw EventStreamError("a message of the stream is larger than \(limit) bytes")
    }
    return length
  }

  private static func read(
    _ message: UnsafeBufferPointer<UInt8>,
    _ handle: (EventStreamMessage.Kind, Span<UInt8>, Span<UInt8>) throws -> Void
  ) throws {
    let end = message.count - 4
    guard CRC32.of(UnsafeBufferPointer(rebasing: message[..<end])) == UInt32(number(message, end, 4)) else {
      throw EventStreamError("the check value of a message is wrong")
    }
    let payload = preludeBytes + number(message, 4, 4)
    let headers = try Headers(UnsafeBufferPointer(rebasing: message[preludeBytes..<payload]))
    let body = UnsafeBufferPointer(rebasing: message[payload..<end])
    let kind = headers.messageType
    if kind == nil || equals(kind, "event") {
      // A message without type or payload keeps the connection alive.
      guard let type = headers.eventType else { return }
      try handle(.event, type.span, body.span)
    } else if equals(kind, "exception") {
      try handle(.exception, (headers.exceptionType ?? empty).span, body.span)
    } else if equals(kind, "error") {
      try handle(.error, (headers.errorCode ?? empty).span, (headers.errorMessage ?? empty).span)
    } else {
      throw EventStreamError("a message of an unknown type")
    }
  }

  private static var empty: UnsafeBufferPointer<UInt8> { UnsafeBufferPointer(start: nil, count: 0) }

  /// The headers that say what a message is; the others are checked and skipped.
  private struct Headers {
    var messageType: UnsafeBufferPointer<UInt8>?
    var eventType: UnsafeBufferPointer<UInt8>?
    var exceptionType: UnsafeBufferPointer<UInt8>?
    var errorCode: UnsafeBufferPointer<UInt8>?
    var errorMessage: UnsafeBufferPointer<UInt8>?

    init(_ bytes: UnsafeBufferPointer<UInt8>) throws {
      var names: [UnsafeBufferPointer<UInt8>] = []
      var index = 0
      while index < bytes.count {
        let nameEnd = index + 1 + Int(bytes[index])
        guard nameEnd > index + 1, nameEnd < bytes.count else {
          throw EventStreamError("a message's headers are cut off")
        }
        let name = UnsafeBufferPointer(rebasing: bytes[index + 1..<nameEnd])
        guard names.count < 256, !names.contains(where: { $0.elementsEqual(name) }) else {
          throw EventStreamError("a message has a header twice, or too many")
        }
        names.append(name)
        let type = bytes[nameEnd]
        let (start, end) = try Self.value(bytes, nameEnd + 1, type)
        guard end <= bytes.count else { throw EventStreamError("a message's headers are cut off") }
        if type == 7, name.first == 0x3a {
          let value = UnsafeBufferPointer(rebasing: bytes[start..<end])
          if EventStreamParser.equals(name, ":message-type") { messageType = value }
          if EventStreamParser.equals(name, ":event-type") { eventType = value }
          if EventStreamParser.equals(name, ":exception-type") { exceptionType = value }
          if EventStreamParser.equals(name, ":error-code") { errorCode = value }
          if EventStreamParser.equals(name, ":error-message") { errorMessage = value }
        }
        index = end
      }
    }

    /// Where a value of a type lies.
    private static func value(
      _ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ type: UInt8
    ) throws -> (start: Int, end: Int) {
      switch type {
      case 0, 1: return (start, start)  // true, false
      case 2: return (start, start + 1)
      case 3: return (start, start + 2)
      case 4: return (start, start + 4)
      case 5, 8: return (start, start + 8)  // 64 bits, milliseconds
      case 9: return (start, start + 16)  // UUID
      case 6, 7:  // bytes, text
        guard start + 2 <= bytes.count else { throw EventStreamError("a message's headers are cut off") }
        return (start + 2, start + 2 + EventStreamParser.number(bytes, start, 2))
      default: throw EventStreamError("a message has a header of an unknown type")
      }
    }
  }

  fileprivate static func number(_ bytes: UnsafeBufferPointer<UInt8>, _ start: Int, _ count: Int) -> Int {
    bytes[start..<start + count].reduce(0) { $0 << 8 | Int($1) }
  }

  fileprivate static func equals(_ bytes: UnsafeBufferPointer<UInt8>?, _ text: StaticString) -> Bool {
    guard let bytes, bytes.count == text.utf8CodeUnitCount else { return false }
    return text.withUTF8Buffer { $0.elementsEqual(bytes) }
  }
}
