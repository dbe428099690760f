/// Candidates of the most suspicious places in the order in which they are worth a try: the cheapest change at the most
/// suspicious place first, places in turn.
struct CandidateQueue: Sendable {
  /// The most candidates that are held at once.
  static let capacity = 24_000
  /// Places that are looked at together, unless more are equally suspicious.
  static let placesAtOnce = 40
  private static let mostPlacesAtOnce = 160

  private struct Entry: Sendable {
    var place: Place
    var candidates: [Candidate]
    var next = 0
    /// Raised where trying showed nothing, lowered where it showed an effect.
    var factor = 1.0
    var tried = 0
    var unaffected = 0
    var timeouts = 0
  }

  /// A candidate with the place that it belongs to.
  struct Item: Sendable {
    var candidate: Candidate
    var entry: Int
    var key: Double
  }

  private var entries: [Entry] = []
  private var generator: Generator
  private let places: [Place]
  private var nextPlace = 0
  private(set) var generated = 0
  /// The cheapest small changes of the most suspicious places, to be put together when all else was tried.
  private var small: [(place: Place, candidates: [Candidate])] = []
  private var hasPairs = false
  private var taken = 0
  /// The place whose changes up to a cost are tried before it is said that nothing rivals a patch there.
  private var insistence: (entry: Int, cost: Double, most: Int)?

  init?(project: Project, clues: Clues, places: [Place]) {
    guard let generator = Generator(project: project, clues: clues) else { return nil }
    self.generator = generator
    self.places = places
  }

  /// How many statements have been looked at.
  var placeCount: Int { nextPlace }

  /// The places that have been looked at.
  var placesLookedAt: ArraySlice<Place> { places[..<nextPlace] }

  /// The most suspicious place of all.
  var bestPlace: Place? { places.first }

  private mutating func fill() -> Bool {
    guard nextPlace < places.count else { return fillWithPairs() }
    let first = nextPlace
    var end = min(places.count, first + Self.placesAtOnce)
    let limit = places[end - 1].suspicion * 0.9
    while end < places.count, end - first < Self.mostPlacesAtOnce, places[end].suspicion >= limit { end += 1 }
    let share = max(60, Self.capacity / (end - first))
    entries.removeAll { $0.next >= $0.candidates.count }
    insistence = nil
    for place in places[first..<end] {
      let candidates = generator.candidates(file: place.file, statement: place.statement)
      generated += min(candidates.count, share)
      if small.count < Self.placesOfPairs {
        let cheap = candidates.lazy.filter { $0.edits.count == 1 && $0.cost <= Self.mostCostInPairs }
        small.append((place, Array(cheap.prefix(Self.mostInPairs))))
      }
      if !candidates.isEmpty { entries.append(Entry(place: place, candidates: Array(candidates.prefix(share)))) }
    }
    nextPlace = end
    return true
  }

  private static let placesOfPairs = 24
  private static let mostInPairs = 16
  private static let mostCostInPairs = 1.7
  /// Of two different places only so many are put together.
  private static let mostAcross = 5

  /// Two small changes at once: of one statement, or of two.
  private mutating func fillWithPairs() -> Bool {
    guard !hasPairs else { return false }
    hasPairs = true
    entries.removeAll { $0.next >= $0.candidates.count }
    insistence = nil
    for (index, (place, own)) in small.enumerated() {
      var pairs: [Candidate] = []
      for (position, first) in own.enumerated() {
        for second in own[(position + 1)...] { if let pair = Self.pair(first, second) { pairs.append(pair) } }
      }
      for (_, others) in small[(index + 1)...] where others.first?.file == own.first?.file {
        for first in own.prefix(Self.mostAcross) {
          for second in others.prefix(Self.mostAcross) {
            if let pair = Self.pair(first, second) { pairs.append(pair) }
          }
        }
      }
      pairs.sort { $0.cost < $1.cost }
      generated += pairs.count
      if !pairs.isEmpty { entries.append(Entry(place: place, candidates: pairs)) }
    }
    small = []
    return !entries.isEmpty
  }

