public import JSON
import TransparencyLog

/// The formats that the record is handed on in (docs/audit.md). None of them holds content: what events commit to stays here.
public enum ExportFormat: String, Sendable, CaseIterable {
  /// Every event as it was hashed, one a line, for verifiers and for reading with `jq`.
  case jsonl
  /// Open Cybersecurity Schema Framework 1.9, with the profiles of AI operations and record integrity, one event a line.
  case ocsf
  /// OpenTelemetry traces as OTLP/JSON, after the conventions for generative AI, one run a line.
  case otlp
  /// An in-toto statement with SLSA provenance, signed as a DSSE envelope, one run a line.
  case inToto = "in-toto"
  /// The form of AWS CloudTrail 1.11, for tools that read it, one run a line.
  case cloudtrail
}

/// Writes runs in other formats.
public struct RecordExport: Sendable {
  let store: AuditStore
  let version: String

  /// An export from a record.
  /// - Parameter version: this program's version.
  public init(_ store: AuditStore, version: String) {
    self.store = store
    self.version = version
  }

  /// Writes one run as lines of JSON.
  public func write(
    _ run: RunID, as format: ExportFormat, to sink: (JSONValue) throws -> Void
  ) throws {
    let recorded = try RecordedRun(run, in: store)
    switch format {
    case .jsonl: for event in recorded.events { try sink(Self.line(event)) }
    case .ocsf: for event in recorded.events { try sink(OCSFExport(recorded, self).event(event)) }
    case .otlp: try sink(TraceExport(recorded, version: version).document)
    case .inToto: try sink(try store.receipt(of: run, version: version).json)
    case .cloudtrail: try sink(CloudTrailExport(recorded, version: version).document)
    }
  }

  /// An event with its hash and place. The member `event` is canonical JSON when written with sorted members and without
  /// spaces: its bytes are the leaf.
  private static func line(_ event: Event) -> JSONValue {
    ["v": 1, "position": JSONValue(event.position), "hash": .string(event.hash.hex), "event": event.document]
  }
}

extension Event {
  /// The document whose canonical bytes are hashed.
  public var document: JSONValue {
    EventRecord(
      run: run, sequence: sequence, wallTime: wallTime, monotonic: monotonic, bootID: bootID, kind: kind,
      fields: fields,
      content: content, previousHash: previousHash
    ).document
  }
}

/// What an event is about, as security tools sort it.
enum EventSubject {
  case process, file, api, lifecycle, other

  init(kind: String, effect: String?) {
    switch (kind, effect) {
    case ("run.started", _), ("run.ended", _), ("run.resumed", _), ("workspace.opened", _): self = .lifecycle
    case (_, "execute"?), (_, "tryPatches"?): self = .process
    case (_, "read"?), (_, "list"?), (_, "search"?), (_, "edit"?): self = .file
    case (_, "callModel"?), (_, "deliver"?): self = .api
    case ("model.answer", _), ("policy.approval", _): self = .api
    default: self = .other
    }
  }
}
