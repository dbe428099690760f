import Git
import Paths
import TestReports
import Workspace

/// A change, taken apart by what the judge does with it.
struct ChangeParts: Sendable {
  /// Code and everything else that is judged with the base's tests.
  var code: [FileChange] = []
  /// Tests and test configuration.
  var tests: [FileChange] = []
  /// Caches and binaries that building and testing left behind where no ignore rule names them.
  var byproducts: [FileChange] = []

  /// True when there is nothing to judge.
  var isEmpty: Bool { code.isEmpty && tests.isEmpty }

  /// - Parameter leftovers: files that running the tests writes by itself, with the id of what the baseline wrote.
  init(_ snapshot: Snapshot, leftovers: [RepoPath: String], in workspace: Workspace) async throws {
    for change in snapshot.changes {
      if let left = leftovers[change.path], change.kind == .added || left == change.after?.id.hex ?? "" {
        byproducts.append(change)
      } else if try await Byproducts.contains(change, in: workspace) {
        byproducts.append(change)
      } else if TestPaths.isTest(change.path, in: workspace.location.project)
        || TestPaths.isTestConfiguration(change.path)
        || Shadows.contains(change.path)
      {
        tests.append(change)
      } else {
        code.append(change)
      }
    }
  }
}

/// Modules that would be loaded in place of a test or of a test runner: Python looks in the project first, and prefers a
/// package to a file of the same name.
enum Shadows {
  private static let runners = Set(
    ["unittest", "pytest", "_pytest", "pluggy", "doctest", "nose2", "coverage", "site"].map { Array($0.utf8) })

  static func contains(_ path: RepoPath) -> Bool {
    let components = path.components
    guard let name = components.last else { return false }
    let ending = Array(".py".utf8)
    guard name.count > ending.count, name.suffix(ending.count).elementsEqual(ending) else { return false }
    if runners.contains(Array(name.dropLast(ending.count))) { return true }
    return components.dropLast().contains { directory in
      runners.contains(directory) || RepoPath(directory + ending).map { TestPaths.isTest($0) } == true
    }
  }
}

/// Files that tools leave behind and nobody means to deliver.
enum Byproducts {
  private static let directories = [
    "__pycache__", ".pytest_cache", ".mypy_cache", ".ruff_cache", ".hypothesis", "node_modules", ".build", "target",
    ".gradle", ".tox", ".nyc_output", "coverage", ".eggs",
  ].map { Array($0.utf8) }
  private static let endings = [".pyc", ".pyo", ".o", ".a", ".so", ".class", ".gcda", ".gcno", ".profraw"].map {
    Array($0.utf8)
  }
  private static let names = [".coverage", ".DS_Store"].map { Array($0.utf8) }

  /// True for added files that look like a tool's output: a known cache, object code, or any binary.
  static func contains(_ change: FileChange, in workspace: Workspace) async throws -> Bool {
    guard change.kind == .added, let after = change.after else { return false }
    let components = change.path.components
    guard let name = components.last else { return false }
    if components.dropLast().contains(where: { directories.contains($0) }) || names.contains(name)
      || endings.contains(where: { name.count > $0.count && name.suffix($0.count).elementsEqual($0) })
    {
      return true
    }
    guard after.mode != .symlink else { return false }
    return Diff.isBinary(try await workspace.content(of: after.id))
  }
}
