import Cedar
import Testing

@Suite("validation")
struct ValidationTests {
  private static let schema = """
    entity Group; entity Color enum ["red", "green"];
    entity User in Group { age: Long, mail?: String, opt?: { a?: Long, b: Long }, boss?: User, teams: Set<String>, ip: ipaddr, at: datetime } tags Long;
    entity Doc in Doc { owner: User, "a b": Bool };
    action all; action read, write in all appliesTo { principal: User, resource: Doc, context: { mfa: Bool, n?: Long } };
    action paint appliesTo { principal: [User, Group], resource: Color };
    """

  private func errors(_ policy: String) throws -> [String] {
    try Schema(parsing: Self.schema).validate(PolicySet(parsing: policy)).errors.map {
      "\($0.position?.description ?? ""): \($0.message)"
    }
  }

  private static let scope = "permit(principal is User, action == Action::\"read\", resource is Doc) when {\n"

  @Test(
    "what passes",
    arguments: [
      "true", "principal.age > 1", "principal has mail && principal.mail like \"*@x\"",
      "if principal has mail then principal.mail == \"x\" else false",
      "principal has opt.a && principal.opt.a == 1 && principal.opt.b == 2",
      "principal has boss && principal.boss has mail && principal.boss.mail == \"x\"",
      "principal has mail && (principal.age == 1 || principal.mail == \"x\")",
      "(principal has mail || principal has mail) && principal.mail == \"x\"",
      "principal.hasTag(\"a\") && principal.getTag(\"a\") == 1",
      "1 == \"a\"", "principal == resource", "principal in Group::\"a\"", "principal in [Group::\"a\", Group::\"b\"]",
      "resource.owner == principal",
      "action == Action::\"read\"", "action in [Action::\"all\", Action::\"write\"]", "principal is User",
      "principal is Doc", "context has n && context.n == 1",
      "{a: 1}.a == 1", "resource[\"a b\"]",
      "principal.teams.containsAll([\"a\"])", "principal.ip.isInRange(ip(\"10.0.0.0/8\"))",
      "principal.at < datetime(\"2024-01-01\").offset(duration(\"1h\"))",
      "false && principal.nothing", "true || principal.nothing", "if false then principal.nothing else true",
      "principal has nothing && principal.nothing == 1",
      "principal.at.toTime() < duration(\"1h\")", "if context.mfa then [1] == [2] else {a: true} == {a: false}",
    ].map(Sample.init))
  func passes(_ sample: Sample) throws {
    #expect(try errors(Self.scope + sample.text + "\n};") == [])
  }

