import ArgumentParser

/// `codeagent policy`: everything about access policies. Each subcommand has a file of its own.
struct PolicyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "Work with access policies in the Cedar language.",
    discussion: """
      EXAMPLES
        codeagent policy schema                     what they can speak of
        codeagent policy check                      would they stop a run here?
        codeagent policy test policies/*.test.toml  do they decide as meant?
        codeagent policy explain last               which rules decided in a run
        codeagent policy conformance corpus-tests   does the engine know Cedar?
      """,
    subcommands: [
      PolicySchemaCommand.self, PolicyCheckCommand.self, PolicyTestCommand.self, PolicyExplainCommand.self,
      PolicyApproveCommand.self, ConformanceCommand.self,
    ])
}
