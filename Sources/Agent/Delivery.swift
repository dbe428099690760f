import AuditTrail
import Git
import JSON
import Paths
import TransparencyLog
import Workspace

/// The trailers by which a commit names its run and holds the record fast: whoever has the commit can tell when the record
/// up to it is changed later.
enum RecordTrailer {
  static func text(run: String, in store: AuditStore, _ recorder: Recorder) throws -> String {
    try recorder.flush()
    let checkpoint = try store.signCheckpoint()
    return "Codeagent-Run: \(run)\nCodeagent-Checkpoint: \(NoteCollection.encoded(checkpoint.note))\n"
  }
}

/// Takes a change out of a run, through the gate.
struct Delivery: Sendable {
  let workspace: Workspace
  let gate: Gate
  let run: String

  /// Delivers what was asked for; returns a sentence of what was done.
  func deliver(_ snapshot: Snapshot, _ request: DeliveryRequest, message: String) async throws -> String {
    var done: [String] = []
    let paths = snapshot.changes.map(\.path)
    if let branch = request.branch {
      let report = try await pass(
        .branch, snapshot, paths,
        .branch(name: Array(branch.utf8), message: message, author: Self.author))
      done.append("branch \(branch) holds the change" + (report.commit.map { " as commit \($0.hex.prefix(12))" } ?? ""))
    }
    if request.apply {
      let report = try await pass(.apply, snapshot, paths, .apply)
      done.append(report.written.count.of("file") + " written in the checkout")
      if !report.leftOut.isEmpty {
        done.append("left out: " + report.leftOut.map { "\($0.path) (\($0.reason))" }.joined(separator: ", "))
      }
    }
    if request.patch {
      let size = try await gate.perform(.deliver(.patch, paths: paths, snapshot: snapshot.id)) {
        // The caller writes it to where the user wants it.
        let size = try await workspace.diff(from: nil, to: snapshot).reduce(0) { $0 + $1.patch.count }
        return EffectOutcome(value: size, fields: ["bytes": JSONValue(size)])
      }
      done.append("the patch was handed over (\(size) bytes)")
    }
    return done.joined(separator: "; ")
  }

  static let author = (name: "codeagent", email: "codeagent@localhost")

  private func pass(
    _ kind: Effect.DeliveryKind, _ snapshot: Snapshot, _ paths: [RepoPath], _ delivery: Workspace.Delivery
  ) async throws -> DeliveryReport {
    try await gate.perform(.deliver(kind, paths: paths, snapshot: snapshot.id)) {
      let report = try await workspace.deliver(snapshot, as: delivery)
      return EffectOutcome(
        value: report,
        fields: [
          "written": .array(report.written.map { .string($0.quoted) }), "commit": JSONValue(report.commit?.hex),
          "leftOut": .array(report.leftOut.map { .string("\($0.path): \($0.reason)") }),
        ])
    }
  }
}
