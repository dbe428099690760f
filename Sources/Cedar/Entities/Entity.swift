/// What is known of one entity.
public struct Entity: Sendable, Hashable {
  /// Its name.
  public var uid: EntityUID
  /// What it is directly in.
  public var parents: [EntityUID]
  /// Its attributes.
  public var attributes: Record
  /// Its tags.
  public var tags: Record

  /// An entity.
  public init(uid: EntityUID, parents: [EntityUID] = [], attributes: Record = .empty, tags: Record = .empty) {
    self.uid = uid
    self.parents = parents
    self.attributes = attributes
    self.tags = tags
  }
}

/// Where decisions look up entities. ``Entities`` holds them all; a source of one's own can find each answer when it is
/// asked for, as no policy asks for everything.
///
/// Within one decision, the same question must get the same answer.
public protocol EntitySource {
  /// True when the entity is known. Unknown ones have no attributes, no tags and no parents.
  func contains(_ uid: EntityUID) -> Bool
  /// An attribute's value; nil when the entity is unknown or has no such attribute.
  func attribute(_ name: String, of uid: EntityUID) -> Value?
  /// A tag's value; nil when the entity is unknown or has no such tag.
  func tag(_ name: String, of uid: EntityUID) -> Value?
  /// True when the entity is in the other one, directly or through others. Asked only of two different ones.
  func isMember(_ uid: EntityUID, of ancestor: EntityUID) -> Bool
}
