/// Entities held in memory, with the closure of their hierarchy.
public struct Entities: EntitySource, Sendable {
  private struct Entry: Sendable {
    var entity: Entity
    var ancestors: Set<EntityUID>
  }

  private var entries: [EntityUID: Entry]

  /// No entities.
  public init() { entries = [:] }

  /// These entities. Parents need not be among them.
  /// - Throws: when two different ones have one name, or when one is in itself.
  public init(_ entities: some Sequence<Entity>) throws(CedarError) {
    entries = [:]
    for entity in entities {
      if let known = entries[entity.uid], !known.entity.isSame(as: entity) {
        throw CedarError(source: "", "two different entities are named \(entity.uid)")
      }
      entries[entity.uid] = Entry(entity: entity, ancestors: [])
    }
    try close()
  }

  /// How many there are.
  public var count: Int { entries.count }

  /// All of them, in no order.
  public var all: [Entity] { entries.values.map(\.entity) }

  /// One of them.
  public subscript(uid: EntityUID) -> Entity? { entries[uid]?.entity }

  /// Everything that an entity is in, directly or through others.
  public func ancestors(of uid: EntityUID) -> Set<EntityUID> { entries[uid]?.ancestors ?? [] }

  /// True when the entity is known.
  public func contains(_ uid: EntityUID) -> Bool { entries[uid] != nil }

  /// An attribute's value.
  public func attribute(_ name: String, of uid: EntityUID) -> Value? { entries[uid]?.entity.attributes[name] }

  /// A tag's value.
  public func tag(_ name: String, of uid: EntityUID) -> Value? { entries[uid]?.entity.tags[name] }

  /// True when the entity is in the other one.
  public func isMember(_ uid: EntityUID, of ancestor: EntityUID) -> Bool {
    entries[uid]?.ancestors.contains(ancestor) ?? false
  }

  /// Finds every entity's ancestors, children after their parents, without recursion: the hierarchy may be deep.
  private mutating func close() throws(CedarError) {
    enum Mark { case open, done }
    var marks: [EntityUID: Mark] = [:]
    for root in entries.keys {
      var stack = [root]
      while let uid = stack.last {
        guard let entry = entries[uid], marks[uid] != .done else {
          stack.removeLast()
          continue
        }
        if marks[uid] == nil {
          marks[uid] = .open
          for parent in entry.entity.parents {
            if marks[parent] == .open || parent == uid {
              throw CedarError(source: "", "the hierarchy has a cycle: \(parent) is in itself, through \(uid)")
            }
            if marks[parent] == nil, entries[parent] != nil { stack.append(parent) }
          }
        } else {
          stack.removeLast()
          marks[uid] = .done
          var ancestors: Set<EntityUID> = []
          for parent in entry.entity.parents {
            ancestors.insert(parent)
            if let above = entries[parent]?.ancestors { ancestors.formUnion(above) }
          }
          entries[uid]?.ancestors = ancestors
        }
      }
    }
  }
}

extension Entity {
  /// The same, whatever the order of the parents.
  func isSame(as other: Entity) -> Bool {
    uid == other.uid && Set(parents) == Set(other.parents) && attributes == other.attributes && tags == other.tags
  }
}
