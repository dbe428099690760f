import Agent
import ArgumentParser
import AuditTrail
import JSON
import Paths
import Workspace

/// `codeagent runs`: what has run, and going on from there.
struct RunsCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "runs", abstract: "List runs, show one, go on with one, deliver or drop its change.",
    subcommands: [List.self, Show.self, Resume.self, Apply.self, Export.self, Discard.self])

  /// The newest runs.
  struct List: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "List the newest runs.")

    @Option(help: "How many to show.") var limit = 20
    @OptionGroup var output: OutputOptions

    func run() throws {
      let store = try Assembly().store()
      let style = Style(hasColor: TerminalTraits.detect(Environment.current).hasColor)
      for summary in try store.runs(limit: max(1, limit)) {
        let record = RunRecord(summary)
        if output.json {
          Output.write(record.json().serialized + [0x0a])
        } else {
          Output.write(
            "\(style.name(summary.run.text.padding(to: 20)))\(record.status.padding(to: 16))"
              + "\(record.model.padding(to: 24))\(Display.safe(record.checkout))\n")
        }
      }
    }
  }

  /// One run's end, with its diff.
  struct Show: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Show how a run ended, and its diff.")

    @Argument(help: "The run's id, the beginning of one, or `last`.") var name: String
    @Flag(help: "Only the patch, as `git apply` takes it.") var patch = false
    @OptionGroup var output: OutputOptions

    func run() throws {
      let store = try Assembly().store()
      let record = try RunRecord(try store.run(matching: name), in: store)
      if patch {
        Output.write(record.patch)
        return
      }
      if output.json {
        Output.write(record.json(withPatch: true).serialized + [0x0a])
        return
      }
      let style = Style(hasColor: TerminalTraits.detect(Environment.current).hasColor)
      Output.write(record.text(style))
    }
  }

  /// Goes on with an interrupted run.
  struct Resume: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Go on with a run that was interrupted, ran out of budget, or lost its provider.")

    @Argument(help: "The run's id, the beginning of one, or `last`.") var name = "last"
    @Flag(help: "Write the proven change into the checkout.") var apply = false
    @Option(help: "Commit the proven change to a new branch of this name.") var branch: String?
    @Flag(help: "Deliver a change that passes the tests but is not confirmed.") var yes = false
    @OptionGroup var policy: PolicyOptions
    @OptionGroup var budget: BudgetOptions
    @OptionGroup var output: OutputOptions

    mutating func run() async throws {
      let reporter = Reporter(json: output.json)
      let options = self
      try await reporter.run { () async throws -> (RunResult, [UInt8]?) in
        let store = try Assembly().store()
        let id = try store.run(matching: options.name)
        let record = try RunRecord(id, in: store)
        let assembly = try Assembly(
          model: record.model, location: try record.location(), isHeadless: options.output.json,
          policyMode: options.policy.policyMode)
        var delivery = DeliveryRequest()
        delivery.apply = options.apply
        delivery.branch = options.branch
        delivery.acceptUnconfirmed = options.yes
        let services = try await assembly.services()
        let runs = Runs(services: services, observe: reporter.observe)
        let result = try await runs.resume(id, delivery: delivery, budget: try options.budget.budget(assembly))
        await RunClosing(assembly: assembly, store: services.store).close(
          result, patchFile: nil, root: assembly.location?.root)
        return (result, nil)
      } deliverPatch: { _ in
      }
    }
  }

  /// Delivers an ended run's change.
  struct Apply: AsyncParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Write a run's proven change into its checkout.")

    @Argument(help: "The run's id, the beginning of one, or `last`.") var name = "last"
    @Option(help: "Commit it to a new branch of this name instead.") var branch: String?
    @Flag(help: "Deliver a change that passes the tests but is not confirmed.") var yes = false

    mutating func run() async throws {
      let store = try Assembly().store()
      let id = try store.run(matching: name)
      let record = try RunRecord(id, in: store)
      // No model is asked any more, so none has to be configured.
      let assembly = try Assembly(model: "builtin", location: try record.location())
      var delivery = DeliveryRequest()
      delivery.apply = branch == nil
      delivery.branch = branch
      delivery.acceptUnconfirmed = yes
      let services = try await assembly.services()
      let result = try await Runs(services: services, observe: { _ in }).deliver(id, delivery)
      await RunClosing(assembly: assembly, store: services.store).close(
        result, patchFile: nil, root: assembly.location?.root)
      Output.write((result.delivered ?? result.reason) + "\n")
      throw ExitStatus(code: result.outcome.exitCode)
    }
  }

  /// Drops a run's workspace.
  struct Discard: ParsableCommand {
    static let configuration = CommandConfiguration(abstract: "Drop a run's workspace; its record stays.")

    @Argument(help: "The run's id, the beginning of one, or `last`.") var name: String

    func run() throws {
      let assembly = try Assembly()
      let id = try assembly.store().run(matching: name)
      try Workspace.removeStorage(
        Array((try Directories.state(assembly.environment) + "/runs/" + id.text).utf8))
      Output.write("dropped the workspace of \(id.text); its record stays\n")
    }
  }
}
