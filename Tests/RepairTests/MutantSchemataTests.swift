import Paths
import TestReports
import TestSupport
import Testing

@testable import Repair

/// Many patches in one build: each branch does what its patch does, the original stays as it is.
@Suite struct MutantSchemataTests {
  /// A program with patches and what it prints with each; nil for those that a compiler refuses.
  struct Sample: Sendable, CustomTestStringConvertible {
    var file: String
    var source: String
    var build: String
    var run: String
    var original: String
    var patches: [(old: String, new: String, prints: String?)]
    /// How many patches cannot be switched.
    var unplaced = 0
    var testDescription: String { file }
  }

  private static let c = Sample(
    file: "sum.c",
    source: """
      #include <stdio.h>
      struct pair { int left, right; };
      static const int OFF = 1;
      /* braces { in a comment, and "quotes */
      static int sum(struct pair pair, int n) {
        static int calls;
        int total = 0;
        for (int i = 0; i < n; i++) {
          if (i % 2 == 0) { total += pair.left; }
          else total -= pair.right;
        }
        calls++;
        return total + calls - OFF; // }
      }
      static int line(int n) { int own = __LINE__; return own + n; }
      int main(void) { struct pair pair = {7, 2}; printf("%d %d\\n", sum(pair, 3), line(0)); return 0; }

      """,
    build: "gcc -O1 -Wall -Wextra -Wpedantic -Werror -std=c11 sum.c -o program", run: "./program", original: "12 15",
    patches: [
      ("total += pair.left", "total += pair.right", "2 15"), ("i < n", "i <= n", "10 15"),
      ("return total + calls", "return total + unknown", nil), ("return total +", "return total -", "10 15"),
      ("OFF = 1", "OFF = 2", nil), ("sum(pair, 3)", "sum(pair, 1)", "7 15"), ("calls++;", "calls = oops(;", nil),
    ], unplaced: 2)

  /// The compiler complains of a definition, and notes the call before it that is to blame.
  private static let cLater = Sample(
    file: "later.c",
    source: """
      #include <stdio.h>
      static int first(int n) { return n + 1; }
      static long second(long n) { return n * 2; }
      int main(void) { printf("%d %ld\\n", first(3), second(4)); return 0; }

      """,
    build: "gcc -O0 -w -std=c11 later.c -o program", run: "./program", original: "4 8",
    patches: [
      ("n + 1", "second(n) + 1", nil), ("n + 1", "n + 2", "5 8"), ("n * 2", "n * 3", "4 12"),
    ])

  private static let cpp = Sample(
    file: "sum.cpp",
    source: """
      #include <cstdlib>
      #include <iostream>
      #include <vector>
      namespace { template <typename T> T total(const std::vector<T>& values) {
        T sum{};
        for (const auto& value : values) { sum += value; }
        return sum;
      } }
      constexpr int twice(int n) { return n + n; }
      static int early = total(std::vector<int>{1, 2});
      int main() { std::cout << total(std::vector<int>{1, 2, 3}) << ' ' << twice(2) << ' ' << early << '\\n'; }

      """,
    build: "g++ -Wall -Wextra -Werror -std=c++17 sum.cpp -o program", run: "./program", original: "6 4 3",
    patches: [
      ("sum += value", "sum -= value", "-6 4 -3"), ("return sum;", "return sum + 1;", "7 4 4"),
      ("return n + n", "return n * n", nil), ("return sum;", "return sum.value;", nil),
    ], unplaced: 1)

  private static let rust = Sample(
    file: "main.rs",
    source: """
      #![deny(warnings)]
      mod inner {
          #[derive(Clone, Copy)]
          pub struct Pair<'a> { pub left: &'a str, pub right: i64 }
          impl<'a> Pair<'a> {
              /// Braces { here.
              pub fn value(&self, n: i64) -> i64 {
                  let mut total = 0;
                  for i in 0..n {
                      if i % 2 == 0 { total += self.right }
                  }
                  total + self.left.len() as i64
              }
          }
      }
      const fn limit() -> i64 { 3 }
      fn main() {
          let pair = inner::Pair { left: "ab", right: 5 };
          println!("{} {}", pair.value(limit()), r#"}"#);
      }

      """,
    build: "rustc main.rs -o program", run: "./program", original: "12 }",
    patches: [
      ("total += self.right", "total -= self.right", "-8 }"), ("0..n", "0..=n", "12 }"),
      ("total + self.left", "total - self.left", "8 }"), ("total + self.left.len() as i64", "total", "10 }"),
      ("limit() -> i64 { 3 }", "limit() -> i64 { 1 }", nil), ("total + self.left.len()", "total + self.left", nil),
      ("i % 2 == 0", "i % 2 == missing", nil),
    ], unplaced: 1)

