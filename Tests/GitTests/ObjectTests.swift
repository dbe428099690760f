import Foundation
import Glibc
import Paths
import TestSupport
import Testing

@testable import Git

@Suite("objects and trees")
struct ObjectTests {
  @Test("ids")
  func ids() throws {
    let hex = "4b825dc642cb6eb9a060e54bf8d69288fbee4904"
    let id = try #require(ObjectID(hex: hex))
    #expect(id == .emptyTree)
    #expect(id.hex == hex && id.description == hex)
    #expect(ObjectID(bytes: id.bytes) == id)
    #expect(ObjectID(id.oid) == id)
    #expect(ObjectID(hex: hex.uppercased()) == id)
    for bad in ["", "4b", hex + "0", hex + "00", String(hex.dropLast()), String(hex.dropLast()) + "g", "é" + hex] {
      #expect(ObjectID(hex: bad) == nil)
    }
    #expect(ObjectID(bytes: [1, 2]) == nil)
    #expect(try #require(ObjectID(hex: "0" + hex.dropFirst())) < id)
  }

  @Test("the id of content")
  func blobHash() throws {
    let scratch = try Scratch()
    for content in [[], "hello\n".bytes, [UInt8](repeating: 7, count: 100_000)] {
      #expect(BlobHash.id(of: content) == (try scratch.id("hash-object", "--stdin", input: content)))
    }
  }

  /// A repository with all modes and odd names.
  private func makeOddRepository(_ scratch: Scratch) throws {
    try scratch.makeRepository()
    try scratch.write("repo/caf\u{e9}/ü".bytes, "utf8".bytes)
    try scratch.write("repo/bad-".bytes + [0xff, 0xfe] + "/x".bytes + [0x80], "bytes".bytes)
    try scratch.write("repo/run".bytes, "#!/bin/sh\n".bytes, executable: true)
    try scratch.write("repo/with \"quote\"\n".bytes, [0, 1, 2])
    for name in ["a-b", "a/b", "a.b", "a0", "ab/c"] { try scratch.write("repo/sort/\(name)", name) }
    try scratch.link("repo/link", to: "a.txt")
    try scratch.commitAll()
  }

  @Test("walking a tree gives what ls-tree gives")
  func walk() throws {
    let scratch = try Scratch()
    try makeOddRepository(scratch)
    let repository = try scratch.open()
    let commit = try #require(try repository.head.commit)
    var seen: [String] = []
    try repository.walkTree(repository.tree(of: commit)) { path, mode, id in
      seen.append("\(mode.octal) \(id) \(path.quoted)")
    }
    let expected = try scratch.git("ls-tree", "-r", "-z", "HEAD", at: "repo").records.map { record in
      let tab = try #require(record.firstIndex(of: 9))
      let fields = record[..<tab].split(separator: 0x20).map { String(decoding: $0, as: UTF8.self) }
      return "\(fields[0]) \(fields[2]) \(Quoting.quote(Array(record[(tab + 1)...])))"
    }
    #expect(seen == expected)
    #expect(seen.count == 12)
    #expect(Set(seen.map { $0.prefix(6) }) == ["100644", "100755", "120000"])
  }

