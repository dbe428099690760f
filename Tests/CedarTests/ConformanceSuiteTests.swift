import Cedar
import TestSupport
import Testing

@Suite("conformance cases")
struct ConformanceSuiteTests {
  private func folder(_ files: [String: String]) throws -> TemporaryDirectory {
    let directory = try TemporaryDirectory()
    for (name, text) in files { try directory.write(name, text) }
    return directory
  }

  private static let files = [
    "one.cedar":
      "permit(principal, action, resource) when { context.ok }; forbid(principal, action, resource) when { context.gone };",
    "one.cedarschema": "entity U; action a appliesTo { principal: U, resource: U, context: { ok: Bool } };",
    "one.entities.json": "[]",
    "one.json": """
    {"policies": "corpus-tests/one.cedar", "schema": "corpus-tests/one.cedarschema", "entities": "corpus-tests/one.entities.json",
     "shouldValidate": false, "requests": [
      {"description": "", "principal": {"type": "U", "id": "u"}, "action": {"type": "Action", "id": "a"}, "resource": {"type": "U", "id": "v"},
       "context": {"ok": true}, "validateRequest": true, "decision": "allow", "reason": ["policy0"], "errors": ["policy1"]},
      {"principal": {"type": "U", "id": "u"}, "action": {"type": "Action", "id": "a"}, "resource": {"type": "U", "id": "v"},
       "context": {"ok": false}, "decision": "deny", "reason": [], "errors": ["policy1"]}]}
    """,
  ]

  @Test("cases that agree")
  func agreeing() throws {
    let directory = try folder(Self.files)
    let report = try ConformanceSuite(directory: directory.path).run()
    #expect(report.cases == 1 && report.requests == 2 && report.isConforming)
    #expect(report.counts[.decision]?.agreeing == 2 && report.counts[.decision]?.compared == 2)
    #expect(report.counts[.validation]?.agreeing == 1 && report.counts[.validation]?.compared == 1)
    #expect(try ConformanceSuite(directory: directory.path).secondsPerDecision(repetitions: 2) > 0)
  }

  @Test("each aspect that differs is named, and cases that cannot be run are differences")
  func differing() throws {
    var files = Self.files
    files["one.json"] = files["one.json"]?.replacing("\"allow\"", with: "\"deny\"").replacing(
      "[\"policy0\"]", with: "[]"
    )
    .replacing("false, \"requests\"", with: "true, \"requests\"").replacing(
      "{\"ok\": false}, \"decision\": \"deny\", \"reason\": [], \"errors\": [\"policy1\"]",
      with: "{\"ok\": 1}, \"decision\": \"deny\"")
    files["two.json"] = "{\"policies\": \"nothing.cedar\"}"
    files["three.json"] = "{"
    let directory = try folder(files)
    let report = try ConformanceSuite(directory: directory.path).run()
    #expect(report.differences.map(\.aspect) == [.validation, .decision, .reasons, nil, nil, nil])
    #expect(report.differences.map(\.name) == ["one", "one", "one", "one", "three", "two"])
    #expect(report.differences[1].description == "one, request 0: decision: expected deny, found allow")
    #expect(!report.isConforming && report.cases == 3)
  }

  @Test("a folder without cases is refused")
  func empty() throws {
    let directory = try TemporaryDirectory()
    #expect(throws: CedarError.self) { try ConformanceSuite(directory: directory.path) }
    #expect(throws: CedarError.self) { try ConformanceSuite(directory: directory.path("nothing")) }
  }
}
