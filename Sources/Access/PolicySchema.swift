/// The agent in Cedar's terms: entity types, their attributes, actions and what they apply to.
///
/// The text is made from the same tables that make the values of a request, so that no policy can be valid against an
/// attribute that requests do not have.
public struct PolicySchema: Sendable {
  /// The schema in Cedar's own syntax.
  public let text: String

  /// The schema of an agent with these tools of MCP servers.
  public init(tools: [Resource.Tool] = []) {
    var text = Self.header
    text += "entity Group;\n\n"
    text += "entity User in [Group];\n\n"
    text += "// How a run was started.\n"
    text +=
      "entity Start enum [\(Principal.Start.allCases.map { "\"\($0.rawValue)\"" }.joined(separator: ", "))];\n\n"
    text += Self.entity(
      "Run", in: ["User"], Attributes.run, note: "A run; its tags are the claims of a verified token.", tags: "String")
    text += Self.entity("Repository", in: [], Attributes.repository, note: nil)
    text += "entity Directory in [Directory, Repository];\n\n"
    text += Self.entity(
      "File", in: ["Directory"], Attributes.file, note: "A file; its id is its path in git's quoted form.")
    text += Self.entity("Command", in: [], Attributes.command, note: "A program that is started.")
    text += Self.entity("Host", in: [], Attributes.host, note: "The far end of a connection.")
    text += Self.entity("Model", in: [], Attributes.model, note: "A model; its id is PROVIDER/NAME.")
    text += Self.entity("Change", in: ["Repository"], Attributes.change, note: "A change as a whole, on its way out.")
    text += Self.entity("Spending", in: [], Attributes.spending, note: "What a run has used up so far.")
    text += "entity Server;\n\n"
    text += Self.entity(
      "Tool", in: ["Server"], Attributes.tool, note: "A tool of an MCP server; its id is SERVER/NAME.")
    text += "// What else bears on a decision.\n"
    text += "type Circumstances = {\n" + Attributes.context.map(\.line).joined() + "};\n\n"
    text += Self.actions(tools)
    self.text = text
  }

  private static let header = """
    // What policies can speak of. Printed by `codeagent policy schema`; explained in docs/policies.md.


    """

  private static func entity<Subject>(
    _ name: String, in parents: [String], _ attributes: [Attribute<Subject>], note: String?,
    tags: String? = nil
  ) -> String {
    (note.map { "// \($0)\n" } ?? "") + "entity \(name)"
      + (parents.isEmpty ? "" : " in [\(parents.joined(separator: ", "))]") + " = {\n"
      + attributes.map(\.line).joined() + "}" + (tags.map { " tags \($0)" } ?? "") + ";\n\n"
  }

  private static func actions(_ tools: [Resource.Tool]) -> String {
    var text = "// Groups of actions.\n"
    for group in Action.groups { text += "action \(group.name)\(Self.members(group.parents));\n" }
    text += "\n"
    for action in Action.allCases where action != .callTool {
      text += "// \(action.summary)\n"
      text += "action \(action.rawValue)\(Self.members(action.groups)) appliesTo {\n"
      text += "  principal: [Run],\n"
      text += "  resource: [\(action.resourceTypes.joined(separator: ", "))],\n"
      text += "  context: Circumstances,\n};\n\n"
    }
    text += "// Tools of MCP servers, by name.\n"
    for server in Set(tools.map(\.server)).sorted() {
      text += "action \(quote(Action.serverID(server))) in [callTool];\n"
    }
    for tool in tools.sorted(by: { ($0.server, $0.name) < ($1.server, $1.name) }) {
      text += "action \(quote(Action.toolID(tool))) in [\(quote(Action.serverID(tool.server)))] appliesTo {\n"
      text += "  principal: [Run],\n  resource: [Tool],\n  context: Circumstances,\n};\n\n"
    }
    // So that `action in Action::"callTool"` can be written where no server is configured yet.
    text += "action \"callTool/*\" in [callTool] appliesTo {\n"
    text += "  principal: [Run],\n  resource: [Tool],\n  context: Circumstances,\n};\n"
    return text
  }

  private static func members(_ groups: [String]) -> String {
    groups.isEmpty ? "" : " in [\(groups.joined(separator: ", "))]"
  }

  /// Names of servers and tools come from others: as a Cedar string literal.
  private static func quote(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\\(scalar)"
      case " "..."~": result.unicodeScalars.append(scalar)
      default: result += "\\u{\(String(scalar.value, radix: 16))}"
      }
    }
    return result + "\""
  }
}

extension Action {
  /// Groups that policies can name, with the groups that they are in.
  static let groups: [(name: String, parents: [String])] = [
    ("edit", []), ("network", []), ("deliver", []), ("callTool", []),
  ]

  /// The groups that an action is in.
  var groups: [String] {
    switch self {
    case .write, .delete: ["edit"]
    case .connect, .callModel: ["network"]
    case .deliverApply, .deliverBranch, .deliverPatch: ["deliver"]
    case .read, .execute, .spend, .callTool: []
    }
  }

  /// The types that it can act upon.
  var resourceTypes: [String] {
    switch self {
    case .read, .write, .delete: ["File"]
    case .execute: ["Command"]
    case .connect: ["Host"]
    case .callModel: ["Model"]
    case .deliverApply, .deliverBranch, .deliverPatch: ["File", "Change"]
    case .spend: ["Spending"]
    case .callTool: ["Tool"]
    }
  }

  /// What it is, in a few words.
  var summary: String {
    switch self {
    case .read: "Show a file to the model, or to a command."
    case .write: "Create or change a file in the workspace."
    case .delete: "Remove a file from the workspace."
    case .execute: "Start a program in the sandbox."
    case .connect: "Open a connection out of the sandbox."
    case .callModel: "Send the conversation to a model."
    case .deliverApply: "Write the change into the checkout: asked for each file, and for the whole."
    case .deliverBranch: "Commit the change to a new branch: asked for each file, and for the whole."
    case .deliverPatch: "Hand the change over as a patch: asked for each file, and for the whole."
    case .spend: "Use up more money and tokens: asked before each request to a model."
    case .callTool: "Call a tool of an MCP server."
    }
  }

  static func serverID(_ server: String) -> String { "callTool/\(server)" }
  static func toolID(_ tool: Resource.Tool) -> String { "callTool/\(tool.server)/\(tool.name)" }
}
