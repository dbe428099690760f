internal import JSON
public import Paths

/// A project's files as they stand, for recognising how it is tested. Paths are relative to the checkout.
///
/// Whoever gives them bounds what is read: an answer may be nil for a file that is too large, special or outside.
public protocol ProjectFiles {
  /// True when a file or directory is there.
  func exists(_ path: RepoPath) -> Bool
  /// A regular file's content; nil when there is none, or it cannot be read.
  func read(_ path: RepoPath) -> [UInt8]?
  /// The entries of a directory; empty when there is none.
  func list(_ dir: RepoPath) -> [(name: [UInt8], isDirectory: Bool)]
}

/// One directory of a project, asked by names.
struct ProjectDirectory<Files: ProjectFiles> {
  let files: Files
  let path: RepoPath
  /// Where it lies below the directory that was asked about.
  var below = RepoPath.root

  /// Bytes of a configuration or test file that are looked at.
  static var maximumBytes: Int { 256 << 10 }

  func at(_ relative: String) -> RepoPath? {
    if relative == "." || relative.isEmpty { return path }
    return RepoPath(relative).map(path.joining)
  }

  func exists(_ relative: String) -> Bool { at(relative).map(files.exists) ?? false }

  func text(_ relative: String) -> String? {
    at(relative).flatMap(files.read).map { String(decoding: $0.prefix(Self.maximumBytes), as: UTF8.self) }
  }

  func entries(_ relative: String = ".") -> [(name: String, isDirectory: Bool)] {
    guard let path = at(relative) else { return [] }
    return files.list(path).prefix(4096).map { (String(decoding: $0.name, as: UTF8.self), $0.isDirectory) }
      .sorted { $0.0 < $1.0 }
  }

  /// The scripts of `package.json`.
  var packageScripts: [String: String]? {
    guard let bytes = at("package.json").flatMap(files.read), let json = try? JSONValue(parsing: bytes) else {
      return nil
    }
    var scripts: [String: String] = [:]
    for member in json["scripts"]?.object?.members ?? [] { scripts[member.name] = member.value.string }
    return scripts
  }
}
