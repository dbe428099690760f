import ArgumentParser

/// The command line's root. Parsing, help and exit codes are decided here; each command has a file of its own.
@main
struct Codeagent: AsyncParsableCommand {
  static let version = "0.1.0"
  /// How requests to providers say who asks.
  static let userAgent = "codeagent/\(version)"

  static let configuration = CommandConfiguration(
    commandName: "codeagent",
    abstract: "Repairs code in a sandboxed copy, proves it, records it, and hands over a patch.",
    discussion: """
      EXAMPLES
        codeagent fix                         repair what the tests say is broken
        codeagent fix ~/src/app --apply       … there, and write the proven change
        codeagent fix . "login fails for names with a dot" --model openai/gpt-5.5
        codeagent search -- names with a dot  where the code is that a task is about
        codeagent runs list                   what has run here, and how it ended
        codeagent audit log last              everything that the last run did
        codeagent doctor                      what the sandbox holds on this machine
      """,
    version: version,
    subcommands: [
      FixCommand.self, SearchCommand.self, IndexCommand.self, RunsCommand.self, ModelsCommand.self, AuditCommand.self,
      ReplayCommand.self, SandboxCommand.self, PolicyCommand.self, DoctorCommand.self,
    ])

  static func main() async {
    Signals.install()
    do {
      var command = try parseAsRoot()
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
      Exit.now(0)
    } catch let status as ExitStatus {
      Exit.now(status.code)
    } catch let failure as any ReportableFailure {
      Exit.failing(failure)
    } catch {
      // ArgumentParser's own: help and version end well, everything else is a usage error.
      let text = fullMessage(for: error)
      guard exitCode(for: error) != .success else {
        Output.write(text + "\n")
        Exit.now(0)
      }
      Output.error(text)
      Exit.now(2)
    }
  }
}