  private static let java = Sample(
    file: "Main.java",
    source: """
      import java.util.List;

      public class Main {
        private final int base;
        Main() { this(2); }
        Main(int base) { this.base = base; }
        int sum(List<Integer> values) {
          int total = base;
          for (int value : values) {
            if (value > 1) { total += value; }
          }
          return total;
        }
        record Pair(int left, int right) {
          Pair { if (left > right) { throw new IllegalArgumentException("{"); } }
        }
        public static void main(String[] arguments) {
          System.out.println(new Main().sum(List.of(1, 2, 3)) + " " + new Pair(1, 2).right());
        }
      }

      """,
    build: "javac -Xlint:all -Werror Main.java", run: "java -Xshare:auto -XX:TieredStopAtLevel=1 Main", original: "7 2",
    patches: [
      ("value > 1", "value > 2", "5 2"), ("total += value", "total -= value", "-3 2"),
      ("return total", "return value", nil), ("this(2)", "this(3)", nil), ("int total = base", "int total = 0", "5 2"),
      ("return total;", "", nil), ("total += value", "total += value / 0", nil),
    ], unplaced: 2)

  private static let go = Sample(
    file: "main.go",
    source: """
      // Package main prints.
      package main

      import (
      \t"fmt"
      \t"strings"
      )

      type pair struct{ left, right int }

      func (p *pair) sum(n int) int {
      \ttotal := 0
      \tfor i := 0; i < n; i++ {
      \t\tif i%2 == 0 {
      \t\t\ttotal += p.left
      \t\t}
      \t}
      \treturn total + p.right
      }

      var early = (&pair{1, 1}).sum(1)

      func main() { fmt.Println((&pair{4, 3}).sum(3), early, strings.ToUpper("a{")) }

      """,
    build: "GOFLAGS=-gcflags=-e GOCACHE=$PWD/cache go build -o program main.go", run: "./program", original: "11 2 A{",
    patches: [
      ("i < n", "i <= n", "11 2 A{"), ("total += p.left", "total = p.left", "7 2 A{"),
      ("return total + p.right", "return total - p.right", "5 0 A{"), ("strings.ToUpper", "strings.ToLower", "11 2 a{"),
      ("total := 0", "total := 0; unused := 1", nil), ("return total + p.right", "total += p.right", nil),
    ], unplaced: 1)

  private static let swift = Sample(
    file: "main.swift",
    source: """
      struct Pair {
        var left: Int
        var right: Int
        func isOrdered() -> Bool { left < right }
        func sum(_ n: Int) -> Int {
          guard n > 0 else { return 0 }
          var total = right
          for index in 0..<n {
            if index % 2 == 0 { total += left }
          }
          return total
        }
      }
      print(Pair(left: 1, right: 2).isOrdered(), Pair(left: 3, right: 4).sum(3), "\\("}")")

      """,
    build: "swiftc -Onone main.swift -o program", run: "./program", original: "true 10 }",
    patches: [
      ("left < right", "left > right", "false 10 }"), ("total += left", "total -= left", "true -2 }"),
      ("0..<n", "0...n", "true 10 }"), ("return total", "return total + 1", "true 11 }"),
      ("left < right", "left < wrong", nil), ("return 0", "return 5", "true 10 }"), ("n > 0", "n > 5", "true 0 }"),
    ])

  private static let samples = [c, cLater, cpp, rust, java, go, swift].filter { sample in
    let tool = sample.build.split(separator: " ").first { !$0.contains("=") } ?? ""
    return programOnPath(String(tool)) != nil
  }

