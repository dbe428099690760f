import CodeIndex
import Git
import Glibc
import Paths
import TestSupport
import Testing

/// Definitions of the languages that Universal Ctags reads.
@Suite struct CtagsTests {
  /// A text, and what is to be found in it: kind, qualified name, first and last line.
  struct Sample: Sendable, CustomTestStringConvertible {
    let file: String
    let text: String
    let expected: [String]

    var testDescription: String { file }
  }

  static let samples = [
    Sample(
      file: "a.pl",
      text:
        "package Foo::Bar;\n\nsub bake($x) {\n  if ($x) {\n    1;\n  }\n}\n\nsub one { 1 }\n\n=pod\n\nsub no {}\n\n=cut\n",
      expected: ["namespace Foo.Bar 1-15", "function Bar.bake 3-7", "function Bar.one 9-9"]),
    Sample(
      file: "a.hs",
      text:
        "module My.Mod where\n\nfact :: Int -> Int\nfact 0 = 1\nfact n\n  | n > 0 = n * fact (n - 1)\n\ndata Tree = Leaf\n\n"
        + "class Show a => Pretty a where\n  pretty :: a -> String\n",
      expected: [
        "namespace My.Mod 1-11", "function Mod.fact 4-6", "type Mod.Tree 8-8", "type Mod.Pretty 10-11",
      ]),
    Sample(
      file: "a.ml",
      text: "let area w h =\n  w * h\n\nmodule M = struct\n  let inner y =\n    y\nend\n\ntype t = A of int\n",
      expected: ["function area 1-2", "namespace M 4-7", "function M.inner 5-6", "type t 9-9"]),
    Sample(
      file: "a.R", text: "scale <- function(x, by = 2) {\n  x * by\n}\n\ntwice = function(y) scale(y)\n",
      expected: ["function scale 1-3", "function twice 5-5"]),
    Sample(
      file: "a.clj",
      text: "(ns app.core)\n\n(defn start [x]\n  (inc x))\n\n(defn- hidden [] 1)\n\n(defmacro unless [c] c)\n",
      expected: [
        "namespace app.core 1-8", "function core.start 3-4", "function core.hidden 6-6", "macro core.unless 8-8",
      ]),
    Sample(
      file: "a.erl",
      text: "-module(shop).\n-record(item, {price}).\n\ntotal([]) -> 0;\ntotal([X | Y]) ->\n    X + total(Y).\n",
      expected: ["namespace shop 1-6", "struct shop.item 2-2", "function shop.total 4-6"]),
    Sample(
      file: "a.f90",
      text: "module m\ncontains\nsubroutine put(a)\ninteger a\nif (a > 0) then\na = 1\nend if\nend subroutine put\n"
        + "function get(x) result(y)\ny = x\nend\nend module m\n",
      expected: ["namespace m 1-12", "function m.put 3-8", "function m.get 9-11"]),
    Sample(
      file: "a.sql",
      text:
        "CREATE TABLE users (\n  id int\n);\n\nCREATE FUNCTION add_user(name text) RETURNS int AS $$\nBEGIN\n  RETURN 1;\n"
        + "END;\n$$ LANGUAGE plpgsql;\n\nCREATE VIEW active AS\n  SELECT 1;\n",
      expected: ["struct users 1-3", "function add_user 5-9", "type active 11-12"]),
    Sample(
      file: "a.proto",
      text:
        "package shop;\n\nmessage Item {\n  int32 price = 1;\n}\n\nservice Till {\n  rpc Pay(Item) returns (Item);\n}\n\n"
        + "enum Size {\n  S = 0;\n}\n",
      expected: [
        "namespace shop 1-13", "struct shop.Item 3-5", "interface shop.Till 7-9", "method Till.Pay 8-8",
        "enum shop.Size 11-13",
      ]),
    Sample(
      file: "a.tcl", text: "namespace eval ns {\n  proc inner {a b} {\n    puts $a\n  }\n}\n\nproc outer {} {\n}\n",
      expected: ["namespace ns 1-5", "function ns.inner 2-4", "function outer 7-8"]),
    Sample(
      file: "a.el",
      text: "(defvar depth 1)\n\n(defun dig (x)\n  \"Dig.\nDeep.\"\n  (+ x depth))\n\n;; More.\n(defun fill () 1)\n",
      expected: ["name depth 1-1", "function dig 3-6", "function fill 9-9"]),
    Sample(
      file: "a.sv",
      text:
        "class Bus;\n  function int send(int x);\n    return x;\n  endfunction\nendclass\n\nmodule top;\n  task run;\n  endtask\n"
        + "endmodule\n",
      expected: ["class Bus 1-5", "method Bus.send 2-4", "type top 7-10", "function top.run 8-9"]),
    Sample(
      file: "a.nim",
      text:
        "type\n  Box* = object\n    size: int\n\nproc open*(b: Box): int =\n  b.size\n\nproc close() =\n  discard\n",
      expected: ["type Box 2-3", "function open 5-6", "function close 8-9"]),
    Sample(
      file: "a.vhd",
      text:
        "entity e is\nend e;\n\narchitecture a of e is\n  function f(x: integer) return integer is\n  begin\n    return x;\n"
        + "  end f;\nbegin\nend a;\n",
      expected: ["interface e 1-2", "type e.a 4-10", "function a.f 5-8"]),
    Sample(
      file: "a.vim", text: "function! s:Fold(n)\n  return a:n\nendfunction\n", expected: ["function Fold 1-3"]),
    Sample(
      file: "a.cmake", text: "function(add_it name)\n  message(${name})\nendfunction()\n",
      expected: ["function add_it 1-3"]),
  ]

