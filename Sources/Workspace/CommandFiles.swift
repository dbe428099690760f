import Git
import Glibc
import Paths
import Sandbox

/// Files of the agent that a command finds at a fixed place: reporters for test runners.
enum AdaptorDirectory {
  /// A name for this set of files and their content.
  static func name(_ adaptors: [String: [UInt8]]) -> String {
    var listing: [UInt8] = []
    for (name, content) in adaptors.sorted(by: { $0.key < $1.key }) {
      listing += Array("\(name.utf8.count) \(name) \(BlobHash.id(of: content))\n".utf8)
    }
    return BlobHash.id(of: listing).hex
  }

  /// Writes the files to a directory in the storage; returns its path.
  static func write(
    _ adaptors: [String: [UInt8]], named name: String, _ storage: RunStorage
  ) throws(WorkspaceError) -> [UInt8] {
    let container = try storage.makeDirectory("adaptors")
    try container.removeTree(Array(name.utf8))
    let directory = try storage.makeDirectory("adaptors", name, permissions: 0o755)
    for (path, content) in adaptors {
      guard let path = RepoPath(path), !path.isRoot else {
        throw WorkspaceError(.outside, "\(Quoting.quote(Array(path.utf8))) is no name for an adaptor")
      }
      var current = directory
      for component in path.components.dropLast() {
        try current.makeDirectory(component, permissions: 0o755)
        guard let next = current.subdirectory(component) else { throw .writing(path.bytes, ENOTDIR) }
        current = next
      }
      try current.create(path.name, content, permissions: 0o755, subject: path.bytes)
    }
    return storage.path("adaptors", name)
  }
}

/// An empty directory that a command can write its results to.
struct ResultsDirectory {
  let binding: SandboxView.Binding
  private let container: Descriptor
  private let directory: Descriptor
  private let name: [UInt8]

  init(_ storage: RunStorage) throws(WorkspaceError) {
    let name = "\(UInt64.random(in: 0 ... .max))"
    self.name = Array(name.utf8)
    container = try storage.makeDirectory("results")
    directory = try storage.makeDirectory("results", name, permissions: 0o700)
    try LayerOwner.current.take(container, self.name)
    binding = SandboxView.Binding(
      source: storage.path("results", name), destination: Array(Workspace.resultsDirectory.utf8))
  }

  /// The regular files that were left, by their path. What is not regular, too large, too deep or too much is passed over.
  func collect() throws(WorkspaceError) -> [String: [UInt8]] {
    var results: [String: [UInt8]] = [:]
    var bytesLeft = 4 * Workspace.largestResult
    try collect(directory, prefix: "", levels: 8, into: &results, &bytesLeft)
    return results
  }

  private func collect(
    _ directory: Descriptor, prefix: String, levels: Int, into results: inout [String: [UInt8]], _ bytesLeft: inout Int
  ) throws(WorkspaceError) {
    for name in try directory.names() {
      guard let status = try directory.status(name), let text = String(validating: name, as: UTF8.self) else {
        continue
      }
      if status.kind == .directory, levels > 0, let child = directory.subdirectory(name) {
        child.unlock(status)
        try collect(child, prefix: "\(prefix)\(text)/", levels: levels - 1, into: &results, &bytesLeft)
      } else if status.kind == .regular, status.size <= min(Workspace.largestResult, bytesLeft), results.count < 10_000
      {
        let content = try directory.contents(name, limit: Workspace.largestResult, unlocking: true)
        bytesLeft -= content.count
        results[prefix + text] = content
      }
    }
  }

  func remove() { try? container.removeTree(name) }
}
