import CodeIndex
import Foundation
import Git
import Paths
import Testing

/// A repository made with the git command.
private final class TestRepository {
  let path = NSTemporaryDirectory() + "codeindex-" + UUID().uuidString

  init() throws {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    try git("init", "-q", "-b", "main")
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  @discardableResult
  func git(_ arguments: String...) throws -> String {
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
    process.arguments =
      ["git", "-C", path, "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"] + arguments
    let pipe = Pipe()
    process.standardOutput = pipe
    try process.run()
    let output = pipe.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return String(decoding: output, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
  }

  func commit(_ message: String, _ files: [String: String]) throws {
    for (name, content) in files {
      let file = URL(fileURLWithPath: path + "/" + name)
      try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(content.utf8).write(to: file)
    }
    try git("add", "-A")
    try git("commit", "-q", "-m", message)
  }
}

@Suite struct RevisionTests {
  @Test func onlyWhatARevisionHoldsAnswersForIt() async throws {
    let repository = try TestRepository()
    try repository.commit(
      "start", ["lib/a.go": "package lib\n\nfunc ParseHeader(s string) int {\n\treturn len(s)\n}\n"])
    try repository.commit(
      "header parser", ["lib/b.go": "package lib\n\nfunc ParseHeaderFast(s string) int {\n\treturn 0\n}\n"])
    let location = try #require(try Repository.discover(from: Array(repository.path.utf8)))
    let index = RevisionIndex(location, directory: Array((repository.path + "/.git/cache").utf8))
    let new = try await index.search("parse header fast", revision: "HEAD", limit: 10)
    #expect(new.results.first?.path.quoted == "lib/b.go")
    #expect(new.functions.first?.name == "ParseHeaderFast")
    let old = try await index.search("parse header fast", revision: "HEAD~1", limit: 10)
    #expect(old.results.map(\.path.quoted) == ["lib/a.go"])
    #expect(old.functions.map(\.line) == [3])
    await #expect(throws: GitError.self) { try await index.search("x", revision: "nothing", limit: 1) }
  }

  @Test func messagesOfPastCommitsPointToFiles() async throws {
    let repository = try TestRepository()
    try repository.commit("start", ["x.py": "def one():\n    pass\n", "y.py": "def two():\n    pass\n"])
    try repository.commit("Fix frobnication of the flux capacitor", ["y.py": "def two():\n    return 1\n"])
    let location = try #require(try Repository.discover(from: Array(repository.path.utf8)))
    for _ in 0..<2 {
      // The second time from what the first one kept.
      let index = RevisionIndex(location, directory: Array((repository.path + "/.git/cache").utf8))
      let answer = try await index.search("flux capacitor frobnicates", revision: "main", limit: 5)
      #expect(answer.results.map(\.path.quoted).first == "y.py")
    }
  }

  @Test func whatWasDoneInADirectorySpeaksForItsFiles() async throws {
    let repository = try TestRepository()
    func body(_ number: Int) -> String { "def step(a):\n    return a + \(number)\n" }
    try repository.commit(
      "start", ["net/old.py": body(1), "net/new.py": body(2), "disk/old.py": body(3), "disk/new.py": body(4)])
    try repository.commit("websocket handshake is refused", ["disk/old.py": body(5)])
    try repository.commit("split", ["net/more.py": body(6)])
    try repository.git("rm", "-q", "disk/old.py")
    try repository.commit("gone", ["net/old.py": body(7)])
    let location = try #require(try Repository.discover(from: Array(repository.path.utf8)))
    let index = RevisionIndex(location, directory: Array((repository.path + "/.git/cache").utf8))
    let found = try await index.search("websocket refused in step", revision: "HEAD", limit: 10)
    #expect(found.results.first?.path.quoted == "disk/new.py")
  }

  @Test func functionsThatTheNewestCommitsChangedStandBeforeOthersOfTheirFile() async throws {
    let repository = try TestRepository()
    func module(_ changed: Int?) -> String {
      (0..<6).map {
        "def step\($0)(cart):\n    total = cart.sum()\n    return total + \($0 == changed ? 70 : 10)\n"
      }.joined(separator: "\n")
    }
    try repository.commit("start", ["shop.py": module(nil)])
    for number in 0..<10 { try repository.git("commit", "-q", "--allow-empty", "-m", "tick \(number)") }
    try repository.commit("numbers", ["shop.py": module(4)])
    let location = try #require(try Repository.discover(from: Array(repository.path.utf8)))
    let index = RevisionIndex(location, directory: Array((repository.path + "/.git/cache").utf8))
    let new = try await index.search("total of the cart", revision: "HEAD", limit: 5)
    #expect(new.functions.first?.name == "step4")
    let old = try await index.search("total of the cart", revision: "HEAD~1", limit: 5)
    #expect(old.functions.first?.name == "step0")
    // Where that lies longer back, it says nothing any more.
    for number in 0..<10 { try repository.git("commit", "-q", "--allow-empty", "-m", "tock \(number)") }
    let later = try await index.search("total of the cart", revision: "HEAD", limit: 5)
    #expect(later.functions.first?.name == "step0")
  }

  @Test func filesThatChangeWithTheFirstOnesComeRightBehindThem() async throws {
    let repository = try TestRepository()
    func body(_ words: String, _ number: Int) -> String { "def step(a):\n    # \(words)\n    return a + \(number)\n" }
    let first = ["a.py", "b.py", "c.py"]
    let rest = (0..<9).map { "r\($0).py" }
    var files: [String: String] = ["schema.py": body("settings", 0)]
    for file in first { files[file] = body("invoice rounding of settings, invoice rounding", 0) }
    for file in rest { files[file] = body("rounding settings", 0) }
    try repository.commit("start", files)
    func places() async throws -> [String] {
      let location = try #require(try Repository.discover(from: Array(repository.path.utf8)))
      let index = RevisionIndex(location, directory: Array((repository.path + "/.git/cache").utf8))
      let found = try await index.search("invoice rounding settings", revision: "HEAD", limit: 20).results
      // What is moved up is not said to fit better than what stands before it.
      #expect(found.map(\.score) == found.map(\.score).sorted(by: >))
      if let last = found.last(where: { $0.path.quoted == "schema.py" }), found.count > 3 {
        let isCompany = last.why.contains("changed together with the first")
        #expect(isCompany == (found.firstIndex { $0.path.quoted == "schema.py" } == 3))
      }
      return found.map(\.path.quoted)
    }
    #expect(try await places().firstIndex(of: "schema.py") ?? 99 > 3)
    for number in 1...6 {
      try repository.commit("step", ["a.py": body("invoice rounding of settings, invoice rounding", number)])
      // All are as new, and no two of these changed together.
      for file in rest + first.dropFirst() {
        let words = first.contains(file) ? "invoice rounding of settings, invoice rounding" : "rounding settings"
        try repository.commit("step", [file: body(words, number)])
      }
      try repository.commit(
        "step",
        [
          "a.py": body("invoice rounding of settings, invoice rounding", -number),
          "schema.py": body("settings", number),
        ]
      )
    }
    let found = try await places()
    #expect(Set(found.prefix(3)) == Set(first))
    #expect(found[3] == "schema.py")
  }
}