  private static func pair(_ first: Candidate, _ second: Candidate) -> Candidate? {
    let edits = (first.edits + second.edits).sorted { ($0.start, $0.end) < ($1.start, $1.end) }
    guard edits.count == 2, edits[0].end < edits[1].start else { return nil }
    return Candidate(edits: edits, cost: first.cost + second.cost + 1, kind: first.kind, line: first.line)
  }

  private func key(_ entry: Entry, isFlat: Bool = false) -> Double {
    let suspicion = max(entry.place.suspicion, 0.02)
    let root = suspicion.squareRoot()
    return entry.candidates[entry.next].cost * entry.factor / (isFlat ? root : suspicion * root)
  }

  /// Takes the next candidates; fewer than `count` when there are no more.
  ///
  /// Every few of them is chosen with little regard to suspicion: where the tests point may be wrong.
  mutating func take(_ count: Int, flatEvery: Int) -> [Item] {
    var result: [Item] = []
    while result.count < count {
      taken += 1
      if isInsisting, !taken.isMultiple(of: 3), let entry = insistence?.entry {
        insistence?.most -= 1
        result.append(
          Item(candidate: entries[entry].candidates[entries[entry].next], entry: entry, key: key(entries[entry])))
        entries[entry].next += 1
        continue
      }
      let isFlat = taken.isMultiple(of: flatEvery)
      var best = -1
      var bestKey = Double.infinity
      for index in entries.indices where entries[index].next < entries[index].candidates.count {
        let key = key(entries[index], isFlat: isFlat)
        if key < bestKey {
          bestKey = key
          best = index
        }
      }
      if best < 0 {
        guard result.isEmpty, fill() else { break }
        continue
      }
      result.append(Item(candidate: entries[best].candidates[entries[best].next], entry: best, key: key(entries[best])))
      entries[best].next += 1
    }
    return result
  }

  /// What a trial showed about the candidate's place.
  enum Observation { case unaffected, affected, timeout, broken }

  mutating func observe(_ observation: Observation, of item: Item) {
    guard entries.indices.contains(item.entry) else { return }
    switch observation {
    case .unaffected:
      entries[item.entry].tried += 1
      entries[item.entry].unaffected += 1
    case .affected: entries[item.entry].tried += 1
    case .timeout: entries[item.entry].timeouts += 1
    case .broken: break
    }
    let entry = entries[item.entry]
    var factor = 1.0
    if entry.tried >= 5 {
      let share = Double(entry.unaffected) / Double(entry.tried)
      if share == 1 {
        // A few tries without effect say little of what may be missing there.
        factor = entry.tried >= 30 ? 1.6 : entry.tried >= 10 ? 1.25 : 1
      } else if share < 0.5 {
        factor = 0.85
      }
    }
    if entry.timeouts >= 2 { factor *= 1 + 0.25 * Double(min(entry.timeouts, 12)) }
    entries[item.entry].factor = factor
  }

  /// Has the changes of a patch's own statement tried, up to a cost and so many of them.
  mutating func insist(on item: Item, upTo cost: Double, most: Int) {
    guard entries.indices.contains(item.entry), entries[item.entry].place.file == item.candidate.file else { return }
    insistence = (item.entry, cost, most)
  }

  /// Whether such changes are left.
  var isInsisting: Bool {
    guard let (entry, cost, most) = insistence, most > 0, entries.indices.contains(entry) else { return false }
    return entries[entry].next < entries[entry].candidates.count
      && entries[entry].candidates[entries[entry].next].cost <= cost
  }

  /// After a patch was found, others near it are of interest first.
  mutating func prefer(where isNear: (Place) -> Bool) {
    for index in entries.indices where isNear(entries[index].place) {
      entries[index].factor = min(entries[index].factor, 0.7)
    }
  }
}
