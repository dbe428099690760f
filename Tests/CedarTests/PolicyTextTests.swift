import Cedar
import Testing

@Suite("policy text")
struct PolicyTextTests {
  @Test(
    "what is a policy",
    arguments: [
      "permit(principal, action, resource);", "forbid(principal,action,resource,);",
      "permit(principal == U::\"a\", action, resource);",
      "permit(principal in NS::G::\"a\", action == NS::Action::\"b\", resource is A::B);",
      "permit(principal is U in G::\"a\", action in [Action::\"a\", Action::\"b\",], resource in (R::\"x\"));",
      "permit(principal, action in [], resource) when { true } unless { false } when { true };",
      "@id(\"x\") @note @if(\"\") permit(principal, action, resource);", "// nothing\n", "",
      "permit ( principal , action , resource ) // comment\n when\u{a0}{true} ;",
      "permit(principal, action, resource) when { [1,].contains(1) && {a: 1,}.a == 1 && ip(\"1.1.1.1\",).isIpv4() };",
      "permit(principal, action, resource) when { context.if_ == 1 && {\"if\": 1}[\"if\"] == 1 && principal has \"if\" };",
      "permit(principal, action, resource) when { \"\\x7f\\u{10FFFF}\\0\\'\\\"\" == \"multi\nline\" };",
      "permit(principal is principal, action, resource is T::context);",
      "permit(principal, action, resource) when { permit::\"a\" == when::in_::\"b\" };",
      "permit(principal, action, resource) when { - 9223372036854775808 == 1 };",
    ].map(Sample.init))
  func accepts(_ sample: Sample) throws { _ = try PolicySet(parsing: sample.text) }

  @Test(
    "what is none, where, and what should be there instead",
    arguments: [
      ("permt(principal, action, resource);", "1:1: expected 'permit' or 'forbid', found 'permt'"),
      ("permit(principal, action, resource)", "1:36: expected 'when', 'unless' or ';', found the end of the text"),
      ("permit(principal, resource, action);", "1:19: expected 'action', found 'resource'"),
      ("permit(principal, action);", "1:25: expected ',' and 'resource', found ')'"),
      ("permit(principal, action, resource, context);", "1:37: expected ')' after the resource, found 'context'"),
      ("permit(principal = U::\"a\", action, resource);", "1:18: '=' compares nothing (write == to compare)"),
      ("permit(principal != U::\"a\", action, resource);", "1:18: expected '==', 'in' or 'is', ',' or ')', found '!='"),
      ("permit(principal: U, action, resource);", "1:17: types are not written with a colon"),
      ("permit(principal == \"a\", action, resource);", "1:21: expected an entity such as User::\"alice\""),
      ("permit(principal == User, action, resource);", "1:21: expected an entity such as"),
      ("permit(principal in [U::\"a\"], action, resource);", "1:21: expected an entity such as"),
      ("permit(principal is U == U::\"a\", action, resource);", "1:23: 'is' and '==' cannot stand together"),
      ("permit(principal in G::\"a\" is U, action, resource);", "1:28: 'is' stands before 'in'"),
      (
        "permit(principal == ?resource, action, resource);", "1:21: expected an entity or ?principal, found '?resource'"
      ),
      ("permit(principal, action is A, resource);", "1:26: actions are compared with '==' or 'in'"),
      ("permit(principal, action == U::\"a\", resource);", "1:26: U::\"a\" is not an action"),
      ("permit(principal, action == ?action, resource);", "1:29: expected an action"),
      ("permit(principal, action, resource) when {};", "1:43: the 'when' clause is empty"),
      ("permit(principal, action, resource) if { true };", "1:37: expected 'when', 'unless' or ';', found 'if'"),
      ("@a @a permit(principal, action, resource);", "1:4: the policy already has an annotation '@a'"),
      ("@a(1) permit(principal, action, resource);", "1:4: expected the annotation's value in quotes"),
    ])
  func refuses(_ text: String, _ message: String) { expectRefusal(text, message) }

