import TestSupport
import Testing

@Suite("What tests share")
struct SupportTests {
  @Test func temporaryDirectoryIsRemovedWithHostileContents() throws {
    var path = ""
    do {
      let directory = try TemporaryDirectory()
      path = directory.path
      try directory.write("a/b/c.txt", "text")
      #expect(directory.text("a/b/c.txt") == "text")
      let made = try runProcess(
        ["sh", "-c", "mkdir -p shut/inner && touch shut/inner/f \"$(printf '\\377')\" && chmod 0 shut"],
        cwd: directory.path)
      #expect(made.status == 0)
    }
    #expect(try runProcess(["test", "-e", path]).status == 1)
  }

  @Test func processesAreRunWithInputEnvironmentAndDirectory() throws {
    let result = try runProcess(
      ["/bin/sh", "-c", "cat; echo $X; pwd; echo oops >&2; exit 7"], environment: ["X": "value"], cwd: "/usr",
      input: Array("in\n".utf8))
    #expect(result.out == "in\nvalue\n/usr\n")
    #expect(result.err == "oops\n")
    #expect(result.status == 7)
  }

  @Test func processesThatTakeTooLongOrDieAreSaid() async throws {
    let slow = try await runningProcess(["sh", "-c", "sleep 60 & sleep 60"], timeout: 0.2)
    #expect(slow.timedOut)
    #expect(slow.status == 137)
    #expect(try runProcess(["sh", "-c", "kill -TERM $$"]).status == 143)
    #expect(throws: POSIXFailure.self) { try runProcess(["/no/such/program"]) }
  }

  @Test func largeInputToAProgramThatDoesNotReadIt() throws {
    let result = try runProcess(["true"], input: [UInt8](repeating: 0, count: 10_000_000))
    #expect(result.status == 0)
    let echoed = try runProcess(["cat"], input: [UInt8](repeating: 65, count: 3_000_000))
    #expect(echoed.stdout.count == 3_000_000)
  }

  @Test func builtProductLiesBesideTheTests() {
    #expect(builtProduct("x").hasPrefix("/"))
  }
}
