import CodeIndex
import Git
import JSON
import Paths
import TestReports
import Workspace

/// Opens the index over a workspace and asks it for the code that a task is about.
enum ContextFinder {
  /// Tokens of the first prompt that found code may take.
  private static let budget = 6_000
  /// Tokens that the code of failures may take, when they are known only after the first prompt.
  private static let failureBudget = 2_500
  /// How long the first request waits for an index that is still being opened: 20 ms of work in a repository of a thousand
  /// files that was seen before. One that has to be built is not waited for; the tools serve what comes later.
  private static let patience: Duration = .milliseconds(150)
  /// The index had the time of a test run to get ready.
  private static let failurePatience: Duration = .seconds(1)

  /// The index over what the workspace holds and the run may read; building it goes on in the background.
  static func open(
    _ workspace: Workspace, _ location: CheckoutLocation, _ gate: Gate, directory: [UInt8]
  ) async -> Index? {
    await Index.open(
      source: WorkspaceSource(workspace: workspace, location: location, gate: gate), directory: directory)
  }

  /// What is worth knowing before the first turn, as far as it is ready.
  static func pack(_ session: Session, task: String?, baseline: TestReport?) async throws -> ContextPack? {
    guard let index = session.index else { return nil }
    session.observe(.phase(.locating))
    return try await pack(
      session, index, task, baseline, budget: budget, ofFailuresOnly: false, purpose: "code for the first prompt")
  }

  /// The code of failures that became known after the first prompt: the tests, and what their traces name.
  static func failingCode(_ session: Session, task: String?, baseline: TestReport) async throws -> ContextPack? {
    guard let index = session.index, !baseline.failing.isEmpty || !baseline.buildErrors.isEmpty else { return nil }
    return try await pack(
      session, index, task, baseline, budget: failureBudget, ofFailuresOnly: true, purpose: "code of the failures")
  }

  private static func pack(
    _ session: Session, _ index: Index, _ task: String?, _ baseline: TestReport?, budget: Int, ofFailuresOnly: Bool,
    purpose: String
  ) async throws -> ContextPack? {
    let failures = (baseline?.tests ?? []).filter { $0.result == .failed || $0.result == .errored }
    let errors = baseline?.buildErrors ?? []
    let places =
      errors.compactMap(\.location)
      + failures.flatMap { $0.trace + [$0.location].compactMap { $0 } }
    do {
      return try await session.gate.perform(.search(purpose)) {
        let pack = await index.pack(
          task: task ?? "",
          failures: failures.prefix(20).map { "\($0.name)\n\($0.message ?? "")" }
            + errors.prefix(5).map { "\n\($0.message)" },
          places: places.map { ($0.path, $0.line) }, ofFailuresOnly: ofFailuresOnly, budgetTokens: budget,
          patience: ofFailuresOnly ? failurePatience : patience)
        guard let pack else { return EffectOutcome(value: nil) }
        let places = pack.places.map { place in
          JSONValue.object([
            "place": .string("\(place.path.quoted):\(place.line)-\(place.endLine)"), "why": .string(place.why),
          ])
        }
        let files = Set(pack.places.map(\.path) + pack.mapped)
        let shown = await session.gate.disclosable(Array(files))
        // The text is made of all of them.
        guard shown.paths == files else { return EffectOutcome(value: nil, fields: ["withheld": .array(places)]) }
        return EffectOutcome(value: pack, fields: ["places": .array(places)], labels: shown.labels)
      }
    } catch is Refusal {
      return nil
    }
  }
}

/// The workspace's files, as the index sees them: tracked files first, by the blob ids that git knows; then what is
/// untracked and not ignored. What the run may not read is not there, not even as a name.
struct WorkspaceSource: IndexSource {
  let workspace: Workspace
  let location: CheckoutLocation
  let gate: Gate

  var repository: RepositoryLocation? { location.repository }

  func files() async -> [IndexedFile] { await all().filter { gate.mayRead($0.path) } }

  private func all() async -> [IndexedFile] {
    guard let place = location.repository, let repository = try? Repository.open(place),
      let found = try? repository.checkoutFiles(limit: Self.mostChanges)
    else { return await walk() }
    // What differs from the index is known by its content alone; so is all, where not all that differs is known.
    let clean = found.clean.filter { $0.mode == .regular || $0.mode == .executable }.map {
      IndexedFile(path: $0.path, blob: found.isWhole ? $0.id.hex : nil)
    }
    return clean + found.changed.filter { $0.change != .deleted }.map { IndexedFile(path: $0.path, blob: nil) }
  }

  func read(_ path: RepoPath, limit: Int) async -> [UInt8]? {
    guard gate.mayRead(path) else { return nil }
    return try? await workspace.read(path, limit: limit).bytes
  }

  private static let mostChanges = 5000

  private func walk() async -> [IndexedFile] {
    var files: [IndexedFile] = []
    var open: [RepoPath] = [.root]
    let top = (try? await workspace.list(.root)) ?? []
    let rulesCount = !CheckoutSource.areForeign(
      top.filter { $0.name.first != UInt8(ascii: ".") }.map(\.isIgnored))
    while let directory = open.popLast(), files.count < 50_000 {
      for entry in (try? await workspace.list(directory)) ?? [] where !(rulesCount && entry.isIgnored) {
        guard !entry.name.elementsEqual(".git".utf8), let path = directory.appending(entry.name) else { continue }
        switch entry.kind {
        case .directory: open.append(path)
        case .regular: files.append(IndexedFile(path: path, blob: nil))
        default: continue
        }
      }
    }
    return files
  }
}