  @Test(
    "expressions that are none",
    arguments: [
      ("principal == ?principal", "14: template slots such as ?principal may stand only in the scope"),
      ("1 < 2 < 3", "7: comparisons cannot be chained"), ("a == 1", "1: there is no variable 'a'"),
      ("1 = 1", "1: '=' compares nothing"), ("1 / 2 == 1", "3: the language has no '/'"),
      ("1 % 2 == 1", "3: the language has no '%'"),
      ("!!!!!true", "1: at most four '!'"), ("-----1 == 1", "1: at most four '-'"),
      ("!-1", "2: expected an expression"),
      ("9223372036854775808 == 1", "1: the number does not fit 64 bits"),
      ("-(9223372036854775808) == 1", "3: the number does not fit"),
      ("-9223372036854775809 == 1", "2: the number does not fit"),
      ("{a: 1, \"a\": 2} == 1", "8: the record already has an attribute \"a\""),
      ("{if: 1} == 1", "2: 'if' is a reserved word"),
      ("{(\"a\"): 1} == 1", "2: expected an attribute's name"), ("principal.in == 1", "11: 'in' is a reserved word"),
      ("principal.__cedar == 1", "11: '__cedar' is a reserved word"),
      ("__cedar::U::\"a\" == 1", "1: '__cedar' is a reserved word"),
      ("context[a] == 1", "9: expected an attribute's name in quotes"),
      ("context[1] == 1", "9: expected an attribute's name in quotes"),
      ("foo(1)", "1: there is no function 'foo'"), ("contains(1)", "1: contains is a method"),
      ("isIpv4(1)", "1: isIpv4 is a method"),
      ("principal.foo(1)", "11: there is no method 'foo'"), ("principal.ip(\"1\")", "11: ip is a function"),
      ("[1].contains()", "5: contains takes one argument, found 0"),
      ("[1].isEmpty(1)", "5: isEmpty takes no argument, found 1"),
      ("principal(1)", "10: principal is not a function"), ("(1)(1)", "4: only functions can be called"),
      ("(ip)(\"1.1.1.1\")", "2: there is no variable 'ip'"),
      ("principal has 1", "15: expected an attribute's name or a string after 'has'"),
      ("principal has a::b", "16: expected an attribute or a path"),
      ("principal has (a)", "15: expected an attribute's name"),
      ("principal has a[\"b\"]", "16: expected an attribute or a path"),
      ("principal has \"a\".b", "18: expected an operator, or '}'"),
      ("principal has true", "15: 'true' is a reserved word"),
      ("principal like 1", "16: expected a pattern"), ("principal like principal", "16: expected a pattern"),
      ("\"a\" like (\"a\")", "10: expected a pattern"),
      ("principal is \"U\"", "14: expected an entity type"),
      ("principal is U::\"a\"", "17: expected an entity type, not an entity"),
      ("principal is (U)", "14: expected an entity type"), ("if true then 1", "15: expected 'else'"),
      ("1 + if true then 1 else 1", "5: expected an expression, found the reserved word 'if'"),
      ("U::a == 1", "1: there is no variable 'U::a'"), ("U::{a: 1} == 1", "4: expected an entity's id in quotes"),
      ("\"\\*\" == \"a\"", "2: \\* stands for a star only in patterns"),
      ("\"\\q\" == \"a\"", "2: there is no escape \\q"),
      ("\"\\x80\" == \"a\"", "2: \\x goes up to 7f"), ("\"\\u{}\" == \"a\"", "2: \\u{…} holds one to six"),
      ("\"\\u{d800}\" == \"a\"", "2: \\u{…} names no character"),
      ("\"\\u{1234567}\" == 1", "2: \\u{…} holds one to six"), ("\"a", "1: this string has no closing quote"),
      ("'a'", "1: the character \"'\" has no meaning here"),
      ("1 # 2", "3: the character \"#\" has no meaning here"), ("é", "1: the character \"é\" has no meaning here"),
      ("true &&", "10: expected an expression"), ("true true", "6: expected an operator, or '}'"),
      ("principal is U in", "20: expected an expression"),
    ])
  func refusesExpressions(_ expression: String, _ message: String) {
    expectRefusal("permit(principal, action, resource) when {\n\(expression)\n};", "2:" + message, orAt: "3:")
  }

