import Cedar
import Glibc
import JSON
import Testing

/// Whatever bytes come in, the answer is a value or an error.
@Suite("hostile input")
struct HostileInputTests {
  private static let policies = """
    @id("a") permit(principal is U in G::"g", action in [Action::"a", Action::"b"], resource == ?resource)
    when { if principal has a.b && "x" like "*\\*é" then [1, -2].contains(context["k"]) else !{a: ip("1.2.3.4/8")}.a.isIpv4() }
    unless { principal.getTag("t") >= 3 * 4 - decimal("1.5").toDays() || resource in User::"\\u{1F600}\\x41\\n" }; // end
    """
  private static let schema = """
    @doc("x") namespace N { entity U in [G] { a?: { b: Set<Long>, "c d": ipaddr } } tags String; entity G enum ["g"];
    type T = { x: __cedar::Bool }; action "a", b in [c] appliesTo { principal: [U], resource: G, context: T }; action c; }
    """
  private static let entities = """
    [{"uid": {"type": "U", "id": "a"}, "attrs": {"x": [1, {"__entity": {"type": "U", "id": "b"}}], "y": {"__extn": {"fn": "ip", "arg": "::1"}}},
    "parents": [{"__entity": {"type": "G", "id": "g"}}], "tags": {"t": "v"}}]
    """
  private static let pieces = [
    "permit", "forbid", "(", ")", "{", "}", "[", "]", "when", "unless", "principal", "action", "resource", "context",
    "==", "!=", "<", "=",
    "::", ":", ";", ",", ".", "!", "-", "+", "*", "/", "&&", "||", "if", "then", "else", "in", "is", "has", "like",
    "true", "?principal", "?",
    "\"", "\"a\"", "\\", "//", "\n", "1", "9223372036854775808", "a", "ip", "é", "\u{0}", "\u{feff}", "\u{2028}",
    "\u{1F600}", "@", "entity",
    "Set", "<", ">", "enum", "type", "namespace", "appliesTo", "tags", "__cedar", "\"\\u{", "\"\\x", "\"\\*\"", "\r",
    "'", "#", "$",
  ]

  /// Bytes replaced, removed, doubled, and pieces of the language put in.
  private func mutate(_ text: String, _ dice: inout Dice) -> [UInt8] {
    var bytes = Array(text.utf8)
    for _ in 0...dice.roll(6) {
      let at = dice.roll(max(1, bytes.count))
      guard at < bytes.count else { continue }
      switch dice.roll(6) {
      case 0: bytes[at] = UInt8(dice.roll(256))
      case 1: bytes.remove(at: at)
      case 2: bytes.insert(contentsOf: dice.pick(Self.pieces).utf8, at: at)
      case 3: bytes.removeSubrange(at..<min(bytes.count, at + dice.roll(30)))
      case 4: bytes.insert(contentsOf: bytes[at..<min(bytes.count, at + dice.roll(30))], at: dice.roll(bytes.count))
      default: bytes = Array(bytes[..<at])
      }
    }
    return bytes
  }

  private func tryEverything(_ bytes: [UInt8]) {
    if let set = try? PolicySet(parsing: bytes) {
      var linked = set
      let uid = EntityUID(type: "U", id: "a")
      for (number, template) in set.templates.enumerated() {
        try? linked.link(template: template.id, id: "l\(number)", principal: uid, resource: uid)
        try? linked.link(template: template.id, id: "m\(number)", resource: uid)
      }
      let request = Request(
        principal: uid, action: EntityUID(type: "Action", id: "a"), resource: uid, context: ["k": 1])
      if let store = try? Entities(parsing: Array(Self.entities.utf8)) {
        _ = CompiledPolicies(linked).authorize(request, store).failures.map(\.description)
      }
      if let schema = try? Schema(parsing: Self.schema) { _ = schema.validate(linked).errors.map(\.description) }
    }
    _ = try? Schema(parsing: bytes)
    _ = try? Schema(parsingJSON: bytes)
    _ = try? Entities(parsing: bytes)
    let text = String(decoding: bytes, as: UTF8.self)
    _ = (IPAddress(text), CedarDecimal(text), CedarDatetime(text), CedarDuration(text))
  }

  @Test("damaged texts of every kind")
  func damaged() {
    var dice = Dice(7)
    for _ in 0..<1500 {
      tryEverything(mutate(dice.pick([Self.policies, Self.schema, Self.entities, SchemaTests.json]), &dice))
    }
  }

  @Test("pieces of the language in any order")
  func soup() {
    var dice = Dice(8)
    for _ in 0..<1500 {
      var text = dice.roll(2) == 0 ? "permit(principal, action, resource) when { " : ""
      for _ in 0..<dice.roll(40) { text += dice.pick(Self.pieces) + (dice.roll(3) == 0 ? " " : "") }
      tryEverything(Array(text.utf8))
    }
  }

