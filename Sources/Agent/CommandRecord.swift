import JSON
import Paths
import Sandbox
import Workspace

/// What the record keeps of a command beside its output: how it ended, what it used, and under what it ran.
enum CommandRecord {
  /// The fields of a command's outcome.
  static func fields(_ run: CommandRun) -> JSONObject {
    let result = run.result
    var fields: JSONObject = [
      "status": .string(result.status.text), "milliseconds": .milliseconds(result.duration),
      "outputBytes": JSONValue(result.output.totalBytes), "sandbox": sandbox(run.setting),
      "variables": .array(run.setting.variables.map { .string(Quoting.quote(Array($0.utf8))) }),
    ]
    switch result.status {
    case .exited(let code): fields["exit"] = JSONValue(Int(code))
    case .signaled(let signal): fields["signal"] = JSONValue(Int(signal))
    case .overrun(let limit): fields["overrun"] = .string(limit.rawValue)
    case .cancelled: break
    }
    if let seconds = result.cpuSeconds { fields["cpuMilliseconds"] = .milliseconds(seconds) }
    if let bytes = result.peakMemoryBytes { fields["peakMemoryBytes"] = JSONValue(bytes) }
    return fields
  }

  /// The sandbox's profile as it was applied.
  static func sandbox(_ setting: CommandSetting) -> JSONValue {
    let limits = setting.limits
    let copy: JSONValue = if case .copy = setting.mode { "copy" } else { "overlay" }
    return [
      "level": .string(setting.level.rawValue), "files": copy,
      "network": setting.hasNetwork ? "named hosts" : "none", "watched": .bool(setting.isWatched),
      "hidden": JSONValue(setting.hidden),
      "limits": [
        "milliseconds": .milliseconds(limits.wallSeconds), "cpuSeconds": JSONValue(limits.cpuSeconds),
        "memoryBytes": JSONValue(limits.memoryBytes), "processes": JSONValue(limits.processes),
        "fileBytes": JSONValue(limits.fileBytes), "outputBytes": JSONValue(limits.outputBytes),
        "diskBytes": JSONValue(limits.diskBytes), "diskFiles": JSONValue(limits.diskFiles),
      ],
    ]
  }
}

extension JSONValue {
  /// Whole milliseconds, within what can be recorded: a limit may be endless.
  static func milliseconds(_ seconds: Double) -> JSONValue {
    .int(Int64(min(max(0, seconds.isNaN ? 0 : seconds * 1000), 1e15)))
  }
}

extension JSONObject {
  /// The members of both; where both have one, the other's.
  func merging(_ other: JSONObject) -> JSONObject {
    var result = self
    for member in other.members { result[member.name] = member.value }
    return result
  }
}
