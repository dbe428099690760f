public import TransparencyLog

/// The first event that is not as it was written.
public struct BadEvent: Sendable, Hashable, CustomStringConvertible {
  /// What is wrong.
  public enum Reason: String, Sendable, Hashable {
    /// Its bytes are not those that were hashed.
    case altered
    /// It is gone, and later ones are there.
    case missing
    /// Another event stands in its place, and it stands later.
    case reordered
    /// It stands there twice.
    case duplicated
    /// It and all that followed are gone.
    case truncated
    /// There are events that the record's end does not know of.
    case added
    /// The content beside it is not what it committed to.
    case content
    /// The stored tree, or the end of the run or of the record, does not fit the events.
    case tree
  }

  /// The run; nil when the damage does not tell.
  public let run: RunID?
  /// The event's place in its run; nil when the damage does not tell.
  public let sequence: Int?
  /// The event's place in the store.
  public let position: Int
  /// What is wrong.
  public let reason: Reason
  /// More about it, such as the content's name; empty when there is nothing to add.
  public let detail: String

  /// A sentence for people.
  public var description: String {
    let place =
      switch (run, sequence) {
      case (let run?, let sequence?): "event \(sequence) of \(run)"
      case (let run?, nil): "an event of \(run)"
      default: "event \(position) of the record"
      }
    let what =
      switch reason {
      case .altered: "was altered"
      case .missing: "is missing"
      case .reordered: "was moved"
      case .duplicated: "is there twice"
      case .truncated: "is missing with all that followed"
      case .added: "was added behind the record's end"
      case .content: "has other content than it committed to"
      case .tree: "does not fit the record's tree"
      }
    return detail.isEmpty ? "\(place) \(what)" : "\(place) \(what): \(detail)"
  }
}

/// What a verification found.
public struct VerificationReport: Sendable, Hashable {
  /// How many events were looked at.
  public internal(set) var count = 0
  /// How many contents fit their commitments.
  public internal(set) var contents = 0
  /// How many contents are gone: erased, which is allowed.
  public internal(set) var erased = 0
  /// The first event that is not as it was written; nil when all are.
  public internal(set) var firstBad: BadEvent?
  /// Of the whole store, the root of its tree; of one run, the hash of its last event.
  public internal(set) var head: MerkleHash?
  /// What SQLite found wrong with the file itself; empty when nothing is.
  public internal(set) var damage: [String] = []

  /// True when everything is as it was written.
  public var isWhole: Bool { firstBad == nil && damage.isEmpty }
}
