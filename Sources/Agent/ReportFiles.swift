import Paths
import Workspace

/// Collects report files that a test run left in the workspace, by patterns such as `target/surefire-reports/*.xml`.
enum ReportFiles {
  private static let mostFiles = 2000
  private static let mostBytes = 64 << 20

  /// Reads the matching files; keys are relative to `directory`.
  static func collect(
    _ patterns: [String], in workspace: Workspace, below directory: RepoPath
  ) async throws -> [RepoPath: [UInt8]] {
    var found: [RepoPath: [UInt8]] = [:]
    for pattern in patterns {
      let components = pattern.split(separator: "/").map { Array($0.utf8) }
      try await walk(directory, components[...], in: workspace, base: directory, into: &found)
    }
    return found
  }

  private static func walk(
    _ directory: RepoPath, _ pattern: ArraySlice<[UInt8]>, in workspace: Workspace, base: RepoPath,
    into found: inout [RepoPath: [UInt8]]
  ) async throws {
    guard let first = pattern.first, found.count < mostFiles else { return }
    guard let entries = try? await workspace.list(directory) else { return }
    let rest = pattern.dropFirst()
    if first.elementsEqual("**".utf8) {
      try await walk(directory, rest, in: workspace, base: base, into: &found)
      for entry in entries where entry.kind == .directory && entry.name.first != UInt8(ascii: ".") {
        guard !entry.name.elementsEqual("node_modules".utf8), let next = directory.appending(entry.name) else {
          continue
        }
        try await walk(next, pattern, in: workspace, base: base, into: &found)
      }
      return
    }
    for entry in entries where matches(entry.name[...], first[...]) {
      guard let path = directory.appending(entry.name) else { continue }
      if rest.isEmpty {
        guard entry.kind == .regular, let relative = path.relative(to: base) else { continue }
        if let content = try? await workspace.read(path, limit: mostBytes) { found[relative] = content.bytes }
      } else if entry.kind == .directory {
        try await walk(path, rest, in: workspace, base: base, into: &found)
      }
    }
  }

  /// Matches one component against a pattern with `*`, in time linear in both for the single star that patterns have.
  private static func matches(_ name: ArraySlice<UInt8>, _ pattern: ArraySlice<UInt8>) -> Bool {
    let star = UInt8(ascii: "*")
    let pieces = pattern.split(separator: star, omittingEmptySubsequences: false)
    guard pieces.count > 1 else { return name.elementsEqual(pattern) }
    guard name.count >= pattern.count - (pieces.count - 1), name.starts(with: pieces[0]) else { return false }
    var rest = name.dropFirst(pieces[0].count)
    for piece in pieces.dropFirst().dropLast() {
      guard let index = rest.indices.first(where: { rest[$0...].starts(with: piece) }) else { return false }
      rest = rest[index...].dropFirst(piece.count)
    }
    guard let last = pieces.last else { return false }
    return rest.count >= last.count && rest.suffix(last.count).elementsEqual(last)
  }
}
