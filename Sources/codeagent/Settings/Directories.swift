import Agent
import Glibc
import Paths

/// Where the program keeps its files (XDG Base Directory Specification).
enum Directories {
  /// `$XDG_CONFIG_HOME/codeagent`, or `~/.config/codeagent`; nil without a home.
  static func configuration(_ environment: [String: String]) -> String? {
    place(environment, "XDG_CONFIG_HOME", ".config")
  }

  /// `$XDG_STATE_HOME/codeagent`, or `~/.local/state/codeagent`: the record and the runs.
  static func state(_ environment: [String: String]) throws(UsageFailure) -> String {
    guard let place = place(environment, "XDG_STATE_HOME", ".local/state") else {
      throw UsageFailure("there is no home directory to keep the record in", advice: "set HOME or XDG_STATE_HOME")
    }
    return place
  }

  /// `$XDG_CACHE_HOME/codeagent`, or `~/.cache/codeagent`: the index.
  static func cache(_ environment: [String: String]) throws(UsageFailure) -> String {
    if let place = place(environment, "XDG_CACHE_HOME", ".cache") { return place }
    return try state(environment) + "/cache"
  }

  /// Makes a directory that only its user can read, and those above it.
  static func make(_ path: [UInt8]) throws {
    var prefix: [UInt8] = []
    for component in path.split(separator: UInt8(ascii: "/")) {
      prefix += [UInt8(ascii: "/")] + component
      let name = prefix.map { CChar(bitPattern: $0) } + [0]
      if mkdir(name, 0o700) != 0, errno != EEXIST {
        throw RunFailure(
          .record, "\(Quoting.quote(prefix)) cannot be made: \(String(cString: strerror(errno)))",
          hint: "set XDG_STATE_HOME to a directory that can be written")
      }
    }
  }

  /// The user's home, from the environment or the account.
  static func home(_ environment: [String: String]) -> String? {
    if let home = environment["HOME"], home.hasPrefix("/") { return home }
    guard let account = getpwuid(getuid()), let directory = account.pointee.pw_dir else { return nil }
    return String(cString: directory)
  }

  private static func place(_ environment: [String: String], _ variable: String, _ fallback: String) -> String? {
    if let base = environment[variable], base.hasPrefix("/") { return base + "/codeagent" }
    return home(environment).map { "\($0)/\(fallback)/codeagent" }
  }
}
