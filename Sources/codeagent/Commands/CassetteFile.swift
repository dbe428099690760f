import Agent
import ArgumentParser
import AuditTrail
import Conversation
import JSON
import Models

/// Cassettes as users hand them over.
enum CassetteFile {
  /// Reads a file, or standard input (`-`).
  static func read(_ file: String) throws(UsageFailure) -> Cassette {
    let text = try TextInput.read(file)
    do throws(Cassette.Unreadable) {
      return try Cassette(parsing: Array(text.utf8))
    } catch {
      throw UsageFailure("\(file) is no cassette: \(error.description)", advice: "`runs export` makes one")
    }
  }
}

extension RunsCommand {
  /// `runs export`: a run's answers as a file that `fix --replay` plays.
  struct Export: ParsableCommand {
    static let configuration = CommandConfiguration(
      abstract: "Write a run's recorded answers to a cassette, for demonstrations, tests and bug reports.",
      discussion: """
        What was redacted in the record stays redacted; reasoning that only its provider can read is left out. Look \
        through the file before you hand it on: it holds what the model wrote, code included.

        EXAMPLE
          codeagent runs export last --cassette run.jsonl
          codeagent fix . --replay run.jsonl
        """)

    @Argument(help: "The run's id, the beginning of one, or `last`.") var name = "last"
    @Option(help: "The file to write, or - for standard output.") var cassette = "-"

    func run() throws {
      let assembly = try Assembly()
      let store = try assembly.store()
      let id = try store.run(matching: name)
      let events = try store.events(of: id)
      let start = events.first?.fields
      var entries: [Cassette.Entry] = []
      for event in events {
        if event.kind == EventKind.modelAnswer.rawValue {
          guard let bytes = try store.content(of: event, "answer"),
            var answer = (try? JSONValue(parsing: bytes)).flatMap(ModelResponse.init(json:))
          else {
            throw UsageFailure("the answers of \(id.text) are not kept any more: the record redacted or expired them")
          }
          answer.items = answer.items.filter { if case .reasoning = $0 { false } else { true } }
          entries.append(.answer(answer))
        }
      }
      guard !entries.isEmpty else { throw UsageFailure("no model answered in \(id.text)") }
      let made = Cassette(
        provider: start?["provider"]?.string ?? "unknown", model: start?["model"]?.string ?? "unknown",
        entries: entries)
      try PatchFile.write(assembly.redacted(made.serialized), to: cassette)
    }
  }
}
