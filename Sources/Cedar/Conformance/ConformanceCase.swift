import JSON

/// One case of the language's public corpus: policies, a schema, entities, and requests with the answers that a
/// conforming engine gives.
struct ConformanceCase {
  /// What is wrong with a case itself.
  struct Fault: Error {
    let message: String
  }

  struct Request {
    let number: Int
    let description: String
    let principal: EntityUID
    let action: EntityUID
    let resource: EntityUID
    let context: JSONValue
    let isChecked: Bool
    let decision: Decision
    let reasons: Set<String>
    let errors: Set<String>
  }

  let name: String
  let policies: [UInt8]
  let schema: [UInt8]?
  let entities: [UInt8]
  let shouldValidate: Bool?
  /// False when policies, schema or entities must be refused. An addition to the corpus's format, as are the links.
  let shouldLoad: Bool
  let links: [Policy.Link]
  let linkIDs: [String]
  let requests: [Request]

  /// Reads a case.
  /// - Parameter read: gives the contents of a file beside the case's own.
  init(name: String, contents: [UInt8], read: (String) throws(Fault) -> [UInt8]) throws(Fault) {
    self.name = name
    let json: JSONValue
    do throws(JSONError) {
      json = try JSONValue(parsing: contents)
    } catch {
      throw Fault(message: error.description)
    }
    func file(_ key: String) throws(Fault) -> [UInt8]? {
      guard let path = json[key]?.string else { return nil }
      return try read(String(path.split(separator: "/").last ?? ""))
    }
    guard let policies = try file("policies") else { throw Fault(message: "the case names no policies") }
    self.policies = policies
    schema = try file("schema")
    entities = try file("entities") ?? Array("[]".utf8)
    shouldValidate = json["shouldValidate"]?.bool
    shouldLoad = json["shouldLoad"]?.bool ?? true
    let links = try (json["links"]?.array ?? []).map { link throws(Fault) in try Self.link(link) }
    self.links = links.map(\.link)
    linkIDs = links.map(\.id)
    var requests: [Request] = []
    for (number, request) in (json["requests"]?.array ?? json["queries"]?.array ?? []).enumerated() {
      requests.append(try Self.request(number, request))
    }
    self.requests = requests
  }

  /// `{"template": …, "id": …, "principal": …, "resource": …}`, with the entities that the template's slots take.
  private static func link(_ json: JSONValue) throws(Fault) -> (id: String, link: Policy.Link) {
    guard let template = json["template"]?.string, let id = json["id"]?.string else {
      throw Fault(message: "a link has \"template\" and \"id\"")
    }
    func uid(_ key: String) throws(Fault) -> EntityUID? {
      guard let value = json[key] else { return nil }
      do throws(ValueReader.Fault) {
        return try ValueReader.uid(value, at: key)
      } catch {
        throw Fault(message: "link \(id): \(error.path): \(error.message)")
      }
    }
    return (id, Policy.Link(template: template, principal: try uid("principal"), resource: try uid("resource")))
  }

  private static func request(_ number: Int, _ json: JSONValue) throws(Fault) -> Request {
    func uid(_ key: String) throws(Fault) -> EntityUID {
      guard let value = json[key] else { throw Fault(message: "request \(number) has no \(key)") }
      do throws(ValueReader.Fault) {
        return try ValueReader.uid(value, at: key)
      } catch {
        throw Fault(message: "request \(number): \(error.path): \(error.message)")
      }
    }
    func ids(_ key: String) throws(Fault) -> Set<String> {
      let array = json[key]?.array ?? []
      let ids = array.compactMap(\.string)
      guard ids.count == array.count else { throw Fault(message: "request \(number): \(key) is not a list of ids") }
      return Set(ids)
    }
    guard let decision = (json["decision"]?.string).flatMap({ Decision(rawValue: $0.lowercased()) }) else {
      throw Fault(message: "request \(number) names no decision")
    }
    return Request(
      number: number, description: json["description"]?.string ?? "", principal: try uid("principal"),
      action: try uid("action"), resource: try uid("resource"), context: json["context"] ?? [:],
      isChecked: json["validateRequest"]?.bool ?? json["enable_request_validation"]?.bool ?? true,
      decision: decision, reasons: try ids(json["reason"] == nil ? "reasons" : "reason"), errors: try ids("errors"))
  }
}