  @Test(
    "what does not, where, and why",
    arguments: [
      ("principal.nothing == 1", "1: User has no attribute \"nothing\""),
      ("principal.mail == \"x\"", "1: the attribute \"mail\" of User is optional and may be missing"),
      ("principal has mail || principal.mail == \"x\"", "23: the attribute \"mail\""),
      ("!(principal has mail) && principal.mail == \"x\"", "26: the attribute \"mail\""),
      ("if principal has mail then true else principal.mail == \"x\"", "38: the attribute \"mail\""),
      ("principal has opt && principal.opt.a == 1", "22: the attribute \"a\" of {a?: Long, b: Long}"),
      ("(principal has mail || context.mfa) && principal.mail == \"x\"", "40: the attribute \"mail\""),
      ("resource.owner has mail && principal.mail == \"x\"", "28: the attribute \"mail\""),
      ("context.n == 1", "1: the attribute \"n\""), ("principal.getTag(\"a\") == 1", "1: the tag may be missing"),
      ("principal.hasTag(\"a\") && principal.getTag(\"b\") == 1", "26: the tag may be missing"),
      ("resource.hasTag(\"a\") || resource.getTag(\"a\") == 1", "25: the tag may be missing"),
      ("principal.age", "1: expected Bool, found Long"),
      ("principal.age + \"a\" == 1", "17: expected Long, found String"),
      ("principal.age == \"x\"", "1: the sides of the comparison have different types, Long and String"),
      ("principal.age < \"x\"", "17: expected Long, found String"),
      ("\"a\" < \"b\"", "1: only Long, datetime and duration can be compared"),
      ("principal.at < duration(\"1h\")", "16: expected datetime, found duration"),
      ("principal.age in [1]", "1: expected an entity, found Long"),
      ("principal in [\"a\"]", "14: expected an entity or a set of entities, found Set<String>"),
      ("\"a\" in principal.teams", "1: expected an entity, found String"),
      ("[1, \"a\"].contains(1)", "1: the elements of the set have different types"),
      ("[].contains(1)", "1: an empty set has no type"),
      ("[principal, resource].contains(principal)", "1: the elements of the set have different types, User and Doc"),
      (
        "principal.teams.contains(1)",
        "1: the set's elements and what is looked for have different types, String and Long"
      ), ("principal.teams.containsAny([1])", "1: the two sets have different types"),
      ("principal.teams.containsAll(\"a\")", "29: expected a set, found String"),
      ("principal.contains(1)", "1: expected a set, found User"),
      ("if context.mfa then 1 == 1 else 2", "1: the two results of 'if' have different types"),
      ("{a: 1} == {a: 1, b: 2}", "1: the sides of the comparison have different types"),
      ("Nope::\"a\" == principal", "1: the schema has no entity type Nope"),
      ("principal is Nope", "1: the schema has no entity type Nope"),
      ("principal == Usr::\"a\"", "14: the schema has no entity type Usr"),
      ("action == Action::\"reed\"", "11: the schema has no action Action::\"reed\""),
      ("Color::\"blue\" == Color::\"red\"", "1: Color::\"blue\" is none of the entities"),
      ("false && Nope::\"a\" == principal", "10: the schema has no entity type Nope"),
      ("ip(\"1.2.3\").isIpv4()", "1: \"1.2.3\" is nothing that ip can read"),
      ("ip(principal.mail).isIpv4()", "1: strict validation wants the argument of ip to be a literal"),
      ("principal.ip.isInRange()", "1: isInRange takes 1 argument(s), found 0"),
      ("principal.age.isIpv4()", "1: expected ipaddr, found Long"),
      ("principal.mail like \"a\"", "1: the attribute \"mail\""),
      ("principal.age like \"a\"", "1: expected String, found Long"),
      ("principal.teams has a", "1: expected a record or an entity, found Set<String>"),
      ("!1", "2: expected Bool, found Long"), ("action.x == 1", "1: Action has no attribute \"x\""),
      ("principal.age.isEmpty()", "1: expected a set, found Long"),
      ("[principal.age, principal.nope].contains(1)", "17: User has no attribute \"nope\""),
      ("principal has age && principal.age", "22: expected Bool, found Long"),
    ])
  func fails(_ expression: String, _ message: String) throws {
    let found = try errors(Self.scope + expression + "\n};")
    #expect(found.contains { $0.hasPrefix("2:" + message) }, "\(found)")
  }

