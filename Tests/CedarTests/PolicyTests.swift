import Cedar
import Testing

@Suite("policies")
struct PolicyTests {
  @Test func decides() throws {
    let set = try PolicySet(parsing: "permit(principal, action, resource) when { principal.a == 1 };")
    let uid = EntityUID(type: "User", id: "a")
    let entities = try Entities([Entity(uid: uid, attributes: ["a": 1])])
    let request = Request(principal: uid, action: EntityUID(type: "Action", id: "r"), resource: uid)
    #expect(CompiledPolicies(set).authorize(request, entities).decision == .allow)
  }
}
