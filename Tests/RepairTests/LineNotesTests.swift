import Paths
import TestReports
import TestSupport
import Testing

@testable import Repair

/// Sources that note which of their lines run.
@Suite struct LineNotesTests {
  /// A program that calls `pick` with 2 and then with -1. Lines end with `a` where the first call runs them, with `b` where the
  /// second does.
  struct Sample: Sendable, CustomTestStringConvertible {
    var file: String
    var source: String
    var build: String
    var run: String
    var testDescription: String { file }
  }

  private static let c = Sample(
    file: "pick.c",
    source: """
      #include <stdio.h>
      static int pick(int n) { // ab
        if (n < 0) // ab
          return -1; // b
        int sum = 0; // a
        for (int i = 0; i < n; i++) { // a
          if (i == 3) { // a
            sum += 100;
          } else // a
            sum += i; // a
          if (sum > 50) break; // a
          sum += 0; // a
        }
        switch (sum) { // a
        case 1: sum = 7; break; // a
        default: sum++;
        }
        do sum++; while (sum < 0); // a
        return sum; // a
      }
      int main(void) { printf("ok 1 - a\\n# %d\\n", pick(2)); printf("not ok 2 - b\\n# %d\\n", pick(-1)); return 1; }

      """,
    build: "gcc -O1 -Wall -Wextra -Wpedantic -Werror -std=c11 pick.c -o program", run: "./program")

  private static let java = Sample(
    file: "Main.java",
    source: """
      public class Main {
        static int pick(int n) { // ab
          if (n < 0) { // ab
            return -1; // b
          }
          int sum = 0; // a
          while (sum < n) { // a
            if (sum == 9) // a
              sum += 100;
            sum++; // a
          }
          try { // a
            Integer.parseInt("x"); // a
          } catch (NumberFormatException error) { // a
            sum++; // a
          }
          return switch (sum) { case 1 -> 3; default -> 4; }; // a
        }
        static void codeagentTest(String name, int n) { check(name, n); }
        static void check(String name, int n) { System.out.println("ok " + name); pick(n); }
        public static void main(String[] arguments) {
          pick(2); System.out.println("ok 1 - a"); pick(-1); System.out.println("not ok 2 - b"); System.exit(1);
        }
      }

      """,
    build: "javac -Xlint:all -Werror Main.java", run: "java -Xshare:auto -XX:TieredStopAtLevel=1 Main")

  private static let go = Sample(
    file: "pick.go",
    source: """
      package main

      import ("fmt"; "os")

      func pick(n int) int { // ab
      \tif n < 0 { // ab
      \t\treturn -1 // b
      \t}
      \tsum := 0 // a
      \tfor i := 0; i < n; i++ { // a
      \t\tif i == 3 { // a
      \t\t\tsum += 100
      \t\t} else {
      \t\t\tsum += i // a
      \t\t}
      \t}
      \tswitch sum { // a
      \tcase 1: // a
      \t\tsum = 7 // a
      \tdefault:
      \t\tsum++
      \t}
      \treturn sum // a
      }

      func main() {
      \tos.Setenv("CODEAGENT_TEST", "a")
      \tfmt.Println(pick(2))
      \tos.Setenv("CODEAGENT_TEST", "b")
      \tfmt.Println(pick(-1))
      \tos.Exit(1)
      }

      """,
    build: "GOCACHE=$PWD/cache go build -o program pick.go", run: "./program")

  private static let rust = Sample(
    file: "main.rs",
    source: """
      #![deny(warnings)]
      mod inner {
          pub fn pick(n: i32) -> Option<i32> { // ab
              if n < 0 { // ab
                  return None; // b
              }
              let mut sum = 0; // a
              for i in 0..n { // a
                  match i { // a
                      3 => {
                          sum += 100;
                      }
                      _ => { // a
                          sum += i // a
                      }
                  }
              }
              let first: Option<i32> = (1..3).next(); // a
              let sum = first? + sum; // a
              Some(sum) // a
          }
      }
      fn main() {
          for (name, n) in [("a", 2), ("b", -1)] {
              std::thread::Builder::new().name(name.into()).spawn(move || { println!("{:?}", inner::pick(n)) }).unwrap().join().unwrap();
          }
      }

      """,
    build: "rustc main.rs -o program", run: "./program")

  private static let swift = Sample(
    file: "main.swift",
    source: """
      import Glibc
      func same(_ n: Int) -> Int { n + 0 } // ab
      func pick(_ n: Int) -> Int { // ab
        guard same(n) >= 0 else { // ab
          return -1 // b
        }
        var sum = 0 // a
        for index in 0..<n { // a
          if index == 3 { // a
            sum += 100
          }
          sum += index // a
        }
        switch sum { // a
        case 1: // a
          sum = 7 // a
        default:
          sum += 1
        }
        return sum // a
      }
      setenv("CODEAGENT_TEST", "a", 1)
      print(pick(2))
      setenv("CODEAGENT_TEST", "b", 1)
      print(pick(-1))

      """,
    build: "swiftc -Onone main.swift -o program", run: "./program")

