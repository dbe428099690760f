import Git
import Paths
import TestSupport
import Testing

@testable import Workspace

/// Random changes by hand and by commands: what this program reads from the layers is what overlayfs shows, and
/// snapshots carry it to wherever they are put.
@Suite struct PropertyTests {
  @Test(arguments: 1...6) func handAndKernelAgree(_ seed: UInt64) async throws {
    var generator = Seeded(seed)
    let names = ["a", "b", "d", "d/a", "d/e", "d/e/a", "d/e/f/a", "x", "x/y", "x/y/z"]
    let base = ["a": "1\n", "d/a": "2\n", "d/e/a": "3\n", "x/y/z": "4\n", "x/k": "5\n"]
    let checkout = try Checkout(base)
    let workspace = try await checkout.open()
    if seed % 3 == 0 { try await workspace.becomeCopyForTest() }
    let empty = try await workspace.snapshot()
    var previous = empty
    for round in 0..<5 {
      var commands: [String] = []
      for _ in 0..<Int.random(in: 1...5, using: &generator) {
        let name = names[Int.random(in: names.indices, using: &generator)]
        let other = names[Int.random(in: names.indices, using: &generator)]
        let content = "\(UInt8.random(in: 0...9, using: &generator))\n"
        switch Int.random(in: 0..<8, using: &generator) {
        case 0: commands.append("rm -rf \(name)")
        case 1: commands.append("mkdir -p \(name)")
        case 2:
          commands.append(
            "mkdir -p $(dirname \(name)) && [ ! -d \(name) ] && rm -f \(name); echo '\(content)' > \(name)")
        case 3: commands.append("mv \(name) \(other)")
        case 4: commands.append("cp -r \(name) \(other)")
        case 5: commands.append("ln -s \(other) \(name)")
        case 6: commands.append("chmod +x \(name)")
        default: commands.append("rm -rf \(name); mkdir -p \(name); echo '\(content)' > \(name)/k")
        }
      }
      _ = try await workspace.run(shell: commands.map { "(\($0)) 2>/dev/null" }.joined(separator: "\n"))
      for _ in 0..<Int.random(in: 0...4, using: &generator) {
        let name = path(names[Int.random(in: names.indices, using: &generator)])
        if Bool.random(using: &generator) {
          try? await workspace.write(name, [UInt8.random(in: 48...57, using: &generator)])
        } else {
          try? await workspace.remove(name)
        }
      }
      let shown = try await workspace.shownByTheKernel()
      #expect(try await workspace.shownByHand() == shown, "seed \(seed), round \(round): \(commands)")
      let files = shown.filter { !$0.hasSuffix(" d") }

      let snapshot = try await workspace.snapshot()
      #expect(try await workspace.snapshot() == snapshot)
      let judge = try await workspace.clean(named: "judge")
      try await judge.apply(snapshot.changes)
      let judged = try await judge.shownByTheKernel().filter { !$0.hasSuffix(" d") }
      #expect(
        judged == files, "seed \(seed), round \(round): \(Set(judged).symmetricDifference(files)) \(snapshot.summary)")
      #expect(try await judge.snapshot() == snapshot)
      try await workspace.restore(previous.id)
      #expect(try await workspace.snapshot().changes == previous.changes)
      try await workspace.restore(empty.id)
      #expect(try await workspace.snapshot().changes.isEmpty)
      try await workspace.restore(snapshot.id)
      #expect(try await workspace.shownByTheKernel().filter { !$0.hasSuffix(" d") } == files)
      #expect(try await workspace.shownByHand() == workspace.shownByTheKernel())
      // One step after the other is the same as all at once.
      let patch = try await workspace.diff(from: nil, to: snapshot).flatMap(\.patch)
      if !patch.isEmpty { try checkout.git("apply", "--check", "-", input: patch) }
      previous = snapshot
    }
    let report = try await workspace.deliver(previous, as: .apply)
    let delivered = try await checkout.open("after")
    let leftOut = Set(report.leftOut.map(\.path.quoted))
    let isKept = { (line: String) in !line.hasSuffix(" d") && !leftOut.contains(String(line.prefix { $0 != " " })) }
    #expect(try await delivered.shownByHand().filter(isKept) == workspace.shownByHand().filter(isKept))
  }
}

extension Workspace {
  /// `path d`, `path l target`, `path f mode hash`, sorted, as commands see it.
  func shownByTheKernel() async throws -> [String] {
    let script = """
      find . -mindepth 1 -path ./.git -prune -o -type d -printf '%P d\\n' -o -type l -printf '%P l %l\\n' -o -type f -print |
      while IFS= read -r line; do case $line in
        ./*) if [ -x "$line" ]; then x=x; else x=-; fi; echo "${line#./} f $x $(git hash-object --no-filters "$line")";;
        *) echo "$line";; esac; done
      """
    return try await sh(script).split(separator: "\n").map(String.init).sorted()
  }

  /// The same, read from the layers.
  func shownByHand(_ directory: RepoPath = .root) throws -> [String] {
    var result: [String] = []
    for entry in try list(directory) {
      guard let path = directory.appending(entry.name) else { continue }
      if entry.kind == .directory {
        result.append("\(path) d")
        result += try shownByHand(path)
      } else {
        let content = try read(path)
        let text = String(decoding: content.bytes, as: UTF8.self)
        result.append(
          content.isSymlink
            ? "\(path) l \(text)" : "\(path) f \(content.isExecutable ? "x" : "-") \(BlobHash.id(of: content.bytes))")
      }
    }
    return result.sorted()
  }
}
