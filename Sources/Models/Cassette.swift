public import Conversation
import JSON
import Synchronization

/// Recorded answers of a model, in order, as a file: one JSON object a line. The first names who answered; each of the others
/// is an answer, or an error that took an answer's place.
///
/// ```text
/// {"cassette":1,"provider":"openai","model":"gpt-5.5"}
/// {"answer":{"items":[{"type":"assistant","text":"Done."}],"usage":{…},"stop":"endOfTurn","id":null,"model":null}}
/// {"error":{"kind":"unavailable","message":"…"}}
/// ```
public struct Cassette: Sendable, Hashable {
  /// One line behind the first.
  public enum Entry: Sendable, Hashable {
    /// An answer.
    case answer(ModelResponse)
    /// Why there was none.
    case failure(ModelError)
  }

  /// The provider's name when it was recorded.
  public var provider: String
  /// The model's name when it was recorded.
  public var model: String
  /// What is played.
  public var entries: [Entry]

  /// Recorded answers.
  public init(provider: String, model: String, entries: [Entry]) {
    self.provider = provider
    self.model = model
    self.entries = entries
  }

  /// A file that is no cassette.
  public struct Unreadable: Error, Sendable, Hashable, CustomStringConvertible {
    /// Which line, and what is wrong with it.
    public let description: String
  }

  /// Reads a file's bytes.
  /// - Throws: ``Unreadable``.
  public init(parsing bytes: [UInt8]) throws(Unreadable) {
    var entries: [Entry] = []
    var header: JSONValue?
    for (number, line) in bytes.split(separator: 0x0a).enumerated() {
      if line.allSatisfy({ $0 == 0x20 || $0 == 0x0d || $0 == 0x09 }) { continue }
      guard let json = try? JSONValue(parsing: Array(line)) else {
        throw Unreadable(description: "line \(number + 1) is not JSON")
      }
      if header == nil {
        guard json["cassette"]?.int == 1 else {
          throw Unreadable(description: "the first line is not that of a cassette of version 1")
        }
        header = json
      } else if let answer = json["answer"].flatMap(ModelResponse.init(json:)) {
        entries.append(.answer(answer))
      } else if let error = json["error"], let kind = error["kind"]?.string.flatMap(ModelError.Kind.init) {
        entries.append(.failure(ModelError(kind: kind, message: error["message"]?.string ?? "recorded")))
      } else {
        throw Unreadable(description: "line \(number + 1) is neither an answer nor an error")
      }
    }
    guard let header else { throw Unreadable(description: "the file is empty") }
    provider = header["provider"]?.string ?? "unknown"
    model = header["model"]?.string ?? "unknown"
    self.entries = entries
  }

  /// The file's bytes.
  public var serialized: [UInt8] {
    let header: JSONValue = ["cassette": 1, "provider": .string(provider), "model": .string(model)]
    let lines = entries.map { entry -> JSONValue in
      switch entry {
      case .answer(let answer): ["answer": answer.json]
      case .failure(let error): ["error": ["kind": .string(error.kind.rawValue), "message": .string(error.message)]]
      }
    }
    return Array(([header] + lines).map { $0.serialized + [0x0a] }.joined())
  }
}

/// Plays a cassette: each request gets the next answer, whatever it asks. Nothing leaves the process.
public final class CassetteModel: Model {
  /// The provider is `replay`, the name that of the model that was recorded.
  public let identity: ModelIdentity
  private let entries: [Cassette.Entry]
  private let next: Mutex<Int?> = Mutex(nil)

  /// Plays from the first entry. A conversation that already holds answers, as that of a resumed run, goes on behind as
  /// many.
  public init(_ cassette: Cassette) {
    entries = cassette.entries
    // It has an endpoint, if none on the network: only a model without one is given data instead of text.
    identity = ModelIdentity(
      provider: "replay", name: "\(cassette.provider)/\(cassette.model)", endpoint: "cassette")
  }

  /// The next answer.
  public func respond(
    to request: ModelRequest, observe: @escaping @Sendable (ModelProgress) -> Void
  ) async throws(ModelError) -> ModelResponse {
    let place = next.withLock { next in
      let place = next ?? Self.answers(in: request.items)
      next = place + 1
      return place
    }
    guard place < entries.count else {
      throw ModelError(
        kind: .unavailable, message: "the cassette has \(entries.count) answers, and one more was asked for")
    }
    switch entries[place] {
    case .failure(let error): throw error
    case .answer(let answer):
      for item in answer.items {
        switch item {
        case .assistant(let text): observe(.text(text))
        case .reasoning(let reasoning): if !reasoning.summary.isEmpty { observe(.reasoning(reasoning.summary)) }
        case .toolCall(let call): observe(.toolCall(name: call.name))
        case .user, .toolResult, .image: break
        }
      }
      return answer
    }
  }

  private static func answers(in items: [Item]) -> Int {
    zip([nil] + items.map(Optional.some), items).count { before, item in
      item.isFromModel && before?.isFromModel != true
    }
  }
}
