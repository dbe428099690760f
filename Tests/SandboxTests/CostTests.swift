import Glibc
import Sandbox
import TestSupport
import Testing

/// What the sandbox costs on this machine; `CODEAGENT_MEASURE=1 swift test --filter CostTests` prints it.
@Suite(.serialized, .enabled(if: getenv("CODEAGENT_MEASURE") != nil)) struct CostTests {
  @Test func besideAPlainSpawnAndBareBubblewrap() async throws {
    let scene = try Scene(["file": "x"])
    let command = scene.command(["/usr/bin/true"])
    let bare = [
      "/usr/bin/bwrap", "--unshare-all", "--bind", "/", "/", "--dev", "/dev", "--proc", "/proc", "/usr/bin/true",
    ]
    var times: [String: [Cost]] = [:]
    for round in 0..<220 {
      let sandboxed = try await cost { _ = try await scene.sandbox.run(command) }
      let spawned = await cost { spawn(["/usr/bin/true"]) }
      let wrapped = await cost { spawn(bare) }
      if round < 20 { continue }
      times["sandbox", default: []].append(sandboxed)
      times["spawn", default: []].append(spawned)
      times["bwrap", default: []].append(wrapped)
    }
    for (name, values) in times.sorted(by: { $0.key < $1.key }) {
      let wall = values.map(\.wall).sorted()
      let cpu = values.map(\.cpu).sorted()
      print(
        "COST user \(geteuid()) \(name): median \(wall[100]) tenth \(wall[20]) least \(wall[0]) ms, processor median \(cpu[100]) ms"
      )
    }
  }
}

/// Milliseconds that something took, and those of processors that its processes used.
private struct Cost {
  var wall: Double
  var cpu: Double
}

private func cost(_ body: () async throws -> Void) async rethrows -> Cost {
  let before = processorMilliseconds()
  let start = ContinuousClock.now
  try await body()
  return Cost(wall: (ContinuousClock.now - start) / .milliseconds(1), cpu: processorMilliseconds() - before)
}

private func processorMilliseconds() -> Double {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_CHILDREN.rawValue), &usage)
  return Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000
    + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1000
}

private func spawn(_ arguments: [String]) {
  var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
  defer { for word in words { free(word) } }
  var process: pid_t = 0
  guard posix_spawn(&process, arguments[0], nil, nil, &words, environ) == 0 else { return }
  var status: Int32 = 0
  waitpid(process, &status, 0)
}

/// What the watch of programs costs on a parallel build of 100 C files; `CODEAGENT_MEASURE=1 swift test --filter WatchCost`.
@Suite(.serialized, .enabled(if: getenv("CODEAGENT_MEASURE") != nil)) struct WatchCost {
  @Test func onAParallelBuild() async throws {
    var files = ["Makefile": "%.o: %.c\n\t$(CC) -O1 -c $< -o $@\n"]
    let functions = (0..<40).map {
      "int f\($0)(int x) { char b[64]; snprintf(b, 64, \"%d\", x); return b[0] * \($0); }"
    }
    for index in 0..<100 {
      files["Makefile", default: ""] += "all: f\(index).o\n"
      files["f\(index).c"] = "#include <stdio.h>\n#include <stdlib.h>\n" + functions.joined(separator: "\n") + "\n"
    }
    let scene = try Scene(files)
    var times: [String: [(wall: Double, cpu: Double)]] = [:]
    for round in 0..<6 {
      for (name, watch) in [("plain", nil), ("watched", ExecWatch()), ("asked", ExecWatch { _ in .allow })] {
        var command = scene.command(["/bin/sh", "-c", "rm -f *.o; make -s -j2 all"])
        command.watch = watch
        let result = try await scene.sandbox.run(command)
        #expect(result.succeeded, "\(result.text)")
        if round > 0 { times[name, default: []].append((result.duration, result.cpuSeconds ?? 0)) }
      }
    }
    for (name, values) in times.sorted(by: { $0.key < $1.key }) {
      let wall = values.map(\.wall).sorted()
      let cpu = values.map(\.cpu).sorted()
      print("COST build \(name): wall least \(wall[0]) median \(wall[2]) s, cpu least \(cpu[0]) median \(cpu[2]) s")
    }
  }
}
