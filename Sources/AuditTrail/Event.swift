public import JSON
public import TransparencyLog

/// What an event says about a piece of content that is stored beside it: enough to check the content, too little to
/// guess it.
public struct ContentReference: Sendable, Hashable {
  /// The content's name inside its event, such as `output` or `diff`.
  public let name: String
  /// HMAC-SHA256 of the content under a random key that is stored, and erased, with the content.
  public let commitment: MerkleHash
  /// The content's length in bytes.
  public let length: Int
}

/// One thing that a run did or saw, as it stands in the record.
public struct Event: Sendable, Hashable {
  /// The run that recorded it.
  public let run: RunID
  /// Its place in the run, counted from 1.
  public let sequence: Int
  /// Its place in the store, counted from 0: its leaf of the store's tree.
  public let position: Int
  /// Nanoseconds since 1970, by the wall.
  public let wallTime: Int64
  /// Nanoseconds since boot: for durations.
  public let monotonic: Int64
  /// Which boot ``monotonic`` counts from.
  public let bootID: String
  /// What kind of event it is: `effect.intent`.
  public let kind: String
  /// What is said of it: strings, integers, booleans, arrays and objects.
  public let fields: JSONValue
  /// What is stored beside it, in the order of names.
  public let content: [ContentReference]
  /// The RFC 6962 leaf hash of the event's canonical bytes.
  public let hash: MerkleHash
  /// The hash of the run's event before this one; for the first, 32 zero bytes.
  public let previousHash: MerkleHash
}

/// Where an event stands in its run, and its hash.
public struct EventReference: Sendable, Hashable {
  /// The run.
  public let run: RunID
  /// The event's place in the run, counted from 1.
  public let sequence: Int
  /// The event's hash.
  public let hash: MerkleHash
}

/// How far a run has come.
public enum RunStatus: String, Sendable, Hashable {
  /// A process is writing it.
  case running
  /// No process is writing it, and it has not ended: it can be resumed.
  case interrupted
  /// It has ended.
  case ended
}

/// One run of a store, for lists.
public struct RunSummary: Sendable, Hashable {
  /// The run.
  public let run: RunID
  /// How far it has come.
  public let status: RunStatus
  /// How many events it has.
  public let eventCount: Int
  /// When its first event was recorded, in nanoseconds since 1970.
  public let started: Int64
  /// When its last event was recorded.
  public let lastActive: Int64
  /// The fields of its first event.
  public let firstFields: JSONValue
  /// The kind of its last event, and its fields.
  public let lastKind: String
  /// The fields of its last event.
  public let lastFields: JSONValue
}
