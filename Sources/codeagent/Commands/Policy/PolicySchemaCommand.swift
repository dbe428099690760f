import Access
import ArgumentParser

/// `codeagent policy schema`: what policies can speak of.
struct PolicySchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Print the schema that policies are validated against.",
    discussion: "EXAMPLES\n  codeagent policy schema > codeagent.cedarschema")

  func run() { Output.write(PolicySchema().text) }
}
