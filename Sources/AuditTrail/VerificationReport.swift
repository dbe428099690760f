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
    /// A checkpoint beside the log is not signed by a key of the record, or signs other events.
    case checkpoint
    /// The record is shorter than a checkpoint that somebody else holds.
    case rolledBack
    /// Somebody else holds a checkpoint of as many events, and they were others.
    case forked
    /// Somebody else's proof shows that another event stood there; what follows was made to fit.
    case rewritten
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
      case .checkpoint: "does not fit a checkpoint"
      case .rolledBack: "is missing with all that followed: the record was put back to an older state"
      case .rewritten: "was rewritten, with all hashes after it"
      case .forked: "and what follows differ from what somebody else holds: the record has two histories"
      }
    return detail.isEmpty ? "\(place) \(what)" : "\(place) \(what): \(detail)"
  }
}

/// A checkpoint that a verification found to fit.
public struct CheckedMark: Sendable, Hashable {
  /// The number of events that it holds fast.
  public let size: Int
  /// When it was made or put there, in nanoseconds since 1970; nil when that is not known.
  public let time: Int64?
  /// Where it is kept.
  public let place: String
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
  /// How many checkpoints of the record fit.
  public internal(set) var checkpoints = 0
  /// The newest of them.
  public internal(set) var newestCheckpoint: CheckedMark?
  /// The checkpoints held elsewhere that fit, the longest last: up to there nothing can have been rewritten.
  public internal(set) var anchors: [CheckedMark] = []
  /// The keys that were believed.
  public internal(set) var keys: [NoteVerificationKey] = []
  /// Where checkpoints were found that are of another record.
  public internal(set) var foreign: [String] = []
  /// What SQLite found wrong with the file itself; empty when nothing is.
  public internal(set) var damage: [String] = []

  /// True when everything is as it was written.
  public var isWhole: Bool { firstBad == nil && damage.isEmpty }
}
