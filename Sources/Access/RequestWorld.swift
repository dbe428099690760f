import Cedar
import Paths
import Synchronization

/// Makes the entities and the context of a request.
final class RequestWorld: Sendable {
  private let settings: CompiledSettings
  private let labels: FileLabels
  private let places: NetworkPlaces
  private let chosenModels: Set<String>
  /// Paths of directories and files that policies name, by their folded form.
  private let named: [[UInt8]: Set<RepoPath>]
  private let principals = Mutex<(principal: Principal, made: PrincipalEntities)?>(nil)

  init(
    settings: CompiledSettings, labels: FileLabels, places: NetworkPlaces, chosenModels: Set<String>,
    named paths: Set<RepoPath>
  ) {
    self.settings = settings
    self.labels = labels
    self.places = places
    self.chosenModels = chosenModels
    named = Dictionary(grouping: paths) { PathFolding.folded($0.bytes) }.mapValues { Set($0) }
  }

  /// The request with its file's labels found.
  func resolved(_ request: AccessRequest) -> AccessRequest {
    guard case .file(var file) = request.resource, file.labels == nil else { return request }
    file.labels = labels.labels(of: file.path, content: file.content)
    var request = request
    request.resource = .file(file)
    return request
  }

  /// All ways to understand a request whose labels are known, one where nothing is ambiguous.
  func readings(of request: AccessRequest) -> [Reading] {
    var hasClaims = request.context.labels.contains(where: Label.isClaim)
    var isRespelt = false
    switch request.resource {
    case .file(let file):
      hasClaims = hasClaims || file.labels?.contains(where: Label.isClaim) ?? false
      isRespelt = !named.isEmpty && respelling(file.path).isRespelt
    case .delivery(let change):
      hasClaims = hasClaims || change.files.contains { $0.labels?.contains(where: Label.isClaim) ?? false }
    default: break
    }
    let claims = hasClaims ? [false, true] : [true]
    let folds = isRespelt ? [false, true] : [false]
    return claims.flatMap { counts in folds.map { Reading(countsClaims: counts, foldsPaths: $0) } }
  }

  /// What policies name that this path is under another spelling.
  private func respelling(_ path: RepoPath) -> (file: RepoPath?, directories: [RepoPath], isRespelt: Bool) {
    var file: RepoPath?
    var directories: [RepoPath] = []
    var current: RepoPath? = path
    while let place = current, !place.isRoot {
      for alias in named[PathFolding.folded(place.bytes)] ?? [] where alias != place {
        if place == path { file = alias }
        directories.append(alias)
      }
      current = place.parent
    }
    return (file, directories, !directories.isEmpty)
  }

  // MARK: Context and entities

  func context(of request: AccessRequest, _ reading: Reading) -> Record {
    var context = request.context
    context.labels = reading.labels(context.labels)
    return Record(
      Attributes.context.compactMap { attribute in
        attribute.value(context).map { Record.Field(name: attribute.name, value: $0) }
      })
  }

  func entities(of request: AccessRequest, _ reading: Reading) -> RequestEntities {
    let action = Self.action(of: request)
    return RequestEntities(
      principal: principalEntities(request.principal), action: action.uid, actionGroups: action.groups,
      resource: resourceEntity(of: request, reading))
  }

  private func principalEntities(_ principal: Principal) -> PrincipalEntities {
    principals.withLock { known in
      if let known, known.principal == principal { return known.made }
      let made = PrincipalEntities(principal)
      known = (principal, made)
      return made
    }
  }

  private static let actions: [Action: (uid: EntityUID, groups: Set<EntityUID>)] = Dictionary(
    uniqueKeysWithValues: Action.allCases.map { action in
      let groups = Set(action.groups.map { EntityUID(type: "Action", id: $0) })
      return (action, (EntityUID(type: "Action", id: action.rawValue), groups))
    })

  private static func action(of request: AccessRequest) -> (uid: EntityUID, groups: Set<EntityUID>) {
    if case .tool(let tool) = request.resource {
      let groups = [Action.serverID(tool.server), Action.callTool.rawValue].map { EntityUID(type: "Action", id: $0) }
      return (EntityUID(type: "Action", id: Action.toolID(tool)), Set(groups))
    }
    return actions[request.action] ?? (EntityUID(type: "Action", id: request.action.rawValue), [])
  }

