import ArgumentParser

/// `codeagent policy`: everything about access policies. Each subcommand has a file of its own.
struct PolicyCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "policy", abstract: "Work with access policies in the Cedar language.",
    discussion: """
      EXAMPLES
        codeagent policy conformance corpus-tests   does the engine agree with the language's public corpus?
      """,
    subcommands: [ConformanceCommand.self])
}