  @Test("entries, blobs and their errors")
  func entries() throws {
    let scratch = try Scratch()
    try makeOddRepository(scratch)
    let repository = try scratch.open()
    let tree = try repository.tree(of: try #require(try repository.head.commit))
    #expect(try repository.entry(tree, .root)?.id == tree)
    #expect(try repository.entry(tree, repoPath("dir"))?.mode == .tree)
    let file = try #require(try repository.entry(tree, repoPath("dir/b.txt")))
    #expect(file.mode == .regular)
    #expect(try repository.readBlob(file.id) == "b\n".bytes)
    #expect(try repository.blobSize(file.id) == 2)
    #expect(try repository.withBlob(file.id) { $0.count } == 2)
    let odd = try #require(RepoPath("bad-".bytes + [0xff, 0xfe] + "/x".bytes + [0x80]))
    #expect(try repository.readBlob(try #require(try repository.entry(tree, odd)).id) == "bytes".bytes)
    for path in ["nope", "dir/nope", "a.txt/x", "dir/b.txt/x/y"] {
      #expect(try repository.entry(tree, repoPath(path)) == nil)
    }
    #expect(throws: GitError.self) { try repository.readBlob(tree) }
    #expect(throws: GitError.self) { try repository.blobSize(tree) }
    let unknown = try #require(ObjectID(hex: String(repeating: "1", count: 40)))
    let missing = #expect(throws: GitError.self) { try repository.readBlob(unknown) }
    #expect(missing?.kind == .notFound)
    let large = #expect(throws: GitError.self) { try repository.readBlob(file.id, maximumSize: 1) }
    #expect(large?.kind == .tooLarge)
    #expect(repository.contains(tree) && !repository.contains(unknown))
  }

  @Test("writing trees gives what write-tree gives")
  func writeTree() throws {
    let scratch = try Scratch()
    try makeOddRepository(scratch)
    let repository = try scratch.open()
    let entries = try repository.indexEntries().map { ($0.path, $0.mode, $0.id) }
    let store = try Repository.createBare(at: scratch.path("store.git"))
    try store.addAlternate(objectsDirectory: repository.location.objectsDirectory)
    let expected = try scratch.id("write-tree", at: "repo")
    #expect(try repository.writeTree(entries.shuffled()) == expected)
    #expect(try store.writeTree(entries) == expected)
    #expect(try repository.writeTree([]) == .emptyTree)
    #expect(repository.contains(.emptyTree))
  }

  @Test("trees that git does not allow")
  func badTrees() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    let repository = try scratch.open()
    let id = BlobHash.id(of: "a\n".bytes)
    func write(_ paths: String...) throws -> ObjectID {
      try repository.writeTree(try paths.map { (try repoPath($0), .regular, id) })
    }
    for paths in [["a", "a"], ["a", "a/b"], ["a/b", "a"], [".git/x"], ["x/.GIT"], ["x/.git/y"]] {
      let error = #expect(throws: GitError.self) {
        try repository.writeTree(try paths.map { (try repoPath($0), .regular, id) })
      }
      #expect(error?.kind == .invalid)
    }
    #expect(throws: GitError.self) { try repository.writeTree([(.root, .regular, id)]) }
  }

  @Test("changing a tree is the same as writing it anew", arguments: 0..<3)
  func updateTree(_ seed: Int) throws {
    var random = Seeded(UInt64(seed))
    let scratch = try Scratch()
    let store = try Repository.createBare(at: scratch.path("store.git"))
    let blobs = try (0..<5).map { try store.writeBlob("\($0)".bytes) }
    var files: [RepoPath: ObjectID] = [:]
    var tree = ObjectID.emptyTree
    for _ in 0..<120 {
      var changes: [TreeChange] = []
      let before = files
      for _ in 0..<Int.random(in: 0...4, using: &random) {
        let depth = Int.random(in: 1...3, using: &random)
        let name = (0..<depth).map { _ in ["a", "b", "a.c", "d"].randomElement(using: &random) ?? "" }.joined(
          separator: "/")
        let path = try repoPath(name)
        guard !changes.contains(where: { $0.path.isInside(path) || path.isInside($0.path) }) else { continue }
        if Bool.random(using: &random) {
          changes.append(.remove(path))
          files = files.filter { !$0.key.isInside(path) }
        } else {
          let blob = try #require(blobs.randomElement(using: &random))
          changes.append(.put(path, .regular, blob))
          files = files.filter { !$0.key.isInside(path) && !path.isInside($0.key) }
          files[path] = blob
        }
      }
      let next = try store.updateTree(tree, changes.shuffled(using: &random))
      #expect(try next == store.writeTree(files.map { ($0.key, .regular, $0.value) }))
      // What changed is what differs between the two lists.
      let changed = try store.changes(from: tree, to: next)
      let expected = Set(before.keys).union(files.keys).filter { before[$0] != files[$0] }
      #expect(changed.map(\.path) == expected.sorted())
      for change in changed {
        #expect(change.old?.id == before[change.path] && change.new?.id == files[change.path])
      }
      tree = next
    }
    #expect(try scratch.git("fsck", "--strict", "--no-dangling", at: "store.git").isEmpty)
  }

  @Test("hostile trees")
  func hostileTrees() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    let repository = try scratch.open()
    let blob = BlobHash.id(of: "a\n".bytes)
    for name in ["..", ".", "a/b", ""] {
      let tree = try scratch.id(
        "hash-object", "-t", "tree", "-w", "--stdin", "--literally", at: "repo",
        input: "100644 \(name)".bytes + [0] + blob.bytes)
      #expect(throws: GitError.self, "\(name)") { try repository.walkTree(tree) { _, _, _ in } }
    }
    var tree = try repository.writeTree([(try repoPath("f"), .regular, blob)])
    for _ in 0..<1100 {
      tree = try scratch.open().writeRaw("40000 d".bytes + [0] + tree.bytes)
    }
    let error = #expect(throws: GitError.self) { try repository.walkTree(tree) { _, _, _ in } }
    #expect(error?.kind == .corrupt)
    #expect(throws: GitError.self) { try repository.changes(from: nil, to: tree) }
  }

  @Test("a walk ends by throwing")
  func stop() throws {
    struct Stop: Error {}
    let scratch = try Scratch()
    try scratch.makeRepository()
    let repository = try scratch.open()
    let tree = try repository.tree(of: try #require(try repository.head.commit))
    var count = 0
    #expect(throws: Stop.self) {
      try repository.walkTree(tree) { _, _, _ in
        count += 1
        throw Stop()
      }
    }
    #expect(count == 1)
  }

  @Test("a damaged object is an error")
  func damaged() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    let hex = BlobHash.id(of: "a\n".bytes).hex
    let file = "repo/.git/objects/\(hex.prefix(2))/\(hex.dropFirst(2))"
    chmod(scratch.text(file), 0o644)
    try scratch.write(file, "not zlib")
    let error = #expect(throws: GitError.self) { try scratch.open().readBlob(try #require(ObjectID(hex: hex))) }
    #expect(error?.kind == .corrupt)
  }

  @Test("an alternate is read and never touched")
  func alternates() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    let checkout = try scratch.open()
    let store = try Repository.createBare(at: scratch.path("store.git"))
    let blob = BlobHash.id(of: "a\n".bytes)
    #expect(throws: GitError.self) { try store.readBlob(blob) }
    try store.addAlternate(objectsDirectory: checkout.location.objectsDirectory)
    #expect(try store.readBlob(blob) == "a\n".bytes)
    let file = "repo/.git/objects/\(blob.hex.prefix(2))/\(blob.hex.dropFirst(2))"
    var past = timeval(tv_sec: 1_000_000, tv_usec: 0)
    let times = [past, past]
    past.tv_sec = 0
    #expect(utimes(scratch.text(file), times) == 0)
    #expect(try store.writeBlob("a\n".bytes) == blob)
    #expect(FileSystem.status(scratch.path(file))?.st_mtim.tv_sec == 1_000_000)
    let new = try store.writeBlob("new in the store".bytes)
    #expect(store.contains(new) && !checkout.contains(new))
    #expect(try store.readBlob(new) == "new in the store".bytes)
    #expect(throws: GitError.self) { try store.addAlternate(objectsDirectory: scratch.path("nowhere")) }
  }

  @Test("large files are stored as a stream")
  func streams() throws {
    let scratch = try Scratch()
    let store = try Repository.createBare(at: scratch.path("store.git"))
    let content = (0..<1_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    try scratch.write("file".bytes, content)
    func write(_ size: Int) throws -> ObjectID {
      let file = open(scratch.text("file"), O_RDONLY | O_CLOEXEC)
      defer { close(file) }
      return try store.writeBlob(readingFrom: file, size: size)
    }
    #expect(try write(content.count) == BlobHash.id(of: content))
    #expect(try store.readBlob(BlobHash.id(of: content)) == content)
    for size in [content.count - 1, content.count + 1, 0] {
      let error = #expect(throws: GitError.self) { try write(size) }
      #expect(error?.kind == .conflict)
    }
  }

  @Test("one repository a thread")
  func threads() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    let location = try scratch.open().location
    let tree = try scratch.id("rev-parse", "HEAD^{tree}", at: "repo")
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      do {
        let repository = try Repository.open(location)
        for _ in 0..<50 {
          var count = 0
          try repository.walkTree(tree) { _, _, id in count += try repository.readBlob(id).count }
          #expect(count == 4)
        }
      } catch {
        Issue.record("\(error)")
      }
    }
  }
}

extension Repository {
  /// A tree object as it is, without any check.
  func writeRaw(_ tree: [UInt8]) throws -> ObjectID { try write(tree, .tree) }
}
