import Conversation
import JSON
import Paths
import Sandbox
import TestReports
import Workspace

/// `try_patches`: many small patches, each validated alone in a copy of the workspace: failing tests first, then all.
///
/// One effect and one record for the batch. The built-in engine lives on it; any model may ask for the best of several
/// variants by tests. Each of its paths starts where the session's paths do.
struct TryPatchesTool: Tool {
  static let mayWrite = true
  static let definition = ToolDefinition(
    name: "try_patches",
    description:
      "Try several alternative patches, each alone, against the tests: the failing ones first, then all. Nothing is "
      + "kept: apply the one you choose. Cheap, so try the variants that you are not sure about together.",
    input: .schema(
      Schema.object(
        [
          (
            "patches",
            Schema.array(
              Schema.object(
                [("id", Schema.string("A name for the result.")), ("edits", EditList.schema)],
                required: ["id", "edits"]), "The alternatives.")
          ),
          ("stop_at_first", Schema.boolean("Stop after the first patch that passes everything.")),
          ("seconds", Schema.integer("Stop after this time; patches not tried by then are answered notRun.")),
        ], required: ["patches"])))

  private static let mostPatches = 512
  private let patches: [(id: String, edits: [JSONValue])]
  private let stopAtFirst: Bool
  /// How many times the usual time a patch gets; for programs, which know why they ask for it.
  private let patience: Double
  private let seconds: Int?

  init(_ arguments: ToolArguments) throws(ToolFailure) {
    var patches: [(id: String, edits: [JSONValue])] = []
    for value in try arguments.array("patches") {
      guard let id = value["id"]?.string else { throw ToolFailure("each patch needs an `id`") }
      patches.append((id, value["edits"]?.array ?? []))
    }
    guard !patches.isEmpty, patches.count <= Self.mostPatches else {
      throw ToolFailure("give 1 to \(Self.mostPatches) patches")
    }
    self.patches = patches
    stopAtFirst = try arguments.optionalBool("stop_at_first") ?? false
    seconds = try arguments.optionalInt("seconds").map { min(86_400, max(1, $0)) }
    patience = Double(min(64, max(1, try arguments.optionalInt("patience") ?? 1)))
  }

  func run(in session: Session, call: String) async throws -> ToolOutput {
    guard let tests = session.tests else { throw ToolFailure("no test command is known for this project") }
    guard let base = await session.lastReport else { throw ToolFailure("the tests have not been run yet") }
    let patches = try patches.map { patch throws(ToolFailure) in
      (id: patch.id, edits: try EditList(patch.edits, path: session.resolve))
    }
    let contents = try await EditList.originals(patches.map(\.edits), in: session, call: call)
    let writes = contents.keys.sorted()
    let effect = Effect.tryPatches(count: patches.count, writes: writes, command: tests.command.shell)
    let clock = await session.engineClock ?? .now
    let trial = PatchTrial(
      tests: tests, base: base, originals: contents, workspace: session.workspace, patience: patience,
      deadline: seconds.map { clock + .seconds($0) })
    let results: [PatchTrial.Result] = try await session.gate.perform(effect, call: call) {
      let (results, ways, reasons) = try await trial.run(patches, stopAtFirst: stopAtFirst, ways: session.trialWays)
      await session.rely(on: ways, because: reasons)
      var fields: JSONObject = ["served": .bool(!ways.isEmpty)]
      if !reasons.isEmpty { fields["notServed"] = .string(reasons.joined(separator: " ")) }
      for outcome in PatchTrial.Outcome.allCases {
        fields[outcome.rawValue] = JSONValue(results.count { $0.outcome == outcome })
      }
      // Every patch that passes is kept whole, whatever becomes of it.
      var content: [String: [UInt8]] = [:]
      for result in results where result.outcome == .passed {
        content["patch-\(result.id)"] = patches.first { $0.id == result.id }?.edits.json.serialized ?? []
      }
      return EffectOutcome(value: results, fields: fields, content: content)
    }
    let seconds = (ContinuousClock.now - clock).seconds
    await session.setEngineClock()
    let lines = results.map { result in
      "\(result.id): \(result.outcome.rawValue)"
        + (result.outcome == .passed ? "" : ", \(result.failing) failing, \(result.fixed) fixed, \(result.lost) lost")
        + (result.firstFailure.map { " — " + OutputText.start(of: $0, 200) } ?? "")
    }
    return ToolOutput(
      lines.joined(separator: "\n"),
      structured: ["results": .array(results.map(\.json)), "seconds": .double((seconds * 1000).rounded() / 1000)])
  }
}

/// `adopt_patch`: makes one tried patch the workspace's change.
struct AdoptPatchTool: Tool {
  static let mayWrite = true
  static let definition = ToolDefinition(
    name: "adopt_patch",
    description: "Apply edits to the workspace.",
    input: .schema(Schema.object([("edits", EditList.schema)], required: ["edits"])))

  private let edits: [JSONValue]

  init(_ arguments: ToolArguments) throws(ToolFailure) {
    edits = try arguments.array("edits")
    guard !edits.isEmpty else { throw ToolFailure("there is no edit to apply") }
  }

  func run(in session: Session, call: String) async throws -> ToolOutput {
    let edits = try EditList(edits, path: session.resolve)
    let originals = try await EditList.originals([edits], in: session, call: call)
    let writes = try edits.applied(to: originals).map { FileWrite(path: $0.key, content: $0.value) }
    let diff = try await session.edit(
      writes.sorted { $0.path < $1.path }, patch: edits.json.serialized, call: call)
    return ToolOutput("Applied to \(diff.count.of("file")).", structured: ["applied": true])
  }
}
