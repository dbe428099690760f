import Glibc
import Sandbox
import TestSupport
import Testing

/// Every program is seen before it runs, whatever starts it and whatever it is called.
@Suite(.serialized) struct ExecWatchTests {
  /// A command that is watched, with `touch` forbidden.
  private func forbidding(_ name: String, in scene: Scene, _ arguments: [String]) async throws -> CommandResult {
    var command = scene.command(arguments)
    command.watch = ExecWatch(programs: [name]) { event in
      event.identities.contains(Array(name.utf8)) ? .deny(rule: "test/\(name)") : .allow
    }
    return try await scene.sandbox.run(command)
  }

  @Test func execsAreRecorded() async throws {
    let scene = try Scene()
    var command = scene.command(["/bin/sh", "-c", "mkdir d; cd d; env X=1 false; (/bin/true | cat); exec sleep 0.01"])
    command.watch = ExecWatch()
    let result = try await scene.sandbox.run(command)
    #expect(result.succeeded, "\(result.text)")
    let records = try #require(result.execs).records
    let names = records.map { String(decoding: $0.event.identities[1], as: UTF8.self) }

    #expect(Set(names).isSuperset(of: ["mkdir", "env", "false", "true", "cat", "sleep"]), "\(names)")
    #expect(result.execs?.total == 7 && result.execs?.denied == [])
    let shell = records[0]
    #expect(shell.event.parent == 0 && shell.ending == .replaced)
    #expect(shell.event.arguments.map { String(decoding: $0, as: UTF8.self) }.prefix(2) == ["/bin/sh", "-c"])
    let environment = try #require(records.first { $0.event.identities.contains(bytes("env")) })
    #expect(environment.event.parent == shell.event.number && environment.ending == .replaced)
    #expect(environment.event.arguments == ["env", "X=1", "false"].map(bytes))
    #expect(environment.event.workingDirectory == bytes("\(scene.checkout)/d"))
    let last = try #require(records.first { $0.event.identities.contains(bytes("false")) })
    #expect(last.event.process == environment.event.process && last.ending == .exited(1))
    #expect(last.duration != nil && last.cpuSeconds != nil && (last.peakMemoryBytes ?? 0) > 0)
  }

  struct Way: Sendable, CustomTestStringConvertible {
    var name: String
    var script: String
    var isPython = false
    var testDescription: String { name }
  }

  static let ways = [
    Way(name: "by path", script: "/usr/bin/touch made"),
    Way(name: "env", script: "env touch made"),
    Way(name: "bash -c", script: "bash -c 'touch made'"),
    Way(name: "substitution", script: "echo $(touch made)"),
    Way(name: "timeout", script: "timeout 5 touch made"),
    Way(name: "xargs", script: "echo made | xargs touch"),
    Way(name: "find", script: "find . -maxdepth 0 -exec touch made ';'"),
    Way(name: "background", script: "setsid touch made & wait"),
    Way(name: "a copy under another name", script: "cp /usr/bin/touch x; ./x made"),
    Way(name: "a copy in /tmp", script: "cat /usr/bin/touch > /tmp/x; chmod +x /tmp/x; /tmp/x made"),
    Way(name: "a copy that cannot be read", script: "cp /usr/bin/touch x; chmod 111 x; ./x made"),
    Way(name: "a link", script: "ln -s /usr/bin/touch x; ./x made"),
    Way(name: "a script of that name", script: "printf '#!/bin/sh\\n: > made\\n' > touch; chmod +x touch; ./touch"),
    Way(
      name: "an interpreter line", script: "printf '#!/usr/bin/touch\\n' > made.x; chmod +x made.x; ./made.x; rm made.x"
    ),
    Way(name: "another name for itself", script: "bash -c 'exec -a innocent touch made'"),
    Way(name: "the dynamic loader", script: "/lib64/ld-linux-x86-64.so.2 /usr/bin/touch made"),
    Way(name: "the loader with options", script: "/lib64/ld-linux-x86-64.so.2 --argv0 x /usr/bin/touch made"),
    Way(
      name: "a copy of the loader and of the program",
      script: "cp /lib64/ld-linux-x86-64.so.2 l; cp /usr/bin/touch x; ./l ./x made"),
    Way(name: "busybox", script: "busybox touch made"),
    Way(name: "busybox by another name", script: "cp $(command -v busybox) x; ./x touch made"),
    Way(name: "a link to busybox", script: "ln -s $(command -v busybox) touch; ./touch made"),
    Way(
      name: "a daemon",
      script: """
        (setsid sh -c 'sleep 0.1; touch made; : > over' &)
        for i in $(seq 200); do [ -e over ] && break; sleep 0.1; done; rm over
        """),
    Way(
      name: "posix_spawn", script: "import os; os.waitpid(os.posix_spawn('/usr/bin/touch', ['x', 'made'], {}), 0)",
      isPython: true),
    Way(
      name: "from a thread",
      script:
        "import os, threading, time; threading.Thread(target=lambda: os.execv('/usr/bin/touch', ['x', 'made'])).start(); time.sleep(5)",
      isPython: true),
    Way(
      name: "by descriptor", script: "import os; os.execve(os.open('/usr/bin/touch', 0), ['x', 'made'], {})",
      isPython: true),
    Way(
      name: "from memory",
      script: """
        import os; f = os.memfd_create('x'); os.write(f, open('/usr/bin/touch', 'rb').read()); os.execve(f, ['x', 'made'], {})
        """, isPython: true),
    Way(
      name: "a process hidden from tracers",
      script: """
        import ctypes, os
        libc = ctypes.CDLL(None)
        pid = libc.syscall(56 if os.uname().machine == 'x86_64' else 220, 0x00800000 | 17, 0, 0, 0, 0)
        if pid == 0: os.execv('/usr/bin/touch', ['x', 'made'])
        if pid > 0: os.waitpid(pid, 0)
        """, isPython: true),
    Way(
      name: "after asking not to be looked at",
      script: """
        import ctypes, os; ctypes.CDLL(None).prctl(4, 0, 0, 0, 0); os.execv('/usr/bin/touch', ['x', 'made'])
        """, isPython: true),
    Way(
      name: "vfork",
      script: "import subprocess; subprocess.run(['touch', 'made'], close_fds=False)", isPython: true),
  ]

