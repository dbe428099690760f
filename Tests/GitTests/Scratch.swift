import Foundation
import Glibc
import Paths
import Testing

@testable import Git

extension String {
  var bytes: [UInt8] { Array(utf8) }
}

/// A directory of its own for one test, gone afterwards, with the git command in it cut off from the user's configuration.
final class Scratch: Sendable {
  let root: [UInt8]

  init() throws {
    var template = (NSTemporaryDirectory() + "/git-tests-XXXXXX").utf8CString.map { $0 }
    guard mkdtemp(&template) != nil else { throw Failure(message: "mkdtemp") }
    let path = template.prefix { $0 != 0 }.map(UInt8.init(bitPattern:))
    root = try #require(FileSystem.resolve(path))
  }

  deinit { try? FileManager.default.removeItem(atPath: String(decoding: root, as: UTF8.self)) }

  struct Failure: Error, CustomStringConvertible {
    let message: String
    var description: String { message }
  }

  func path(_ relative: String) -> [UInt8] { relative.isEmpty ? root : root + "/\(relative)".bytes }

  func text(_ relative: String) -> String { String(decoding: path(relative), as: UTF8.self) }

  func write(_ relative: String, _ content: String) throws { try write(relative.bytes, content.bytes) }

  /// Writes a file whose name need not be UTF-8; makes its directories.
  func write(_ relative: [UInt8], _ content: [UInt8], executable: Bool = false) throws {
    var directory = root
    for component in relative.split(separator: 0x2f).dropLast() {
      directory += [0x2f] + component
      _ = FileSystem.terminated(directory) { mkdir($0, 0o755) }
    }
    let file = FileSystem.terminated(root + [0x2f] + relative) {
      Glibc.open($0, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, executable ? 0o755 : 0o644)
    }
    guard file >= 0 else { throw Failure(message: "cannot write \(Quoting.quote(relative)): \(errno)") }
    defer { close(file) }
    _ = fchmod(file, executable ? 0o755 : 0o644)
    var rest = content[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
      guard count > 0 else { throw Failure(message: "cannot write \(Quoting.quote(relative))") }
      rest = rest.dropFirst(count)
    }
  }

  func link(_ relative: String, to target: String) throws {
    guard symlink(target, text(relative)) == 0 else { throw Failure(message: "symlink") }
  }

  /// Runs git in a directory of this one; throws when it fails.
  @discardableResult
  func git(_ arguments: String..., at directory: String = "", input: [UInt8] = [], check: Bool = true) throws -> [UInt8]
  {
    try git(arguments, at: directory, input: input, check: check)
  }

  @discardableResult
  func git(_ arguments: [String], at directory: String = "", input: [UInt8] = [], check: Bool = true) throws -> [UInt8]
  {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/git")
    process.arguments =
      ["-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always", "-c", "advice.detachedHead=false"]
      + arguments
    process.currentDirectoryURL = URL(filePath: text(directory))
    process.environment = [
      "GIT_CONFIG_GLOBAL": "/dev/null", "GIT_CONFIG_NOSYSTEM": "1", "HOME": "/nonexistent", "PATH": "/usr/bin:/bin",
      "GIT_AUTHOR_NAME": "A", "GIT_AUTHOR_EMAIL": "a@example.com", "GIT_COMMITTER_NAME": "A",
      "GIT_COMMITTER_EMAIL": "a@example.com", "GIT_AUTHOR_DATE": "1700000000 +0100",
      "GIT_COMMITTER_DATE": "1700000000 +0100", "LC_ALL": "C",
    ]
    let output = Pipe()
    process.standardOutput = output
    let errors = text("") + "/output-\(UInt64.random(in: 0 ... .max))"
    _ = FileManager.default.createFile(atPath: errors, contents: nil)
    defer { try? FileManager.default.removeItem(atPath: errors) }
    process.standardError = FileHandle(forWritingAtPath: errors)
    let inputFile = errors + "-in"
    _ = FileManager.default.createFile(atPath: inputFile, contents: Data(input))
    defer { try? FileManager.default.removeItem(atPath: inputFile) }
    process.standardInput = FileHandle(forReadingAtPath: inputFile)
    try process.run()
    let result = [UInt8](output.fileHandleForReading.readDataToEndOfFile())
    process.waitUntilExit()
    if check && process.terminationStatus != 0 {
      let message = (try? String(contentsOfFile: errors, encoding: .utf8)) ?? ""
      throw Failure(message: "git \(arguments.joined(separator: " ")): \(process.terminationStatus): \(message)")
    }
    return result
  }

  /// The first word that git prints, as an id.
  func id(_ arguments: String..., at directory: String = "", input: [UInt8] = []) throws -> ObjectID {
    let output = try git(arguments, at: directory, input: input)
    return try #require(ObjectID(hex: String(decoding: output.prefix(40), as: UTF8.self)))
  }

  /// A repository with one commit.
  func makeRepository(_ directory: String = "repo", files: [String: String] = ["a.txt": "a\n", "dir/b.txt": "b\n"])
    throws
  {
    try git("init", "-q", directory)
    for (name, content) in files { try write("\(directory)/\(name)", content) }
    try commitAll(directory)
  }

  func commitAll(_ directory: String = "repo", _ message: String = "commit") throws {
    try git("add", "-A", at: directory)
    try git("commit", "-q", "--allow-empty", "-m", message, at: directory)
  }

  func open(_ directory: String = "repo") throws -> Repository {
    try Repository.open(try #require(try Repository.discover(from: path(directory))))
  }
}

func repoPath(_ text: String) throws -> RepoPath { try #require(RepoPath(text)) }

extension [UInt8] {
  /// The pieces of NUL-separated output.
  var records: [[UInt8]] { split(separator: 0).map { [UInt8]($0) } }
  var asText: String { String(decoding: self, as: UTF8.self) }
}
