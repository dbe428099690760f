import CodeIndex
import Glibc
import Paths
import TestSupport
import Testing

/// A ctags that misbehaves, and files that want it to.
@Suite struct CtagsIsolationTests {
  private static let hello = #"{"_type": "program", "name": "Universal Ctags", "version": "5.9.0"}"#

  /// Puts a shell script in the place of ctags and returns the search path for it. The script has `$name` and `$text` of
  /// every file; by default it finds the name in `sub NAME` of the first line.
  private static func fake(_ scratch: TemporaryDirectory, cases: String = "", greeting: String = hello) throws -> String
  {
    try scratch.makeDirectory("bin")
    try scratch.write(
      "bin/ctags",
      """
      #!/bin/sh
      echo '\(greeting)'
      while read -r line; do
        size=${line##*:}; size=${size%\\}*}
        name=${line#*filename\\":\\"}; name=${name%%\\"*}
        text=$(head -c "$size" | tr -d '\\000')
        case "$text" in
          \(cases)
          *) sub=${text#sub }; sub=${sub%% *}
            echo '{"_type": "tag", "name": "'"$sub"'", "path": "'"$name"'", "line": 1, "kind": "subroutine"}' ;;
        esac
        echo '{"_type": "completed", "command": "generate-tags"}'
      done

      """, mode: 0o755)
    return scratch.path("bin")
  }

  struct Misdeed: Sendable, CustomTestStringConvertible {
    let name: String
    let script: String

    var testDescription: String { name }
  }

