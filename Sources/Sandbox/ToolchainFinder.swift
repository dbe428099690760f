import Glibc

/// Follows directories of programs to the installations they belong to.
struct ToolchainFinder {
  private let home: [UInt8]
  private var roots: Set<[UInt8]> = []
  private var links: Set<[UInt8]> = []
  private var seen: Set<[UInt8]> = []

  init(home: [UInt8]) {
    self.home = Self.real(home) ?? home
  }

  /// One entry of `PATH`, or a directory of programs found behind a link.
  mutating func add(entry: [UInt8]) {
    guard entry.first == UInt8(ascii: "/"), let directory = Self.real(entry), seen.insert(directory).inserted else {
      noteLinks(on: entry)
      return
    }
    noteLinks(on: entry)
    add(programs: directory)
    // Programs that are links to installations elsewhere: /usr/bin/swift, a virtual environment's python.
    for link in Self.symbolicLinks(in: directory) {
      let path = directory + [UInt8(ascii: "/")] + link
      guard let target = Self.real(path), !Self.isOfSystem(target), Self.isProgram(target) else { continue }
      noteLinks(on: path)
      let place = Self.parent(target)
      if seen.insert(place).inserted { add(programs: place) }
    }
  }

  /// All that was found, without what lies below something else that was found.
  var sorted: [[UInt8]] {
    var kept: [[UInt8]] = []
    for path in roots.union(links).sorted(by: { $0.lexicographicallyPrecedes($1) }) {
      // The root of a link is the link itself, not what is behind it.
      if !kept.contains(where: { roots.contains($0) && path.isAtOrBelow($0) }) { kept.append(path) }
    }
    return kept
  }

  /// The installation that a directory of programs belongs to.
  private mutating func add(programs directory: [UInt8]) {
    guard !Self.isOfSystem(directory), !isPrivate(directory) else { return }
    for store in ["/nix/store", "/gnu/store"] where directory.isAtOrBelow(Array(store.utf8)) {
      roots.insert(Array(store.utf8))
      return
    }
    if let known = knownBelowHome(directory) {
      for path in known where Self.exists(path) { roots.insert(path) }
      return
    }
    let parent = Self.parent(directory)
    let name = String(decoding: directory[(parent.count)...].drop { $0 == UInt8(ascii: "/") }, as: UTF8.self)
    let whole = ["bin", "sbin", "shims", "condabin", "Scripts", ".bin"].contains(name)
    if whole, !isBroad(parent), !isPrivate(parent) {
      roots.insert(parent)
    } else if !isBroad(directory) {
      roots.insert(directory)
    }
  }

  /// Installations that share their directory with things that are not for every command's eyes.
  private func knownBelowHome(_ directory: [UInt8]) -> [[UInt8]]? {
    let known: [(programs: String, roots: [String])] = [
      // Without config.toml and credentials.toml.
      (".cargo/bin", [".cargo/bin", ".cargo/registry", ".cargo/git", ".cargo/env", ".rustup"]),
      (".local/bin", [".local/bin", ".local/lib"]),
      ("go/bin", ["go/bin", "go/pkg"]),
      ("bin", ["bin"]),
    ]
    let below = { (name: String) in home + Array("/\(name)".utf8) }
    return known.first { below($0.programs) == directory }.map { $0.roots.map(below) }
  }

  /// Directories that hold more than one installation.
  private func isBroad(_ path: [UInt8]) -> Bool {
    if home.isAtOrBelow(path) { return true }
    let shared = [
      "/", "/home", "/root", "/opt", "/srv", "/mnt", "/media", "/var", "/run", "/tmp", "/etc", "/dev", "/proc", "/sys",
    ]
    if shared.contains(where: { Array($0.utf8) == path }) { return true }
    let below = [".local", ".local/share", ".cargo", ".config", ".cache", "go", "Library", "snap"]
    return below.contains { home + Array("/\($0)".utf8) == path }
  }

  /// Directories of secrets, and what lies in them.
  private func isPrivate(_ path: [UInt8]) -> Bool {
    let names = [
      ".ssh", ".aws", ".gnupg", ".docker", ".kube", ".azure", ".config", ".password-store", ".m2", ".netrc", ".mozilla",
      ".git-credentials", ".local/share/keyrings", ".codeagent",
    ]
    return names.contains { path.isAtOrBelow(home + Array("/\($0)".utf8)) }
  }

  /// Keeps the symbolic links that a path goes through.
  private mutating func noteLinks(on path: [UInt8]) {
    guard path.first == UInt8(ascii: "/") else { return }
    var current: [UInt8] = []
    var hops = 0
    var rest = path.split(separator: UInt8(ascii: "/")).map(Array.init)
    while !rest.isEmpty, hops < 40 {
      let part = rest.removeFirst()
      if part == [UInt8(ascii: ".")] { continue }
      if part == [UInt8(ascii: "."), UInt8(ascii: ".")] {
        // What was passed is free of links, so the directory above is the one above it by name.
        current = current.lastIndex(of: UInt8(ascii: "/")).map { Array(current[..<$0]) } ?? []
        continue
      }
      let next = current + [UInt8(ascii: "/")] + part
      guard let target = Self.linkTarget(next) else {
        current = next
        continue
      }
      hops += 1
      if !Self.isOfSystem(next), !isPrivate(next) { links.insert(next) }
      if target.first == UInt8(ascii: "/") { current = [] }
      rest = target.split(separator: UInt8(ascii: "/")).map(Array.init) + rest
    }
  }

  private static func isOfSystem(_ path: [UInt8]) -> Bool {
    Plan.systemDirectories.contains { path.isAtOrBelow(Array($0.utf8)) }
  }

  private static func parent(_ path: [UInt8]) -> [UInt8] {
    guard let slash = path.lastIndex(of: UInt8(ascii: "/")), slash > 0 else { return [UInt8(ascii: "/")] }
    return Array(path[..<slash])
  }

  private static func isProgram(_ path: [UInt8]) -> Bool {
    var status = stat()
    return withCPath(path) { stat($0, &status) } == 0 && status.st_mode & S_IFMT == S_IFREG
      && status.st_mode & 0o111 != 0
  }

  private static func exists(_ path: [UInt8]) -> Bool { withCPath(path) { access($0, F_OK) == 0 } }

  private static func real(_ path: [UInt8]) -> [UInt8]? {
    withCPath(path) { pointer in
      guard let resolved = realpath(pointer, nil) else { return nil }
      defer { free(resolved) }
      return UnsafeBufferPointer(start: resolved, count: strlen(resolved)).map { UInt8(bitPattern: $0) }
    }
  }

  private static func linkTarget(_ path: [UInt8]) -> [UInt8]? {
    var buffer = [CChar](repeating: 0, count: Int(PATH_MAX))
    let count = withCPath(path) { readlink($0, &buffer, buffer.count) }
    return count > 0 ? buffer[..<count].map { UInt8(bitPattern: $0) } : nil
  }

  private static func symbolicLinks(in path: [UInt8]) -> [[UInt8]] {
    guard let directory = withCPath(path, { opendir($0) }) else { return [] }
    defer { closedir(directory) }
    var names: [[UInt8]] = []
    while let entry = readdir(directory) {
      guard entry.pointee.d_type == UInt8(DT_LNK) else { continue }
      names.append(withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) })
    }
    return names
  }
}
