import IndexKernel

/// Joins segments: lists are strung together with their documents renumbered, without what another segment repeats.
enum SegmentMerger {
  /// The sections of the joined segment; nil when one of them is damaged.
  static func merge(_ segments: [Segment], keeping isWanted: (ContentKey) -> Bool = { _ in true }) -> [[UInt8]]? {
    var seen: Set<ContentKey> = []
    var numbers: [[Int32]] = []
    var draft = Segment.Merge()
    for segment in segments {
      var renumbered = [Int32](repeating: -1, count: segment.documents)
      segment.forEachKey { document, key in
        guard isWanted(key), seen.insert(key).inserted, let added = draft.add(segment, document, key) else { return }
        renumbered[document] = Int32(added)
      }
      numbers.append(renumbered)
    }
    let unitCounts = draft.unitCounts
    let body = lists(segments.map(\.body), numbers, draft.count, bits: 32, unitCounts, hasCounts: true)
    let names = lists(segments.map(\.names), numbers, draft.count, bits: 32, [], hasCounts: true)
    let trigrams = lists(segments.map(\.trigrams), numbers, draft.count, bits: 24, [], hasCounts: false)
    guard !segments.contains(where: \.isDamaged) else { return nil }
    return draft.finish(body, names, trigrams)
  }

  private static func lists(
    _ indexes: [Postings], _ numbers: [[Int32]], _ documents: Int, bits: Int, _ unitCounts: [UInt16], hasCounts: Bool
  ) -> [UInt8] {
    // Keys of all, sorted; each names its index.
    var keys: [UInt64] = []
    for (number, index) in indexes.enumerated() {
      index.forEach { key, _ in keys.append(UInt64(key) << 16 | UInt64(number)) }
    }
    keys.sort()
    var writer = PostingsWriter(
      documents: documents, keys: keys.count, keyBits: bits, hasCounts: hasCounts, unitCounts: unitCounts)
    var list: [UInt32] = []
    var counts: [UInt32] = []
    var units: [UInt16] = []
    var occurrences: [UInt16] = []
    var place = 0
    while place < keys.count {
      let key = UInt32(keys[place] >> 16)
      list.removeAll(keepingCapacity: true)
      counts.removeAll(keepingCapacity: true)
      units.removeAll(keepingCapacity: true)
      occurrences.removeAll(keepingCapacity: true)
      while place < keys.count, UInt32(keys[place] >> 16) == key {
        let number = Int(keys[place] & 0xffff)
        place += 1
        var own: [UInt32] = []
        var ownCounts: [UInt32] = []
        guard let found = indexes[number].list(key) else { continue }
        guard let start = indexes[number].read(found, into: &own, counts: &ownCounts) else { continue }
        for (place, document) in own.enumerated() where numbers[number][Int(document)] >= 0 {
          list.append(UInt32(numbers[number][Int(document)]))
          if hasCounts { counts.append(ownCounts[place]) }
        }
        if !unitCounts.isEmpty {
          indexes[number].units(of: found, own[...], ownCounts[...], from: start) { place, unit, count in
            guard numbers[number][Int(own[place])] >= 0 else { return }
            units.append(unit)
            occurrences.append(count)
          }
        }
      }
      if !list.isEmpty {
        writer.add(key, documents: list, counts: counts, units: units, unitOccurrences: occurrences)
      }
    }
    return writer.finish()
  }
}
