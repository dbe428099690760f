import Git
import Paths
import TestSupport
import Testing

@testable import Workspace

@Suite struct SnapshotTests {
  @Test func holdsWhatDiffersFromTheBase() async throws {
    let checkout = try Checkout(["a.txt": "1\n", "b.txt": "2\n", "d/c.txt": "3\n", "d/e.txt": "4\n"])
    let workspace = try await checkout.open()
    let empty = try await workspace.snapshot()
    #expect(empty.changes.isEmpty)
    try await workspace.sh("echo x > a.txt; rm -r d; touch b.txt; chmod +x b.txt; echo n > n; ln -s n link")
    let snapshot = try await workspace.snapshot()
    #expect(snapshot.summary == ["M a.txt", "M b.txt", "D d/c.txt", "D d/e.txt", "A link", "A n"])
    #expect(snapshot[path("b.txt")]?.after?.mode == .executable)
    #expect(snapshot[path("link")]?.after?.mode == .symlink)
    #expect(try await workspace.snapshot() == snapshot)
    #expect(try await workspace.snapshot(id: snapshot.id).changes == snapshot.changes)
    try await workspace.restore(empty.id)
    #expect(try await workspace.snapshot().id == empty.id)
    try await workspace.restore(snapshot.id)
    #expect(try await workspace.snapshot().id == snapshot.id)
    #expect(try await workspace.sh("cat a.txt n link; ls") == "x\nn\nn\na.txt\nb.txt\nlink\nn\n")
  }

  @Test func diffsApplyWithGit() async throws {
    let checkout = try Checkout(["a.txt": "1\n2\n3\n", "b": "x\n", "c": "gone\n"])
    let workspace = try await checkout.open()
    try await workspace.sh(
      "sed -i s/2/two/ a.txt; rm c; printf '\\0bin' > bin; rm b; ln -s a.txt b; mkdir d; echo t > d/t")
    let snapshot = try await workspace.snapshot()
    let diffs = try await workspace.diff(from: nil, to: snapshot)
    #expect(
      diffs.map { "\($0.path) \($0.kind) \($0.added) \($0.removed) \($0.isBinary)" } == [
        "a.txt modified 1 1 false", "b modified 1 1 false", "bin added 0 0 true", "c deleted 0 1 false",
        "d/t added 1 0 false",
      ])
    try checkout.git("apply", "--index", "-", input: diffs.flatMap(\.patch))
    let second = try await checkout.open("second")
    for name in ["a.txt", "bin", "d/t", "b"] {
      #expect(try await second.read(path(name)) == workspace.read(path(name)))
    }
  }
}
