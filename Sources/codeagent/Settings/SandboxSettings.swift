import Agent
import Sandbox

/// The `[sandbox]` table. What the organisation's file says, the user's can only narrow; a repository has no say.
struct SandboxSettings: Sendable {
  /// The levels that may be used.
  var levels: Set<SandboxLevel> = [.full]
  /// Whether programs are watched, and how much of that is recorded.
  var terms = SandboxTerms()
  /// Limits of every command.
  var limits = SandboxLimits.standard

  private var organisation: Organisation?

  /// What the organisation's file says, by name: those cannot be loosened any more.
  private struct Organisation: Sendable {
    var levels: Set<SandboxLevel>?
    var watch: String?
    var recorded: Int?
    var limits: [String: Int] = [:]
  }

  private static var limitNames: [(name: String, path: WritableKeyPath<SandboxLimits, Int>)] {
    [
      ("cpu_seconds", \.cpuSeconds), ("memory_bytes", \.memoryBytes), ("processes", \.processes),
      ("file_bytes", \.fileBytes), ("output_bytes", \.outputBytes), ("disk_bytes", \.diskBytes),
      ("disk_files", \.diskFiles),
    ]
  }

  mutating func read(_ table: TableReader, isOrganisation: Bool) throws(UsageFailure) {
    try table.allow(["levels", "watch", "recorded", "limits"])
    var said = Organisation()
    if let names = try table.list("levels") {
      var named: Set<SandboxLevel> = []
      for name in names {
        guard let level = SandboxLevel(rawValue: name) else {
          throw UsageFailure(
            "\(table.place): `\(name)` is no level",
            advice: "known: \(SandboxLevel.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        named.insert(level)
      }
      said.levels = named
      levels = organisation?.levels.map { $0.intersection(named) } ?? named
    }
    if let watch = try table.string("watch", among: ["on", "off"]) {
      said.watch = watch
      if organisation?.watch != "on" { terms.watchesPrograms = watch == "on" }
    }
    if let recorded = try table.int("recorded") {
      guard (0...10_000).contains(recorded) else {
        throw UsageFailure("\(table.place): `recorded` is a number from 0 to 10000")
      }
      said.recorded = recorded
      terms.recorded = max(recorded, organisation?.recorded ?? 0)
    }
    if let table = try table.table("limits") { try readLimits(table, &said) }
    if isOrganisation { organisation = said }
  }

  private mutating func readLimits(_ table: TableReader, _ said: inout Organisation) throws(UsageFailure) {
    try table.allow(["wall_seconds"] + Self.limitNames.map(\.name))
    func number(_ name: String) throws(UsageFailure) -> Int? {
      guard let number = try table.int(name) else { return nil }
      guard number > 0 else { throw UsageFailure("\(table.place): `\(name)` has to be more than 0") }
      return organisation?.limits[name].map { min($0, number) } ?? number
    }
    if let seconds = try number("wall_seconds") {
      said.limits["wall_seconds"] = seconds
      limits.wallSeconds = Double(seconds)
    }
    for (name, path) in Self.limitNames {
      guard let value = try number(name) else { continue }
      said.limits[name] = value
      limits[keyPath: path] = value
    }
  }
}
