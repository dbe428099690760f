import Paths
import TestSupport
import Testing

@testable import Git

@Suite("ignore rules")
struct IgnoreTests {
  @Test("nested files, negation, info/exclude")
  func nested() throws {
    let scratch = try Scratch()
    try scratch.makeRepository()
    try scratch.write("repo/.gitignore", "*.log\n/top\nbuild/\n!important.log\n")
    try scratch.write("repo/dir/.gitignore", "!*.log\nlocal\n")
    try scratch.write("repo/.git/info/exclude", "private\n*.bak\n")
    let rules = try scratch.open().ignoreRules()
    func ignored(_ path: String, directory: Bool = false) throws -> Bool {
      rules.isIgnored(try repoPath(path), isDirectory: directory)
    }
    #expect(try ignored("a.log") && ignored("x/a.log"))
    #expect(try !ignored("dir/a.log") && !ignored("important.log"))
    #expect(try ignored("top") && !ignored("x/top"))
    #expect(try ignored("build", directory: true) && !ignored("build") && ignored("build/x/y"))
    #expect(try ignored("dir/local") && !ignored("local"))
    #expect(try ignored("private/x") && ignored("dir/a.bak"))
    #expect(!rules.isIgnored(.root, isDirectory: true))
  }

  @Test("without git, and with a link for a rule file")
  func withoutGit() throws {
    let scratch = try Scratch()
    try scratch.write("plain/.gitignore", "*.o\n")
    try scratch.write("secret", "x\n")
    try scratch.write("plain/d/f", "")
    try scratch.link("plain/d/.gitignore", to: scratch.text("secret"))
    try scratch.link("plain/link", to: "d")
    let rules = IgnoreRules(directory: scratch.path("plain"))
    #expect(rules.isIgnored(try repoPath("a.o"), isDirectory: false))
    #expect(!rules.isIgnored(try repoPath("d/x"), isDirectory: false))
    #expect(!rules.isIgnored(try repoPath("link/x"), isDirectory: false))
    #expect(!IgnoreRules { _ in nil }.isIgnored(try repoPath("a"), isDirectory: false))
  }

  /// Random rules over random paths must give what `git check-ignore` gives.
  @Test("agrees with git check-ignore", arguments: 0..<3)
  func fuzz(_ seed: Int) throws {
    var random = Seeded(UInt64(seed))
    let scratch = try Scratch()
    try scratch.git("init", "-q", "repo")
    let names = ["a", "b", "ab", "a.c", "foo", "foobar", "x]", "-", " s ", "é", "a*b", "\\", "A", "!a", "#a", "[a]"]
    let atoms = [
      "a", "b", "*", "**", "?", "/", "/", "/", "foo", "bar", ".", "c", "[a-c]", "[!a]", "[^b]", "[]x]", "[a-", "\\*",
      "\\",
      "!", "#", " ", "\\ ", "[[:alpha:]]", "[[:upper:]x]", "[[:bad:]]", "é", "[\\]]", "[x-a]", "***", "/**", "**/",
      "\t", "[a/b]", "\\/",
    ]
    func pick<T>(_ values: [T]) -> T { values[Int.random(in: 0..<values.count, using: &random)] }
    var ignored = 0
    var paths: Set<String> = []
    for _ in 0..<250 {
      let depth = Int.random(in: 1...4, using: &random)
      paths.insert((0..<depth).map { _ in pick(names) }.joined(separator: "/"))
    }
    for _ in 0..<40 {
      var files: [String: String] = [:]
      for directory in ["", "a/", "foo/", "a/b/"] where directory.isEmpty || Bool.random(using: &random) {
        var text = ""
        for _ in 0..<Int.random(in: 1...4, using: &random) {
          if Int.random(in: 0..<4, using: &random) == 0 { text += "!" }
          text += (0..<Int.random(in: 1...5, using: &random)).map { _ in pick(atoms) }.joined()
          text += pick(["\n", "\n", "\r\n", " \n", "/\n"])
        }
        files[directory] = text
      }
      let contents = files
      let exclude = "!ab\n" + pick(atoms) + pick(names) + "\n"
      let rules = IgnoreRules(exclude: exclude.bytes) { directory in
        contents[directory.isRoot ? "" : directory.bytes.asText + "/"]?.bytes
      }
      // One git call for all paths: a directory is what something lies below, as nothing is on disk but the rules.
      for directory in ["", "a/", "foo/", "a/b/"] {
        try scratch.write("repo/\(directory).gitignore", files[directory] ?? "")
      }
      try scratch.write("repo/.git/info/exclude", exclude)
      let sorted = paths.sorted()
      let output = try scratch.git(
        "check-ignore", "--no-index", "-z", "--stdin", at: "repo",
        input: Array(sorted.map(\.bytes).joined(separator: [0])),
        check: false)
      let expected = Set(output.records.map(\.asText))
      ignored += expected.count
      for path in sorted {
        let isDirectory = ["a", "foo", "a/b"].contains(path)
        let actual = rules.isIgnored(try repoPath(path), isDirectory: isDirectory)
        #expect(actual == expected.contains(path), "\(path) by \(contents) and \(exclude)")
      }
    }
    #expect(ignored > 500)
  }

  @Test("a hostile pattern takes bounded time", .timeLimit(.minutes(1)))
  func hostile() throws {
    let pattern = String(repeating: "*a", count: 200) + "/**/" + String(repeating: "**/", count: 500) + "b"
    let rules = IgnoreRules { $0.isRoot ? pattern.bytes : nil }
    let path = String(repeating: "a", count: 1000) + "/" + String(repeating: "c/", count: 20) + "c"
    #expect(!rules.isIgnored(try repoPath(path), isDirectory: false))
  }
}