  @Test("random bytes, and literals that are nearly right")
  func bytes() {
    var dice = Dice(9)
    let characters = Array("0123456789.:/-+TZabcdefdhms ".utf8) + [0xc3, 0xa9, 0]
    for _ in 0..<3000 {
      let count = dice.roll(50)
      tryEverything((0..<count).map { _ in dice.roll(2) == 0 ? dice.pick(characters) : UInt8(dice.roll(256)) })
      let literal = String(decoding: (0..<dice.roll(24)).map { _ in dice.pick(characters) }, as: UTF8.self)
      if let moment = CedarDatetime(literal) {
        #expect(CedarDatetime(moment.description) != nil || moment.milliseconds < 0)
      }
      if let address = IPAddress(literal) { #expect(IPAddress(address.description) == address) }
      if let number = CedarDecimal(literal) { #expect(CedarDecimal(number.description) == number) }
      if let span = CedarDuration(literal) { #expect(CedarDuration(span.description) == span) }
    }
  }

  private static func nested(_ open: String, _ close: String, _ depth: Int, inner: String = "true") -> String {
    "permit(principal, action, resource) when { " + String(repeating: open, count: depth) + inner
      + String(repeating: close, count: depth) + " };"
  }

  private static let nests: [(open: String, close: String)] = [
    ("(", ")"), ("[", "]"), ("{a: ", "}"), ("!(", ")"), ("-(", ")"), ("if true then true else ", ""),
    ("if ", " then true else true"),
    ("[1].contains(", ")"), ("ip(", ")"), ("true && (", ")"), ("1 + (", ")"), ("principal has a && (", ")"),
    ("{a: true}[", "]"),
  ]

  @Test("nesting that would overflow a stack is refused", arguments: nests.map { Sample($0.open) })
  func tooDeep(_ sample: Sample) {
    guard let nest = Self.nests.first(where: { $0.open == sample.text }) else { return }
    for depth in [1000, 20_000] {
      #expect(throws: CedarError.self) { try PolicySet(parsing: Self.nested(nest.open, nest.close, depth)) }
      #expect(throws: CedarError.self) { try PolicySet(parsing: Self.nested(nest.open, "", depth)) }
    }
  }

  @Test("long chains are no nesting, or are bounded, too")
  func chains() throws {
    for operation in ["&&", "||"] {
      let set = try PolicySet(parsing: Self.nested("true \(operation) ", "", 20_000))
      #expect(try Schema(parsing: Self.schema).validate(set).errors.count <= 1)
      tryEverything(Array(Self.nested("context has k \(operation) ", "", 5000).utf8))
    }
    let tests = (0..<5000).map { "context has k\($0)" }.joined(separator: " && ")
    let open =
      "entity U; action a appliesTo { principal: U, resource: U, context: {"
      + (0..<5000).map { "k\($0)?: Long" }.joined(separator: ", ") + "} };"
    let set = try PolicySet(
      parsing: "permit(principal, action, resource) when { \(tests) && context.k0 == context.k4999 };")
    #expect(try Schema(parsing: open).validate(set).isValid)
    for chain in [".a", "[\"a\"]", ".contains(1)", ".isEmpty()", " + 1", " * 1"] {
      #expect(throws: CedarError.self) { try PolicySet(parsing: Self.nested("", chain, 20_000, inner: "context")) }
      tryEverything(Array(Self.nested("", chain, 140, inner: "context").utf8))
    }
    #expect(throws: CedarError.self) { try PolicySet(parsing: Self.nested("", ".a", 20_000, inner: "context has a")) }
    tryEverything(Array(Self.nested("", ".a", 140, inner: "context has a").utf8))
    tryEverything(
      Array(("permit(principal, action, resource)" + String(repeating: " when { true }", count: 10_000) + ";").utf8))
    tryEverything(Array(String(repeating: "@a ", count: 10_000).utf8))
    tryEverything(Array(("permit(principal == " + String(repeating: "(", count: 50_000)).utf8))
    tryEverything(Array(String(repeating: "permit", count: 50_000).utf8))
  }

  /// What is just within the bounds must be walked everywhere with a stack as small as threads get.
  @Test("the deepest policies allowed are read, validated and decided on a small stack")
  func deepestAllowed() throws {
    var texts: [String] = []
    for nest in Self.nests where nest.open != "{a: true}[" { texts.append(Self.nested(nest.open, nest.close, 70)) }
    texts.append(Self.nested("", ".a", 145, inner: "context"))
    texts.append(Self.nested("", ".a", 145, inner: "context has a"))
    texts.append(
      Self.nested(
        "", ".a", 55, inner: String(repeating: "{a: ", count: 90) + "context" + String(repeating: "}", count: 90)))
    texts.append(Self.nested("", " + 1", 145, inner: "1") + Self.nested("", "", 1))
    let all = texts
    try onSmallStack(kilobytes: 512) {
      for text in all {
        let set = try PolicySet(parsing: text)
        let uid = EntityUID(type: "U", id: "a")
        let request = Request(principal: uid, action: EntityUID(type: "N::Action", id: "a"), resource: uid)
        _ = CompiledPolicies(set).authorize(request, Entities()).failures.map(\.description)
        _ = try Schema(parsing: Self.schema).validate(set).errors.map(\.description)
      }
    }
  }

  @Test("deep JSON, wide JSON, and deep values")
  func deepJSON() throws {
    for (open, close) in [("[", "]"), ("{\"a\":", "}")] {
      for depth in [90, 200, 250, 100_000] {
        let value = String(repeating: open, count: depth) + "1" + String(repeating: close, count: depth)
        let text = "[{\"uid\":{\"type\":\"U\",\"id\":\"a\"},\"parents\":[],\"attrs\":{\"x\":\(value)}}]"
        // The reader of JSON is not optimised where this is tested.
        try onSmallStack(kilobytes: 1024) {
          let entities = try? Entities(parsing: Array(text.utf8))
          #expect((entities != nil) == (depth < 100))
          if let entities, let value = entities.all.first?.attributes["x"] {
            #expect(value == value && Set([value]).contains(value) && !value.description.isEmpty)
          }
        }
      }
    }
    let wide =
      "["
      + (0..<3000).map { "{\"uid\":{\"type\":\"U\",\"id\":\"\($0)\"},\"parents\":[],\"attrs\":{}}" }.joined(
        separator: ",") + "]"
    #expect(try Entities(parsing: Array(wide.utf8)).count == 3000)
  }

  @Test("patterns of many stars take no more than a glance")
  func patterns() throws {
    let pattern = String(repeating: "*a", count: 500) + "b"
    let text = String(repeating: "a", count: 5000)
    let set = try PolicySet(parsing: "permit(principal, action, resource) when { context.t like \"\(pattern)\" };")
    let uid = EntityUID(type: "U", id: "a")
    let response = CompiledPolicies(set).authorize(
      Request(principal: uid, action: uid, resource: uid, context: ["t": .string(text)]), Entities())
    #expect(response.decision == .deny && response.failures.isEmpty)
  }

  @Test("texts that are not UTF-8 are refused where the stray byte is")
  func strayBytes() {
    do throws(CedarError) {
      _ = try PolicySet(parsing: Array("permit(principal,\n é".utf8) + [0xff])
      Issue.record("accepted")
    } catch {
      #expect(error.diagnostics.map(\.position) == [SourcePosition(line: 2, column: 3)])
    }
    #expect(throws: CedarError.self) { try Schema(parsing: [0xc3]) }
  }

  @Test("many faults are told up to a bound, in any length of line")
  func manyFaults() throws {
    for text in [
      String(repeating: "permit;", count: 20_000), String(repeating: "#", count: 100_000),
      String(repeating: "\"\\\n", count: 1000),
    ] {
      do throws(CedarError) {
        _ = try PolicySet(parsing: text)
        Issue.record("accepted")
      } catch {
        #expect((1...20).contains(error.diagnostics.count))
      }
    }
    // Every access is wrong, and all of them stand in one line.
    let wrong =
      "permit(principal, action, resource) when { "
      + (0..<2000).map { "principal.x\($0) == 1" }.joined(separator: " || ") + " };"
    #expect(
      try Schema(parsing: "entity U; action a appliesTo { principal: U, resource: U };").validate(
        PolicySet(parsing: wrong)
      ).errors.count == 2000)
  }
}

/// Runs on a thread with a small stack, as threads of some systems have.
private func onSmallStack(kilobytes: Int, _ body: @escaping @Sendable () throws -> Void) throws {
  final class Box: Sendable {
    let body: @Sendable () throws -> Void
    init(_ body: @escaping @Sendable () throws -> Void) { self.body = body }
  }
  var attributes = pthread_attr_t()
  pthread_attr_init(&attributes)
  pthread_attr_setstacksize(&attributes, kilobytes << 10)
  var thread = pthread_t()
  let created = pthread_create(
    &thread, &attributes,
    { pointer in
      guard let pointer else { return nil }
      let box = Unmanaged<Box>.fromOpaque(pointer).takeRetainedValue()
      do { try box.body() } catch { Issue.record(error) }
      return nil
    }, Unmanaged.passRetained(Box(body)).toOpaque())
  try #require(created == 0)
  pthread_join(thread, nil)
  pthread_attr_destroy(&attributes)
}
