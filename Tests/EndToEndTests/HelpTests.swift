import JSON
import TestSupport
import Testing

/// What `--help` says.
@Suite struct HelpTests {
  /// Prose is wrapped to the terminal; what stands in columns, such as examples, is not, and has to fit.
  @Test func examplesFitATerminal() async throws {
    let scratch = try Scratch()
    try scratch.makeProject([:], git: false)
    let dump = try await scratch.codeagent("--experimental-dump-help")
    #expect(dump.status == 0, "\(dump.shown)")
    var texts: [(command: String, text: String)] = []
    func collect(_ command: JSONValue) {
      texts.append((command["commandName"]?.string ?? "", command["discussion"]?.string ?? ""))
      for child in command["subcommands"]?.array ?? [] { collect(child) }
    }
    collect(try #require(JSONValue(parsing: dump.out)["command"]))
    #expect(texts.count > 20)
    #expect(texts.contains { $0.text.contains("EXAMPLES") })
    for (command, text) in texts {
      for line in text.split(separator: "\n") where line.hasPrefix("  ") || line.contains("   ") {
        #expect(line.count < 80, "\(command): \(line)")
      }
    }
  }
}
