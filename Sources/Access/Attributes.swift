import Cedar
import Paths
import TestReports

/// One attribute of an entity type: how the schema declares it, and what a request's entity has.
struct Attribute<Subject>: Sendable {
  let name: String
  /// The type as the schema writes it.
  let type: String
  /// False when an entity may lack it.
  let isRequired: Bool
  let note: String
  let value: @Sendable (Subject) -> Value?

  /// Its line in the schema.
  var line: String { "  \(name)\(isRequired ? "" : "?"): \(type),  // \(note)\n" }

  init(
    _ name: String, _ type: String, _ note: String, isRequired: Bool = true,
    _ value: @escaping @Sendable (Subject) -> Value?
  ) {
    self.name = name
    self.type = type
    self.note = note
    self.isRequired = isRequired
    self.value = value
  }
}

/// What a request tells of its resource, with what follows from it.
struct FileSubject: Sendable {
  let file: Resource.File
  /// Plain names.
  let labels: [String]
  let owners: CodeOwners
}

/// A resource that labels were found for.
struct Labelled<Subject: Sendable>: Sendable {
  let subject: Subject
  let labels: [String]
}

/// A model as policies see it.
struct ModelSubject: Sendable {
  let model: Resource.Model
  let labels: [String]
  let isChosen: Bool
  let isInternal: Bool
  let isLocal: Bool
}

/// A host as policies see it.
struct HostSubject: Sendable {
  let host: Resource.Host
  let labels: [String]
  let isInternal: Bool
}

/// The attributes of all types.
enum Attributes {
  static let run: [Attribute<Principal>] = [
    Attribute("user", "User", "for whom it acts") { .entity(EntityUID(type: "User", id: $0.user)) },
    Attribute("start", "Start", "how it was started") { .entity(EntityUID(type: "Start", id: $0.start.rawValue)) },
    Attribute("vouchedBy", "String", "\"system\", or the issuer of a verified token") { .string($0.vouchedBy) },
  ]

  static let repository: [Attribute<String>] = [
    Attribute("name", "String", "the checkout's directory") { .string($0) }
  ]

  static let file: [Attribute<FileSubject>] = [
    Attribute("path", "String", "as git writes it; compares case") { .string($0.file.path.quoted) },
    Attribute("folded", "String", "the path in lower case, under one spelling: for `like` in a forbid") {
      .string(Quoting.quote(PathFolding.folded($0.file.path.bytes)))
    },
    Attribute("name", "String", "the last component") { .string(Quoting.quote($0.file.path.name)) },
    Attribute("extension", "String", "behind the last dot, in lower case", isRequired: false) {
      PathTexts.fileExtension(of: $0.file.path).map { .string($0) }
    },
    Attribute("size", "Long", "bytes, where known", isRequired: false) { $0.file.size.map { .long(Int64($0)) } },
    Attribute("isTest", "Bool", "by its place or name") { .bool(TestPaths.isTest($0.file.path)) },
    Attribute("isGenerated", "Bool", "by its name, or its first lines where known") {
      .bool(PathTexts.isGenerated($0.file))
    },
    Attribute("owners", "Set<String>", "by CODEOWNERS of the committed base, in lower case") {
      .strings($0.owners.owners(of: $0.file.path))
    },
    Attribute("labels", "Set<String>", "by label files and settings") { .strings($0.labels) },
  ]

  static let command: [Attribute<Labelled<Resource.Command>>] = [
    Attribute("program", "String", "the program's path") { .string(Quoting.quote($0.subject.program)) },
    Attribute("name", "String", "its last component") {
      .string(Quoting.quote(PathTexts.lastComponent($0.subject.program)))
    },
    Attribute("arguments", "Set<String>", "without the program's own name") {
      .strings($0.subject.arguments.dropFirst().map { String(decoding: $0, as: UTF8.self) })
    },
    Attribute("line", "String", "the line it came from, where a person or model wrote one", isRequired: false) {
      $0.subject.line.map { .string($0) }
    },
    Attribute("labels", "Set<String>", "by settings") { .strings($0.labels) },
  ]

  static let host: [Attribute<HostSubject>] = [
    Attribute("name", "String", "in lower case, without a final dot") { .string(PathTexts.hostName($0.host.name)) },
    Attribute("port", "Long", "the TCP port") { .long(Int64($0.host.port)) },
    Attribute("address", "ipaddr", "where the name is an address", isRequired: false) {
      IPAddress(PathTexts.hostName($0.host.name)).map { .ip($0) }
    },
    Attribute("isInternal", "Bool", "private, local, or named by the organisation") { .bool($0.isInternal) },
    Attribute("labels", "Set<String>", "by settings") { .strings($0.labels) },
  ]

