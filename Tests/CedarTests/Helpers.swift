import Cedar
import Testing

/// How one expression comes out.
enum Outcome: Equatable, CustomStringConvertible {
  case holds
  case fails(String)
  case isFalse
  case isRefused(String)

  var description: String {
    switch self {
    case .holds: "true"
    case .isFalse: "false"
    case .fails(let message): "fails: \(message)"
    case .isRefused(let message): "refused: \(message)"
    }
  }
}

/// A text whose name in listings is one line.
struct Sample: CustomTestStringConvertible, Sendable {
  let text: String
  init(_ text: String) { self.text = text }
  var testDescription: String { String(text.prefix(60)).replacing("\n", with: " ") }
}

/// A small world in which expressions are evaluated.
enum World {
  static let alice = EntityUID(type: "User", id: "alice")
  static let staff = EntityUID(type: "Group", id: "staff")
  static let all = EntityUID(type: "Group", id: "all")
  static let doc = EntityUID(type: "NS::Doc", id: "d\u{e9}")
  static let read = EntityUID(type: "Action", id: "read")
  static let view = EntityUID(type: "Action", id: "view")

  static func entities() throws -> Entities {
    try Entities([
      Entity(
        uid: alice, parents: [staff],
        attributes: [
          "age": 30, "name": "alice", "admin": true, "boss": .entity(EntityUID(type: "User", id: "nobody")),
          "home": ["city": "Oslo", "zip": ["code": 1]], "teams": .strings(["a", "b"]), "with space": 1,
        ],
        tags: ["colour": "red", "e\u{301}": 1]),
      Entity(uid: staff, parents: [all]),
      Entity(uid: doc, attributes: ["owner": .entity(alice), "size": .long(.max)]),
      Entity(uid: read, parents: [view]),
    ])
  }

  static let context: Record = [
    "ip": IPAddress("10.1.2.3").map(Value.ip) ?? false, "n": 5, "set": .set([1, 2, 3]), "e\u{301}": true,
    "nested": ["a": ["b": 1]],
  ]

  static func evaluate(_ expression: String) throws -> Outcome {
    let set: PolicySet
    do {
      set = try PolicySet(parsing: "permit(principal, action, resource) when { \(expression) };")
    } catch {
      return .isRefused(error.diagnostics.first?.message ?? "")
    }
    let response = CompiledPolicies(set).authorize(
      Request(principal: alice, action: read, resource: doc, context: context), try entities())
    if let failure = response.failures.first {
      #expect(response.decision == .deny && response.reasons.isEmpty)
      return .fails(failure.error.message)
    }
    return response.decision == .allow ? .holds : .isFalse
  }
}

/// A generator of numbers for tests that try many inputs, the same in every run.
struct Dice {
  private var state: UInt64
  init(_ seed: UInt64) { state = seed }

  mutating func roll(_ sides: Int) -> Int {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Int((state >> 33) % UInt64(sides))
  }

  mutating func pick<T>(_ choices: [T]) -> T { choices[roll(choices.count)] }
}
