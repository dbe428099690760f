import Conversation
import Patches
import Paths
import Workspace

/// `apply_patch`: edits in the Codex patch language; unified diffs are understood, too.
struct ApplyPatchTool: Tool {
  static let mayWrite = true
  static let definition = ToolDefinition(
    name: "apply_patch",
    description: """
      Edit files. The input is a patch in this form:
      *** Begin Patch
      *** Update File: path/to/file
      @@ an optional line (function or class) that the hunk comes after
       unchanged line
      -removed line
      +added line
      *** Add File: path/to/new
      +every line of it
      *** Delete File: path/to/old
      *** End Patch
      Give three unchanged lines around each change. Paths are relative to the project directory. All of it is applied, \
      or nothing.
      """,
    input: .freeform(argumentName: "input"))

  private let patch: String
  private let directory: RepoPath?

  init(_ arguments: ToolArguments) throws(ToolFailure) {
    if let text = arguments.freeform {
      patch = text
    } else if let text = try arguments.optionalString("input") {
      patch = text
    } else {
      patch = try arguments.string("patch")
    }
    directory = nil
  }

  init(patch: String, directory: RepoPath) {
    self.patch = patch
    self.directory = directory
  }

  func run(in session: Session, call: String) async throws -> ToolOutput {
    let base = directory ?? session.project
    let writes: [FileWrite]
    do {
      let edits = try ApplyPatch.parse(patch, directory: base, root: session.workspace.location.root)
      writes = try await resolve(edits, in: session, call: call)
    } catch let error as PatchError {
      throw ToolFailure("nothing was changed: \(error)")
    }
    let diff = try await session.edit(writes, patch: Array(patch.utf8), call: call)
    if diff.isEmpty { return ToolOutput("The patch changes nothing.") }
    let lines = diff.map { "\($0.kind.rawValue) \(session.shown($0.path)) (+\($0.added) −\($0.removed))" }
    var text = "Done:\n" + lines.joined(separator: "\n")
    for path in diff.map(\.path).sorted() {
      text += try await session.instructions(for: path.parent ?? .root, call: call)
    }
    return ToolOutput(text)
  }

  /// Computes every file's new content before anything is written.
  private func resolve(_ edits: [FileEdit], in session: Session, call: String) async throws -> [FileWrite] {
    var files: [RepoPath: [UInt8]] = [:]
    for path in PatchApplier.requiredPaths(edits) {
      do {
        files[path] = try await session.read(path, call: call).bytes
      } catch let error as WorkspaceError where error.kind == .notFound {
        continue  // An earlier edit of the patch may make it; what is missing for good, the applier says.
      }
    }
    return try PatchApplier.apply(edits, files: files).map { FileWrite(path: $0.path, content: $0.content) }
  }
}