  @Test(arguments: ways) func aForbiddenProgramNeverRuns(_ way: Way) async throws {
    let scene = try Scene()
    let arguments = way.isPython ? ["/usr/bin/python3", "-c", way.script] : ["/bin/sh", "-c", way.script]
    // First that it is a way at all.
    let free = try await scene.run(arguments)
    let isHidden = way.name.hasPrefix("a process hidden")
    let isThere = scene.directory.bytes("upper/made") != nil
    if !isThere, way.name.contains("busybox") { return }
    #expect(isThere || way.name == "an interpreter line", "\(free.text)")
    #expect(try await scene.shell("rm -rf made x l touch made.x").succeeded)
    let result = try await forbidding("touch", in: scene, arguments)
    let isMade = scene.directory.bytes("upper/made")
    #expect(isMade == nil, "\(result.text)")
    let execs = try #require(result.execs)
    let rules = Set(execs.denied.compactMap(\.deniedBy))
    #expect(rules.isSubset(of: ["test/touch", ExecWatch.unidentified]), "\(rules)")
    // Under the watch there is no such process at all.
    #expect(rules.count == (isHidden ? 0 : 1), "\(rules)")
    #expect(execs.deniedTotal == execs.denied.count)
  }

  @Test func theCommandItselfCanBeDenied() async throws {
    let scene = try Scene()
    let result = try await forbidding("touch", in: scene, ["touch", "made"])
    #expect(result.status == .signaled(SIGKILL))
    #expect(result.execs?.denied.map(\.deniedBy) == ["test/touch"])
    #expect(scene.directory.bytes("upper/made") == nil)
  }

  /// What waits for somebody stands still, and nothing else does; the time is not the command's.
  @Test func aProgramCanWaitForADecision() async throws {
    var scene = try Scene()
    scene.limits.wallSeconds = 3
    var command = scene.command([
      "/bin/sh", "-c",
      "id -u > a & id -g > b & uname > c; test -s c && echo going; wait; cat a b; nice true; echo over",
    ])
    command.watch = ExecWatch(
      programs: ["id", "nice"],
      authorize: { $0.identities.contains(bytes("id")) || $0.identities.contains(bytes("nice")) ? .wait : .allow },
      decide: { event in
        try? await Task.sleep(for: .seconds(2))
        return event.arguments.last == bytes("-u") || event.arguments.first == bytes("nice")
          ? .allow : .deny(rule: "no")
      })
    let result = try await scene.sandbox.run(command)
    #expect(result.lines.first == "going" && result.lines.last == "over" && result.lines.count == 3, "\(result.text)")
    #expect(result.status == .exited(0) && result.duration > 4)
    let denied = result.execs?.denied ?? []
    #expect(denied.map(\.event.arguments) == [[bytes("id"), bytes("-g")]] && denied.first?.deniedBy == "no")
    #expect(result.execs?.records.filter { $0.deniedBy == "no" }.count == 1)
  }

