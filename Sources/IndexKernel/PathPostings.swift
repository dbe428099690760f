/// Inverted indexes of short texts, made at once.
public enum PathPostings {
  /// Writes an index of `term << 32 | document`, in any order, repeats counted.
  public static func write(_ keys: inout [UInt64], documents: Int) -> [UInt8] {
    keys.sort()
    var distinct = 0
    var previous: UInt64?
    for key in keys where previous != key >> 32 {
      previous = key >> 32
      distinct += 1
    }
    var writer = PostingsWriter(documents: documents, keys: distinct, keyBits: 32, hasCounts: true)
    var list: [UInt32] = []
    var counts: [UInt32] = []
    var place = 0
    while place < keys.count {
      let term = keys[place] >> 32
      list.removeAll(keepingCapacity: true)
      counts.removeAll(keepingCapacity: true)
      while place < keys.count, keys[place] >> 32 == term {
        let document = UInt32(truncatingIfNeeded: keys[place])
        if list.last == document {
          counts[counts.count - 1] += 1
        } else {
          list.append(document)
          counts.append(1)
        }
        place += 1
      }
      writer.add(UInt32(term), documents: list, counts: counts)
    }
    return writer.finish()
  }
}
