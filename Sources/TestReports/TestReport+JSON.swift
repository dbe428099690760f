public import JSON
import Paths

/// The form in which reports are kept in the record and given to models that are programs.
///
/// Paths are in their quoted text form. Members that say nothing are left out. Durations are in whole microseconds:
/// records that are hashed hold no fractions.
extension TestReport {
  /// This report as JSON.
  public var json: JSONValue {
    var object = JSONObject()
    object["tests"] = .array(tests.map(\.json))
    object["exitStatus"] = exitStatus.map { JSONValue(Int($0)) } ?? .null
    object["isIncomplete"] = .bool(isIncomplete)
    object["isNamed"] = .bool(isNamed)
    if let startFailure { object["startFailure"] = startFailure.json }
    if !buildErrors.isEmpty { object["buildErrors"] = .array(buildErrors.map(\.json)) }
    if !unsteady.isEmpty { object["unsteady"] = .array(unsteady.map { .string($0) }) }
    return .object(object)
  }

  /// Reads a report back; nil when the JSON is not of that form.
  public init?(json: JSONValue) {
    guard let encoded = json["tests"]?.array else { return nil }
    var tests: [TestOutcome] = []
    tests.reserveCapacity(encoded.count)
    for value in encoded {
      guard let test = TestOutcome(json: value) else { return nil }
      tests.append(test)
    }
    self.init(
      tests: tests, exitStatus: json["exitStatus"]?.int.flatMap { Int32(exactly: $0) },
      isIncomplete: json["isIncomplete"]?.bool ?? false, startFailure: json["startFailure"].flatMap(StartFailure.init),
      buildErrors: (json["buildErrors"]?.array ?? []).compactMap(BuildError.init),
      isNamed: json["isNamed"]?.bool ?? true)
    unsteady = (json["unsteady"]?.array ?? []).compactMap(\.string)
  }
}

extension TestOutcome {
  /// This outcome as JSON.
  public var json: JSONValue {
    var object: JSONObject = ["name": .string(name), "result": .string(result.rawValue)]
    if let duration { object["microseconds"] = JSONValue(Int(exactly: (duration * 1e6).rounded()) ?? 0) }
    if let message { object["message"] = .string(message) }
    if let location { object["location"] = location.json }
    if !trace.isEmpty { object["trace"] = .array(trace.map(\.json)) }
    return .object(object)
  }

  /// Reads an outcome back; nil when the JSON is not of that form.
  public init?(json: JSONValue) {
    guard let name = json["name"]?.string, let result = json["result"]?.string.flatMap(Result.init) else { return nil }
    self.init(
      name: name, result: result, duration: json["microseconds"]?.double.map { $0 / 1e6 },
      message: json["message"]?.string, location: json["location"].flatMap(SourceLocation.init),
      trace: (json["trace"]?.array ?? []).compactMap(SourceLocation.init))
  }
}

extension SourceLocation {
  /// This location as JSON.
  public var json: JSONValue { ["path": .string(path.quoted), "line": JSONValue(line)] }

  /// Reads a location back; nil when the JSON is not of that form.
  public init?(json: JSONValue) {
    guard let path = json["path"]?.string.flatMap({ RepoPath(quoted: $0) }), let line = json["line"]?.int else {
      return nil
    }
    self.init(path: path, line: line)
  }
}

extension StartFailure {
  /// This failure as JSON.
  public var json: JSONValue {
    ["missing": .string(missing), "message": .string(message), "suggestedSetup": JSONValue(suggestedSetup)]
  }

  /// Reads a failure back; nil when the JSON is not of that form.
  public init?(json: JSONValue) {
    guard let missing = json["missing"]?.string, let message = json["message"]?.string else { return nil }
    self.init(missing: missing, message: message, suggestedSetup: json["suggestedSetup"]?.string)
  }
}

extension BuildError {
  /// This error as JSON.
  public var json: JSONValue { ["message": .string(message), "location": location?.json ?? .null] }

  /// Reads an error back; nil when the JSON is not of that form.
  public init?(json: JSONValue) {
    guard let message = json["message"]?.string else { return nil }
    self.init(message: message, location: json["location"].flatMap(SourceLocation.init))
  }
}
