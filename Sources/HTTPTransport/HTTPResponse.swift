/// The head of an answer, with the body still to be read.
public struct HTTPResponse: Sendable {
  /// The status code of the final answer: 1xx are skipped.
  public var status: Int
  /// The header fields.
  public var headers: HTTPHeaders
  /// The body, as it arrives.
  public var body: HTTPBody
}

/// The bytes of an answer as they arrive, in pieces of any size. They can be read once, by one task at a time.
///
/// Reading slowly slows the server down: no more than about 300 kB wait in memory. Letting go of the body ends the
/// transfer.
public struct HTTPBody: AsyncSequence, Sendable {
  /// Some bytes, never none.
  public typealias Element = [UInt8]
  /// Why the body has no end.
  public typealias Failure = HTTPError

  let transfer: TransferHandle

  /// Reads on from where the last reader stopped.
  public func makeAsyncIterator() -> Iterator { Iterator(transfer: transfer) }

  /// Reads a body piece by piece.
  public struct Iterator: AsyncIteratorProtocol {
    let transfer: TransferHandle

    /// The next bytes; nil at the end.
    public mutating func next() async throws(HTTPError) -> [UInt8]? { try await transfer.next() }

    /// The next bytes; nil at the end.
    public mutating func next(
      isolation actor: isolated (any Actor)?
    ) async throws(HTTPError) -> [UInt8]? { try await transfer.next() }
  }

  /// The whole rest, if it is no longer than `limit` bytes.
  /// - Throws: ``HTTPError``, of kind `tooLarge` beyond the limit.
  public func collect(upTo limit: Int) async throws(HTTPError) -> [UInt8] {
    var bytes: [UInt8] = []
    while let piece = try await transfer.next() {
      guard bytes.count + piece.count <= limit else {
        throw HTTPError(kind: .tooLarge, message: "the answer of \(transfer.origin) is larger than \(limit) bytes")
      }
      if bytes.isEmpty { bytes = piece } else { bytes += piece }
    }
    return bytes
  }

  /// Drops the rest, waiting for its end no longer than `limit`: a connection whose answer was read to the end can
  /// carry the next request.
  public func finish(within limit: Duration) async {
    transfer.limit(to: limit)
    while let _ = try? await transfer.next() {}
  }
}
