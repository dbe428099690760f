import ArgumentParser

/// `codeagent policy`: everything about access policies. Each subcommand has a file of its own.
struct PolicyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "Work with access policies in the Cedar language.",
    discussion: """
      EXAMPLES
        codeagent policy schema                     what policies can speak of
        codeagent policy check                      would a run in this directory be stopped by its policies?
        codeagent policy test policies/*.test.toml  do policies decide as they are meant to?
        codeagent policy explain last               which rules decided in the last run, in words
        codeagent policy conformance corpus-tests   does the engine agree with the language's public corpus?
      """,
    subcommands: [
      PolicySchemaCommand.self, PolicyCheckCommand.self, PolicyTestCommand.self, PolicyExplainCommand.self,
      PolicyApproveCommand.self, ConformanceCommand.self,
    ])
}
