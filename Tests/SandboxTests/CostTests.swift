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
    var times: [String: [Double]] = [:]
    for round in 0..<220 {
      let sandboxed = try await milliseconds { _ = try await scene.sandbox.run(command) }
      let spawned = await milliseconds { spawn(["/usr/bin/true"]) }
      let wrapped = await milliseconds { spawn(bare) }
      if round < 20 { continue }
      times["sandbox", default: []].append(sandboxed)
      times["spawn", default: []].append(spawned)
      times["bwrap", default: []].append(wrapped)
    }
    for (name, values) in times.sorted(by: { $0.key < $1.key }) {
      let sorted = values.sorted()
      print("COST user \(geteuid()) \(name): median \(sorted[100]) tenth \(sorted[20]) least \(sorted[0]) ms")
    }
  }
}

private func milliseconds(_ body: () async throws -> Void) async rethrows -> Double {
  let start = ContinuousClock.now
  try await body()
  return (ContinuousClock.now - start) / .milliseconds(1)
}

private func spawn(_ arguments: [String]) {
  var words: [UnsafeMutablePointer<CChar>?] = arguments.map { strdup($0) } + [nil]
  defer { for word in words { free(word) } }
  var process: pid_t = 0
  guard posix_spawn(&process, arguments[0], nil, nil, &words, environ) == 0 else { return }
  var status: Int32 = 0
  waitpid(process, &status, 0)
}
