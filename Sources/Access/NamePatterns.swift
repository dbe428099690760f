/// Hosts by name: `example.com`, `*.example.com` (every name below it, not itself), `*`, an address, each with or
/// without `:port`; an IPv6 address with a port in brackets.
public struct HostPattern: Sendable, Hashable {
  private let name: [UInt8]
  private let isSuffix: Bool
  private let isAnything: Bool
  private let port: Int?

  /// Reads a pattern.
  public init(_ pattern: String) throws(GlobError) {
    func fail(_ reason: String) -> GlobError { GlobError(pattern: pattern, reason: reason) }
    var name = pattern[...]
    var port: Int?
    if name.first == "[" {
      guard let close = name.firstIndex(of: "]") else { throw fail("a bracket is not closed") }
      let rest = name[name.index(after: close)...]
      name = name[name.index(after: name.startIndex)..<close]
      if !rest.isEmpty {
        guard rest.first == ":", let number = UInt16(rest.dropFirst()) else { throw fail("its port is not a number") }
        port = Int(number)
      }
    } else if let colon = name.lastIndex(of: ":"), name.firstIndex(of: ":") == colon {
      guard let number = UInt16(name[name.index(after: colon)...]), number > 0 else {
        throw fail("its port is not a number")
      }
      port = Int(number)
      name = name[..<colon]
    }
    self.port = port
    isAnything = name == "*"
    isSuffix = name.hasPrefix("*.")
    if isSuffix { name = name.dropFirst() }
    guard !name.isEmpty, name != ".", isAnything || !name.contains("*") else {
      throw fail("a star can only stand alone or for whole labels at the start")
    }
    guard name.unicodeScalars.allSatisfy({ $0.isASCII && $0.value > 0x20 && $0 != "/" }) else {
      throw fail("a host is written in ASCII, without scheme and path")
    }
    self.name = HostPattern.normalized(name)
  }

  /// Whether it stands for more than one name.
  var isGeneral: Bool { isAnything || isSuffix }

  /// Whether the pattern stands for this host.
  public func matches(_ host: Resource.Host) -> Bool {
    guard port == nil || port == host.port else { return false }
    if isAnything { return true }
    let name = HostPattern.normalized(host.name[...])
    return isSuffix ? name.count > self.name.count && name.suffix(self.name.count) == self.name[...] : name == self.name
  }

  private static func normalized(_ name: Substring) -> [UInt8] {
    var bytes = name.utf8.map(PathFolding.lower)
    if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
    return bytes
  }
}

/// Models by name: `provider/name`, where `*` stands for any text, or `provider` for all of its models.
public struct ModelPattern: Sendable, Hashable {
  private let provider: Glob
  private let name: Glob?

  /// Reads a pattern.
  public init(_ pattern: String) throws(GlobError) {
    guard !pattern.isEmpty else { throw GlobError(pattern: pattern, reason: "it names nothing") }
    let parts = pattern.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    do throws(GlobError) {
      provider = try Glob(String(parts[0]), syntax: .nameIgnoringCase)
      name = parts.count == 2 ? try Glob(String(parts[1]), syntax: .nameIgnoringCase) : nil
    } catch {
      throw GlobError(pattern: pattern, reason: error.reason)
    }
  }

  /// Whether the pattern stands for this model.
  public func matches(_ model: Resource.Model) -> Bool {
    guard provider.matches(PathFolding.lowercased(Array(model.provider.utf8))) else { return false }
    return name?.matches(PathFolding.lowercased(Array(model.name.utf8))) ?? true
  }
}

/// Programs: a pattern without a slash stands for every program of that name, one with a slash for absolute paths.
struct ProgramPattern: Sendable {
  private let glob: Glob
  private let isPath: Bool

  init(_ pattern: String) throws(GlobError) {
    isPath = pattern.utf8.contains(UInt8(ascii: "/"))
    glob = try Glob(pattern, syntax: isPath ? .pathIgnoringCase : .nameIgnoringCase)
  }

  func matches(_ command: Resource.Command) -> Bool {
    let program = PathFolding.lowercased(command.program)
    if isPath { return glob.matches(program.first == UInt8(ascii: "/") ? Array(program.dropFirst()) : program) }
    let name = program[((program.lastIndex(of: UInt8(ascii: "/")) ?? -1) + 1)...]
    return glob.matches(Array(name))
  }
}
