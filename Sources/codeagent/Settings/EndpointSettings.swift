import Glibc
import Sandbox

/// The `[endpoints]` tables: servers that commands reach through the broker, with a credential that they never see. The
/// organisation's and the user's files may name them; a repository has no say.
struct EndpointSettings: Sendable {
  /// One `[endpoints.NAME]`.
  struct Entry: Sendable {
    var name: String
    var kind: NetworkEndpoint.Kind
    var url: String
    var variable: String?
    var file: String?
    var user: String?
    var header: String?
    var certificateFile: String?
    var mayPublish = false
    var variables: [String] = []
    /// The file and table, for messages.
    var place: String
  }

  /// In the order of their names, the organisation's first.
  private(set) var entries: [Entry] = []
  private var organisation: Set<String> = []

  mutating func read(_ tables: [(String, TableReader)], isOrganisation: Bool) throws(UsageFailure) {
    for (name, table) in tables {
      try table.allow([
        "kind", "url", "credential_env", "credential_file", "user", "header", "ca_file", "publish", "variables",
      ])
      guard !organisation.contains(name) else {
        throw UsageFailure(
          "\(table.place): the organisation's file names this endpoint already", advice: "use another name")
      }
      let kinds = NetworkEndpoint.Kind.allCases.map(\.rawValue)
      guard let kind = try table.string("kind", among: kinds).flatMap(NetworkEndpoint.Kind.init(rawValue:)),
        let url = try table.string("url")
      else { throw UsageFailure("\(table.place): `kind` (\(kinds.joined(separator: ", "))) and `url` are needed") }
      var entry = Entry(name: name, kind: kind, url: url, place: table.place)
      entry.variable = try table.string("credential_env")
      entry.file = try table.string("credential_file")
      entry.user = try table.string("user")
      entry.header = try table.string("header")
      entry.certificateFile = try table.string("ca_file")
      entry.mayPublish = try table.bool("publish") ?? false
      entry.variables = try table.list("variables") ?? []
      try Self.check(entry)
      if let index = entries.firstIndex(where: { $0.name == name }) {
        entries[index] = entry
      } else {
        entries.append(entry)
      }
      if isOrganisation { organisation.insert(name) }
    }
    guard entries.count <= NetworkEndpoint.most else {
      throw UsageFailure("there are more than \(NetworkEndpoint.most) endpoints")
    }
  }

  private static func check(_ entry: Entry) throws(UsageFailure) {
    if entry.variable != nil, entry.file != nil {
      throw UsageFailure("\(entry.place): `credential_env` and `credential_file` are one too many")
    }
    if entry.variable == nil, entry.file == nil, entry.user != nil || entry.header != nil {
      throw UsageFailure(
        "\(entry.place): `user` and `header` say how a credential is sent, and there is none",
        advice: "give `credential_env` or `credential_file`")
    }
    if entry.user != nil, entry.header != nil {
      throw UsageFailure("\(entry.place): `user` and `header` are one too many")
    }
    for file in [entry.file, entry.certificateFile] {
      if let file, !file.hasPrefix("/") { throw UsageFailure("\(entry.place): \(file) is not an absolute path") }
    }
    for name in entry.variables {
      let isName = name.utf8.allSatisfy { byte in
        byte == UInt8(ascii: "_") || (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte)
          || (0x61...0x7a).contains(byte)
      }
      guard isName, !name.isEmpty else { throw UsageFailure("\(entry.place): \(name) is no variable's name") }
    }
    do { _ = try NetworkEndpoint(name: entry.name, kind: entry.kind, url: entry.url) } catch {
      throw UsageFailure("\(entry.place): \(error.message)", advice: error.hint)
    }
  }

  /// The endpoints with their credentials.
  /// - Parameter names: only these; nil for all.
  func resolved(_ environment: [String: String], named names: [String]? = nil) throws(UsageFailure) -> [NetworkEndpoint]
  {
    for name in names ?? [] where !entries.contains(where: { $0.name == name }) {
      throw UsageFailure(
        "there is no endpoint `\(name)`", advice: "name it in [endpoints.\(name)] of the user's config.toml")
    }
    var endpoints: [NetworkEndpoint] = []
    for entry in entries where names?.contains(entry.name) ?? true {
      do {
        var endpoint = try NetworkEndpoint(name: entry.name, kind: entry.kind, url: entry.url)
        endpoint.mayPublish = entry.mayPublish
        endpoint.variables = entry.variables
        endpoint.certificateFile =
          entry.certificateFile ?? environment["SSL_CERT_FILE"].flatMap { $0.isEmpty ? nil : $0 }
        if let secret = try Self.secret(entry, environment) {
          if let user = entry.user {
            endpoint.credential = try NetworkEndpoint.Credential(user: user, password: secret)
          } else if let header = entry.header {
            endpoint.credential = try NetworkEndpoint.Credential(header: header, token: secret)
          } else {
            endpoint.credential = try NetworkEndpoint.Credential(bearer: secret)
          }
        }
        endpoint.credentialFile = entry.file.map(Self.realPath)
        endpoints.append(endpoint)
      } catch let error as SandboxError {
        throw UsageFailure("\(entry.place): \(error.message)", advice: error.hint)
      } catch let error as UsageFailure {
        throw error
      } catch { throw UsageFailure("\(entry.place): \(error)") }
    }
    return endpoints
  }

  /// What must turn up nowhere, by a name for it.
  func secrets(_ environment: [String: String]) -> [String: String] {
    var known: [String: String] = [:]
    for entry in entries { known["endpoint \(entry.name)"] = try? Self.secret(entry, environment) }
    return known
  }

  private static func secret(_ entry: Entry, _ environment: [String: String]) throws(UsageFailure) -> String? {
    if let variable = entry.variable {
      guard let value = environment[variable], !value.isEmpty else {
        throw UsageFailure("\(entry.place): the variable \(variable) is not set", advice: "it holds the credential")
      }
      return value
    }
    guard let path = entry.file else { return nil }
    let bytes = try ByteInput.read(path, limit: 16 << 10, "a credential")
    // A line: what editors and `echo` add at the end is no part of it.
    let line = bytes.split(separator: 0x0a, maxSplits: 1, omittingEmptySubsequences: false).first ?? []
    return String(decoding: line.last == 0x0d ? line.dropLast() : line, as: UTF8.self)
  }

  private static func realPath(_ path: String) -> [UInt8] {
    guard let real = realpath(path, nil) else { return Array(path.utf8) }
    defer { free(real) }
    return Array(String(cString: real).utf8)
  }
}
