import Paths
import Repair
import Workspace

/// The source files that the built-in engine may look at, tests among them: below the project directory, no configuration.
enum EngineFiles {
  private static let most = 2_000

  static func list(_ session: Session) async throws -> [RepairBrief.File] {
    var files: [RepairBrief.File] = []
    // Level by level: of a tree that is too large, what lies near the project's root.
    var open: [RepoPath] = [session.project]
    var next = 0
    while next < open.count, files.count < most {
      let directory = open[next]
      next += 1
      let entries = (try? await session.workspace.list(directory)) ?? []
      for entry in entries where !entry.isIgnored && entry.name.first != UInt8(ascii: ".") {
        guard let path = directory.appending(entry.name) else { continue }
        switch entry.kind {
        case .directory:
          if !skipped.contains(entry.name) { open.append(path) }
        case .regular:
          guard isSource(entry.name), session.gate.mayRead(path),
            let size = await session.workspace.metadata(path)?.size
          else { continue }
          files.append(RepairBrief.File(path: path, size: size))
        default: continue
        }
      }
    }
    return files.sorted { $0.path < $1.path }
  }

  private static func isSource(_ name: [UInt8]) -> Bool {
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0 else { return false }
    return endings.contains(Array(name[(dot + 1)...]))
  }

  private static let endings = Set(
    [
      "py", "rb", "go", "swift", "rs", "js", "jsx", "mjs", "cjs", "ts", "tsx", "mts", "java", "kt", "kts", "scala",
      "c", "h", "cc", "cpp", "cxx", "hpp", "hh", "hxx", "cs", "php", "m", "mm", "dart", "lua", "pl", "pm",
    ].map { Array($0.utf8) })

  private static let skipped = Set(
    ["node_modules", "vendor", "third_party", "target", "build", "dist", "__pycache__", "venv"].map { Array($0.utf8) })
}
