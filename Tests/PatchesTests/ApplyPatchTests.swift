import Paths
import Testing

@testable import Patches

/// What ``apply(_:to:)`` gives for a file that is gone.
let gone = "(gone)"

/// Applies a patch text to files given as texts.
func apply(_ patch: String, to files: [String: String]) throws -> [String: String] {
  let edits = try ApplyPatch.parse(patch)
  var contents: [RepoPath: [UInt8]] = [:]
  for (path, content) in files { contents[try #require(RepoPath(path))] = content.bytes }
  var result: [String: String] = [:]
  for change in try PatchApplier.apply(edits, files: contents) {
    result[change.path.quoted] = text(change.content) ?? gone
  }
  return result
}

@Suite("apply_patch")
struct ApplyPatchTests {
  @Test("add, update, move and delete in one patch")
  func allOperations() throws {
    let patch = """
      *** Begin Patch
      *** Add File: new/a.txt
      +one
      +
      +two
      *** Update File: old.py
      *** Move to: moved.py
      @@ def f():
      -    return 1
      +    return 2
      *** Delete File: gone.txt
      *** End Patch
      """
    let result = try apply(
      patch, to: ["old.py": "def g():\n    return 1\ndef f():\n    return 1\n", "gone.txt": "x\n"])
    #expect(
      result == [
        "new/a.txt": "one\n\ntwo\n", "old.py": gone, "moved.py": "def g():\n    return 1\ndef f():\n    return 2\n",
        "gone.txt": gone,
      ])
  }

  struct Case: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let hunks: String
    let before: String
    let after: String

    init(_ name: String, _ hunks: String, _ before: String, _ after: String) {
      testDescription = name
      self.hunks = hunks
      self.before = before
      self.after = after
    }
  }

  @Test(
    "one update",
    arguments: [
      Case("in the middle", "@@\n a\n-b\n+B\n c", "a\nb\nc\n", "a\nB\nc\n"),
      Case("first chunk without @@", " a\n-b\n+B", "a\nb\n", "a\nB\n"),
      Case("two chunks in order", "@@\n-x\n+1\n@@\n-x\n+2", "x\ny\nx\n", "1\ny\n2\n"),
      Case(
        "the second of two equal places by its anchor", "@@ def g():\n-  x\n+  y", "def f():\n  x\ndef g():\n  x\n",
        "def f():\n  x\ndef g():\n  y\n"),
      Case(
        "nested anchors", "@@ class B\n@@ def f\n-  x\n+  y", "class A\ndef f\n  x\nclass B\ndef f\n  x\n",
        "class A\ndef f\n  x\nclass B\ndef f\n  y\n"),
      Case(
        "an anchor that is only the line's beginning", "@@ def f(\n-  x\n+  y", "def g(a):\n  x\ndef f(a):\n  x\n",
        "def g(a):\n  x\ndef f(a):\n  y\n"),
      Case(
        "an anchor repeated as context", "@@ def f():\n def f():\n-  x\n+  y", "  x\ndef f():\n  x\n",
        "  x\ndef f():\n  y\n"),
      Case("a wrong anchor, and one place", "@@ nowhere\n-x\n+y", "a\nx\n", "a\ny\n"),
      Case("chunks out of order", "@@\n-c\n+C\n@@\n-a\n+A", "a\nb\nc\n", "A\nb\nC\n"),
      Case("line numbers where an anchor should be", "@@ -3,1 +3,1 @@\n-x\n+y", "x\na\nx\n", "x\na\ny\n"),
      Case("the end of the file", "@@\n x\n+y\n*** End of File", "x\nz\nx\n", "x\nz\nx\ny\n"),
      Case("appended without context", "@@\n+z", "a\nb\n", "a\nb\nz\n"),
      Case("appended to an empty file", "@@\n+z", "", "z\n"),
      Case("inserted after an anchor", "@@ a\n+z", "a\nb\n", "a\nz\nb\n"),
      Case("trailing space differs", "@@\n-b\n+B", "a\nb  \nc\n", "a\nB\nc\n"),
      Case("context keeps its bytes", "@@\n a\n-b\n+B", "a \t\nb\n", "a \t\nB\n"),
      Case(
        "indentation is taken over", "@@\n if x:\n-  y\n+  z\n+\n+  w", "    if x:\n      y\n",
        "    if x:\n      z\n\n      w\n"),
      Case("too much indentation", "@@\n-    x\n+    y", "  x\n", "  y\n"),
      Case("typographic punctuation", "@@\n-a - 'b'\n+c", "a \u{2013} \u{2018}b\u{2019}\n", "c\n"),
      Case("no-break space", "@@\n-a b\n+c", "a\u{a0}b\n", "c\n"),
      Case("CRLF file, LF patch", "@@\n a\n-b\n+B\n+C", "a\r\nb\r\nc\r\n", "a\r\nB\r\nC\r\nc\r\n"),
      Case("CRLF file without final newline", "@@\n-b\n+B", "a\r\nb", "a\r\nB"),
      Case("CRLF file without final newline, appended", "@@\n b\n+c", "a\r\nb", "a\r\nb\r\nc"),
      Case("LF patch lines with stray CR", "@@\n-b\r\n+B\r", "a\nb\n", "a\nB\n"),
      Case("no final newline stays", "@@\n-a\n+A", "a\nb", "A\nb"),
      Case("no final newline stays at the last line", "@@\n-b\n+B\n+C", "a\nb", "a\nB\nC"),
      Case("blank line at the end of a chunk", "@@\n-a\n+A\n", "a\nb\n", "A\nb\n"),
      Case("blank lines between chunks", "@@\n-a\n+A\n\n\n@@\n-c\n+C", "a\nb\nc\n", "A\nb\nC\n"),
      Case("a context line that lost its space", "@@\n\tx\n-b\n+B", "\tx\nb\n", "\tx\nB\n"),
      Case("an empty context line", "@@\n a\n\n-b\n+B", "a\n\nb\n", "a\n\nB\n"),
      Case("removes everything", "@@\n-a", "a\n", ""),
      Case(
        "context that looks like a marker", "@@\n *** End Patch\n-a\n+b", "*** End Patch\na\n", "*** End Patch\nb\n"),
    ])
  func update(_ example: Case) throws {
    let patch = "*** Begin Patch\n*** Update File: f\n\(example.hunks)\n*** End Patch"
    #expect(try apply(patch, to: ["f": example.before]) == ["f": example.after])
  }

  @Test(
    "envelopes",
    arguments: [
      "*** Begin Patch\n*** Update File: f\n-a\n+b\n*** End Patch",
      "*** Begin Patch\n*** Update File: f\n-a\n+b\n*** End Patch\n\n",
      "\n  *** Begin Patch  \n  *** Update File: f  \n-a\n+b\n *** End Patch \n",
      "*** Begin Patch\r\n*** Update File: f\r\n-a\r\n+b\r\n*** End Patch\r\n",
      "*** Begin Patch\n*** Update File: f\n-a\n+b",
      "*** Update File: f\n-a\n+b\n",
      "```\n*** Begin Patch\n*** Update File: f\n-a\n+b\n*** End Patch\n```\n",
      "<<'EOF'\n*** Begin Patch\n*** Update File: f\n-a\n+b\n*** End Patch\nEOF\n",
      "apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: f\n-a\n+b\n*** End Patch\nEOF\n",
      "applypatch <<\"PATCH\"\n*** Begin Patch\n*** Update File: f\n-a\n+b\n*** End Patch\nPATCH",
      "apply_patch <<EOF\n*** Begin Patch\n*** Update File: f\n-a\n+b\n*** End Patch\n",
      "cd . && apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: f\n-a\n+b\n*** End Patch\nEOF",
      "apply_patch '*** Begin Patch\n*** Update File: f\n-a\n+b\n*** End Patch'",
      #"["bash","-lc","apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: f\n-a\n+b\n*** End Patch\nEOF\n"]"#,
      #"["apply_patch","*** Begin Patch\n*** Update File: f\n@@\n-a\n+b\n*** End Patch"]"#,
      "bash -lc \"apply_patch <<'EOF'\n*** Begin Patch\n*** Update File: f\n-a\n+b\n*** End Patch\nEOF\"",
      "*** Begin Patch\n--- a/f\n+++ b/f\n@@ -1 +1 @@\n-a\n+b\n*** End Patch",
      "*** Begin Patch\n*** Update File: ./f\n-a\n+b\n*** End Patch\nEOF",
    ])
  func envelopes(_ patch: String) throws {
    #expect(try apply(patch, to: ["f": "a\n"]) == ["f": "b\n"])
  }

  @Test("a directory before the patch")
  func directory() throws {
    let command = "cd 'sub dir' && apply_patch <<'EOF'\n*** Begin Patch\n*** Delete File: f\n*** End Patch\nEOF"
    let found = try #require(ApplyPatch.extractFromShell(command))
    #expect(found.directory == "sub dir")
    #expect(found.patch == "*** Begin Patch\n*** Delete File: f\n*** End Patch\n")
    #expect(try ApplyPatch.parse(command) == [.delete(path: try #require(RepoPath("sub dir/f")))])
  }

  @Test(
    "commands that do more are for the shell",
    arguments: [
      "ls", "", "apply_patch", "cat <<'EOF'\nx\nEOF", "apply_patch <<'EOF'\nx\nEOF\nrm -rf x",
      "echo hi; apply_patch <<'EOF'\nx\nEOF",
      "cd a b && apply_patch <<'EOF'\nx\nEOF", "cd a || apply_patch <<'EOF'\nx\nEOF",
      "cd $HOME && apply_patch <<'EOF'\nx\nEOF",
      "apply_patch <<'EOF' && ls\nx\nEOF", "apply_patch 'x' 'y'", "apply_patch \"unclosed", "[1,2]", "[\"bash\"]",
      "bash -lc 'ls'",
      "apply_patch $(cat p)", "apply_patch < p", "[",
    ])
  func notAPatch(_ command: String) {
    #expect(ApplyPatch.extractFromShell(command) == nil)
  }

  @Test(
    "paths that are refused",
    arguments: ["../f", "a/../../f", "/etc/passwd", "", ".", "/", "a/..", "\"bad\\q\"", "/workspace", "/workspace2/f"])
  func refusedPaths(_ path: String) {
    #expect(throws: PatchError.self) {
      try ApplyPatch.parse("*** Begin Patch\n*** Delete File: \(path)\n*** End Patch", root: "/work/space".bytes)
    }
  }

  @Test("paths that are read")
  func paths() throws {
    func path(_ text: String, directory: String = "") throws -> String {
      let edits = try ApplyPatch.parse(
        "*** Begin Patch\n*** Delete File: \(text)\n*** End Patch", directory: try #require(RepoPath(directory)),
        root: "/work/space/".bytes)
      return try #require(edits.first).path.quoted
    }
    #expect(try path("a/b") == "a/b")
    #expect(try path("./a//b/") == "a/b")
    #expect(try path("/work/space/a") == "a")
    #expect(try path("a", directory: "d") == "d/a")
    #expect(try path("/work/space/a", directory: "d") == "a")
    #expect(try path("with space") == "with space")
    #expect(try path("\"tab\\there\"") == "\"tab\\there\"")
  }

  @Test("messages say where, what and the nearest place")
  func messages() throws {
    let file = "def area(w, h):\n    total = w * h\n    return total\n\ndef other():\n    pass\n"
    let patch =
      "*** Begin Patch\n*** Update File: geo.py\n@@\n def area(w, h):\n-    total = w + h\n+    total = w - h\n     return total\n*** End Patch"
    let error = try #require(throws: PatchError.self) { try apply(patch, to: ["geo.py": file]) }
    #expect(error.kind == .notFound)
    #expect(error.path?.quoted == "geo.py")
    #expect(error.hunk == 1)
    #expect(error.nearest?.line == 1)
    #expect(error.nearest?.matching == 2)
    let message = error.description
    #expect(message.contains("geo.py, hunk 1, line 3 of the patch: these lines are not in the file"))
    #expect(message.contains("line 2 of the file is:     total = w * h"))
    #expect(message.contains("the patch has:             total = w + h"))
  }

  @Test(
    "what is no patch",
    arguments: [
      ("", PatchError.Kind.malformed), ("hello", .malformed), ("*** Begin Patch\n*** End Patch", .malformed),
      ("*** Begin Patch\n*** Update File: f\n*** End Patch", .malformed),
      ("*** Begin Patch\n*** Update File: f\n@@\n*** End Patch", .malformed),
      ("*** Begin Patch\n*** Rename File: f\n*** End Patch", .malformed),
      ("*** Begin Patch\n*** Delete File: f\n*** End Patch\nand then\nmore", .malformed),
      ("*** Begin Patch\n*** Delete File:\n*** End Patch", .badPath),
    ])
  func malformed(_ patch: String, _ kind: PatchError.Kind) throws {
    let error = try #require(throws: PatchError.self) { try ApplyPatch.parse(patch) }
    #expect(error.kind == kind)
    #expect(!error.description.isEmpty)
  }

  @Test("files that are not there, and edits in sequence")
  func sequence() throws {
    #expect(throws: PatchError.self) { try apply("*** Begin Patch\n*** Delete File: f\n*** End Patch", to: [:]) }
    #expect(throws: PatchError.self) { try apply("*** Begin Patch\n*** Update File: f\n+a\n*** End Patch", to: [:]) }
    let twice = "*** Begin Patch\n*** Update File: f\n-a\n+b\n*** Update File: f\n-b\n+c\n*** End Patch"
    #expect(try apply(twice, to: ["f": "a\n"]) == ["f": "c\n"])
    let again = "*** Begin Patch\n*** Delete File: f\n*** Add File: f\n+new\n*** End Patch"
    #expect(try apply(again, to: ["f": "a\n"]) == ["f": "new\n"])
    let failing = "*** Begin Patch\n*** Add File: n\n+x\n*** Update File: f\n-z\n+c\n*** End Patch"
    #expect(throws: PatchError.self) { try apply(failing, to: ["f": "a\n"]) }
  }

  @Test("the paths that must be read")
  func requiredPaths() throws {
    let edits = try ApplyPatch.parse(
      "*** Begin Patch\n*** Add File: n\n+x\n*** Update File: b\n+c\n*** Delete File: a\n*** End Patch")
    #expect(PatchApplier.requiredPaths(edits).map(\.quoted) == ["a", "b"])
  }
}
