import JSON
import TransparencyLog

/// The canonical bytes of an event (RFC 8785) and their reading.
///
/// `boot`, `content`, `fields`, `kind`, `mono`, `prev`, `run`, `seq`, `v`, `wall`: version 1. Times are decimal strings,
/// since nanoseconds do not fit the 53 bits that JSON numbers are good for. The event's place in the store is not among
/// them: it is the leaf's index, and another store may give it another one.
struct EventRecord {
  static let version: Int64 = 1
  static let maximumDepth = 64
  static let maximumSize = 1 << 20

  var run: RunID
  var sequence: Int
  var wallTime: Int64
  var monotonic: Int64
  var bootID: String
  var kind: String
  var fields: JSONValue
  var content: [ContentReference]
  var previousHash: MerkleHash

  var canonical: [UInt8] { document.canonical }

  var document: JSONValue {
    var references = JSONObject()
    for reference in content {
      references[reference.name] = [
        "commit": .string(reference.commitment.hex), "length": JSONValue(reference.length),
      ]
    }
    return [
      "boot": .string(bootID), "content": .object(references), "fields": fields, "kind": .string(kind),
      "mono": .string(String(monotonic)), "prev": .string(previousHash.hex), "run": .string(run.text),
      "seq": JSONValue(sequence), "v": .int(EventRecord.version), "wall": .string(String(wallTime)),
    ]
  }

  init(
    run: RunID, sequence: Int, wallTime: Int64, monotonic: Int64, bootID: String, kind: String, fields: JSONValue,
    content: [ContentReference], previousHash: MerkleHash
  ) {
    self.run = run
    self.sequence = sequence
    self.wallTime = wallTime
    self.monotonic = monotonic
    self.bootID = bootID
    self.kind = kind
    self.fields = fields
    self.content = content
    self.previousHash = previousHash
  }

  /// Reads canonical bytes; nil when they are not an event's.
  init?(parsing bytes: UnsafeRawBufferPointer) {
    let parsed = bytes.withMemoryRebound(to: UInt8.self) {
      JSONValue.parse($0, maximumDepth: EventRecord.maximumDepth + 2)
    }
    guard case .success(.object(let object)) = parsed, object["v"] == .int(EventRecord.version),
      let run = object["run"]?.string.flatMap(RunID.init), let sequence = object["seq"]?.int, sequence > 0,
      let wallTime = object["wall"]?.string.flatMap({ Int64($0) }),
      let monotonic = object["mono"]?.string.flatMap({ Int64($0) }), let bootID = object["boot"]?.string,
      let kind = object["kind"]?.string, let fields = object["fields"],
      let previousHash = object["prev"]?.string.flatMap(MerkleHash.init(hex:)),
      case .object(let references)? = object["content"]
    else { return nil }
    var content: [ContentReference] = []
    for member in references.members {
      guard let commitment = member.value["commit"]?.string.flatMap(MerkleHash.init(hex:)),
        let length = member.value["length"]?.int
      else { return nil }
      content.append(ContentReference(name: member.name, commitment: commitment, length: length))
    }
    self.init(
      run: run, sequence: sequence, wallTime: wallTime, monotonic: monotonic, bootID: bootID, kind: kind,
      fields: fields, content: content, previousHash: previousHash)
  }

  func event(position: Int, hash: MerkleHash) -> Event {
    Event(
      run: run, sequence: sequence, position: position, wallTime: wallTime, monotonic: monotonic, bootID: bootID,
      kind: kind, fields: fields, content: content, hash: hash, previousHash: previousHash)
  }

  /// Why fields cannot be recorded: canonical JSON knows numbers only up to 2^53, and no fractions. Nil when they can.
  static func obstacle(in value: JSONValue, at place: String = "fields", depthLeft: Int = maximumDepth) -> String? {
    guard depthLeft > 0 else { return "\(place) is nested too deeply" }
    switch value {
    case .null, .bool, .string: return nil
    case .int(let number): return abs(number.clampedMagnitude) < 1 << 53 ? nil : "\(place) is an integer beyond 2^53"
    case .double(let number):
      return Int64(exactly: number).map { abs($0.clampedMagnitude) < 1 << 53 } == true
        ? nil : "\(place) is a number with a fraction"
    case .array(let elements):
      for (index, element) in elements.enumerated() {
        if let found = obstacle(in: element, at: "\(place)[\(index)]", depthLeft: depthLeft - 1) { return found }
      }
    case .object(let object):
      for member in object.members {
        if let found = obstacle(in: member.value, at: "\(place).\(member.name)", depthLeft: depthLeft - 1) {
          return found
        }
      }
    }
    return nil
  }
}

extension Int64 {
  /// The number itself, or the largest for the one whose magnitude does not fit.
  fileprivate var clampedMagnitude: Int64 { self == .min ? .max : self }
}
