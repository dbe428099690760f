import Glibc
import Sandbox
import TestSupport
import Testing

/// What a command sees is what its view says.
@Suite(.serialized) struct ViewTests {
  @Test func theNextCommandCarriesOn() async throws {
    let scene = try Scene(["a": "1\n", "d/b": "2\n", "gone": "x\n"])
    #expect(try await scene.shell("echo 3 > d/c; rm gone; mv a z; rm -r d/b; mkdir gone").succeeded)
    let result = try await scene.shell("find . -type f | sort; cat z d/c; ls -d gone/")
    #expect(result.lines == ["./d/c", "./z", "1", "3", "gone/"])
    #expect(try await scene.shell("rm -rf d && mkdir d && ls -A d | wc -l").text == "0\n")
    #expect(try await scene.shell("ls -A d | wc -l").text == "0\n")
  }

  /// What processes that have ended left in an overlay's scratch directory goes, and nothing else.
  @Test func scratchDirectoriesOfTheDeadAreRemoved() async throws {
    let scene = try Scene()
    for name in ["4190000-1-0/work", "1-1-0", "other"] { try scene.directory.makeDirectory("work/\(name)") }
    #expect(try await scene.shell("true").succeeded)
    let isClean = try await eventually {
      (try? runProcess(["ls", scene.directory.path("work")]).out) == "1-1-0\nother\n"
    }
    #expect(isClean)
  }

  @Test func layersOfTheBase() async throws {
    var scene = try Scene(["both": "checkout\n", "below": "checkout\n"])
    try scene.directory.write("prepared/both", "prepared\n")
    try scene.directory.write("prepared/above", "prepared\n")
    scene.lowers = [scene.directory.path("prepared"), scene.checkout]
    #expect(try await scene.shell("cat above below both; echo x > both").text == "prepared\ncheckout\nprepared\n")
    #expect(scene.directory.text("prepared/both") == "prepared\n")
  }

  @Test func aPlainCopy() async throws {
    let scene = try Scene(["a": "checkout\n"])
    let copy = try scene.directory.makeDirectory("copy")
    if let owner = scene.sandbox.payloadOwner { chown(copy, owner.uid, owner.gid) }
    var command = scene.command(["/bin/sh", "-c", "ls; echo x > made; pwd"])
    command.workspace = .copy(directory: bytes(copy), mountPoint: bytes(scene.checkout))
    let result = try await scene.sandbox.run(command)
    #expect(result.text == "\(scene.checkout)\n")
    #expect(scene.directory.text("copy/made") == "x\n")
    #expect(scene.directory.text("checkout/made") == nil)
  }

  @Test func aSecondTree() async throws {
    let scene = try Scene(["a": "1\n"])
    let other = try scene.directory.makeDirectory("other")
    try scene.directory.write("other/b", "2\n")
    for name in ["upper2", "work2"] { try scene.directory.makeDirectory(name) }
    var command = scene.command(["/bin/sh", "-c", "cat \(other)/b; echo 3 > \(other)/b; cat \(other)/b"])
    command.extraMounts = [
      .overlay(
        lowers: [bytes(other)], upper: bytes(scene.directory.path("upper2")),
        work: bytes(scene.directory.path("work2")),
        mountPoint: bytes(other))
    ]
    #expect(try await scene.sandbox.run(command).text == "2\n3\n")
    #expect(scene.directory.text("other/b") == "2\n")
    #expect(scene.directory.text("upper2/b") == "3\n")
  }