  private func resourceEntity(of request: AccessRequest, _ reading: Reading) -> RequestEntities.Resource {
    func entity<Subject>(
      _ type: String, _ id: String, _ attributes: [Attribute<Subject>], _ subject: Subject,
      isMember: @escaping (EntityUID) -> Bool = { _ in false }
    ) -> RequestEntities.Resource {
      RequestEntities.Resource(
        uid: EntityUID(type: type, id: id),
        attribute: { name in attributes.first { $0.name == name }?.value(subject) }, isMember: isMember)
    }
    switch request.resource {
    case .file(let file):
      let respelling = reading.foldsPaths ? respelling(file.path) : (file: nil, directories: [], isRespelt: false)
      let subject = FileSubject(
        file: file, labels: reading.labels(file.labels ?? []).sorted(), owners: labels.owners)
      return entity("File", (respelling.file ?? file.path).quoted, Attributes.file, subject) { ancestor in
        switch ancestor.type {
        case "Repository": return ancestor.id.utf8.elementsEqual(file.repository.utf8)
        case "Directory":
          guard let directory = RepoPath(quoted: ancestor.id), directory.quoted == ancestor.id else { return false }
          return file.path.isInside(directory) || respelling.directories.contains(directory)
        default: return false
        }
      }
    case .command(let command):
      return entity(
        "Command", Quoting.quote(command.program), Attributes.command,
        Labelled(subject: command, labels: settings.labels(of: command)))
    case .host(let host):
      let isInternal = places.isInternal(host.name, port: host.port)
      return entity(
        "Host", PathTexts.hostName(host.name), Attributes.host,
        HostSubject(host: host, labels: settings.labels(of: host), isInternal: isInternal))
    case .model(let model):
      let place = model.endpoint.map(NetworkPlaces.host)
      let isInternal = model.isBuiltIn || place.map { places.isInternal($0.name, port: $0.port) } ?? false
      let id = "\(model.provider)/\(model.name)"
      return entity(
        "Model", id, Attributes.model,
        ModelSubject(
          model: model, labels: settings.labels(of: model), isChosen: chosenModels.contains(id),
          isInternal: isInternal,
          isLocal: model.isBuiltIn || place.map { places.isLocal($0.name) } ?? model.isLocal))
    case .delivery(let change):
      let names = reading.labels(change.files.reduce(into: []) { $0.formUnion($1.labels ?? []) }).sorted()
      let repository = EntityUID(type: "Repository", id: change.repository)
      return entity("Change", "change", Attributes.change, Labelled(subject: change, labels: names)) {
        $0 == repository
      }
    case .spending(let spending):
      return entity("Spending", "spending", Attributes.spending, spending)
    case .tool(let tool):
      let server = EntityUID(type: "Server", id: tool.server)
      return entity("Tool", "\(tool.server)/\(tool.name)", Attributes.tool, tool) { $0 == server }
    }
  }
}

/// A run with its user and groups.
struct PrincipalEntities: Sendable {
  let run: EntityUID
  let user: EntityUID
  let groups: Set<EntityUID>
  let attributes: Record
  let tags: Record

  init(_ principal: Principal) {
    run = EntityUID(type: "Run", id: principal.run)
    user = EntityUID(type: "User", id: principal.user)
    groups = Set(principal.groups.map { EntityUID(type: "Group", id: $0) })
    attributes = Record(
      Attributes.run.compactMap { attribute in
        attribute.value(principal).map { Record.Field(name: attribute.name, value: $0) }
      })
    tags = Record(principal.claims.map { Record.Field(name: $0.key, value: .string($0.value)) })
  }
}

/// The entities of one request. Attributes of the resource are found when a policy asks for them, and then kept: most
/// policies ask for few.
final class RequestEntities: EntitySource {
  /// What is acted upon.
  struct Resource {
    let uid: EntityUID
    let attribute: (String) -> Value?
    let isMember: (EntityUID) -> Bool
  }

  let principal: PrincipalEntities
  let action: EntityUID
  let resource: Resource
  private let actionGroups: Set<EntityUID>
  private var found: [(name: String, value: Value?)] = []

  init(principal: PrincipalEntities, action: EntityUID, actionGroups: Set<EntityUID>, resource: Resource) {
    self.principal = principal
    self.action = action
    self.actionGroups = actionGroups
    self.resource = resource
  }

  func contains(_ uid: EntityUID) -> Bool {
    uid == resource.uid || uid == principal.run || uid == action || uid == principal.user
      || actionGroups.contains(uid) || principal.groups.contains(uid)
  }

  func attribute(_ name: String, of uid: EntityUID) -> Value? {
    if uid == resource.uid {
      if let known = found.first(where: { $0.name == name }) { return known.value }
      let value = resource.attribute(name)
      found.append((name, value))
      return value
    }
    return uid == principal.run ? principal.attributes[name] : nil
  }

  func tag(_ name: String, of uid: EntityUID) -> Value? { uid == principal.run ? principal.tags[name] : nil }

  func isMember(_ uid: EntityUID, of ancestor: EntityUID) -> Bool {
    if uid == resource.uid { return resource.isMember(ancestor) }
    if uid == action { return actionGroups.contains(ancestor) }
    if uid == principal.run { return ancestor == principal.user || principal.groups.contains(ancestor) }
    if uid == principal.user { return principal.groups.contains(ancestor) }
    return false
  }
}
