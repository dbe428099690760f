/// What a text must hold so that a pattern can match in it.
public indirect enum TrigramNeed: Sendable, Hashable {
  /// Nothing is known: every text is a candidate.
  case anything
  /// All of these trigrams.
  case trigrams([UInt32])
  case all([TrigramNeed])
  case one([TrigramNeed])

  static func of(_ node: RegexNode) -> TrigramNeed {
    var needs: [TrigramNeed] = []
    var literal: [UInt8] = []
    collect(node, &literal, &needs)
    flush(&literal, &needs)
    return needs.isEmpty ? .anything : needs.count == 1 ? needs[0] : .all(needs)
  }

  private static func flush(_ literal: inout [UInt8], _ needs: inout [TrigramNeed]) {
    let trigrams = TrigramSet.of(literal)
    if !trigrams.isEmpty { needs.append(.trigrams(trigrams)) }
    literal = []
  }

  private static func collect(_ node: RegexNode, _ literal: inout [UInt8], _ needs: inout [TrigramNeed]) {
    switch node {
    case .empty: break
    // An assertion takes no bytes: what stands on both sides of it is adjacent.
    case .assertion: break
    case .set(let set):
      if let byte = set.folded { literal.append(byte) } else { flush(&literal, &needs) }
    case .sequence(let items):
      for item in items { collect(item, &literal, &needs) }
    case .choice(let branches):
      flush(&literal, &needs)
      let options = branches.map(of)
      if !options.contains(.anything) { needs.append(.one(options)) }
    case .repetition(let item, let low, _):
      flush(&literal, &needs)
      if low > 0 {
        let need = of(item)
        if need != .anything { needs.append(need) }
      }
    }
  }
}

extension Postings {
  /// The documents that may hold what is needed, ascending; nil when every document may.
  public func documents(meeting need: TrigramNeed) -> [UInt32]? {
    switch need {
    case .anything: return nil
    case .trigrams(let trigrams):
      var lists: [List] = []
      for trigram in trigrams {
        guard let list = list(trigram) else { return [] }
        lists.append(list)
      }
      lists.sort { $0.count < $1.count }
      var result: [UInt32]?
      for list in lists {
        // A short result is as well decided by the files themselves.
        if let result, result.count <= 8 || list.count > 64 * result.count { break }
        var documents: [UInt32] = []
        var none: [UInt32] = []
        guard read(list, into: &documents, counts: &none) != nil else { return nil }
        result = result.map { Self.intersection($0, documents) } ?? documents
      }
      return result
    case .all(let needs):
      var result: [UInt32]?
      for need in needs {
        guard let documents = documents(meeting: need) else { continue }
        result = result.map { Self.intersection($0, documents) } ?? documents
        if result?.isEmpty == true { break }
      }
      return result
    case .one(let needs):
      var result: [UInt32] = []
      for need in needs {
        guard let documents = documents(meeting: need) else { return nil }
        result = Self.union(result, documents)
      }
      return result
    }
  }

  private static func intersection(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
    var result: [UInt32] = []
    var first = 0
    var second = 0
    while first < left.count, second < right.count {
      let (a, b) = (left[first], right[second])
      if a == b { result.append(a) }
      if a <= b { first += 1 }
      if b <= a { second += 1 }
    }
    return result
  }

  private static func union(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
    var result: [UInt32] = []
    result.reserveCapacity(left.count + right.count)
    var first = 0
    var second = 0
    while first < left.count || second < right.count {
      let a = first < left.count ? left[first] : .max
      let b = second < right.count ? right[second] : .max
      result.append(min(a, b))
      if a <= b { first += 1 }
      if b <= a { second += 1 }
    }
    return result
  }
}