  @Test func maskedFilesAreEmptyAndUnreadable() async throws {
    var scene = try Scene(["secret.env": "KEY=1\n", "d/deep/key": "2\n", "d/open": "3\n", "all/x": "4\n"])
    let masked = ["secret.env", "d/deep/key", "all", "absent", "absent/below"]
    scene.view.masked = masked.map { bytes("\(scene.checkout)/\($0)") }
    let result = try await scene.shell(
      """
      cat secret.env d/deep/key; stat -c %s secret.env; ls -A all; cat d/open; chmod 644 secret.env; cat secret.env
      cp secret.env x; ln secret.env y; mv secret.env z; rm secret.env; echo new > secret.env; touch all/new; ls absent; true
      """)
    #expect(
      !result.text.contains("KEY") && !result.lines.contains("2") && !result.lines.contains("4"), "\(result.text)")
    #expect(result.lines.contains("3") && result.lines.contains("0"))
    #expect(scene.directory.bytes("upper/secret.env") == nil)
    // The mask belongs to the view, not to the copy.
    scene.view.masked = []
    #expect(try await scene.shell("cat secret.env").text == "KEY=1\n")
  }

  @Test func replacedFiles() async throws {
    var scene = try Scene([".git/config": "token = secret\n"])
    let clean = try scene.directory.write("clean", "clean\n")
    scene.view.replaced = [
      .init(source: bytes(clean), destination: bytes("\(scene.checkout)/.git/config")),
      .init(source: bytes(clean), destination: bytes("\(scene.checkout)/.git/absent")),
    ]
    let result = try await scene.shell(
      "cat .git/config; echo x > .git/config; rm .git/config; cat .git/config; ls .git")
    #expect(result.lines.filter { $0 == "clean" }.count == 2)
    #expect(!result.text.contains("secret"))
    #expect(result.lines.last == "config")
  }

  @Test func bindingsElsewhere() async throws {
    var scene = try Scene()
    try scene.directory.write("adaptor/plugin.py", "plugin\n")
    let results = try scene.directory.makeDirectory("results")
    scene.view.readOnlyAt = [
      .init(source: bytes(scene.directory.path("adaptor")), destination: bytes("/run/codeagent/adaptor"))
    ]
    scene.view.readWriteAt = [.init(source: bytes(results), destination: bytes("/run/codeagent/results"))]
    let result = try await scene.shell(
      "cat /run/codeagent/adaptor/plugin.py; echo x > /run/codeagent/adaptor/plugin.py; echo 1 > /run/codeagent/results/out; cp /usr/bin/id /run/codeagent/results; chmod 4755 /run/codeagent/results/id"
    )
    #expect(result.lines.first == "plugin")
    #expect(scene.directory.text("adaptor/plugin.py") == "plugin\n")
    #expect(scene.directory.text("results/out") == "1\n")
    var status = stat()
    #expect(stat(scene.directory.path("results/id"), &status) == 0)
    #expect(status.st_uid != 0 || geteuid() != 0)
  }

  @Test func readableDirectoriesAndTheirLinks() async throws {
    var scene = try Scene()
    try scene.directory.write("tools/v1/bin/tool", "#!/bin/sh\necho tool\n", mode: 0o755)
    try scene.directory.write("private/key", "secret\n")
    chmod(scene.directory.path("tools"), 0o700)
    symlink("v1", scene.directory.path("tools/current"))
    let path = scene.directory.path("tools/current/bin")
    scene.view.readOnly = HostView.toolchainRoots(path: path, home: bytes("/nonexistent"))
    scene.environment["PATH"] = "\(path):/usr/bin:/bin"
    let result = try await scene.shell(
      "tool; echo x > \(path)/tool; ls \(scene.directory.path); cat \(scene.directory.path("private/key"))")
    #expect(result.lines.first == "tool", "\(result.text)")
    #expect(!result.text.contains("secret"))
    #expect(scene.directory.text("tools/v1/bin/tool")?.contains("echo tool") == true)
  }

  @Test func aReadableDirectoryAboveOrInTheWorkspaceDoesNotHideTheCopy() async throws {
    var scene = try Scene(["sub/a": "1\n"])
    scene.view.readOnly = [
      bytes(scene.directory.path), bytes("\(scene.checkout)/sub"), bytes("/usr/lib"), bytes("/absent"),
    ]
    #expect(try await scene.shell("echo 2 > sub/a; cat sub/a").text == "2\n")
    #expect(scene.directory.text("checkout/sub/a") == "1\n")
  }

  @Test func pathsOfAnyBytes() async throws {
    let scene = try Scene()
    let odd: [UInt8] = bytes("\(scene.directory.path)/") + [0xff, 0xfe, 0x20, 0x2c, 0x3a, 0x5c, 0x27, 0x0a, 0x24, 0x28]
    var directories: [[UInt8]] = []
    for name in ["c", "u", "w"] {
      let path = odd + bytes(name)
      #expect(
        path.withUnsafeBufferPointer { pointer in
          (pointer + [0]).withUnsafeBufferPointer {
            $0.withMemoryRebound(to: CChar.self) { mkdir($0.baseAddress!, 0o755) }
          }
        } == 0)
      directories.append(path)
    }
    var command = scene.command(["/bin/sh", "-c", "echo x > \"$1\"; pwd; cat \"$1\"", "sh"])
    command.arguments.append([0x80, 0x0a, 0xff])
    command.workspace = .overlay(
      lowers: [directories[0]], upper: directories[1], work: directories[2], mountPoint: directories[0])
    command.workingDirectory = directories[0]
    let result = try await scene.sandbox.run(command)
    #expect(result.succeeded, "\(result.text)")
    #expect(result.output.head == directories[0] + bytes("\nx\n"))
  }

  @Test func workingDirectories() async throws {
    let scene = try Scene(["a/b/c": "1\n"])
    var command = scene.command(["pwd"])
    command.workingDirectory = bytes("\(scene.checkout)/a/b")
    #expect(try await scene.sandbox.run(command).text == "\(scene.checkout)/a/b\n")
    command.workingDirectory = bytes("/tmp")
    #expect(try await scene.sandbox.run(command).text == "/tmp\n")
  }

  @Test func linksInTheWorkspaceLeadNowhereOutside() async throws {
    var scene = try Scene(["dir/x": "1\n"])
    let outside = try TemporaryDirectory()
    chmod(outside.path, 0o777)
    try outside.write("secret", "canary\n", mode: 0o666)
    symlink(outside.path, "\(scene.checkout)/out")
    symlink("/etc", "\(scene.checkout)/etc")
    // A command exchanges a directory for a link before the next view is built.
    #expect(
      try await scene.shell("rm -r dir; ln -s \(outside.path) dir; cat out/secret; echo x > out/new; true").succeeded)
    scene.view.masked = [bytes("\(scene.checkout)/dir/secret"), bytes("\(scene.checkout)/etc/hostname")]
    scene.view.readOnlyAt = [.init(source: bytes(scene.checkout), destination: bytes("/run/again"))]
    let result = try await scene.shell("cat dir/secret; ls /run/again; true")
    #expect(!result.text.contains("canary"))
    #expect(outside.text("secret") == "canary\n")
    #expect(outside.text("new") == nil)
  }

  @Test func checkoutsOfAnotherUser() async throws {
    // Only root can make one, and only root would work in it.
    guard geteuid() == 0 else { return }
    let scene = try Scene(["a": "1\n", "d/b": "2\n"])
    for path in ["", "/a", "/d", "/d/b"] { chown(scene.checkout + path, 1234, 1235) }
    chmod("\(scene.checkout)/a", 0o600)
    let result = try await scene.shell("cat a; echo 2 > a; echo 3 > d/new; rm d/b; cat a; stat -c %U . a d")
    #expect(result.lines == ["1", "2", "agent", "agent", "agent"], "\(result.text)")
    var status = stat()
    stat("\(scene.checkout)/a", &status)
    #expect(status.st_uid == 1234)
  }
}
