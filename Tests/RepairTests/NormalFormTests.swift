import Paths
import TestSupport
import Testing

@testable import Repair

@Suite struct NormalFormTests {
  private func same(_ left: String, _ right: String, _ language: Language = .python) -> Bool {
    NormalForm.hash(of: Array(left.utf8), language: language)
      == NormalForm.hash(of: Array(right.utf8), language: language)
  }

  @Test(arguments: [
    ("if a <= b:\n  x", "if b >= a:\n  x"), ("if a < b:\n  x", "if b > a:\n  x"),
    ("if a == b:\n  x", "if b == a:\n  x"),
    ("if not a < b:\n  x", "if a >= b:\n  x"), ("if not (a == b):\n  x", "if a != b:\n  x"),
    ("if a < b + 1:\n  x", "if a <= b:\n  x"),
    ("if a + 1 <= b:\n  x", "if a < b:\n  x"), ("x = x + 1\n", "x += 1\n"), ("range(0, n)", "range(n)"),
    ("y = a[0:n]", "y = a[:n]"),
    ("if not x is None:\n  y", "if x is not None:\n  y"), ("y = (x)\n", "y = x\n"),
    ("if v > 2 ** n - 1:\n  x", "if v >= 2 ** n:\n  x"), ("if a * b < c + d:\n  x", "if c + d > a * b:\n  x"),
    ("a  =  b # c", "a = b"),
  ])
  func `Spellings of the same program`(pair: (String, String)) { #expect(same(pair.0, pair.1)) }

  @Test(arguments: [
    ("if a < b:\n  x", "if a <= b:\n  x"), ("if a < b:\n  x", "if b < a:\n  x"), ("x = a - b", "x = b - a"),
    ("  x\ny", "x\ny"),
    ("x = x - a + b\n", "x -= a + b\n"), ("f(a)(b)", "f(a, b)"), ("if not a and b:\n  x", "if not (a and b):\n  x"),
    ("a - 1 < b * 2", "a < b * 2"),
  ])
  func `Different programs`(pair: (String, String)) { #expect(!same(pair.0, pair.1)) }

  @Test func `Braced languages`() {
    #expect(same("if (!(a < b)) { x(); }", "if (a >= b) { x(); }", .javascript))
    #expect(same("while (i < n) i = i + 1;", "while (n > i) i += 1;", .c))
    #expect(same("for (i = 0; i <= n - 1; i++) x();", "for (i = 0; i < n; i += 1) x();", .c))
    #expect(!same("if (!a) x();", "if (a) x();", .c))
  }

  @Test func `Any text has a normal form`() {
    var random = Seeded(7)
    for _ in 0..<200 {
      var text = ""
      for _ in 0..<30 {
        text +=
          (["not", "(", ")", "<", ">", "==", "a", "b", "1", "+", "-", " ", "\n", "[", "]", "=", "."].randomElement(
            using: &random) ?? "") + " "
      }
      _ = NormalForm.tokens(of: Array(text.utf8), language: .python)
    }
  }
}

@Suite struct EditStackTests {
  @Test func `Edits on top of edits are edits of the original`() {
    var random = Seeded(3)
    for _ in 0..<400 {
      let original = (0..<Int.random(in: 1...40, using: &random)).map { _ in UInt8.random(in: 97...122, using: &random)
      }
      func edits(_ count: Int) -> [(start: Int, end: Int, text: String)] {
        var result: [(start: Int, end: Int, text: String)] = []
        var position = 0
        while position <= count, result.count < 4 {
          let start = Int.random(in: position...count, using: &random)
          let end = Int.random(in: start...count, using: &random)
          let text = String(repeating: "X", count: Int.random(in: 0...3, using: &random)) + String(result.count)
          result.append((start, end, text))
          position = end + 1
        }
        return result
      }
      let base = edits(original.count)
      let current = EditStack.apply(base, to: original)
      let further = edits(current.count)
      let expected = EditStack.apply(further, to: current)
      let combined = EditStack.combine(base: base, further: further, current: current)
      let changed = EditStack.apply(combined, to: original)
      #expect(changed == expected)
      #expect(EditStack.apply(EditStack.inverse(of: combined, original: original), to: changed) == original)
    }
  }

  @Test func `A diff shows the changed lines`() throws {
    let path = try #require(RepoPath("a b.txt"))
    let diff = EditDiff.unified(path: path, original: Array("one\ntwo\nthree\n".utf8), edits: [(4, 7, "zwei")])
    #expect(diff == "--- a/a b.txt\n+++ b/a b.txt\n@@ -1,3 +1,3 @@\n one\n-two\n+zwei\n three\n")
    #expect(EditDiff.unified(path: path, original: [97], edits: []) == "")
  }
}
