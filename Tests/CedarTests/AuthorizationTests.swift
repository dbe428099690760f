import Cedar
import Testing

@Suite("authorization")
struct AuthorizationTests {
  private let request = Request(principal: World.alice, action: World.read, resource: World.doc, context: World.context)

  private func answer(_ policies: String) throws -> Response {
    CompiledPolicies(try PolicySet(parsing: policies)).authorize(request, try World.entities())
  }

  @Test("nothing permits, nothing is allowed")
  func defaultDeny() throws {
    for text in [
      "", "permit(principal, action, resource) when { false };", "forbid(principal, action, resource) when { false };",
    ] {
      let response = try answer(text)
      #expect(response.decision == .deny && response.reasons.isEmpty && response.failures.isEmpty)
    }
  }

  @Test("all satisfied permits are the reason, in order; one satisfied forbid outweighs them all")
  func forbidOverrides() throws {
    let permits =
      "permit(principal, action, resource); permit(principal is Other, action, resource); permit(principal, action, resource) unless { false };"
    #expect(try answer(permits).reasons == ["policy0", "policy2"])
    let both = try answer(
      permits
        + "forbid(principal, action, resource) when { context.n == 5 }; forbid(principal, action, resource) when { context.n == 6 };"
    )
    #expect(both.decision == .deny && both.reasons == ["policy3"])
  }

  @Test("a policy that fails decides nothing and is named; a failing forbid does not forbid, and can be told")
  func skipOnError() throws {
    let response = try answer(
      "permit(principal, action, resource); forbid(principal, action, resource) when { context.n in [5] }; permit(principal, action, resource) when { context.gone };"
    )
    #expect(response.decision == .allow && response.reasons == ["policy0"])
    #expect(response.failures.map(\.policy) == ["policy1", "policy2"])
    #expect(response.failures.map(\.effect) == [.forbid, .permit])
    #expect(response.hasFailedForbid)
    #expect(try !answer("permit(principal, action, resource) when { context.gone };").hasFailedForbid)
  }

  @Test("clauses are tried in order, and the first that is false ends the policy")
  func clauses() throws {
    #expect(try answer("permit(principal, action, resource) when { false } when { context.gone };").failures.isEmpty)
    #expect(try answer("permit(principal, action, resource) unless { true } when { context.gone };").failures.isEmpty)
    #expect(try answer("permit(principal, action, resource) when { context.gone } when { false };").failures.count == 1)
  }

  @Test("a policy whose scope does not fit can neither decide nor fail")
  func scope() throws {
    let response = try answer("permit(principal == User::\"bob\", action, resource) when { context.gone };")
    #expect(response.failures.isEmpty)
  }

