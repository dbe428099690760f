import CodeIndex
import Foundation
import Paths
import TestSupport
import Testing

/// A directory that is gone when the test is.
private final class Scratch {
  let path: String
  init() {
    path = NSTemporaryDirectory() + "codeindex-" + UUID().uuidString
  }
  deinit { try? FileManager.default.removeItem(atPath: path) }

  var segments: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []).filter { $0.hasSuffix(".seg") }
      .map { path + "/" + $0 }
  }
}

private let files = Dictionary(
  uniqueKeysWithValues: (0..<30).map { ("dir/file\($0).py", "def function_\($0)(a):\n    return a + \($0)\n") })

private func open(_ source: MemorySource, _ scratch: Scratch) async throws -> Index {
  let index = try #require(await Index.open(source: source, directory: Array((scratch.path + "/deep").utf8)))
  _ = try await index.search("function", isRegex: false, below: nil, limit: 1)
  return index
}

private func segments(_ scratch: Scratch) async throws -> [String] {
  // The store is written behind the first answers.
  for _ in 0..<3000 {
    let deep = scratch.path + "/deep"
    let found = ((try? FileManager.default.contentsOfDirectory(atPath: deep)) ?? []).filter { $0.hasSuffix(".seg") }
    if !found.isEmpty { return found.map { deep + "/" + $0 } }
    try await Task.sleep(for: .milliseconds(10))
  }
  return []
}

@Suite struct StoreTests {
  @Test func aContentIsAnalysedOnceInItsLife() async throws {
    let scratch = Scratch()
    let first = MemorySource(files, knowsBlobs: true)
    _ = try await open(first, scratch)
    #expect(first.readCount >= 30)
    let stored = try await segments(scratch)
    #expect(stored.count == 1)
    let mode = try FileManager.default.attributesOfItem(atPath: scratch.path + "/deep")[.posixPermissions] as? Int
    #expect(mode == 0o700)
    let second = MemorySource(files, knowsBlobs: true)
    let index = try await open(second, scratch)
    // Only the excerpt of the one hit was read.
    #expect(second.readCount <= 1)
    let found = try await index.symbol("function_7", limit: 3).definitions
    #expect(found.map(\.signature) == ["(a)"])
  }

  @Test func damagedSegmentsAreNeverTrusted() async throws {
    for seed in 0..<12 {
      let scratch = Scratch()
      _ = try await open(MemorySource(files, knowsBlobs: true), scratch)
      let path = try #require(try await segments(scratch).first)
      var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      if seed % 3 == 0 {
        bytes.removeLast(seed * 40 + 1)
      } else {
        for step in 0..<20 { bytes[(seed * 7919 + step * 104_729) % bytes.count] ^= UInt8(1 << (step % 8)) }
      }
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let index = try await open(MemorySource(files, knowsBlobs: true), scratch)
      for number in [0, 13, 29] {
        let found = try await index.symbol("function_\(number)", limit: 3).definitions
        #expect(found.map(\.path.quoted) == ["dir/file\(number).py"])
        #expect(found.map(\.endLine) == [2])
      }
    }
  }

  /// In a store that is too large to be looked at first, damage shows when an answer meets it.
  @Test func whatIsFoundDamagedIsReadAnew() async throws {
    var generator = Seeded(21)
    // Enough for many pages, each of which has a checksum.
    let large = files.mapValues { text in
      text
        + (0..<150).map { _ in "word_\(String(UInt64.random(in: 0 ... .max, using: &generator), radix: 36)) = 0\n" }
        .joined()
    }
    var dropped = 0
    for round in 0..<10 {
      let scratch = Scratch()
      _ = try await open(MemorySource(large, knowsBlobs: true), scratch)
      let path = try #require(try await segments(scratch).first)
      var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
      bytes[bytes.count * (round + 1) / 12] ^= 0x20
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      let source = MemorySource(large, knowsBlobs: true)
      let index = try #require(
        await Index.open(source: source, directory: Array((scratch.path + "/deep").utf8), verifying: 0))
      await index.refresh(changed: [])
      #expect(try await index.symbol("function_7", limit: 3).definitions.map(\.path.quoted) == ["dir/file7.py"])
      source.write("dir/fresh.py", Array("def made_by_a_run():\n    pass\n".utf8))
      await index.refresh(changed: [try #require(RepoPath("dir/fresh.py"))])
      let found = try await index.search("function_1\\d\\b", isRegex: true, below: nil, limit: 100)
      #expect(Set(found.map(\.path.quoted)) == Set((10..<20).map { "dir/file\($0).py" }))
      #expect(try await index.search("made by a run", isRegex: false, below: nil, limit: 1).count == 1)
      for number in [0, 13, 29] {
        let found = try await index.symbol("function_\(number)", limit: 3).definitions
        #expect(found.map(\.path.quoted) == ["dir/file\(number).py"])
      }
      #expect(try await index.symbol("made_by_a_run", limit: 3).definitions.count == 1)
      if try await segments(scratch).allSatisfy({ $0 != path }) { dropped += 1 }
    }
    #expect(dropped > 3)
  }

  @Test func manySegmentsBecomeOne() async throws {
    let scratch = Scratch()
    for round in 0..<30 {
      let source = MemorySource(["a\(round).py": "def f\(round)():\n    pass\n"], knowsBlobs: true)
      _ = try await open(source, scratch)
      for _ in 0..<200 where try await segments(scratch).count < min(round + 1, 2) {
        try await Task.sleep(for: .milliseconds(5))
      }
    }
    // They are merged behind the answers.
    for _ in 0..<1000 where try await segments(scratch).count > 13 { try await Task.sleep(for: .milliseconds(10)) }
    #expect(try await segments(scratch).count <= 13)
    let all = Dictionary(uniqueKeysWithValues: (0..<30).map { ("a\($0).py", "def f\($0)():\n    pass\n") })
    let source = MemorySource(all, knowsBlobs: true)
    _ = try await open(source, scratch)
    #expect(source.readCount <= 3)
  }

  @Test func aStoreThatCannotBeMadeCostsNothingElse() async throws {
    let source = MemorySource(files)
    let index = try #require(await Index.open(source: source, directory: Array("/proc/none/here".utf8)))
    #expect(try await index.symbol("function_3", limit: 3).definitions.count == 1)
  }
}
