import Git
import JSON
import Paths
import Testing

@testable import AuditTrail

/// Which step of which run wrote a line.
@Suite struct BlameTests {
  private let before = Array("one\ntwo\nthree\nfour\nfive\nsix\nseven\neight\n".utf8)

  private func patch(_ old: [UInt8], _ new: [UInt8]) throws -> [UInt8] {
    let path = try #require(RepoPath("src/a.txt"))
    return try Diff.unified(old: Diff.Side(old), new: Diff.Side(new), oldPath: path, newPath: path)
  }

  /// A run whose steps bring the file from one content to the next, each asked for by an answer.
  private func run(_ store: AuditStore, _ contents: [[UInt8]]) throws -> RunID {
    let run = RunID.new()
    let log = try store.begin(run: run)
    try log.append(
      "run.started", ["checkout": "/work/app", "provider": "p", "model": "m"], durable: true)
    for (index, (old, new)) in zip(contents, contents.dropFirst()).enumerated() {
      let call = "call-\(index)"
      try log.append(
        "model.answer", [:], content: ["answer": Array("{\"items\":[{\"id\":\"\(call)\"}]}".utf8)], durable: false)
      let intent = try log.append(
        "effect.intent", ["effect": "edit", "call": .string(call), "rules": ["shipped/workspace-files"]], durable: true)
      try log.append(
        "effect.outcome", ["intent": JSONValue(intent.sequence), "outcome": "done"],
        content: ["diff": try patch(old, new)], durable: false)
    }
    try log.append(
      "run.ended", ["outcome": "fixed"],
      content: ["patch": try patch(contents.first ?? [], contents.last ?? [])], durable: true)
    return run
  }

  private func blame(_ content: [UInt8], _ store: AuditStore) throws -> [LineOrigin?] {
    try Blame(content, path: try #require(RepoPath("src/a.txt")), checkout: "/work/app", in: store).origins
  }

  private func text(_ lines: [String]) -> [UInt8] { Array((lines.joined(separator: "\n") + "\n").utf8) }

  @Test func eachLineHasTheStepThatWroteIt() throws {
    let scratch = try Scratch()
    let store = try scratch.open()
    let middle = text(["one", "two", "new by the first step", "three", "four", "five", "six", "seven", "eight"])
    let after = text(
      ["one", "two", "new by the first step", "three", "four", "five", "six", "seven", "eight, changed by the second"])
    let first = try run(store, [before, middle, after])
    let origins = try blame(after, store)
    #expect(origins.map { $0 != nil } == [false, false, true, false, false, false, false, false, true])
    #expect(origins[2]?.run == first)
    #expect((origins[2]?.change, origins[2]?.intent, origins[2]?.answer) == (4, 3, 2))
    #expect((origins[8]?.change, origins[8]?.intent, origins[8]?.answer) == (7, 6, 5))
    #expect(origins[8]?.rules == ["shipped/workspace-files"])
    #expect(origins[8]?.model == "p/m")

    // Lines move when others write above them; a newer run takes what it wrote.
    let newer = text(
      [
        "zero, by nobody here", "one", "two", "new by the first step", "three", "four", "five",
        "changed by the second run", "seven",
        "eight, changed by the second",
      ])
    let second = try run(store, [text(["zero, by nobody here"]) + after, newer])
    let moved = try blame(newer, store)
    #expect(moved.map { $0?.run } == [nil, nil, nil, first, nil, nil, nil, second, nil, first])
    // Where everything around is different, long lines are still known.
    let rewritten = text(["x", "y", "new by the first step", "z"])
    #expect(try blame(rewritten, store).map { $0?.run } == [nil, nil, first, nil])
    #expect(try blame([], store).isEmpty)
    #expect(try blame(before, store).allSatisfy { $0 == nil })
  }
}
