import Conversation
import JSON

/// An answer that is made of numbered blocks, as Anthropic's and Bedrock's are: each begins, grows, and ends. Every byte is
/// put together once, and no more of them are kept than an answer may have.
struct BlockAnswer {
  /// What a block is.
  enum Kind {
    case text
    case reasoning
    case call(id: String, name: String)
    /// What only its provider understands: kept as it came.
    case other(JSONValue)
  }

  private struct Block {
    var index: Int
    var kind: Kind
    var bytes: [UInt8] = []
    var signature = ""
    var hasEnded = false
  }

  /// What a delta without a beginning begins.
  enum Expected { case text, reasoning }

  private static let mostBlocks = 10_000

  private let context: AnswerContext
  private var blocks: [Block] = []
  /// Bytes put together so far.
  private(set) var kept = 0
  private var shown = ShownText()

  init(_ context: AnswerContext) { self.context = context }

  /// Begins a block.
  mutating func start(_ index: Int, _ kind: Kind, text: String = "") throws(AttemptFailure) {
    guard blocks.count < Self.mostBlocks else { throw malformed("more than \(Self.mostBlocks) blocks in one answer") }
    if let open = blocks.last(where: { $0.index == index }), !open.hasEnded {
      throw malformed("a content block that begins twice")
    }
    if case .call(_, let name) = kind {
      tell()
      context.observe(.toolCall(name: name))
    }
    blocks.append(Block(index: index, kind: kind))
    if !text.isEmpty { try grow(index, text) }
  }

  /// Adds to a block. One that was never begun is begun where it is clear what it is.
  mutating func grow(_ index: Int, _ piece: String, expecting: Expected? = nil) throws(AttemptFailure) {
    var piece = piece
    let result: Result<Void, AttemptFailure> = piece.withUTF8 { bytes in
      do throws(AttemptFailure) {
        return .success(try grow(index, bytes, expecting: expecting))
      } catch { return .failure(error) }
    }
    try result.get()
  }

  /// Adds to a block. One that was never begun is begun where it is clear what it is.
  mutating func grow(
    _ index: Int, _ piece: UnsafeBufferPointer<UInt8>, expecting: Expected? = nil
  ) throws(AttemptFailure) {
    if !hasOpen(index), let expecting {
      try start(index, expecting == .text ? .text : .reasoning)
    }
    guard let place = place(of: index) else { throw malformed("a delta of a block that has not begun") }
    try keep(piece.count)
    switch (blocks[place].kind, expecting) {
    case (.text, .text?), (.text, nil): shown.add(piece, .text, context)
    case (.reasoning, .reasoning?), (.reasoning, nil): shown.add(piece, .reasoning, context)
    case (.call, nil), (.other, _): break
    default: throw malformed("a delta of another kind than its block")
    }
    blocks[place].bytes.append(contentsOf: piece)
  }

  /// Tells a person what came since the last time.
  mutating func tell() { shown.tell(context) }

  /// Adds to the signature of a block of reasoning.
  mutating func sign(_ index: Int, _ piece: String) throws(AttemptFailure) {
    if !hasOpen(index) { try start(index, .reasoning) }
    guard let place = place(of: index) else { throw malformed("a signature of a block that has not begun") }
    try keep(piece.utf8.count)
    blocks[place].signature += piece
  }

  /// Ends a block.
  mutating func end(_ index: Int) throws(AttemptFailure) {
    if let place = place(of: index) { blocks[place].hasEnded = true }
  }

  private func hasOpen(_ index: Int) -> Bool { place(of: index) != nil }

  private func place(of index: Int) -> Int? {
    // Blocks grow one after another: the last one is nearly always the one that is meant.
    guard let place = blocks.lastIndex(where: { $0.index == index }), !blocks[place].hasEnded else { return nil }
    return place
  }

  private mutating func keep(_ count: Int) throws(AttemptFailure) {
    kept += count
    guard kept <= maximumAnswerBytes else { throw malformed("more than \(maximumAnswerBytes) bytes") }
  }

  private func malformed(_ what: String) -> AttemptFailure { .malformed(context.endpoint, what) }

  /// The blocks as items, in order.
  /// - Parameters:
  ///   - isCut: the answer's last call may have been cut off, and must then never run.
  ///   - payload: reasoning as its provider wants it back.
  func items(
    dialect: String, isCut: Bool, payload: (_ text: String, _ signature: String) -> JSONValue
  ) -> [Item] {
    let ordered = blocks.enumerated().sorted { ($0.element.index, $0.offset) < ($1.element.index, $1.offset) }
    var items: [Item] = []
    for (position, (_, block)) in ordered.enumerated() {
      let text = String(decoding: block.bytes, as: UTF8.self)
      switch block.kind {
      case .text: if !text.isEmpty { items.append(.assistant(text: text)) }
      case .reasoning:
        guard !text.isEmpty || !block.signature.isEmpty else { continue }
        items.append(
          .reasoning(Reasoning(dialect: dialect, summary: text, payload: payload(text, block.signature))))
      case .call(let id, let name):
        if isCut, position == ordered.count - 1, (try? JSONValue(parsing: text)) == nil { continue }
        items.append(
          .toolCall(
            ToolCall(id: id, name: name, arguments: ToolCall.arguments(text, of: name, context.freeformArguments))))
      case .other(let block):
        var block = block.object ?? JSONObject()
        if !text.isEmpty, let input = try? JSONValue(parsing: text) { block["input"] = input }
        items.append(.reasoning(Reasoning(dialect: dialect, summary: "", payload: .object(block))))
      }
    }
    return items
  }
}