  private func expectRefusal(_ text: String, _ message: String, orAt other: String? = nil) {
    do throws(CedarError) {
      _ = try PolicySet(parsing: text)
      Issue.record("accepted: \(text)")
    } catch {
      let found = error.diagnostics.map {
        ($0.position?.description ?? "") + ": " + $0.message + ($0.help.map { " (\($0))" } ?? "")
      }
      // What is missing at the end of a line is found at the beginning of the next one.
      let text = message.split(separator: ":", maxSplits: 2).last.map(String.init) ?? message
      #expect(
        found.contains { $0.hasPrefix(message) || other.map($0.hasPrefix) == true && $0.contains(text) },
        "\(found)")
    }
  }

  @Test("all faults of a text are told, each at its place, with the text's name")
  func severalFaults() {
    let text =
      "permit(principal, action, resource) when { a };\npermit(principal, action, resource);\nforbid(principal);\n"
    do throws(CedarError) {
      _ = try PolicySet(parsing: text, source: "dir/p.cedar")
      Issue.record("accepted")
    } catch {
      #expect(
        error.diagnostics.map(\.position) == [SourcePosition(line: 1, column: 44), SourcePosition(line: 3, column: 17)])
      #expect(error.description.hasPrefix("dir/p.cedar:1:44: there is no variable 'a' (variables are"))
    }
  }

  @Test("ids, annotations, effects, places and texts")
  func parts() throws {
    let text =
      "@id(\"one\")\n@reason(\"be\\ncause\")\nforbid(principal, action, resource);\n  @note permit(principal, action, resource);"
    let set = try PolicySet(parsing: text, source: "x")
    #expect(set.policies.map(\.id) == ["policy0", "policy1"])
    #expect(set.policies.map(\.effect) == [.forbid, .permit])
    #expect(set.policies[0].annotation("reason") == "be\ncause" && set.policies[1].annotation("note") == "")
    #expect(set.policies[0].annotation("nothing") == nil)
    #expect(set.policies[1].position == SourcePosition(line: 4, column: 3))
    #expect(set.policies[1].text == "@note permit(principal, action, resource);")
    let named = try PolicySet(parsing: text, naming: .annotated(prefix: "org/"))
    #expect(named.policies.map(\.id) == ["org/one", "org/policy1"])
    #expect(named["org/one"]?.effect == .forbid && named["one"] == nil)
  }

  @Test("ids are unique, in a text and between texts")
  func uniqueIDs() throws {
    let twice = "@id(\"a\") permit(principal, action, resource); @id(\"a\") forbid(principal, action, resource);"
    #expect(throws: CedarError.self) { try PolicySet(parsing: twice, naming: .annotated(prefix: "")) }
    var set = try PolicySet(parsing: "permit(principal, action, resource);")
    let other = try PolicySet(parsing: "permit(principal, action, resource); forbid(principal, action, resource);")
    #expect(throws: CedarError.self) { try set.add(other) }
    #expect(set.policies.count == 1)
    try set.add(PolicySet(parsing: "forbid(principal, action, resource);", naming: .numbered(prefix: "b")))
    #expect(set.policies.map(\.id) == ["policy0", "b0"])
  }

  @Test("templates are linked with exactly what their slots need")
  func templates() throws {
    var set = try PolicySet(
      parsing:
        "permit(principal == ?principal, action, resource is F in ?resource);\nforbid(principal in ?principal, action, resource);"
    )
    #expect(set.policies.isEmpty && set.templates.count == 2 && set.templates[0].isTemplate)
    let user = EntityUID(type: "U", id: "a")
    let folder = EntityUID(type: "F", id: "f")
    #expect(throws: CedarError.self) { try set.link(template: "policy0", id: "x", principal: user) }
    #expect(throws: CedarError.self) { try set.link(template: "policy1", id: "x", principal: user, resource: folder) }
    #expect(throws: CedarError.self) { try set.link(template: "none", id: "x", principal: user) }
    #expect(throws: CedarError.self) { try set.link(template: "policy1", id: "policy0", principal: user) }
    try set.link(template: "policy0", id: "x", principal: user, resource: folder)
    #expect(set.policies.map(\.id) == ["x"] && !set.policies[0].isTemplate)
    #expect(set.policies[0].link == Policy.Link(template: "policy0", principal: user, resource: folder))
    let file = EntityUID(type: "F", id: "1")
    let entities = try Entities([Entity(uid: file, parents: [folder])])
    func decide(_ principal: EntityUID, _ resource: EntityUID) -> Decision {
      CompiledPolicies(set).authorize(
        Request(principal: principal, action: EntityUID(type: "Action", id: "a"), resource: resource), entities
      ).decision
    }
    #expect(decide(user, file) == .allow && decide(folder, file) == .deny && decide(user, user) == .deny)
    try set.link(template: "policy1", id: "y", principal: user)
    #expect(decide(user, file) == .deny)
  }
}
