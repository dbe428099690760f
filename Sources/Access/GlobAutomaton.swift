/// A nondeterministic automaton whose states are bits, as in Wu and Manber's "agrep": bit i stands for "the first i
/// tokens have matched".
struct GlobAutomaton: Sendable, Equatable {
  /// Words of state.
  private let width: Int
  /// For each byte value `width` words: the states that advance on that byte.
  private let advancing: [UInt64]
  /// States that stay on any byte but a slash, and on a slash.
  private let staying: [UInt64]
  private let stayingOnSlash: [UInt64]
  /// States that hand on to the next without a byte: on each visit, and on arrival only.
  private let passing: [UInt64]
  private let passingOnArrival: [UInt64]
  private let accepting: [UInt64]

  init(_ tokens: [GlobToken], isPath: Bool) {
    // Behind the last token: "matched", and for paths "inside of what matched".
    let states = tokens.count + 2
    let width = (states + 63) / 64
    var advancing = [UInt64](repeating: 0, count: 256 * width)
    var staying = [UInt64](repeating: 0, count: width)
    var stayingOnSlash = staying
    var passing = staying
    var passingOnArrival = staying
    var accepting = staying
    func set(_ words: inout [UInt64], _ state: Int) { words[state / 64] |= 1 << UInt64(state % 64) }
    for (state, token) in tokens.enumerated() {
      switch token {
      case .byte(let bytes):
        bytes.forEach { advancing[Int($0) * width + state / 64] |= 1 << UInt64(state % 64) }
      case .run(let crossingSlashes):
        set(&staying, state)
        if crossingSlashes { set(&stayingOnSlash, state) }
        set(&passing, state)
        set(&passingOnArrival, state)
      case .components:
        // Stays on everything; the next token begins at once, or behind any slash.
        set(&staying, state)
        set(&stayingOnSlash, state)
        set(&passingOnArrival, state)
        advancing[Int(UInt8(ascii: "/")) * width + state / 64] |= 1 << UInt64(state % 64)
      }
    }
    set(&accepting, tokens.count)
    if isPath {
      advancing[Int(UInt8(ascii: "/")) * width + tokens.count / 64] |= 1 << UInt64(tokens.count % 64)
      set(&staying, tokens.count + 1)
      set(&stayingOnSlash, tokens.count + 1)
      set(&accepting, tokens.count + 1)
    }
    self.width = width
    self.advancing = advancing
    self.staying = staying
    self.stayingOnSlash = stayingOnSlash
    self.passing = passing
    self.passingOnArrival = passingOnArrival
    self.accepting = accepting
  }

  func matches(_ subject: [UInt8]) -> Bool { width == 1 ? matchesNarrow(subject) : matchesWide(subject) }

  /// The common case: all states in one word.
  private func matchesNarrow(_ subject: [UInt8]) -> Bool {
    let staying = staying[0]
    let stayingOnSlash = stayingOnSlash[0]
    let passing = passing[0]
    let passingOnArrival = passingOnArrival[0]
    var arrived: UInt64 = 1
    // A component wildcard may hand on to a star, and that one further; equal neighbours have been merged.
    arrived |= (arrived & passingOnArrival) << 1
    arrived |= (arrived & passingOnArrival) << 1
    var states = arrived
    for byte in subject {
      let stayed = states & (byte == UInt8(ascii: "/") ? stayingOnSlash : staying)
      arrived = (states & advancing[Int(byte)]) << 1
      arrived |= (arrived & passingOnArrival) << 1
      arrived |= (arrived & passingOnArrival) << 1
      states = arrived | stayed | (stayed & passing) << 1
      if states == 0 { return false }
    }
    return states & accepting[0] != 0
  }

  private func matchesWide(_ subject: [UInt8]) -> Bool {
    var arrived = [UInt64](repeating: 0, count: width)
    arrived[0] = 1
    handOn(&arrived, through: passingOnArrival)
    handOn(&arrived, through: passingOnArrival)
    var states = arrived
    for byte in subject {
      let stayMask = byte == UInt8(ascii: "/") ? stayingOnSlash : staying
      var carry: UInt64 = 0
      for word in 0..<width {
        let moving = states[word] & advancing[Int(byte) * width + word]
        arrived[word] = moving << 1 | carry
        carry = moving >> 63
      }
      handOn(&arrived, through: passingOnArrival)
      handOn(&arrived, through: passingOnArrival)
      for word in 0..<width { states[word] &= stayMask[word] }
      handOn(&states, through: passing)
      var isDead = true
      for word in 0..<width {
        states[word] |= arrived[word]
        if states[word] != 0 { isDead = false }
      }
      if isDead { return false }
    }
    return zip(states, accepting).contains { $0 & $1 != 0 }
  }

  /// Adds the states that follow those of `mask`.
  private func handOn(_ states: inout [UInt64], through mask: [UInt64]) {
    var carry: UInt64 = 0
    for word in 0..<width {
      let passing = states[word] & mask[word]
      states[word] |= passing << 1 | carry
      carry = passing >> 63
    }
  }
}
