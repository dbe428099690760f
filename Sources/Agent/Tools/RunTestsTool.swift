import Conversation
import JSON
import Sandbox
import TestReports

/// `run_tests`: the project's test command, or some of its tests by name.
struct RunTestsTool: Tool {
  static let mayWrite = true
  static let definition = ToolDefinition(
    name: "run_tests",
    description:
      "Run the project's tests in the workspace and get outcomes by name. Without `tests` all of them run.",
    input: .schema(
      Schema.object(
        [("tests", Schema.array(["type": "string"], "Names of tests as reported before, to run only those."))],
        required: [])))

  private let names: [String]

  init(_ arguments: ToolArguments) throws(ToolFailure) {
    names = try arguments.array("tests").compactMap(\.string)
  }

  func run(in session: Session, call: String) async throws -> ToolOutput {
    var selected: TestCommand?
    if !names.isEmpty {
      selected = session.tests?.command.selecting(names)
    }
    let execution = try await session.runTests(selected: selected, call: call)
    var text = ReportText.describe(execution.report, seconds: execution.seconds)
    if !names.isEmpty, selected == nil { text = "(Single tests cannot be chosen here; all were run.)\n" + text }
    if execution.report.failing.isEmpty && execution.status != .exited(0) || !execution.report.isNamed {
      text += "\n[\(execution.status.text)]\n" + OutputText.forModel(execution.output)
    }
    if let denials = execution.denials { text += "\n" + denials }
    var facts = execution.report.json.object ?? JSONObject()
    if selected != nil { facts["selected"] = true }
    return ToolOutput(text, structured: .object(facts))
  }
}
