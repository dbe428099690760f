import Cedar
import JSON
import Testing

@Suite("entities and contexts in JSON")
struct EntityJSONTests {
  private func schema() throws -> Schema { try Schema(parsing: SchemaTests.cedar) }

  @Test("plain values and escapes, without a schema")
  func plain() throws {
    let entities = try Entities(
      parsing: Array(
        #"""
        [{"uid": {"type": "N::U", "id": "é"}, "parents": [{"__entity": {"type": "G", "id": ""}}], "tags": {"t": [1]}, "attrs": {
          "n": -9223372036854775808, "s": "x", "b": true, "l": [1, 1, "a"], "r": {"a": {}}, "e": {"__entity": {"type": "U", "id": "b"}},
          "plain": {"type": "U", "id": "b"}, "ip": {"__extn": {"fn": "ip", "arg": "1.2.3.4"}},
          "then": {"__extn": {"fn": "offset", "args": [{"__extn": {"fn": "datetime", "arg": "1970-01-01"}}, {"__extn": {"fn": "duration", "arg": "1s"}}]}},
          "not": {"__extn": 1}, "two": {"__entity": {"type": "U", "id": "b"}, "x": 1}}}]
        """#.utf8))
    let uid = EntityUID(type: "N::U", id: "\u{e9}")
    let entity = try #require(entities[uid])
    #expect(entity.parents == [EntityUID(type: "G", id: "")] && entity.tags["t"] == [1])
    #expect(
      entity.attributes["n"] == .long(.min) && entity.attributes["l"] == [1, "a"]
        && entity.attributes["r"] == ["a": [:]])
    #expect(
      entity.attributes["e"] == .entity(EntityUID(type: "U", id: "b"))
        && entity.attributes["plain"] == ["type": "U", "id": "b"])
    #expect(entity.attributes["then"] == .datetime(CedarDatetime(milliseconds: 1000)))
    #expect(entity.attributes["not"] == ["__extn": 1])
    #expect(
      entities.isMember(uid, of: EntityUID(type: "G", id: "")) && !entities.contains(EntityUID(type: "G", id: "")))
  }

  @Test(
    "faults, with the path to them",
    arguments: [
      ("{}", "entities are an array"), ("[1]", "[0]: an object should be here"),
      (#"[{"uid": {"type": "U", "id": "a"}, "attrs": {}}]"#, "[0]: an entity has \"uid\", \"attrs\" and \"parents\""),
      (
        #"[{"uid": "U::\"a\"", "attrs": {}, "parents": []}]"#,
        "[0].uid: expected an entity with \"type\" and \"id\", found a string"
      ),
      (#"[{"uid": {"type": "if", "id": "a"}, "attrs": {}, "parents": []}]"#, "[0].uid: \"if\" is not an entity type"),
      (
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": {"y": [1, null]}}, "parents": []}]"#,
        "U::\"a\".x.y[1]: null is no value"
      ),
      (#"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": 1.5}, "parents": []}]"#, "U::\"a\".x: numbers are whole"),
      (
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": 9223372036854775808}, "parents": []}]"#,
        "U::\"a\".x: numbers are whole"
      ),
      (
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": {"__extn": {"fn": "ip", "arg": "x"}}}, "parents": []}]"#,
        "U::\"a\".x: ip(\"x\"): expected an address"
      ),
      (
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": {"__extn": {"fn": "nope", "arg": "x"}}}, "parents": []}]"#,
        "U::\"a\".x: there is no function 'nope'"
      ),
      (
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {"x": {"__expr": "1"}}, "parents": []}]"#,
        "U::\"a\".x: the escape __expr is not supported"
      ),
      (
        #"[{"uid": {"type": "Action", "id": "a"}, "attrs": {}, "parents": [{"type": "U", "id": "a"}]}]"#,
        "[0].parents: an action is only in actions"
      ),
      (
        #"[{"uid": {"type": "U", "id": "a"}, "attrs": {}, "parents": [{"type": "U", "id": "a"}]}]"#,
        "the hierarchy has a cycle"
      ), ("[", "not valid JSON"),
    ])
  func faults(_ text: String, _ message: String) {
    do throws(CedarError) {
      _ = try Entities(parsing: Array(text.utf8))
      Issue.record("accepted: \(text)")
    } catch {
      #expect(error.diagnostics[0].message.hasPrefix(message), "\(error)")
    }
  }

  private static let user =
    #"{"uid": {"type": "User", "id": "u"}, "parents": [], "attrs": {"age": 1, "home": {"city": "x"}, "tags": [{"type": "Group", "id": "g"}], "ip": "10.0.0.1", "on": true}"#

  @Test("with a schema, short forms are read by the type that is expected")
  func directed() throws {
    let schema = try schema()
    let entities = try Entities(parsing: Array("[\(Self.user)}]".utf8), schema: schema)
    let entity = try #require(entities[EntityUID(type: "User", id: "u")])
    #expect(entity.attributes["tags"] == [.entity(EntityUID(type: "Group", id: "g"))])
    #expect(entity.attributes["ip"] == .ip(try #require(IPAddress("10.0.0.1"))))
    // The schema's actions come with it.
    #expect(entities.isMember(World.read, of: World.view))
  }

  @Test(
    "with a schema, all must conform",
    arguments: [
      (#""age": 1"#, #""age": "1""#, "User::\"u\".age: expected Long, found string"),
      (#""age": 1, "#, "", "User::\"u\": the required attribute \"age\" is missing"),
      (#""age": 1"#, #""age": 1, "extra": 1"#, "User::\"u\": the schema knows no attribute \"extra\""),
      (#"{"city": "x"}"#, #"{"city": "x", "z": 1}"#, "User::\"u\".home: the schema knows no attribute \"z\""),
      (#"{"city": "x"}"#, "{}", "User::\"u\".home: the required attribute \"city\" is missing"),
      (#""type": "Group", "id": "g""#, #""type": "User", "id": "g""#, "User::\"u\".tags: expected Group"),
      (#""10.0.0.1""#, #""10.0.0""#, "User::\"u\".ip: \"10.0.0\" is no ipaddr"),
      (#""parents": []"#, #""parents": [{"type": "N::Doc", "id": "d"}]"#, "User::\"u\" cannot be in N::Doc::\"d\""),
      (#""parents": []"#, #""parents": [], "tags": {"a": 1}"#, "User::\"u\" tag \"a\": expected String, found long"),
      (#""type": "User", "id": "u""#, #""type": "Nope", "id": "u""#, "[0]: the schema has no entity type Nope"),
      (#""type": "User", "id": "u""#, #""type": "Color", "id": "blue""#, "Color::\"blue\""),
    ])
  func conforms(_ part: String, _ replacement: String, _ message: String) throws {
    let schema = try schema()
    let text = "[\(Self.user.replacing(part, with: replacement, maxReplacements: 1))}]"
    do throws(CedarError) {
      _ = try Entities(parsing: Array(text.utf8), schema: schema)
      Issue.record("accepted: \(text)")
    } catch {
      #expect(error.diagnostics[0].message.hasPrefix(message), "\(error)")
    }
  }

  @Test("actions in a text must be as the schema declares them")
  func actions() throws {
    let schema = try schema()
    func read(_ text: String) throws { _ = try Entities(parsing: Array(text.utf8), schema: schema) }
    try read(
      #"[{"uid": {"type": "Action", "id": "read"}, "attrs": {}, "parents": [{"type": "Action", "id": "view"}]}]"#)
    #expect(throws: CedarError.self) {
      try read(#"[{"uid": {"type": "Action", "id": "read"}, "attrs": {}, "parents": []}]"#)
    }
    #expect(throws: CedarError.self) {
      try read(#"[{"uid": {"type": "Action", "id": "other"}, "attrs": {}, "parents": []}]"#)
    }
  }

  @Test("contexts and requests are checked against the action")
  func requests() throws {
    let schema = try schema()
    let context = try Record(context: ["mfa": true], schema: schema, action: World.read)
    #expect(context["mfa"] == true)
    #expect(throws: CedarError.self) { try Record(context: ["mfa": 1, "x": 1], schema: schema, action: World.read) }
    #expect(throws: CedarError.self) {
      try Record(context: [:], schema: schema, action: EntityUID(type: "Action", id: "x"))
    }
    #expect(throws: CedarError.self) { try Record(context: [1]) }
    let user = EntityUID(type: "User", id: "u")
    let group = EntityUID(type: "Group", id: "g")
    try schema.check(Request(principal: user, action: World.read, resource: group, context: context))
    for wrong in [
      Request(principal: group, action: World.read, resource: group, context: context),
      Request(principal: user, action: World.read, resource: user, context: context),
      Request(principal: user, action: World.view, resource: group, context: [:]),
      Request(principal: user, action: World.read, resource: group, context: [:]),
      Request(principal: user, action: World.read, resource: group, context: ["mfa": 1]),
      Request(principal: EntityUID(type: "X", id: ""), action: World.read, resource: group, context: context),
    ] {
      #expect(throws: CedarError.self) { try schema.check(wrong) }
    }
  }
}
