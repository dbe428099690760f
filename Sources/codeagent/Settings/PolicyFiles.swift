import Access
import Agent
import Git
import Glibc
import Paths
import Workspace

/// Reads the policy and label files of the three layers. What is there and cannot be read stops every run.
enum PolicyFiles {
  static let organisation = "/etc/codeagent/policies"
  static let repository = ".codeagent/policies"
  private static let mostFiles = 1000

  /// The organisation's and the user's files, and those of the committed base of the repository.
  static func load(
    environment: [String: String], location: CheckoutLocation?, into sources: inout PolicySources
  ) throws {
    try add(directory: organisation, .organisation, to: &sources)
    if let configuration = Directories.configuration(environment) {
      try add(directory: configuration + "/policies", .user, to: &sources)
    }
    if let location { try addRepository(location, to: &sources) }
  }

  /// The files of a directory, in byte order of their names; a missing directory is no error.
  static func add(directory: String, _ layer: LayerName, to sources: inout PolicySources) throws {
    guard let stream = opendir(directory) else {
      if errno == ENOENT { return }
      throw failure("\(directory) cannot be read: \(String(cString: strerror(errno)))")
    }
    defer { closedir(stream) }
    var names: [String] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      guard isPolicy(name) else { continue }
      guard let text = String(validating: name, as: UTF8.self) else {
        throw failure("\(directory): the name \(Quoting.quote(name)) is not UTF-8")
      }
      names.append(text)
    }
    guard names.count <= mostFiles else { throw failure("\(directory) holds more than \(mostFiles) policy files") }
    for name in names.sorted(by: { $0.utf8.lexicographicallyPrecedes($1.utf8) }) {
      try add(file: "\(directory)/\(name)", layer, to: &sources)
    }
  }

  /// One file, by its ending.
  static func add(file: String, _ layer: LayerName, to sources: inout PolicySources) throws {
    add(PolicyFile(layer: layer, name: file, text: try text(of: file)), to: &sources)
  }

  /// A text file of bounded size.
  static func text(of file: String) throws -> String {
    let descriptor = open(file, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
    guard descriptor >= 0 else { throw failure("\(file) cannot be read: \(String(cString: strerror(errno)))") }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw failure("\(file) is not a file")
    }
    guard status.st_size <= mostBytes else { throw failure("\(file) is larger than \(mostBytes >> 20) MiB") }
    let bytes: [UInt8]
    switch WholeInput.read(descriptor, limit: mostBytes) {
    case .bytes(let whole): bytes = whole
    case .tooLarge: throw failure("\(file) is larger than \(mostBytes >> 20) MiB")
    case .failed(let reason): throw failure("\(file) cannot be read: \(reason)")
    }
    guard let text = String(validating: bytes, as: UTF8.self) else { throw failure("\(file) is not UTF-8 text") }
    return text
  }

  private static let mostBytes = 4 << 20

  private static func isPolicy(_ name: [UInt8]) -> Bool {
    name.first != UInt8(ascii: ".") && (name.ends(with: ".cedar") || name.ends(with: ".labels"))
  }

  private static func add(_ file: PolicyFile, to sources: inout PolicySources) {
    if file.name.hasSuffix(".labels") { sources.labels.append(file) } else { sources.policies.append(file) }
  }

  // MARK: The repository's

  private static func addRepository(_ location: CheckoutLocation, to sources: inout PolicySources) throws {
    guard let place = location.repository, let directory = RepoPath(repository) else { return }
    let repository = try Repository.open(place)
    guard let commit = try repository.head.commit else { return }
    let tree = try repository.tree(of: commit)
    func text(_ id: ObjectID, _ name: String) throws -> String {
      guard let text = String(validating: try repository.readBlob(id, maximumSize: mostBytes), as: UTF8.self) else {
        throw failure("\(name) of the committed base is not UTF-8 text")
      }
      return text
    }
    for name in CodeOwners.places {
      guard let path = RepoPath(name), let entry = try repository.entry(tree, path), entry.mode.isFile else { continue }
      sources.owners = CodeOwners(try text(entry.id, name))
      break
    }
    guard let entry = try repository.entry(tree, directory) else { return }
    guard entry.mode == .tree else {
      throw failure("\(Self.repository) of the committed base is not a directory")
    }
    for child in try repository.children(of: entry.id, at: directory).sorted(by: { $0.path < $1.path }) {
      guard isPolicy(child.path.name) else { continue }
      guard child.mode.isFile else { throw failure("\(child.path) of the committed base is not a file") }
      add(
        PolicyFile(layer: .repository, name: child.path.quoted, text: try text(child.id, child.path.quoted)),
        to: &sources)
    }
  }

  private static func failure(_ reason: String) -> RunFailure {
    RunFailure(.policy, "policy cannot be read: \(reason)", hint: "a policy that cannot be used stops every run")
  }
}

extension Array where Element == UInt8 {
  fileprivate func ends(with text: String) -> Bool { suffix(text.utf8.count).elementsEqual(text.utf8) }
}

extension FileMode {
  fileprivate var isFile: Bool { self == .regular || self == .executable }
}
