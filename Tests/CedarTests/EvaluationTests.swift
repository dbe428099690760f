import Cedar
import Testing

@Suite("evaluation")
struct EvaluationTests {
  @Test(
    "what holds",
    arguments: [
      "true", "1 == 1", "1 != 2", "\"a\" == \"\\u{61}\"", "[1, 2] == [2, 1, 2]", "{a: 1, \"b\": 2} == {b: 2, a: 1}",
      "[] == []", "{} == {}", "1 < 2 && 2 <= 2 && 3 > 2 && 3 >= 3", "1 + 2 * 3 == 7", "10 - 3 - 2 == 5",
      "-9223372036854775808 < 0", "--1 == 1", "!!!!true", "!(1 == 2)", "if 1 == 2 then 1 == \"x\" else true",
      "false || true", "!(false && principal.missing)", "true || principal.missing",
      // Precedence: || binds less than &&, && less than comparison.
      "true || false && false", "1 + 1 == 2 && 2 * 2 == 4", "!false && true",
      "principal == User::\"alice\"", "principal in Group::\"staff\"", "principal in Group::\"all\"",
      "principal in [Group::\"none\", Group::\"all\"]", "principal in principal", "!(principal in Group::\"none\")",
      "action in Action::\"view\"", "action == Action::\"read\"", "User::\"x\" in User::\"x\"",
      "!(User::\"x\" in Group::\"all\")", "principal is User", "principal is User in Group::\"all\"",
      "!(principal is NS::Doc)", "resource is NS::Doc", "resource.owner == principal",
      "resource.owner.home.zip.code == 1", "principal[\"with space\"] == 1", "principal has \"with space\"",
      "principal has home.zip.code", "!(principal has home.zap.code)", "!(principal has boss.name)",
      "!(User::\"nobody\" has name)", "context has nested.a.b", "{a: 1} has a", "!({} has a)",
      "principal.teams.contains(\"a\")", "principal.teams.containsAll([\"a\"])",
      "principal.teams.containsAny([\"z\", \"b\"])",
      "[].isEmpty()", "!context.set.isEmpty()", "[1, [2]].contains([2])", "!(context.set.contains(\"1\"))",
      "principal.hasTag(\"colour\")", "principal.getTag(\"colour\") == \"red\"", "!(resource.hasTag(\"colour\"))",
      "!(User::\"nobody\".hasTag(\"colour\"))", "\"abc\" like \"a*c\"", "\"a*c\" like \"a\\*c\"",
      "!(\"abc\" like \"a\\*c\")",
      "\"\" like \"*\"", "!(\"\" like \"?\")", "\"a?c\" like \"a?c\"", "\"aXbXc\" like \"*X*X*\"",
      "!(\"aXb\" like \"*X*X*\")",
      "\"ab\" like \"ab*\"", "!(\"aba\" like \"ab*ba\")", "\"日本語\" like \"日*語\"", "\"x*y\" like \"x\\u{2a}y\"",
      // Types are never equal to one another, and that is no error.
      "!(1 == \"1\")", "!(true == 1)", "!([1] == 1)", "{} != []", "!(User::\"a\" == NS::User::\"a\")",
      "context.ip == ip(\"10.1.2.3\")",
      // An index is a literal; slots of records are values.
      "{\"a b\": {c: [1]}}[\"a b\"].c == [1]", "(if context.n == 5 then {a: true} else {a: false}).a",
    ].map(Sample.init))
  func holds(_ sample: Sample) throws {
    #expect(try World.evaluate(sample.text) == .holds)
  }

  @Test(
    "what fails, and why",
    arguments: [
      ("principal.missing == 1", "User::\"alice\" has no attribute \"missing\""),
      ("principal.boss.name == \"x\"", "the entity User::\"nobody\" does not exist"),
      ("context.missing == 1", "the record has no attribute \"missing\""),
      ("principal.getTag(\"size\") == 1", "User::\"alice\" has no tag \"size\""),
      ("1", "expected bool, found long"), ("\"a\" && true", "expected bool, found string"),
      ("true && 1", "expected bool, found long"), ("false || \"a\"", "expected bool, found string"),
      ("!1", "expected bool, found long"), ("-\"a\" == 1", "expected long, found string"),
      ("if 1 then true else false", "expected bool, found long"),
      ("9223372036854775807 + 1 == 0", "+ overflows 64 bits"), ("-9223372036854775808 - 1 == 0", "- overflows 64 bits"),
      ("-(-9223372036854775808) == 0", "- overflows 64 bits"), ("resource.size * 2 == 0", "* overflows 64 bits"),
      ("1 < \"a\"", "expected long, found string"),
      ("\"a\" < \"b\"", "expected long, datetime or duration, found string"),
      ("true <= false", "expected long, datetime or duration, found bool"),
      ("duration(\"1h\") < datetime(\"2024-01-01\")", "expected duration, found datetime"),
      ("decimal(\"1.0\") < decimal(\"2.0\")", "expected long, datetime or duration, found decimal"),
      // The classic trap: membership of a text in a set is contains, not in.
      ("context.n in [5]", "expected an entity, found long"), ("\"a\" in [\"a\"]", "expected an entity, found string"),
      ("principal in [\"a\"]", "expected a set of entities, found string"),
      ("principal in [User::\"alice\", 1]", "expected a set of entities, found long"),
      ("principal in 1", "expected an entity or a set of entities, found long"),
      ("1 has a", "expected a record or an entity, found long"),
      ("\"a\".b == 1", "expected a record or an entity, found string"),
      ("1 like \"a\"", "expected string, found long"), ("1 is User", "expected an entity, found long"),
      ("1.contains(1)", "expected set, found long"), ("[1].containsAll(1)", "expected set, found long"),
      ("principal.isEmpty()", "expected set, found entity of type User"),
      ("principal.hasTag(1)", "expected string, found long"),
      ("context.hasTag(\"a\")", "expected an entity, found record"),
      ("ip(\"300.0.0.1\").isIpv4()", "ip(\"300.0.0.1\"): expected an address"),
      ("ip(1).isIpv4()", "expected string, found long"), ("\"10.0.0.1\".isIpv4()", "expected ipaddr, found string"),
      ("decimal(\"1\") == decimal(\"1.0\")", "decimal(\"1\"): expected a number"),
      ("ip(\"1.1.1.1\").isInRange(ip(\"1.1.1.1\"), ip(\"1.1.1.1\"))", "isInRange takes 2 arguments"),
      ("datetime(\"2024-01-01\").offset(1) == 1", "expected duration, found long"),
      ("datetime(\"9999-12-31\").offset(duration(\"9223372036854775807ms\")) == 1", "offset overflows 64 bits"),
    ])
  func fails(_ expression: String, _ message: String) throws {
    guard case .fails(let found) = try World.evaluate(expression) else {
      Issue.record("\(expression) does not fail")
      return
    }
    #expect(found.hasPrefix(message))
  }