  private static let samples = [c, java, go, rust, swift].filter { sample in
    let tool = sample.build.split(separator: " ").first { !$0.contains("=") } ?? ""
    return programOnPath(String(tool)) != nil
  }

  @Test(arguments: samples) func eachTestHasItsLines(_ sample: Sample) async throws {
    let path = try #require(RepoPath(sample.file))
    let source = Array(sample.source.utf8)
    var notes = try #require(LineNotes(files: [(path, source)], isTest: { _ in false }))
    let directory = try TemporaryDirectory("notes")
    var isBuilt = false
    for _ in 0..<4 where !isBuilt {
      for (path, bytes) in notes.contents { try directory.write(path.quoted, bytes: bytes) }
      let result = try await runningProcess(["/bin/sh", "-c", "\(sample.build) 2>&1"], cwd: directory.path)
      isBuilt = result.status == 0
      if !isBuilt {
        let isDropped = notes.drop(complaints: Array(result.out.utf8))
        #expect(isDropped, "\(result.out)")
      }
    }
    let variables = "\(LineNotes.events)=$PWD/events \(LineNotes.output)=$PWD/output"
    let run = "\(variables) \(sample.run) > output 2>&1; cat events; echo ----; cat output"
    let said = try await runningProcess(["/bin/sh", "-c", run], cwd: directory.path).out
    let (events, output) = try #require(
      said.firstRange(of: "----\n").map { (said[..<$0.lowerBound], said[$0.upperBound...]) })
    let report = TestReport(
      tests: [TestOutcome(name: "1::a", result: .passed), TestOutcome(name: "2::b", result: .failed)], exitStatus: 1)
    let coverage = try #require(
      notes.coverage(events: Array(events.utf8), output: Array(output.utf8), framework: .tap, report: report))
    let lines = sample.source.split(separator: "\n", omittingEmptySubsequences: false)
    for (index, name) in ["a", "b"].enumerated() {
      let ran = coverage.tests[index].lines[path] ?? []
      for (number, line) in lines.enumerated() {
        guard let mark = line.firstRange(of: "// ") else {
          if line.contains("100") || line.contains("default") {
            #expect(!ran.contains { $0.contains(number + 1) }, "\(name) \(line)")
          }
          continue
        }
        #expect(ran.contains { $0.contains(number + 1) } == line[mark.upperBound...].contains(name), "\(name) \(line)")
      }
    }
  }

  @Test func testsAreKnownByWhatTheyCallThemselves() throws {
    let path = try #require(RepoPath("a.go"))
    let notes = try #require(
      LineNotes(files: [(path, Array("package a\nfunc F() {\n\tg()\n}\n".utf8))], isTest: { _ in false }))
    let names = ["x/a.TestF", "x/b.TestF", "x/a.TestG/sub_case", "Suite.pick(n:)"]
    let report = TestReport(tests: names.map { TestOutcome(name: $0, result: .failed) }, exitStatus: 1)
    func named(_ event: String) -> [String] {
      notes.coverage(events: Array(event.utf8), output: [], framework: .go, report: report)?.tests.map(\.name) ?? []
    }
    #expect(named("0 0 0 TestG/sub_case\n") == ["x/a.TestG/sub_case"])
    #expect(named("0 0 0 Suite/pick\n") == ["Suite.pick(n:)"])
    #expect(named("0 0 0 TestF\n").count == 2)
    #expect(named("0 0 0 other\n0 9 0 TestF\n7 0 0 TestF\nx\n\n").isEmpty)
  }

  @Test(arguments: [Language.c, .cpp, .rust, .java, .go, .swift])
  func anyTextKeepsItsBytes(_ language: Language) throws {
    let names: [Language: String] = [.c: "c", .cpp: "cpp", .rust: "rs", .java: "java", .go: "go", .swift: "swift"]
    let path = try #require(RepoPath("any.\(names[language] ?? "")"))
    var random = Seeded(UInt64(language.rawValue) + 3)
    for _ in 0..<150 {
      var bytes = Array("int f(int a) { if (a) return 1; return a; }\n".utf8)
      for _ in 0..<Int.random(in: 1...12, using: &random) {
        bytes += Array((LexerTests.pieces.randomElement(using: &random) ?? "").utf8)
      }
      for isTest in [false, true] {
        var file = NotedFile(SourceFile(path: path, bytes: bytes, language: language), number: 0, isTest: isTest)
        // What was there is still there, in its order and on its lines.
        var rest = file.bytes[...]
        for byte in bytes {
          guard let next = rest.firstIndex(of: byte) else {
            Issue.record("lost a byte of \(bytes.count)")
            break
          }
          rest = rest[(next + 1)...]
        }
        for line in 1...8 { file.drop(line: line) }
        #expect(file.bytes.count >= bytes.count)
      }
    }
  }
}
