import Cedar
import JSON
import Testing

@Suite("schemas")
struct SchemaTests {
  @Test(
    "what is a schema",
    arguments: [
      "", "// nothing", "entity A; entity B in A; entity C in [A, B] { x: Long, };",
      "entity A, B = { \"a b\"?: String, if_: Set<Set<Bool>> } tags Long;",
      "entity A enum [\"x\", \"y\"]; action a appliesTo { principal: A, resource: [A], context: {} };",
      "entity A; action \"a b\", c in [d, \"e\"] appliesTo { resource: A, principal: A, context: T, }; action d, e; type T = { n: { m?: A } };",
      "namespace N::M { entity A; action a appliesTo { principal: A, resource: N::M::A }; } action b in N::M::Action::\"a\";",
      "@doc(\"x\") @flag namespace N { @a entity A { @b(\"c\") x: Long }; @d type T = Long; @e action f; }",
      "entity A { a: __cedar::Long, b: Long, c: ipaddr, d: decimal, e: datetime, f: duration, g: __cedar::ipaddr };",
      "namespace N { entity Bool; entity A { b: Bool, c: __cedar::Bool }; }",
      "type Set2 = Set<Long>; entity Set; entity A { s: Set, t: Set<Set> };",
      "entity A in A; entity B in C; entity C in B;",
      "entity entity; entity type; entity namespace { in_: entity, \"in\": Long, tags: Long, enum: Long };",
      "action a; action b in Action::\"a\"; entity X { act: Action };",
      "type A = B; type B = C; type C = Long; entity E { a: A };",
      "namespace N { type T = U; entity U; } ",
    ].map(Sample.init))
  func accepts(_ sample: Sample) throws { _ = try Schema(parsing: sample.text) }