  @Test(arguments: samples) func oneBuildDoesWhatEachPatchDoes(_ sample: Sample) async throws {
    let path = try #require(RepoPath(sample.file))
    let source = Array(sample.source.utf8)
    let edits = try sample.patches.map { patch in
      let start = try #require(source.firstRange(of: Array(patch.old.utf8)))
      return [TrialEdit(path: path, range: start, text: Array(patch.new.utf8))]
    }
    var schemata = MutantSchemata(originals: [path: source], patches: edits, wanted: Array(edits.indices))
    #expect(schemata.unplaced.count == sample.unplaced)
    let directory = try TemporaryDirectory("schemata")
    var isBuilt = false
    for _ in 0..<6 where !isBuilt {
      try directory.write(sample.file, bytes: try #require(schemata.contents[path]))
      let result = try await runningProcess(["/bin/sh", "-c", "\(sample.build) 2>&1"], cwd: directory.path)
      isBuilt = result.status == 0
      if !isBuilt {
        let output = Array(result.out.utf8)
        let isDropped =
          schemata.drop(complaints: output) || schemata.drop(complaints: output, countingWarnings: true)
        #expect(isDropped, "\(result.out)")
        guard isDropped else { return }
      }
    }
    #expect(isBuilt)
    func printed(_ number: Int) async throws -> String {
      let command = "\(MutantSchemata.variable)=\(number) \(sample.run)"
      return try await runningProcess(["/bin/sh", "-c", command], cwd: directory.path).out
    }
    #expect(try await printed(0) == sample.original + "\n")
    for (index, patch) in sample.patches.enumerated() {
      let isPlaced = schemata.placed.contains(index)
      #expect(isPlaced == (patch.prints != nil), "\(patch.new)")
      if isPlaced {
        #expect(try await printed(schemata.number(of: index)) == (patch.prints ?? "") + "\n", "\(patch.new)")
      }
    }
  }

  @Test(arguments: [Language.c, .cpp, .rust, .java, .go, .swift])
  func anyTextKeepsItsBytesAndItsBrackets(_ language: Language) throws {
    let names: [Language: String] = [.c: "c", .cpp: "cpp", .rust: "rs", .java: "java", .go: "go", .swift: "swift"]
    let path = try #require(RepoPath("any.\(names[language] ?? "")"))
    var random = Seeded(UInt64(language.rawValue) + 7)
    let whole = [
      "int f(int a) { return a; }\n", "fn f() -> u8 { if a { 1 } else { 2 } }\n", "func f() { for { x() } }\n",
    ]
    var placed = 0
    for _ in 0..<120 {
      var bytes: [UInt8] = []
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        let pieces = Bool.random(using: &random) ? whole : LexerTests.pieces
        bytes += Array((pieces.randomElement(using: &random) ?? "").utf8)
      }
      let patches = (0..<6).map { _ in
        let start = Int.random(in: 0...bytes.count, using: &random)
        let end = min(bytes.count, start + Int.random(in: 0...4, using: &random))
        let text = Array((LexerTests.pieces.randomElement(using: &random) ?? "").utf8)
        return [TrialEdit(path: path, range: start..<end, text: text)]
      }
      var file = SwitchedFile(SourceFile(path: path, bytes: bytes, language: language), number: 0)
      let schemata = MutantSchemata(originals: [path: bytes], patches: patches, wanted: Array(patches.indices))
      placed += schemata.placed.count
      #expect(Set(schemata.placed + schemata.unplaced + schemata.later) == Set(patches.indices))
      for block in file.blocks.blocks.indices where Bool.random(using: &random) {
        file.add(Array(bytes[file.blocks.blocks[block].content]), number: block + 1, to: block)
      }
      let output = file.output()
      #expect(output.kept.flatMap { output.bytes[$0] } == bytes)
      #expect(depth(output.bytes, language) == depth(bytes, language), "\(String(decoding: bytes, as: UTF8.self))")
      if schemata.placed.isEmpty { #expect(schemata.contents.values.allSatisfy { $0 == bytes }) }
    }
    #expect(placed > 0)
  }

  /// How many brackets are left open.
  private func depth(_ bytes: [UInt8], _ language: Language) -> Int {
    Lexer.tokens(of: bytes, language: language).reduce(0) { $0 + ($1.kind == .open ? 1 : $1.kind == .close ? -1 : 0) }
  }

  @Test func whatHasNoRoomComesLater() throws {
    let path = try #require(RepoPath("a.c"))
    let source = Array("int f(int a) { return a; }\n".utf8)
    let at = try #require(source.firstRange(of: Array("a; ".utf8))).lowerBound
    let patches = (0..<9).map { [TrialEdit(path: path, range: at..<at + 1, text: Array("\($0)".utf8))] }
    let schemata = MutantSchemata(
      originals: [path: source], patches: patches, wanted: Array(patches.indices), bounds: .init(patches: 4))
    #expect(schemata.placed == [0, 1, 2, 3] && schemata.later == [4, 5, 6, 7, 8])
  }

  @Test func complaintsAreOfTheFileThatIsNamed() throws {
    let path = try #require(RepoPath("src/a.rs"))
    let other = try #require(RepoPath("lib/a.rs"))
    let output = """
      warning: unused
       --> src/a.rs:3:1
      error[E0308]: mismatched types
       --> src/a.rs:10:5
      note: here
       --> src/a.rs:4:5
      src/a.rs: In function 'f':
      /w/p/lib/a.rs:7:2: error: no
      xsrc/a.rs:9: error: no
      [ERROR] /w/p/src/a.rs:[12,5] no

      """
    let found = Complaint.all(in: Array(output.utf8), files: [path, other], countingWarnings: false)
    #expect(
      found == [Complaint(path: path, line: 10), Complaint(path: other, line: 7), Complaint(path: path, line: 12)])
  }
}