  @Test("help: what may have been meant")
  func help() throws {
    let result = try Schema(parsing: Self.schema).validate(
      PolicySet(
        parsing: Self.scope + "principal.aeg == 1 && \"a\" in principal.teams && User::\"a\" in Gruop::\"b\" };"))
    #expect(
      Set(result.errors.compactMap(\.diagnostic.help)) == [
        "did you mean \"age\"?", "use contains to test whether a set holds a value", "did you mean Group?",
      ])
  }

  @Test(
    "scopes that fit no request",
    arguments: [
      ("permit(principal is Doc, action == Action::\"read\", resource);", "1:1: the scope fits no request"),
      ("permit(principal, action == Action::\"read\", resource is Color);", "1:1: the scope fits no request"),
      ("permit(principal == Group::\"a\", action == Action::\"read\", resource);", "1:1: the scope fits no request"),
      ("permit(principal, action in Action::\"all\", resource is User);", "1:1: the scope fits no request"),
      ("permit(principal, action == Action::\"all\", resource);", "1:1: the scope fits no request"),
      ("permit(principal, action in [], resource);", "1:1: the scope fits no request"),
      ("permit(principal, action == Action::\"nope\", resource);", "1:19: the schema has no action Action::\"nope\""),
      ("permit(principal is Nope, action, resource);", "1:8: the schema has no entity type Nope"),
      ("permit(principal, action, resource == Color::\"blue\");", "1:27: Color::\"blue\" is none"),
      ("permit(principal is User in Doc::\"a\", action, resource);", "1:1: the scope fits no request"),
    ])
  func impossibleScopes(_ policy: String, _ message: String) throws {
    let found = try errors(policy)
    #expect(found.contains { $0.hasPrefix(message) }, "\(found)")
  }

  @Test("a policy must pass for every action and type that its scope lets in")
  func environments() throws {
    #expect(
      try errors("permit(principal, action, resource) when { principal.age == 1 };").first?.contains(
        "Group has no attribute") == true)
    #expect(try errors("permit(principal, action, resource) when { principal is User && principal.age == 1 };").isEmpty)
    #expect(
      try errors(
        "permit(principal in Group::\"a\", action in Action::\"all\", resource) when { principal.age == 1 && context.mfa };"
      ).isEmpty)
  }

  @Test("templates are checked for all that their slots can hold")
  func templates() throws {
    #expect(
      try errors(
        "permit(principal in ?principal, action == Action::\"read\", resource == ?resource) when { principal.age == 1 };"
      ).isEmpty)
    #expect(
      try errors(
        "permit(principal in ?principal, action == Action::\"read\", resource == ?resource) when { principal.aeg == 1 };"
      ).count == 1)
    var set = try PolicySet(parsing: "permit(principal in ?principal, action == Action::\"read\", resource);")
    try set.link(template: "policy0", id: "good", principal: EntityUID(type: "Group", id: "a"))
    try set.link(template: "policy0", id: "odd", principal: EntityUID(type: "Doc", id: "a"))
    try set.link(template: "policy0", id: "unknown", principal: EntityUID(type: "Nope", id: "a"))
    let found = try Schema(parsing: Self.schema).validate(set)
    #expect(found.errors.map(\.policy).sorted() == ["odd", "unknown", "unknown"])
  }

  @Test("what can never apply, and texts that deceive the eye, are warned of")
  func warnings() throws {
    func warnings(_ policy: String) throws -> [String] {
      let result = try Schema(parsing: Self.schema).validate(PolicySet(parsing: policy))
      #expect(result.isValid)
      return result.warnings.map(\.message)
    }
    #expect(try warnings(Self.scope + "context.mfa };").isEmpty)
    #expect(try warnings(Self.scope + "principal is Doc };").first?.hasPrefix("this policy can never apply") == true)
    #expect(try warnings(Self.scope + "context.mfa && !true };").count == 1)
    #expect(try warnings(Self.scope + "principal == User::\"\u{430}dmin\" };").first?.contains("mixes letters") == true)
    #expect(try warnings(Self.scope + "principal == User::\"a\u{202e}b\" };").first?.contains("U+202E") == true)
    #expect(try warnings(Self.scope + "principal == User::\"日本 админ café\" };").count == 1)
    #expect(try warnings(Self.scope + "principal == User::\"日本\" && principal != User::\"café\" };").isEmpty)
  }

  @Test("findings name the policy and the place in its file")
  func places() throws {
    let set = try PolicySet(
      parsing: "\n  permit(principal, action, resource)\n    when { principal.nope };", source: "x.cedar")
    let found = try Schema(parsing: Self.schema).validate(set).errors
    #expect(
      found.allSatisfy {
        $0.policy == "policy0" && $0.diagnostic.source == "x.cedar"
          && $0.position == SourcePosition(line: 3, column: 12)
      })
    #expect(found.first?.description.hasPrefix("x.cedar:3:12: ") == true)
  }
}