  @Test(
    "what is none, and where",
    arguments: [
      ("entity", "1:7: expected the entity type's name"), ("entity A", "1:9: expected ';'"),
      ("entity A in [B];", "1:14: there is no entity type 'B'"),
      ("entity A { x: B };", "1:15: 'B' is not declared as a type"), ("entity A { x };", "1:14: expected ':'"),
      ("entity A; entity A;", "1:18: the entity type 'A' is declared twice"),
      ("type T = Long; type T = Bool;", "1:21: the type 'T' is declared twice"),
      ("action a; action a;", "1:18: the action \"a\" is declared twice"),
      ("namespace N {} namespace N {}", "1:26: the namespace N is declared twice"),
      ("type Long = Bool;", "1:6: 'Long' is reserved"),
      ("entity Action;", "1:8: 'Action' is the type of actions"), ("entity __cedar;", "1:8: '__cedar' is reserved"),
      ("namespace __cedar {}", "1:11: the namespace __cedar is reserved"),
      ("entity in;", "1:8: 'in' is a reserved word"), ("entity A enum [];", "1:16: expected an id in quotes"),
      ("entity A enum [\"a\",];", "1:20: expected an id in quotes"),
      ("type A = B; type B = A;", "1:6: the type 'A' is part of itself"),
      ("type A = Set<A>;", "1:6: the type 'A' is part of itself"),
      ("action a in b;", "1:13: there is no action \"b\""),
      ("action a in b; action b in a;", "1:8: the action Action::\"a\" is in itself"),
      ("entity A; action a appliesTo { principal: A };", "1:30: 'appliesTo' names no resource"),
      (
        "entity A; action a appliesTo { principal: [], resource: A };",
        "1:43: the list of types for 'principal' is empty"
      ),
      ("entity A; action a appliesTo { principal: A, resource: A, principal: A };", "1:59: 'principal' is given twice"),
      (
        "entity A; type T = Long; action a appliesTo { principal: A, resource: A, context: T };",
        "1:33: the context of Action::\"a\" is not a record"
      ),
      (
        "entity A; action a appliesTo { principal: A, resource: A, context: A };",
        "1:68: 'A' is not declared as a common type"
      ),
      ("entity A; action a appliesTo { principal: Action, resource: A };", "1:43: there is no entity type 'Action'"),
      ("action a attributes { x: Long };", "1:23: actions have no attributes"),
      ("entity A; namespace N { entity A; }", "1:32: 'A' is declared outside the namespace"),
      ("action a; namespace N { action a; }", "1:32: the action \"a\" is declared outside"),
      ("@a @a entity A;", "1:4: there already is an annotation '@a'"),
      ("entity A { \"\\q\": Long };", "1:13: there is no escape"), ("entity A = Long;", "1:12: expected '{'"),
      ("typo A;", "1:1: expected 'entity'"),
    ])
  func refuses(_ text: String, _ message: String) {
    do throws(CedarError) {
      _ = try Schema(parsing: text)
      Issue.record("accepted: \(text)")
    } catch {
      #expect(
        error.diagnostics.contains { "\($0.position?.description ?? ""): \($0.message)".hasPrefix(message) }, "\(error)"
      )
    }
  }

  @Test("types are bounded, however common types multiply them")
  func bounds() {
    var doubling = "type T0 = { a: Long, b: Long };\n"
    for number in 1..<60 { doubling += "type T\(number) = { a: T\(number - 1), b: T\(number - 1) };\n" }
    #expect(throws: CedarError.self) { try Schema(parsing: doubling) }
    let chain = (1..<5000).map { "type T\($0) = Set<T\($0 - 1)>;" }.joined() + "type T0 = Long;"
    #expect(throws: CedarError.self) { try Schema(parsing: chain) }
    let reversed = "type T0 = Long;" + (1..<5000).map { "type T\($0) = Set<T\($0 - 1)>;" }.joined()
    #expect(throws: CedarError.self) { try Schema(parsing: reversed) }
    let nested = "type T = " + String(repeating: "Set<", count: 100_000)
    #expect(throws: CedarError.self) { try Schema(parsing: nested) }
  }

  static let json = """
    {"": {"entityTypes": {"User": {"memberOfTypes": ["Group"], "shape": {"type": "Record", "attributes": {
        "age": {"type": "Long"}, "mail": {"type": "String", "required": false}, "home": {"type": "Address"},
        "tags": {"type": "Set", "element": {"type": "Entity", "name": "Group"}}, "ip": {"type": "Extension", "name": "ipaddr"},
        "on": {"type": "EntityOrCommon", "name": "Bool"}}}, "tags": {"type": "String"}},
      "Group": {}, "Color": {"enum": ["red"]}},
     "actions": {"read": {"memberOf": [{"id": "view"}], "appliesTo": {"principalTypes": ["User"], "resourceTypes": ["Group", "N::Doc"],
        "context": {"type": "Record", "attributes": {"mfa": {"type": "Boolean"}}}}}, "view": {}},
     "commonTypes": {"Address": {"type": "Record", "attributes": {"city": {"type": "String", "annotations": {"a": "b"}}}}}},
     "N": {"entityTypes": {"Doc": {}}, "actions": {}}}
    """

  static let cedar = """
    type Address = { @a("b") city: String };
    entity Group; entity Color enum ["red"];
    entity User in Group { age: Long, mail?: String, home: Address, tags: Set<Group>, ip: ipaddr, on: Bool } tags String;
    action view; action read in view appliesTo { principal: User, resource: [Group, N::Doc], context: { mfa: Bool } };
    namespace N { entity Doc; }
    """

  @Test("both forms say the same")
  func forms() throws {
    let policies = try PolicySet(
      parsing: """
        permit(principal, action, resource) when { principal.age > 1 && principal.home.city == "x" && context.mfa };
        permit(principal, action, resource) when { principal.mail == "x" };
        permit(principal, action in Action::"view", resource is N::Doc) when { principal.tags.contains(Group::"a") };
        permit(principal is Color, action, resource);
        permit(principal, action, resource) when { principal.hasTag("x") && principal.getTag("x") like "y" && principal.ip.isIpv4() };
        permit(principal, action, resource) when { principal.on && principal == Color::"blue" };
        """)
    let (left, right) = (try Schema(parsing: Self.cedar), try Schema(parsingJSON: Array(Self.json.utf8)))
    #expect(
      left.entityTypeNames == ["Color", "Group", "N::Doc", "User"] && right.entityTypeNames == left.entityTypeNames)
    #expect(left.actionNames == right.actionNames && left.actionEntities == right.actionEntities)
    #expect(
      left.applies(World.read)?.resources == ["Group", "N::Doc"]
        && left.applies(World.read)?.resources == right.applies(World.read)?.resources)
    let (found, again) = (left.validate(policies), right.validate(policies))
    #expect(found.errors == again.errors && found.errors.map(\.policy) == ["policy1", "policy3", "policy5"])
  }

  @Test(
    "faults of the JSON form, with the path to them",
    arguments: [
      ("[]", "an object should be here"),
      (#"{"": {}}"#, "the empty namespace: a namespace has \"entityTypes\" and \"actions\""),
      (#"{"N": {"entityTypes": {}, "actions": {}, "x": 1}}"#, "N: unknown member \"x\""),
      (#"{"in": {"entityTypes": {}, "actions": {}}}"#, "in: not a namespace's name"),
      (
        #"{"N": {"entityTypes": {"A": {"shape": {"type": "Long"}}}, "actions": {}}}"#,
        "N.entityTypes.A: the shape of 'N::A' is not a record"
      ),
      (
        #"{"N": {"entityTypes": {"A": {"shape": {"type": "Record"}}}, "actions": {}}}"#,
        "N.entityTypes.A.shape: a record has \"attributes\""
      ),
      (
        #"{"N": {"entityTypes": {"A": {"shape": {"type": "Record", "attributes": {"x": {"type": "B"}}}}}, "actions": {}}}"#,
        "N.entityTypes.A.shape.attributes.x: 'B' is not declared as a common type"
      ),
      (
        #"{"N": {"entityTypes": {"A": {"shape": {"type": "Record", "attributes": {}, "additionalAttributes": true}}}, "actions": {}}}"#,
        "N.entityTypes.A.shape: records with additional attributes are not supported"
      ),
      (
        #"{"N": {"entityTypes": {"A": {"enum": ["a"], "tags": {"type": "Long"}}}, "actions": {}}}"#,
        "N.entityTypes.A: an enumerated entity has no parents"
      ),
      (#"{"N": {"entityTypes": {"A": {"enum": []}}, "actions": {}}}"#, "N.entityTypes.A.enum: at least one id"),
      (#"{"N": {"entityTypes": {}, "actions": {"a": {"attributes": {}}}}}"#, "N.actions.a: actions have no attributes"),
      (
        #"{"N": {"entityTypes": {}, "actions": {"a": {"appliesTo": {"principalTypes": []}}}}}"#,
        "N.actions.a.appliesTo: \"principalTypes\" and"
      ),
      (
        #"{"N": {"entityTypes": {}, "actions": {"a": {"memberOf": [{}]}}}}"#,
        "N.actions.a.memberOf: a group has an \"id\""
      ),
      (
        #"{"N": {"entityTypes": {}, "actions": {}, "commonTypes": {"Set": {"type": "Long"}}}}"#,
        "N.commonTypes.Set: not a name"
      ),
      ("{", "not valid JSON at byte 1"),
    ])
  func refusesJSON(_ text: String, _ message: String) {
    do throws(CedarError) {
      _ = try Schema(parsingJSON: Array(text.utf8))
      Issue.record("accepted: \(text)")
    } catch {
      #expect(error.diagnostics[0].message.hasPrefix(message), "\(error)")
    }
  }

  @Test("names that hide others are told")
  func warnings() throws {
    let schema = try Schema(
      parsing: "namespace N { entity Long; entity A; type A = String; entity E { a: A, l: Long }; }", source: "s")
    #expect(
      schema.warnings.map(\.message) == [
        "'Long' hides the type of that name", "the type 'N::A' hides the entity type of that name",
      ])
  }
}
