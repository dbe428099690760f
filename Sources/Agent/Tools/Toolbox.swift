import AuditTrail
import CodeIndex
import Conversation
import Glibc
import Sandbox
import Workspace

/// The tools of a run, and how a call finds its tool.
struct Toolbox: Sendable {
  private let tools: [any Tool.Type]
  /// What commands can reach; nil for nothing.
  var network: RunNetwork?

  private init(_ tools: [any Tool.Type]) { self.tools = tools }

  /// The tools that every model gets.
  static let standard = Toolbox([
    ShellTool.self, ApplyPatchTool.self, ReadFileTool.self, SearchTool.self, FindSymbolTool.self, ListFilesTool.self,
    RunTestsTool.self, TryPatchesTool.self, UpdatePlanTool.self, FinishTool.self,
  ])

  /// The tools of a model that is a program: it edits by byte ranges, tries many patches and asks for coverage.
  static let engine = Toolbox([
    ReadFileTool.self, ListFilesTool.self, RunTestsTool.self, CoverageTool.self, TryPatchesTool.self,
    AdoptPatchTool.self, FinishTool.self,
  ])

  /// Definitions in a fixed order: part of the prefix that providers cache.
  var definitions: [ToolDefinition] {
    tools.map { $0 == ShellTool.self ? ShellTool.described(by: network) : $0.definition }
  }

  /// True when a call may change the workspace, or names no tool.
  func mayWrite(_ call: ToolCall) -> Bool { tool(of: call)?.mayWrite ?? true }

  /// Runs one call. What the tool cannot do becomes an answer to the model; what ends a run is thrown.
  func run(_ call: ToolCall, in session: Session) async throws -> ToolResult {
    let isFreeform = if case .freeform = call.arguments { true } else { false }
    func answer(_ output: ToolOutput, isError: Bool) -> ToolResult {
      ToolResult(
        callID: call.id, output: session.gate.recorder.redact(output.text), isError: isError,
        structured: output.structured, isFreeform: isFreeform)
    }
    func failure(_ reason: String) -> ToolResult {
      session.observe(.toolFailed(name: call.name, reason: reason))
      return answer(ToolOutput(reason), isError: true)
    }
    guard let type = tool(of: call) else {
      let names = tools.map { $0.definition.name }.joined(separator: ", ")
      return failure("there is no tool `\(call.name)`; there are: \(names)")
    }
    do {
      let tool = try type.init(try ToolArguments(call.arguments))
      session.observe(.tool(name: call.name, detail: Self.detail(of: call)))
      return answer(try await tool.run(in: session, call: call.id), isError: false)
    } catch let error as ToolFailure {
      return failure(error.description)
    } catch let error as Refusal {
      return failure(error.description)
    } catch let error as SearchError {
      return failure(error.message)
    } catch let error as WorkspaceError where error.isTheCallersFault {
      return failure(error.message)
    }
  }

  private func tool(of call: ToolCall) -> (any Tool.Type)? { tools.first { $0.definition.name == call.name } }

  /// What a person reads beside the tool's name: its first argument, short.
  private static func detail(of call: ToolCall) -> String {
    guard let arguments = try? ToolArguments(call.arguments) else { return "" }
    for name in ["path", "query", "name"] {
      if let text = try? arguments.optionalString(name) { return String(text.prefix(120)) }
    }
    return ""
  }
}

extension WorkspaceError {
  /// True when a different call could succeed, so that the model is told; false when the run cannot go on.
  var isTheCallersFault: Bool {
    switch kind {
    case .notFound, .notADirectory, .notAFile, .outside, .masked, .unreadable, .tooLarge: true
    case .io(let code): [ENAMETOOLONG, EINVAL, EISDIR, ENOTDIR, ELOOP, ENOTEMPTY, EEXIST, EPERM].contains(code)
    default: false
    }
  }
}
