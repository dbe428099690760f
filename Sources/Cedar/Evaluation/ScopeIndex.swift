/// Finds the policies whose scope fits a request. Scopes cannot fail, so policies left out here could neither decide
/// nor fail.
struct ScopeIndex: Sendable {
  /// A set of policies by number.
  private struct Mask: Sendable {
    var words: [UInt64]

    init(count: Int) { words = Array(repeating: 0, count: (count + 63) / 64) }

    mutating func insert(_ number: Int) { words[number / 64] |= 1 << UInt64(number % 64) }

    mutating func formUnion(_ other: Mask) { for index in words.indices { words[index] |= other.words[index] } }

    mutating func formIntersection(_ other: Mask) {
      for index in words.indices { words[index] &= other.words[index] }
    }

    func intersects(_ other: Mask) -> Bool { words.indices.contains { words[$0] & other.words[$0] != 0 } }
  }

  /// What the policies say of one variable, by the test that a request must pass.
  private struct VariableIndex: Sendable {
    var any: Mask
    var equal: [EntityUID: Mask] = [:]
    var type: [ExactText: Mask] = [:]
    /// Policies that want membership in this entity, and of some a type.
    var memberOf: [(ancestor: EntityUID, type: String?, mask: Mask)] = []

    init(count: Int) { any = Mask(count: count) }

    mutating func insert(_ number: Int, memberOf ancestor: EntityUID, type: String?, count: Int) {
      var mask = Mask(count: count)
      mask.insert(number)
      let same = memberOf.firstIndex {
        $0.ancestor == ancestor && ($0.type == nil) == (type == nil) && ($0.type ?? "").isExactly(type ?? "")
      }
      if let same { memberOf[same].mask.formUnion(mask) } else { memberOf.append((ancestor, type, mask)) }
    }

    /// Keeps the candidates that fit the entity.
    func narrow(_ candidates: inout Mask, _ uid: EntityUID, _ entities: some EntitySource) {
      var fitting = any
      if !equal.isEmpty, let mask = equal[uid] { fitting.formUnion(mask) }
      if !type.isEmpty, let mask = type[ExactText(uid.type)] { fitting.formUnion(mask) }
      for test in memberOf where test.mask.intersects(candidates) {
        if let type = test.type, !type.isExactly(uid.type) { continue }
        if uid == test.ancestor || entities.isMember(uid, of: test.ancestor) { fitting.formUnion(test.mask) }
      }
      candidates.formIntersection(fitting)
    }
  }

  private let all: Mask
  private var principal: VariableIndex
  private var action: VariableIndex
  private var resource: VariableIndex

  init(_ policies: [Policy]) {
    let count = policies.count
    var all = Mask(count: count)
    principal = VariableIndex(count: count)
    action = VariableIndex(count: count)
    resource = VariableIndex(count: count)
    for (number, policy) in policies.enumerated() {
      all.insert(number)
      Self.insert(number, policy.linkedPrincipal, into: &principal, count: count)
      Self.insert(number, policy.linkedResource, into: &resource, count: count)
      switch policy.action {
      case .any: action.any.insert(number)
      case .equal(let uid): action.equal[uid, default: Mask(count: count)].insert(number)
      case .isIn(let uids): for uid in uids { action.insert(number, memberOf: uid, type: nil, count: count) }
      }
    }
    self.all = all
  }

  private static func insert(
    _ number: Int, _ constraint: ScopeConstraint, into index: inout VariableIndex, count: Int
  ) {
    switch constraint {
    case .any: index.any.insert(number)
    case .isType(let type): index.type[ExactText(type), default: Mask(count: count)].insert(number)
    case .equal(.entity(let uid)): index.equal[uid, default: Mask(count: count)].insert(number)
    case .isIn(.entity(let uid)): index.insert(number, memberOf: uid, type: nil, count: count)
    case .isTypeIn(let type, .entity(let uid)): index.insert(number, memberOf: uid, type: type, count: count)
    // An open slot fits nothing.
    case .equal(.slot), .isIn(.slot), .isTypeIn(_, .slot): break
    }
  }

  /// Calls with the number of each policy whose scope fits, in order.
  func forEachCandidate(_ request: Request, _ entities: some EntitySource, _ body: (Int) -> Void) {
    var candidates = all
    action.narrow(&candidates, request.action, entities)
    principal.narrow(&candidates, request.principal, entities)
    resource.narrow(&candidates, request.resource, entities)
    for (index, word) in candidates.words.enumerated() {
      var word = word
      while word != 0 {
        body(index * 64 + word.trailingZeroBitCount)
        word &= word - 1
      }
    }
  }
}
