/// Which hosts belong to this machine or to the organisation's own network, told from the name or address alone: what a
/// name resolves to is in others' hands.
public struct NetworkPlaces: Sendable, Hashable {
  private let inside: [HostPattern]

  /// Beside private addresses, these names and addresses are inside.
  public init(inside: [HostPattern] = []) { self.inside = inside }

  /// True for this machine, private addresses (RFC 1918, RFC 4193) and what the configuration names. Link-local addresses
  /// are not: cloud machines hand out credentials there.
  public func isInternal(_ host: String, port: Int) -> Bool {
    let name = host.hasSuffix(".") ? String(host.dropLast()) : host
    if isLocal(name) { return true }
    if inside.contains(where: { $0.matches(Resource.Host(name: name, port: port)) }) { return true }
    if let parts = Self.fourParts(name) {
      switch (parts[0], parts[1]) {
      case (10, _), (192, 168): return true
      case (172, 16...31): return true
      default: return false
      }
    }
    let lowered = name.lowercased()
    guard lowered.contains(":"), !lowered.contains(".") else { return false }
    return ["fc", "fd"].contains { lowered.hasPrefix($0) && lowered.prefix { $0 != ":" }.utf8.count == 4 }
  }

  /// True for this machine.
  public func isLocal(_ name: String) -> Bool {
    let lowered = name.hasSuffix(".") ? name.dropLast().lowercased() : name.lowercased()
    if lowered == "localhost" || lowered == "::1" { return true }
    return Self.fourParts(lowered)?[0] == 127
  }

  /// The name and port of an address such as `10.0.0.7:8000`, `[::1]:80`, `http://host/path`.
  public static func host(of endpoint: String) -> (name: String, port: Int) {
    var rest = endpoint[...]
    var port = 443
    if let scheme = rest.firstRange(of: "://") {
      if rest[..<scheme.lowerBound].lowercased() == "http" { port = 80 }
      rest = rest[scheme.upperBound...]
    }
    rest = rest.prefix { $0 != "/" && $0 != "?" && $0 != "#" }
    if let at = rest.lastIndex(of: "@") { rest = rest[rest.index(after: at)...] }
    if rest.first == "[", let close = rest.firstIndex(of: "]") {
      let name = rest[rest.index(after: rest.startIndex)..<close]
      let tail = rest[rest.index(after: close)...]
      return (String(name), tail.first == ":" ? Int(tail.dropFirst()) ?? port : port)
    }
    guard let colon = rest.lastIndex(of: ":"), rest.firstIndex(of: ":") == colon else { return (String(rest), port) }
    return (String(rest[..<colon]), Int(rest[rest.index(after: colon)...]) ?? port)
  }

  /// The parts of a dotted address in its plain form: what has leading zeros or other bases is a name to us.
  private static func fourParts(_ name: some StringProtocol) -> [Int]? {
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4 else { return nil }
    var numbers: [Int] = []
    for part in parts {
      guard part.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let number = UInt8(part),
        part.utf8.count == 1 || part.utf8.first != 0x30
      else { return nil }
      numbers.append(Int(number))
    }
    return numbers
  }
}