  /// Scopes are found by an index, conditions are not: the same test in either place must come out the same.
  @Test("the index over scopes says the same as the scope's tests written as conditions")
  func indexAgrees() throws {
    var dice = Dice(1)
    let types = ["A", "B", "N::A"]
    func uid(_ type: String) -> String { "\(type)::\"\(dice.roll(4))\"" }
    var entities: [Entity] = []
    for type in types + ["Action"] {
      for id in 0..<4 {
        var parents: [EntityUID] = []
        for other in (id + 1)..<5 where dice.roll(2) == 0 { parents.append(EntityUID(type: type, id: "\(other)")) }
        if type != "Action", dice.roll(2) == 0 { parents.append(EntityUID(type: "Z", id: "\(dice.roll(4))")) }
        entities.append(Entity(uid: EntityUID(type: type, id: "\(id)"), parents: parents))
      }
    }
    let store = try Entities(entities)
    func constraint(_ variable: String) -> (scope: String, condition: String) {
      let target = uid(dice.pick(types + ["Z"]))
      let type = dice.pick(types)
      switch dice.roll(5) {
      case 0: return (variable, "true")
      case 1: return ("\(variable) == \(target)", "\(variable) == \(target)")
      case 2: return ("\(variable) in \(target)", "\(variable) in \(target)")
      case 3: return ("\(variable) is \(type)", "\(variable) is \(type)")
      default: return ("\(variable) is \(type) in \(target)", "\(variable) is \(type) in \(target)")
      }
    }
    for _ in 0..<20 {
      var scopes = ""
      var conditions = ""
      for _ in 0..<70 {
        let principal = constraint("principal")
        let resource = constraint("resource")
        let actions = "[\(uid("Action")), \(uid("Action"))]"
        let one = uid("Action")
        let action = dice.pick([
          ("action", "true"), ("action == \(one)", "action == \(one)"),
          ("action in \(actions)", "action in \(actions)"), ("action in []", "action in []"),
        ])
        let effect = dice.roll(3) == 0 ? "forbid" : "permit"
        scopes += "\(effect)(\(principal.scope), \(action.0), \(resource.scope));\n"
        conditions +=
          "\(effect)(principal, action, resource) when { \(principal.condition) } when { \(action.1) && \(resource.condition) };\n"
      }
      let indexed = CompiledPolicies(try PolicySet(parsing: scopes))
      let plain = CompiledPolicies(try PolicySet(parsing: conditions))
      for _ in 0..<40 {
        func entity(_ type: String) -> EntityUID { EntityUID(type: type, id: "\(dice.roll(5))") }
        let request = Request(
          principal: entity(dice.pick(types)), action: entity("Action"), resource: entity(dice.pick(types)))
        let (left, right) = (indexed.authorize(request, store), plain.authorize(request, store))
        #expect(left.decision == right.decision && left.reasons == right.reasons && right.failures.isEmpty)
      }
    }
  }

  /// Answers what it is asked for, and remembers what that was.
  private final class Asking: EntitySource {
    var asked: [String] = []
    func contains(_ uid: EntityUID) -> Bool { true }
    func attribute(_ name: String, of uid: EntityUID) -> Value? {
      asked.append("\(uid).\(name)")
      return name == "owner" ? .entity(World.alice) : nil
    }
    func tag(_ name: String, of uid: EntityUID) -> Value? { nil }
    func isMember(_ uid: EntityUID, of ancestor: EntityUID) -> Bool {
      asked.append("\(uid) in \(ancestor)")
      return ancestor == World.staff
    }
  }

  @Test("a source of one's own is asked only for what the policies look at")
  func lazySource() throws {
    let source = Asking()
    let policies = CompiledPolicies(
      try PolicySet(
        parsing:
          "permit(principal in Group::\"staff\", action, resource) when { resource.owner == principal || resource.cost > 1 };"
          + "permit(principal, action == Action::\"write\", resource in Folder::\"f\") when { resource.secret };"))
    #expect(policies.authorize(request, source).decision == .allow)
    #expect(source.asked.sorted() == ["NS::Doc::\"d\u{e9}\".owner", "User::\"alice\" in Group::\"staff\""])
  }

  @Test("an entity's hierarchy is closed, may be deep, and has no cycles")
  func hierarchy() throws {
    let count = 2000
    func uid(_ number: Int) -> EntityUID { EntityUID(type: "G", id: String(number)) }
    // A chain of single steps has a closure of quadratic size: a tree of chains is deep and stays small.
    let deep = try Entities((0..<count).map { Entity(uid: uid($0), parents: $0 % 100 == 0 ? [] : [uid($0 - 1)]) })
    #expect(deep.isMember(uid(99), of: uid(0)) && !deep.isMember(uid(100), of: uid(99)))
    #expect(deep.ancestors(of: uid(3)) == [uid(0), uid(1), uid(2)])
    #expect(throws: CedarError.self) {
      try Entities((0..<count).map { Entity(uid: uid($0), parents: [uid(($0 + 1) % count)]) })
    }
    #expect(throws: CedarError.self) { try Entities([Entity(uid: uid(1), parents: [uid(1)])]) }
    #expect(throws: CedarError.self) { try Entities([Entity(uid: uid(1)), Entity(uid: uid(1), attributes: ["a": 1])]) }
    #expect(try Entities([Entity(uid: uid(1)), Entity(uid: uid(1))]).count == 1)
  }
}
