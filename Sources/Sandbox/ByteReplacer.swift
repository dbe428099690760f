import CLinux

/// Replaces texts in a stream of bytes, wherever the stream is cut.
struct ByteReplacer {
  /// What is looked for, and what is there afterwards. Of two at one place, the first counts.
  let texts: [(from: [UInt8], to: [UInt8])]
  /// What may be the beginning of a text.
  private var held: [UInt8] = []

  init(_ texts: [(from: [UInt8], to: [UInt8])]) { self.texts = texts.filter { !$0.from.isEmpty } }

  /// The next bytes, less what has to wait for more.
  mutating func replace(_ bytes: UnsafeRawBufferPointer) -> [UInt8] {
    guard !texts.isEmpty else { return Array(bytes) }
    let input = held + bytes
    var output: [UInt8] = []
    output.reserveCapacity(input.count + 64)
    var index = 0
    // Where each text is next: looked for again only when that was passed.
    var next = texts.map { Self.find($0.from, in: input, from: 0) }
    while let place = next.min(), place < input.count {
      guard let which = next.firstIndex(of: place) else { break }
      output += input[index..<place]
      output += texts[which].to
      index = place + texts[which].from.count
      for (other, position) in next.enumerated() where position < index {
        next[other] = Self.find(texts[other].from, in: input, from: index)
      }
    }
    let keep = partial(input[index...])
    output += input[index..<(input.count - keep)]
    held = Array(input[(input.count - keep)...])
    return output
  }

  /// What was kept back.
  mutating func finish() -> [UInt8] {
    defer { held = [] }
    return held
  }

  /// All at once.
  func replaced(_ bytes: [UInt8]) -> [UInt8] {
    var copy = ByteReplacer(texts)
    return bytes.withUnsafeBytes { copy.replace($0) } + copy.finish()
  }

  /// How many of the last bytes may be the beginning of a text.
  private func partial(_ bytes: ArraySlice<UInt8>) -> Int {
    var longest = 0
    for text in texts {
      var count = min(text.from.count - 1, bytes.count)
      while count > longest, !bytes.suffix(count).elementsEqual(text.from.prefix(count)) { count -= 1 }
      longest = max(longest, count)
    }
    return longest
  }

  private static func find(_ text: [UInt8], in bytes: [UInt8], from start: Int) -> Int {
    bytes.withUnsafeBytes { all in
      guard start < all.count, let base = all.baseAddress,
        let found = linux_find(base + start, all.count - start, text, text.count)
      else { return .max }
      return found - base
    }
  }
}