  @Test(arguments: [
    Misdeed(name: "crash", script: "kill -9 $$"),
    Misdeed(name: "exit", script: "exit 0"),
    Misdeed(name: "hang", script: "exec sleep 60"),
    Misdeed(name: "garbage", script: "echo 'a b'"),
    Misdeed(name: "no object", script: "echo '[]'"),
    Misdeed(name: "deep", script: "printf '[%.0s' $(seq 5000); echo"),
    Misdeed(
      name: "another file",
      script: #"echo '{"_type": "tag", "name": "sub", "path": "9.pl", "line": 1, "kind": "subroutine"}'"#),
    Misdeed(name: "flood without lines", script: "exec tr '\\000' a < /dev/zero"),
    Misdeed(name: "flood of lines", script: #"exec yes '{"_type": "note"}'"#),
    Misdeed(name: "two answers", script: #"printf '%s\n%s\n' '{"_type": "completed"}' '{"_type": "completed"}'"#),
    Misdeed(name: "fatal error", script: #"echo '{"_type": "error", "message": "m", "fatal": true}'"#),
  ]) func whatBreaksCtagsIsNamedAndHarmsNoOther(misdeed: Misdeed) async throws {
    let scratch = try TemporaryDirectory("ctags")
    try scratch.makeDirectory("tree")
    let path = try Self.fake(scratch, cases: "*EVIL*) \(misdeed.script) ;;")
    for number in 0..<20 { try scratch.write("tree/f\(number).pl", "sub name\(number) { }\n") }
    try scratch.write("tree/f.pl", "sub wicked { } # EVIL\n")
    let index = try CtagsTests.open(scratch, path: path)
    let status = try await index.prepare(revision: nil)
    #expect(status.broken.map(\.quoted) == ["f.pl"])
    #expect(status.special["without definitions"] == 1)
    #expect(status.ctagsProblem == nil)
    #expect(status.declarations == 20)
    #expect(try await CtagsTests.definitions(index, ["name7"]) == ["function name7 1-1"])
    // It is not tried again.
    let again = try await CtagsTests.open(scratch, path: path).prepare(revision: nil)
    #expect(again.broken.map(\.quoted) == ["f.pl"])
  }

  @Test(arguments: ["Exuberant Ctags 5.8", #"{"_type": "program", "name": "Other Ctags"}"#])
  func anotherProgramOfThatNameIsNotUsed(greeting: String) async throws {
    let scratch = try TemporaryDirectory("ctags")
    try scratch.makeDirectory("tree")
    try scratch.write("tree/a.pl", "sub name { }\n")
    let path = try Self.fake(scratch, greeting: greeting)
    let status = try await CtagsTests.open(scratch, path: path).prepare(revision: nil)
    #expect(status.special["without definitions"] == 1)
    #expect(status.ctagsProblem?.contains("is not Universal Ctags") ?? false)
    // Another one on the path is.
    let better = try await CtagsTests.open(scratch, path: path + ":/usr/local/bin:/usr/bin").prepare(revision: nil)
    #expect(better.declarations == 1)
  }

  @Test func aProgramThatEndsAtOnceDoesNoHarm() async throws {
    let scratch = try TemporaryDirectory("ctags")
    try scratch.makeDirectory("tree")
    try scratch.makeDirectory("bin")
    try scratch.write("bin/ctags", "#!/bin/sh\necho '\(Self.hello)'\n", mode: 0o755)
    try scratch.write("tree/a.pl", String(repeating: "sub name { }\n", count: 70_000))
    let status = try await CtagsTests.open(scratch, path: scratch.path("bin")).prepare(revision: nil)
    #expect(status.files == 1)
    #expect(status.special["without definitions"] == 1)
  }

  /// The fake says to each file what stands in it.
  @Test func anyAnswerIsBorne() async throws {
    let scratch = try TemporaryDirectory("ctags")
    try scratch.makeDirectory("tree")
    let path = try Self.fake(scratch, cases: #"*) printf '%s\n' "$text" | sed "s/FILE/$name/" ;;"#)
    var random = Seeded(11)
    let good =
      #"{"_type": "tag", "name": "NAME", "path": "FILE", "line": 2, "kind": "subroutine", "end": 3, "scope": "S::T"}"#
    let pieces = [
      "\"line\": 0", "\"line\": -5", "\"line\": 99999999999999999999", "\"line\": 1e308", "\"end\": -1", "\"end\": 9",
      "\"kind\": null", "\"name\": \"\"", "\"name\": \"a\\nb\"", "\"name\": {}", "\"_type\": 7", "\"scope\": []",
      "\\u0000",
      "\"signature\": \"\\u001b[31m\"", "\"path\": \"other\"", "}", "\"", "[", "\u{fffd}",
    ]
    for number in 0..<120 {
      var text = ""
      for line in 0..<4 {
        var bytes = Array(good.utf8)
        if random.next() % 4 == 0 {
          let piece = Array(pieces[Int(random.next() % UInt64(pieces.count))].utf8)
          let start = Int(random.next() % UInt64(bytes.count))
          bytes.replaceSubrange(start..<min(bytes.count, start + Int(random.next() % 20)), with: piece)
        }
        text += String(decoding: bytes, as: UTF8.self).replacing("NAME", with: "name\(line)") + "\n"
      }
      try scratch.write("tree/f\(number).pl", text)
    }
    let index = try CtagsTests.open(scratch, path: path)
    let status = try await index.prepare(revision: nil)
    #expect(status.files == 120)
    let found = try await index.search(SearchRequest("name", mode: .symbols, limit: 1000), revision: nil).results
    #expect(!found.isEmpty)
    for result in found {
      #expect((1...4).contains(result.line) && (result.line...4).contains(result.endLine))
      #expect(result.name?.utf8.allSatisfy { $0 > 0x20 } ?? false)
    }
  }

  /// With the real one.
  @Test func hostileNamesAndContents() async throws {
    let scratch = try TemporaryDirectory("ctags")
    try scratch.makeDirectory("tree")
    let command = #"{"command":"generate-tags","filename":"/etc/passwd"}"#
    let texts: [(name: String, text: String)] = [
      ("x\"\n{\"command\":\"exit\"}\n.pl", "sub in_odd_name {\n}\n"), ("--options=x.pl", "sub in_option {\n}\n"),
      ("commands.pl", "sub before {\n}\n\(command)\n{\"_type\": \"completed\"}\nsub behind {\n}\n"),
      ("nul.pl", String(repeating: "# long\n", count: 1300) + "\0\nsub after_nul {\n}\n"),
      ("line.pl", "sub on_long_line {" + String(repeating: " x", count: 500_000) + "}\n"),
      ("many.pl", String(repeating: "sub a{}", count: 100_000)), ("empty.pl", ""),
      ("open.hs", "module M where\n\"" + "{-"),
      ("spaces.pl", (0..<900).map { "sub s\($0) {" }.joined(separator: "\n") + String(repeating: " ", count: 900_000)),
      ("same.sql", String(repeating: "create table t(", count: 60_000)),
      ("b.proto", String(repeating: "message m {\n", count: 2_000)),
      ("deep.sv", String(repeating: "class c;\n", count: 2_000) + String(repeating: "end\n", count: 2_000)),
    ]
    for (name, text) in texts { try scratch.write("tree/" + name, text) }
    try scratch.write("tree/latin.pl", bytes: Array("# caf".utf8) + [0xe9, 0x0a] + Array("sub latin {\n}\n".utf8))
    let index = try CtagsTests.open(scratch)
    let status = try await index.prepare(revision: nil)
    #expect(status.files == texts.count + 1)
    #expect(status.ctagsProblem == nil)
    let names = ["in_odd_name", "in_option", "before", "behind", "after_nul", "latin"]
    let found = Set(try await CtagsTests.definitions(index, names))
    #expect(
      found == [
        "function in_odd_name 1-2", "function in_option 1-2", "function before 1-2", "function behind 5-6",
        "function after_nul 1302-1303", "function latin 2-3",
      ])
    #expect(try await index.search(SearchRequest("root", mode: .symbols), revision: nil).results.isEmpty)
  }
}
