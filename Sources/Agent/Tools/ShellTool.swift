import Conversation
import Patches
import Paths
import Sandbox

/// `shell`: one command in the sandbox.
struct ShellTool: Tool {
  static let mayWrite = true
  static let definition = described(by: nil)

  /// The same, saying what a run's commands can reach.
  static func described(by network: RunNetwork?) -> ToolDefinition {
    ToolDefinition(
      name: "shell",
      description:
        "Run a shell command in the sandboxed workspace and return its output. \(network?.sentence ?? RunNetwork.none) "
        + "Long output is cut in the middle. To edit files, use apply_patch.",
      input: .schema(
        Schema.object(
          [
            ("command", Schema.string("The command, run by /bin/sh -c.")),
            ("directory", Schema.string("Where to run it, relative to the project directory (the default).")),
            ("timeout_seconds", Schema.integer("Stop the command after this many seconds.")),
          ], required: ["command"])))
  }

  /// Linux passes 128 KiB in one argument.
  private static let mostBytes = 120_000
  private let command: String
  private let directory: String?
  private let timeout: Int?

  init(_ arguments: ToolArguments) throws(ToolFailure) {
    command = try arguments.string("command")
    guard !command.utf8.contains(0) else { throw ToolFailure("the command contains a NUL byte") }
    directory = try arguments.optionalString("directory")
    timeout = try arguments.optionalInt("timeout_seconds").flatMap { $0 > 0 ? $0 : nil }
  }

  func run(in session: Session, call: String) async throws -> ToolOutput {
    var place = session.project
    if let directory, !directory.isEmpty { place = try session.resolve(directory) }
    // Models trained on a patch tool often send the patch language through the shell: it is applied, not executed.
    if let embedded = ApplyPatch.extractFromShell(command) {
      if let inner = embedded.directory { place = try session.resolve(inner) }
      return try await ApplyPatchTool(patch: embedded.patch, directory: place).run(in: session, call: call)
    }
    guard command.utf8.count <= Self.mostBytes else {
      throw ToolFailure("the command has more than \(Self.mostBytes) bytes; write long input to a file first")
    }
    let result = try await session.execute(
      command, directory: place, timeout: timeout.map(Double.init), purpose: .tool, call: call)
    var text = OutputText.forModel(result.output)
    switch result.status {
    case .exited(0): if text.isEmpty { text = "(no output)" }
    case .overrun(.time):
      text += "\n[stopped after \(Int(result.duration)) s; give timeout_seconds or run something shorter]"
    default: text += "\n[\(result.status.text)]"
    }
    if let denials = result.execs?.denials { text += "\n" + denials }
    return ToolOutput(text)
  }
}
