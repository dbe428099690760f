import Paths
import Testing

@testable import Patches

@Suite("search and replace")
struct SearchReplaceTests {
  private func replace(_ old: String, _ new: String, in content: String, all: Bool = false) throws -> String? {
    text(try SearchReplace.replace(old.bytes, with: new.bytes, in: content.bytes, all: all))
  }

  @Test("one occurrence")
  func one() throws {
    #expect(try replace("b", "B", in: "abc") == "aBc")
    #expect(try replace("a\nb", "x", in: "a\r\nb\r\n") == "x\r\n")
    #expect(try replace("a\nb", "x\ny", in: "a\r\nb\r\n") == "x\r\ny\r\n")
    #expect(try replace("a", "", in: "a") == "")
  }

  @Test("all occurrences, without overlap")
  func all() throws {
    #expect(try replace("aa", "b", in: "aaaaa", all: true) == "bba")
  }

  @Test("errors")
  func errors() throws {
    let ambiguous = try #require(throws: PatchError.self) { try replace("x", "y", in: "x\na\nx\nx x\n") }
    #expect(ambiguous.kind == .ambiguous)
    #expect(ambiguous.description.contains("4 times, at lines 1, 3, 4, 4"))
    let missing = try #require(throws: PatchError.self) {
      try replace("let total = a - b", "y", in: "x\nlet total = a + b\n")
    }
    #expect(missing.kind == .notFound)
    #expect(missing.nearest?.line == 2)
    #expect(throws: PatchError.self) { try replace("", "y", in: "x") }
  }

  @Test("edits of ranges")
  func edits() throws {
    func apply(_ edits: [(Range<Int>, String)], _ content: String) throws -> String? {
      text(try TextEdit.apply(edits.map { TextEdit(range: $0.0, replacement: $0.1.bytes) }, to: content.bytes))
    }
    #expect(try apply([], "abc") == "abc")
    #expect(try apply([(2..<3, "C"), (0..<1, "A")], "abc") == "AbC")
    #expect(try apply([(1..<1, "x"), (1..<1, "y"), (1..<2, "B")], "abc") == "axyBc")
    #expect(throws: PatchError.self) { try apply([(0..<2, ""), (1..<3, "")], "abc") }
    #expect(throws: PatchError.self) { try apply([(0..<4, "")], "abc") }
  }
}
