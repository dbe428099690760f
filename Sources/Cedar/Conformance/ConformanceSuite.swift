import Glibc

/// Runs a folder of cases in the format of the language's public corpus (cedar-policy/cedar-integration-tests): every
/// `NAME.json` that names policies, with the files that it names beside it.
public struct ConformanceSuite: Sendable {
  /// The folder.
  public let directory: String
  /// The cases' names, sorted.
  public let names: [String]

  /// Looks for cases in a folder.
  /// - Throws: when it cannot be read, or holds none.
  public init(directory: String) throws(CedarError) {
    self.directory = directory
    guard let stream = opendir(directory) else { throw CedarError(source: directory, "cannot be read as a folder") }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name.hasSuffix(".json"), !name.hasSuffix(".entities.json"), !name.hasSuffix(".cedarschema.json") {
        names.append(String(name.dropLast(5)))
      }
    }
    guard !names.isEmpty else { throw CedarError(source: directory, "holds no cases: no NAME.json is in it") }
    self.names = names.sorted()
  }

  /// Runs all cases.
  public func run() -> ConformanceReport {
    var report = ConformanceReport()
    for name in names { run(name, &report) }
    return report
  }

  /// Decides every request of every case again and again.
  /// - Returns: processor time for one decision, in seconds; policies are read and compiled, and entities and contexts
  ///   read, before that.
  public func secondsPerDecision(repetitions: Int) -> Double {
    var prepared: [(policies: CompiledPolicies, entities: Entities, requests: [Request])] = []
    for name in names {
      guard let loaded = try? load(name) else { continue }
      let requests = loaded.contents.requests.compactMap { try? request($0, loaded) }
      prepared.append((loaded.policies, loaded.entities, requests))
    }
    let decisions = repetitions * prepared.reduce(0) { $0 + $1.requests.count }
    var allowed = 0
    var start = timespec()
    var end = timespec()
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start)
    for _ in 0..<repetitions {
      for item in prepared {
        for request in item.requests where item.policies.authorize(request, item.entities).decision == .allow {
          allowed += 1
        }
      }
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end)
    let seconds = Double(end.tv_sec - start.tv_sec) + Double(end.tv_nsec - start.tv_nsec) / 1e9
    return decisions == 0 || allowed > decisions ? 0 : seconds / Double(decisions)
  }

  // MARK: One case

  private struct Loaded {
    let contents: ConformanceCase
    let set: PolicySet
    let policies: CompiledPolicies
    let schema: Schema?
    let entities: Entities
  }

  private func load(_ name: String) throws -> Loaded {
    try load(try ConformanceCase(name: name, contents: try read(name + ".json"), read: read))
  }

  private func load(_ contents: ConformanceCase) throws(CedarError) -> Loaded {
    var schema: Schema?
    if let text = contents.schema {
      let isJSON = text.first { $0 != 0x20 && $0 != 0x0a && $0 != 0x0d && $0 != 0x09 } == UInt8(ascii: "{")
      schema = isJSON ? try Schema(parsingJSON: text) : try Schema(parsing: text)
    }
    var set = try PolicySet(parsing: contents.policies)
    for (id, link) in zip(contents.linkIDs, contents.links) {
      try set.link(template: link.template, id: id, principal: link.principal, resource: link.resource)
    }
    return Loaded(
      contents: contents, set: set, policies: CompiledPolicies(set), schema: schema,
      entities: try Entities(parsing: contents.entities, schema: schema))
  }

  private func request(_ request: ConformanceCase.Request, _ loaded: Loaded) throws(CedarError) -> Request {
    let built = Request(
      principal: request.principal, action: request.action, resource: request.resource,
      context: try Record(context: request.context, schema: loaded.schema, action: request.action))
    if request.isChecked { try loaded.schema?.check(built) }
    return built
  }

  private func run(_ name: String, _ report: inout ConformanceReport) {
    report.cases += 1
    let loaded: Loaded
    do {
      let contents = try ConformanceCase(name: name, contents: try read(name + ".json"), read: read)
      guard contents.shouldLoad else {
        let found = (try? load(contents)) == nil
        report.compare(.refusal, name, nil, expected: true, found: found) { $0 ? "refused" : "read" }
        return
      }
      loaded = try load(contents)
    } catch {
      let message = (error as? ConformanceCase.Fault)?.message ?? "\(error)"
      report.differences.append(
        ConformanceReport.Difference(name: name, request: nil, aspect: nil, expected: "", found: message))
      return
    }
    if let expected = loaded.contents.shouldValidate, let schema = loaded.schema {
      let result = schema.validate(loaded.set)
      report.compare(.validation, name, nil, expected: expected, found: result.isValid) {
        $0 ? "valid" : "invalid" + (result.errors.first.map { " (\($0))" } ?? "")
      }
    }
    for expected in loaded.contents.requests {
      report.requests += 1
      let response: Response
      do throws(CedarError) {
        response = loaded.policies.authorize(try request(expected, loaded), loaded.entities)
      } catch {
        report.differences.append(
          ConformanceReport.Difference(
            name: name, request: expected.number, aspect: nil, expected: "", found: error.description))
        continue
      }
      func list(_ ids: Set<String>) -> String { ids.isEmpty ? "none" : ids.sorted().joined(separator: ", ") }
      report.compare(
        .decision, name, expected.number, expected: expected.decision, found: response.decision, text: \.rawValue)
      report.compare(
        .reasons, name, expected.number, expected: expected.reasons, found: Set(response.reasons), text: list)
      report.compare(
        .errors, name, expected.number, expected: expected.errors, found: Set(response.failures.map(\.policy)),
        text: list)
    }
  }

  private func read(_ name: String) throws(ConformanceCase.Fault) -> [UInt8] {
    guard let file = fopen(directory + "/" + name, "rb") else {
      throw ConformanceCase.Fault(message: "\(name) cannot be read")
    }
    defer { fclose(file) }
    var contents: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      if count == 0 { return contents }
      contents.append(contentsOf: buffer[..<count])
    }
  }
}
