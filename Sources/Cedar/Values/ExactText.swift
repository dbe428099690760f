import Glibc

/// Comparison of texts by their bytes.
///
/// Swift's `==` on strings treats composed and decomposed letters as equal, as Unicode's canonical equivalence says.
/// Cedar compares code points: two file names that only look alike are two names.
extension String {
  /// True when both hold the same code points.
  @inline(__always)
  func isExactly(_ other: String) -> Bool {
    guard utf8.count == other.utf8.count else { return false }
    let answer = utf8.withContiguousStorageIfAvailable { mine in
      other.utf8.withContiguousStorageIfAvailable { theirs -> Bool in
        guard let first = mine.baseAddress, let second = theirs.baseAddress else { return true }
        return memcmp(first, second, mine.count) == 0
      }
    }
    if let answer, let answer { return answer }
    return utf8.elementsEqual(other.utf8)
  }

  /// True when this sorts before the other by bytes, which for UTF-8 is the order of code points.
  func precedesExactly(_ other: String) -> Bool { utf8.lexicographicallyPrecedes(other.utf8) }

  /// Feeds the bytes and their number.
  func hashExactly(into hasher: inout Hasher) {
    let fed: Void? = utf8.withContiguousStorageIfAvailable { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    if fed == nil { for byte in utf8 { hasher.combine(byte) } }
    hasher.combine(utf8.count)
  }
}

/// A text as a key of dictionaries and sets, compared by bytes.
struct ExactText: Hashable, Sendable, Comparable {
  let text: String

  init(_ text: String) { self.text = text }

  static func == (left: ExactText, right: ExactText) -> Bool { left.text.isExactly(right.text) }
  static func < (left: ExactText, right: ExactText) -> Bool { left.text.precedesExactly(right.text) }
  func hash(into hasher: inout Hasher) { text.hashExactly(into: &hasher) }
}
