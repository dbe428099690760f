/// Finds which pairs of words stand side by side in a text.
public struct WordPairs: Sendable {
  /// First word `<< 32 |` second, ascending.
  private var keys: [UInt64]
  /// Beside ``keys``: where the pair stood in the list that was given.
  private var places: [Int]
  /// How many pairs there are.
  public let count: Int
  /// By the lowest bits of the second word: whether any pair ends so.
  private var filter = [Bool](repeating: false, count: 1024)

  /// - Parameter pairs: terms of single words, each pair once.
  public init(_ pairs: [(first: UInt32, second: UInt32)]) {
    let sorted = pairs.enumerated().map { (UInt64($1.first) << 32 | UInt64($1.second), $0) }.sorted { $0.0 < $1.0 }
    keys = sorted.map(\.0)
    places = sorted.map(\.1)
    count = pairs.count
    for pair in pairs { filter[Int(pair.second & 1023)] = true }
  }

  /// Beside the pairs that were given: whether `text` holds each, in this order, with nothing but separators or single
  /// letters between. Identifiers are taken word by word.
  public func found(in text: [UInt8]) -> [Bool] {
    var result = [Bool](repeating: false, count: count)
    guard count > 0 else { return result }
    var words: [UInt64] = []
    words.reserveCapacity(text.count / 6)
    TermScanner.scanWords(text, into: &words)
    var previous: UInt64?
    for word in words {
      let term = word >> 32
      if let before = previous, filter[Int(term & 1023)] {
        let key = before << 32 | term
        var low = 0
        var high = keys.count
        while low < high {
          let middle = (low + high) >> 1
          if keys[middle] < key { low = middle + 1 } else { high = middle }
        }
        if low < keys.count, keys[low] == key { result[places[low]] = true }
      }
      previous = term
    }
    return result
  }
}