  static let model: [Attribute<ModelSubject>] = [
    Attribute("provider", "String", "its name in the configuration") { .string($0.model.provider) },
    Attribute("name", "String", "the provider's name for it") { .string($0.model.name) },
    Attribute("region", "String", "where it computes, as configured", isRequired: false) {
      $0.model.region.map { .string($0) }
    },
    Attribute("isBuiltIn", "Bool", "nothing leaves the process") { .bool($0.model.isBuiltIn) },
    Attribute("isLocal", "Bool", "nothing leaves this machine") { .bool($0.isLocal) },
    Attribute("isInternal", "Bool", "nothing leaves the organisation's network") { .bool($0.isInternal) },
    Attribute("isChosen", "Bool", "named on the command line or in the configuration, for this run") {
      .bool($0.isChosen)
    },
    Attribute("labels", "Set<String>", "by settings") { .strings($0.labels) },
  ]

  static let change: [Attribute<Labelled<Resource.Delivery>>] = [
    Attribute("files", "Long", "how many") { .long(Int64($0.subject.files.count)) },
    Attribute("paths", "Set<String>", "of every file") { .strings($0.subject.files.map(\.path.quoted)) },
    Attribute("labels", "Set<String>", "of all its files together") { .strings($0.labels) },
  ]

  static let spending: [Attribute<Resource.Spending>] = [
    Attribute("dollars", "decimal", "rounded up; an unknown price is more than any bound") {
      .decimal(CedarDecimal(tenThousandths: $0.microdollars.map { $0 / 100 + ($0 % 100 > 0 ? 1 : 0) } ?? .max))
    },
    Attribute("microdollars", "Long", "the same in millionths") { .long($0.microdollars ?? .max) },
    Attribute("tokens", "Long", "read and written") { .long($0.tokens) },
  ]

  static let tool: [Attribute<Resource.Tool>] = [
    Attribute("server", "String", "the server's name in the configuration") { .string($0.server) },
    Attribute("name", "String", "the tool's name") { .string($0.name) },
  ]

  /// The context takes plain labels.
  static let context: [Attribute<AccessContext>] = [
    Attribute("approved", "Bool", "a person has approved this very request") { .bool($0.approved) },
    Attribute("approvals", "Long", "how many different people have") { .long(Int64($0.approvals)) },
    Attribute("labels", "Set<String>", "of everything that the run has read") { .strings($0.labels.sorted()) },
  ]
}

extension Resource.Model {
  /// True when nothing leaves the process.
  var isBuiltIn: Bool { isLocal && endpoint == nil }
}

/// Texts that follow from paths and names.
enum PathTexts {
  static func lastComponent(_ path: [UInt8]) -> [UInt8] {
    guard let slash = path.lastIndex(of: UInt8(ascii: "/")) else { return path }
    return Array(path[(slash + 1)...])
  }

  /// Lower case; nil for a name without a dot behind its first byte.
  static func fileExtension(of path: RepoPath) -> String? {
    let name = path.name
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0, dot + 1 < name.count else { return nil }
    return Quoting.quote(PathFolding.lowercased(Array(name[(dot + 1)...])))
  }

  static func hostName(_ name: String) -> String {
    let bytes = name.utf8.map(PathFolding.lower)
    return String(decoding: bytes.last == UInt8(ascii: ".") ? bytes.dropLast() : bytes[...], as: UTF8.self)
  }

  /// By the names that generators give, or by the marks that they leave in the first lines.
  static func isGenerated(_ file: Resource.File) -> Bool {
    let name = String(decoding: PathFolding.lowercased(file.path.name), as: UTF8.self)
    if generatedNames.contains(name) || generatedEndings.contains(where: name.hasSuffix) { return true }
    guard let content = file.content else { return false }
    let head = content.prefix(1024).map(PathFolding.lower)
    return generatedMarks.contains { ByteSearch.contains($0, in: head) }
  }

  private static let generatedNames: Set<String> = [
    "package-lock.json", "npm-shrinkwrap.json", "yarn.lock", "pnpm-lock.yaml", "poetry.lock", "pipfile.lock", "uv.lock",
    "cargo.lock", "go.sum", "package.resolved", "gemfile.lock", "composer.lock", "gradle.lockfile", "mix.lock",
  ]
  private static let generatedEndings = [
    ".pb.go", ".pb.cc", ".pb.h", "_pb2.py", "_pb2_grpc.py", ".pb.swift", ".g.dart", ".freezed.dart", ".designer.cs",
    ".g.cs", ".generated.swift", ".generated.ts", ".generated.go", "_generated.go", ".min.js", ".min.css",
  ]
  private static let generatedMarks = ["do not edit", "@generated", "autogenerated", "auto-generated"]
}
