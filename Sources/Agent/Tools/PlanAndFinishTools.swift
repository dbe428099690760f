import Conversation
import JSON

/// `update_plan`: the steps that a person sees and compaction keeps.
struct UpdatePlanTool: Tool {
  static let mayWrite = false
  static let definition = ToolDefinition(
    name: "update_plan",
    description: "Write down the plan of a longer task, or mark its steps as done. Replaces the plan.",
    input: .schema(
      Schema.object(
        [
          (
            "steps",
            Schema.array(
              Schema.object(
                [
                  ("text", Schema.string("What is to be done.")),
                  ("status", Schema.oneOf(statuses, "How far it is.")),
                ], required: ["text", "status"]), "All steps, in order.")
          )
        ], required: ["steps"])))

  private static let statuses = ["pending", "in_progress", "completed"]
  private let steps: [PlanStep]

  init(_ arguments: ToolArguments) throws(ToolFailure) {
    var steps: [PlanStep] = []
    for step in try arguments.array("steps").prefix(100) {
      guard let text = step["text"]?.string ?? step["step"]?.string else {
        throw ToolFailure("each step needs a `text`")
      }
      let status = step["status"]?.string ?? "pending"
      guard Self.statuses.contains(status) else {
        throw ToolFailure("a step's status is one of \(Self.statuses.joined(separator: ", "))")
      }
      steps.append(PlanStep(text: OutputText.bounded(text, limit: 1000), status: status))
    }
    self.steps = steps
  }

  func run(in session: Session, call: String) async throws -> ToolOutput {
    try await session.setPlan(steps)
    return ToolOutput("The plan is noted.")
  }
}

/// `finish`: the model has nothing more to do, or says that it cannot be done.
struct FinishTool: Tool {
  static let mayWrite = true
  static let definition = ToolDefinition(
    name: "finish",
    description:
      "End the work: `done` hands the change to the judge; `cannot_be_done` ends the run honestly without success.",
    input: .schema(
      Schema.object(
        [
          ("outcome", Schema.oneOf(["done", "cannot_be_done"], "How it ends.")),
          ("summary", Schema.string("What was wrong and what was changed, or why it cannot be done.")),
        ], required: ["outcome", "summary"])))

  /// What the call asks for.
  let request: FinishRequest

  init(_ arguments: ToolArguments) throws(ToolFailure) {
    let outcome = try arguments.string("outcome")
    let known = ["done", "cannot_be_done", "fixed", "not_fixed", "unconfirmed"]
    guard known.contains(outcome) else { throw ToolFailure("`outcome` is `done` or `cannot_be_done`") }
    request = .init(outcome: outcome, summary: OutputText.bounded(try arguments.string("summary"), limit: 8000))
  }

  func run(in session: Session, call: String) async throws -> ToolOutput {
    // The recorded call is what ends the work: see `RunState`.
    ToolOutput("Noted.")
  }
}

/// How the model ended the work.
struct FinishRequest: Sendable, Hashable {
  var outcome: String
  var summary: String
}