  @Test func whatIsKilledWhileItWaitsIsNotAskedAbout() async throws {
    let scene = try Scene()
    var command = scene.command(["/bin/sh", "-c", "id & sleep 0.3; kill -9 $!; wait $!; id -u; echo over"])
    command.watch = ExecWatch(
      authorize: { $0.identities.contains(bytes("id")) ? .wait : .allow },
      decide: { event in
        if event.arguments.count > 1 { return .allow }
        while !Task.isCancelled { try? await Task.sleep(for: .seconds(1)) }
        return .allow
      })
    let result = try await scene.sandbox.run(command)
    #expect(result.lines.last == "over" && result.lines.count >= 2, "\(result.text)")
    #expect(result.execs?.denied.map(\.deniedBy) == [ExecWatch.undecided])
  }

  @Test func whatWaitsDiesWithItsCommand() async throws {
    let scene = try Scene()
    var command = scene.command(["/bin/sh", "-c", "id & sleep 0.5"])
    command.watch = ExecWatch(
      authorize: { $0.identities.contains(bytes("id")) ? .wait : .allow },
      decide: { _ in
        try? await Task.sleep(for: .seconds(600))
        return .allow
      })
    let result = try await scene.sandbox.run(command)
    #expect(result.status == .exited(0) && result.duration < 60)
    let cancelled = command
    let task = Task { try await scene.sandbox.run(cancelled) }
    task.cancel()
    #expect(try await task.value.status == .cancelled)
    // Nobody who could decide: a denial.
    command.watch?.decide = nil
    #expect(try await scene.sandbox.run(command).execs?.denied.first?.deniedBy == ExecWatch.undecided)
  }

  @Test func whatIsAllowedWorksAsEver() async throws {
    let scene = try Scene()
    let result = try await forbidding(
      "touch", in: scene,
      [
        "/bin/bash", "-c",
        """
        seq 1000 | sort -rn | head -1; trap 'echo caught' USR1; kill -USR1 $$; sleep 100 & kill $!; wait $!; echo $?
        (exit 5); echo $?; yes | head -3 | wc -l; timeout 0.1 sleep 5; echo $?; touch made; echo $?
        sleep 100 & kill -STOP $!; sleep 0.1; kill -CONT $!; kill $!; wait $!; echo $?
        for i in $(seq 50); do /bin/true & done; wait; echo done
        python3 -c 'import threading, multiprocessing as m
        t = [threading.Thread(target=lambda: None) for _ in range(50)]; [x.start() for x in t]; [x.join() for x in t]
        with m.Pool(4) as p: print(sum(p.map(abs, range(10))))'
        """,
      ])
    let lines = result.lines.filter { !$0.contains("Terminated") && !$0.contains("Killed") }
    #expect(
      lines == ["1000", "caught", "143", "5", "3", "124", "137", "143", "done", "45"], "\(result.text)")
    #expect(result.execs?.deniedTotal == 1)
  }

  @Test func leakCheckersAreSwitchedOff() async throws {
    var scene = try Scene()
    scene.environment["ASAN_OPTIONS"] = "verbosity=0"
    var command = scene.command(["/bin/sh", "-c", "echo $ASAN_OPTIONS $LSAN_OPTIONS"])
    command.watch = ExecWatch()
    #expect(try await scene.sandbox.run(command).text == "verbosity=0:detect_leaks=0 detect_leaks=0\n")
  }

  /// Where nothing is watched, leak checkers hide from tracers in this way.
  @Test func nothingHidesFromTheWatch() async throws {
    let scene = try Scene()
    let program = """
      import ctypes, os
      pid = ctypes.CDLL(None).syscall(56, 0x00800000 | 17, 0, 0, 0, 0)
      if pid == 0: os._exit(0)
      print('hidden' if pid > 0 else 'refused')
      """
    var command = scene.command(["/usr/bin/python3", "-c", program])
    #expect(try await scene.sandbox.run(command).text == "hidden\n")
    command.watch = ExecWatch()
    #expect(try await scene.sandbox.run(command).text == "refused\n")
  }

  @Test func aFloodOfExecsIsCounted() async throws {
    let scene = try Scene()
    var command = scene.command(["/bin/sh", "-c", "for i in $(seq 300); do /bin/true; done"])
    command.watch = ExecWatch(recorded: 50) { _ in .allow }
    let result = try await scene.sandbox.run(command)
    let execs = try #require(result.execs)
    #expect(execs.total == 302 && execs.records.count == 50)
    #expect(execs.counts.values.reduce(0, +) == 302)
  }

  @Test func argumentsWithoutEnd() async throws {
    let scene = try Scene()
    var command = scene.command(["/bin/sh", "-c", "/bin/true $(seq 30000); /bin/true '' ''"])
    command.watch = ExecWatch { _ in .allow }
    let records = try #require(try await scene.sandbox.run(command).execs).records
    let long = try #require(records.first { $0.event.argumentsAreCut })
    #expect(long.event.arguments.count > 1000)
    #expect(records.last?.event.arguments == ["/bin/true", "", ""].map(bytes))
  }
}
