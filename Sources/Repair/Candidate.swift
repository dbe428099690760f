/// A replacement of bytes in one source file.
struct SourceEdit: Sendable, Hashable {
  /// The file's index in ``Project/files``.
  var file: Int
  /// The bytes to replace; empty for an insertion.
  var start: Int
  var end: Int
  var text: String
}

/// A patch to try.
struct Candidate: Sendable, Hashable {
  /// What was done, as people call it.
  enum Kind: UInt8, Sendable {
    case comparison, arithmetic, logic, assignment, constant, offByOne, dualName, name, member, call, argument, swap,
      condition, negation, bounds, wrap, unwrap, guardInserted, result, expression, statementMoved,
      statementInserted, statementDeleted, misspelling, importAdded, literal, punctuation
  }

  /// In order of their place, without overlaps.
  var edits: [SourceEdit]
  /// How unusual the change is; lower comes first.
  var cost: Double
  var kind: Kind
  /// The line that it is about.
  var line: Int

  var file: Int { edits[0].file }
}

/// Fowler–Noll–Vo, 64 bits: hashes must be the same in every process, so that a resumed run goes on alike.
struct StableHash {
  private(set) var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x0000_0100_0000_01b3 }
  }

  mutating func add(_ number: Int) {
    withUnsafeBytes(of: UInt64(bitPattern: Int64(number)).littleEndian) { add($0) }
  }
}