  /// All definitions in a directory, as ``Sample/expected`` has them.
  static func definitions(_ index: CodeSearch, _ names: [String]) async throws -> [String] {
    var found: Set<SearchAnswer.Result> = []
    for name in names {
      found.formUnion(try await index.search(SearchRequest(name, mode: .symbols, limit: 100), revision: nil).results)
    }
    return found.sorted { ($0.line, -$0.endLine) < ($1.line, -$1.endLine) }.map {
      "\($0.kind ?? "") \($0.name ?? "") \($0.line)-\($0.endLine)"
    }
  }

  static func open(_ scratch: TemporaryDirectory, path: String? = nil, tree: String = "tree") throws -> CodeSearch {
    try CodeSearch(
      path: Array(scratch.path(tree).utf8), cache: Array(scratch.path("cache").utf8), searchPath: path)
  }

  @Test(arguments: samples) func findsDefinitions(sample: Sample) async throws {
    let scratch = try TemporaryDirectory("ctags")
    try scratch.makeDirectory("tree")
    try scratch.write("tree/" + sample.file, sample.text)
    let index = try Self.open(scratch)
    let status = try await index.prepare(revision: nil)
    #expect(status.ctagsProblem == nil)
    #expect(status.declarations == sample.expected.count)
    let names = sample.expected.map { $0.split(separator: " ")[1].split(separator: ".").last.map(String.init) ?? "" }
    let found = try await Self.definitions(index, names)
    #expect(found == sample.expected)
  }

  @Test func namesWithTheirScopeSignaturesAndUses() async throws {
    let source = MemorySource([
      "lib/Shop.pm": "package Shop::Till;\nsub pay { my $x = shift; $x }\n1;\n", "a.R": "pay <- function(sum) sum\n",
      "bin/main.pl": "use Shop::Till;\nShop::Till::pay(1);\n",
    ])
    let index = try #require(await Index.open(source: source, directory: []))
    let found = try await index.symbol("Shop::Till::pay", limit: 10)
    #expect(found.definitions.map(\.path.quoted) == ["lib/Shop.pm"])
    #expect(found.definitions.map(\.scope) == ["Till"])
    #expect(found.references.map { "\($0.path.quoted):\($0.line)" } == ["bin/main.pl:2"])
    let other = try await index.symbol("pay", limit: 10)
    #expect(other.definitions.first { $0.path.quoted == "a.R" }?.signature == "(sum)")
    // What a run changes is read by ctags, too.
    source.write("bin/main.pl", Array("sub fresh {\n  1;\n}\n".utf8))
    await index.refresh(changed: [try #require(RepoPath("bin/main.pl"))])
    #expect(try await index.symbol("fresh", limit: 10).definitions.map(\.endLine) == [3])
  }

  @Test func functionsAreRankedAndPacked() async throws {
    let filler = (0..<60).map { "sub filler\($0) {\n  return $0 + \($0);\n}\n" }.joined()
    let source = MemorySource([
      "lib/Big.pm":
        "package Big;\n\(filler)\nsub settle_invoice {\n  my $sum = shift;\n  return $sum - discount($sum);\n}\n"
    ])
    let index = try #require(await Index.open(source: source, directory: []))
    let hit = try #require(
      await index.search("settle an invoice with a discount", isRegex: false, below: nil, limit: 5).first)
    #expect(hit.name == "Big.settle_invoice")
    let pack = try #require(
      await index.pack(
        task: "settle an invoice with a discount", failures: [], places: [], budgetTokens: 2000, patience: .seconds(20))
    )
    #expect(pack.text.contains("settle_invoice"))
  }

  @Test(arguments: [false, true]) func comesToBeReadOnceCtagsIsThere(inGit: Bool) async throws {
    let scratch = try TemporaryDirectory("ctags")
    try scratch.makeDirectory("tree")
    try scratch.makeDirectory("empty")
    try scratch.write("tree/a.pl", "sub first {\n  1;\n}\n")
    try scratch.write("tree/b.py", "def second():\n  pass\n")
    if inGit {
      for arguments in [["init", "-q"], ["add", "-A"], ["commit", "-qm", "c"]] {
        let git = ["git", "-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        #expect(try runProcess(git + arguments, cwd: scratch.path("tree")).status == 0)
      }
    }
    // Files must be old enough to be known by their times.
    usleep(150_000)
    let revisions: [String?] = inGit ? [nil, "HEAD"] : [nil]
    for revision in revisions {
      let without = try Self.open(scratch, path: scratch.path("empty") + ":relative:.")
      let status = try await without.prepare(revision: revision)
      #expect(status.declarations == 1)
      #expect(status.special["without definitions"] == 1)
      #expect(status.ctagsProblem?.contains("1 file has no definitions") ?? false)
      #expect(status.ctagsProblem?.contains("universal-ctags") ?? false)
      let words = try await without.search(SearchRequest("first"), revision: revision)
      #expect(words.results.map(\.path.quoted) == ["a.pl"])
    }
    for revision in revisions {
      let with = try Self.open(scratch)
      let status = try await with.prepare(revision: revision)
      #expect(status.declarations == 2)
      #expect(status.special["without definitions"] == nil)
      #expect(status.ctagsProblem == nil)
    }
    // What was read stays read when it is gone again.
    for revision in revisions {
      let status = try await Self.open(scratch, path: scratch.path("empty")).prepare(revision: revision)
      #expect(status.declarations == 2)
      #expect(status.ctagsProblem == nil)
    }
  }
}
