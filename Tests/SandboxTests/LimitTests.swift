import Glibc
import Sandbox
import TestSupport
import Testing

/// Every limit ends a command that goes over it, and says which it was.
@Suite(.serialized) struct LimitTests {
  @Test func time() async throws {
    var scene = try Scene()
    scene.limits.wallSeconds = 1
    let result = try await scene.shell("trap '' TERM INT HUP; echo start; sleep 100 & sleep 100")
    #expect(result.status == .overrun(.time))
    #expect(result.text == "start\n")
    #expect(result.duration >= 1 && result.duration < 90)
  }

  @Test func processorTime() async throws {
    var scene = try Scene()
    scene.limits.cpuSeconds = 1
    let result = try await scene.run(["/usr/bin/python3", "-c", "while True: pass"])
    #expect(result.status == .overrun(.time))
    #expect((result.cpuSeconds ?? 0) > 0.5)
  }

  @Test func memory() async throws {
    var scene = try Scene()
    scene.limits.memoryBytes = 100 << 20
    let result = try await scene.python("import time; b = bytearray(400 << 20); print(len(b)); time.sleep(60)")
    #expect(result.status == .overrun(.memory))
  }

  @Test func memoryOfManyProcesses() async throws {
    var scene = try Scene()
    scene.limits.memoryBytes = 200 << 20
    let result = try await scene.shell(
      "for i in 1 2 3 4 5 6; do python3 -c 'b = bytearray(60 << 20); import time; time.sleep(60)' & done; wait")
    #expect(result.status == .overrun(.memory))
  }

  @Test(arguments: ["memfd", "hidden memfd", "tmpfs"]) func memoryThatNobodyMaps(_ kind: String) async throws {
    var scene = try Scene()
    scene.limits.memoryBytes = 200 << 20
    let result = try await scene.python(
      """
      import os, time, ctypes
      if "\(kind)".startswith("hidden"): ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
      files = [open("/dev/shm/x%d" % i, "wb") if "\(kind)" == "tmpfs" else os.fdopen(os.memfd_create("x"), "wb") for i in range(5)]
      try:
          for file in files: file.write(bytes(60 << 20)); file.flush()
      except OSError as e: print("full")
      time.sleep(20)
      """)
    // The private file systems hold half of it.
    #expect(result.status == .overrun(.memory) || kind == "tmpfs" && result.text == "full\n", "\(result)")
  }

  @Test func whatWaitsInSocketsIsMemory() async throws {
    var scene = try Scene()
    scene.limits.memoryBytes = 256 << 20
    scene.limits.wallSeconds = 60
    let result = try await scene.python(
      """
      import resource, socket, time
      resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
      kept = []
      for _ in range(4000):
          pair = socket.socketpair(); pair[0].setblocking(False); kept += pair
          try:
              while True: pair[0].send(bytes(65536))
          except BlockingIOError: pass
      time.sleep(30); print('held')
      """)
    #expect(result.status == .overrun(.memory), "\(result.status) \(result.text)")
  }

  @Test func sharedMemoryIsNotCountedTwice() async throws {
    var scene = try Scene()
    scene.limits.memoryBytes = 300 << 20
    let result = try await scene.python(
      "import os, time; b = bytearray(150 << 20); [os.fork() for _ in range(3)]; time.sleep(0.6); os._exit(0)")
    #expect(result.succeeded, "\(result.status)")
  }

  @Test func processes() async throws {
    var scene = try Scene()
    scene.limits.processes = 100
    let result = try await scene.shell("while :; do sleep 100 & done")
    #expect(result.status == .overrun(.processes))
  }

  @Test func aForkBomb() async throws {
    var scene = try Scene()
    scene.limits.processes = 300
    scene.limits.wallSeconds = 20
    let result = try await scene.shell("bomb() { bomb | bomb & }; bomb; sleep 2")
    // One that starves itself may collapse between two looks, or run into the time.
    #expect([.overrun(.processes), .overrun(.time), .exited(0)].contains(result.status))
  }

  @Test func threadsAreProcesses() async throws {
    var scene = try Scene()
    scene.limits.processes = 50
    let result = try await scene.python(
      """
      import threading, time
      try:
          for _ in range(100): threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
      except RuntimeError: pass
      time.sleep(60)
      """)
    #expect(result.status == .overrun(.processes))
  }

  @Test func outputAtOnce() async throws {
    var scene = try Scene()
    scene.limits.outputBytes = 1 << 20
    let result = try await scene.shell("yes")
    #expect(result.status == .overrun(.output))
    #expect(result.output.totalBytes > 1 << 20)
    #expect(result.output.head.count == 64 << 10 && result.output.tail.count == 64 << 10)
  }

  @Test func aGigabyteOfOutputInFlatMemory() async throws {
    var scene = try Scene()
    scene.limits.outputBytes = 2 << 30
    scene.limits.outputKeptBytes = 1000
    let before = residentBytes()
    let result = try await scene.shell("echo first; head -c 1000000000 /dev/zero; echo; echo last")
    #expect(result.succeeded)
    #expect(result.output.totalBytes == 1_000_000_000 + 6 + 6)
    #expect(result.output.head.starts(with: bytes("first\n")))
    #expect(result.output.tail.suffix(6) == bytes("\nlast\n").suffix(6))
    #expect(result.output.head.count == 1000 && result.output.tail.count == 1000)
    #expect(result.output.droppedBytes == 1_000_000_012 - 2000)
    #expect(residentBytes() - before < 100 << 20)
  }

  @Test func oneFile() async throws {
    var scene = try Scene()
    scene.limits.fileBytes = 1 << 20
    let result = try await scene.shell("head -c 3000000 /dev/zero > big; ls -l big | cut -d' ' -f5")
    #expect(result.text.contains("1048576"), "\(result.text)")
    let alone = try await scene.run(["/bin/dd", "if=/dev/zero", "of=big", "bs=1M", "count=3"])
    #expect(alone.status == .overrun(.disk), "\(alone)")
  }

  @Test func disk() async throws {
    var scene = try Scene()
    scene.limits.diskBytes = 32 << 20
    let result = try await scene.shell(
      "mkdir d; for i in $(seq 1000); do head -c 4000000 /dev/zero > d/$i; sleep 0.02; done; sleep 60")
    #expect(result.status == .overrun(.disk))
  }

  @Test func privateDirectories() async throws {
    var scene = try Scene()
    scene.limits.memoryBytes = 128 << 20
    let result = try await scene.shell("head -c 200000000 /dev/zero > /tmp/big; echo $?")
    #expect(result.text.contains("No space left") || result.status == .overrun(.memory), "\(result)")
  }

  @Test func openFilesAndCoreDumps() async throws {
    let scene = try Scene()
    let result = try await scene.shell("ulimit -c; ulimit -n; kill -SEGV $$")
    #expect(result.lines.first == "0")
    #expect(result.status == .signaled(SIGSEGV))
    #expect(scene.directory.bytes("upper/core") == nil)
  }
}

private func residentBytes() -> Int {
  let pages = String(decoding: fileBytes("/proc/self/statm") ?? [], as: UTF8.self).split(separator: " ")
  return (Int(pages[1]) ?? 0) * 4096
}