  @Test("errors tell where, counted in characters")
  func places() throws {
    let set = try PolicySet(
      parsing: "permit(principal, action, resource)\nwhen { \"é\" == \"é\" && principal.missing };", source: "p.cedar")
    let response = CompiledPolicies(set).authorize(
      Request(principal: World.alice, action: World.read, resource: World.doc), Entities())
    let failure = try #require(response.failures.first)
    #expect(failure.error.position == SourcePosition(line: 2, column: 22))
    #expect(failure.error.reason == .unknownEntity(World.alice))
    #expect(failure.description == "policy0: 2:22: the entity User::\"alice\" does not exist")
  }

  @Test("composed and decomposed letters are different texts, keys, ids, tags and patterns")
  func codePoints() throws {
    let composed = "\u{e9}"
    let decomposed = "e\u{301}"
    #expect(Value.string(composed) != Value.string(decomposed))
    #expect(EntityUID(type: "T", id: composed) != EntityUID(type: "T", id: decomposed))
    #expect(Set([EntityUID(type: "T", id: composed), EntityUID(type: "T", id: decomposed)]).count == 2)
    let record = Record([.init(name: composed, value: 1), .init(name: decomposed, value: 2)])
    #expect(record.fields.count == 2 && record[composed] == 1 && record[decomposed] == 2)
    #expect(ValueSet([.string(composed), .string(decomposed)]).count == 2)
    #expect(try World.evaluate("\"\(composed)\" == \"\(decomposed)\"") == .isFalse)
    #expect(try World.evaluate("\"\(composed)\" like \"\(decomposed)\"") == .isFalse)
    #expect(try World.evaluate("[\"\(composed)\"].contains(\"\(decomposed)\")") == .isFalse)
    #expect(try World.evaluate("context has \"\(decomposed)\" && !(context has \"\(composed)\")") == .holds)
    #expect(try World.evaluate("principal.hasTag(\"\(decomposed)\") && !principal.hasTag(\"\(composed)\")") == .holds)
    #expect(try World.evaluate("{\"\(composed)\": 1, \"\(decomposed)\": 2}[\"\(composed)\"] == 1") == .holds)
    #expect(try World.evaluate("resource == NS::Doc::\"d\(composed)\"") == .holds)
    #expect(try World.evaluate("resource == NS::Doc::\"d\(decomposed)\"") == .isFalse)
  }

  @Test("large sets behave as small ones")
  func largeSets() throws {
    let numbers = (0..<500).map { Value.long(Int64($0 % 100)) }
    let set = ValueSet(numbers)
    #expect(set.count == 100 && set.contains(99) && !set.contains(100))
    #expect(set == ValueSet(numbers.reversed()))
    #expect(set.hashValue == ValueSet(numbers.reversed()).hashValue)
    #expect(set.containsAny(ValueSet([1000, 5])) && !set.containsAll(ValueSet([1000, 5])))
    #expect(ValueSet([set].map(Value.set)).contains(.set(ValueSet(numbers))))
  }

  @Test("values are written as expressions that give them back")
  func descriptions() throws {
    for value: Value in [
      true, -5, "a\"\\\n\u{200b}", .entity(World.doc), .set([1, "x"]), ["a b": ["c": 1]], .ip(IPAddress("ffee::/64")!),
      .decimal(CedarDecimal("-1.5")!), .datetime(CedarDatetime("2024-02-29T12:00:00.500Z")!),
      .duration(CedarDuration("-1h")!),
    ] {
      #expect(try World.evaluate("\(value) == \(value) && [\(value)].contains(\(value))") == .holds)
    }
  }
}
