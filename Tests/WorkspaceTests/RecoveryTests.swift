import Glibc
import Paths
import Synchronization
import TestSupport
import Testing

@testable import Workspace

@Suite struct RecoveryTests {
  private func changed(_ checkout: Checkout) async throws -> (Workspace, Snapshot) {
    let workspace = try await checkout.open()
    for gone in ["b", "dir"] { try await workspace.remove(path(gone)) }
    for (name, content) in ["a": "x\n", "dir": "now a file\n", "n/m/o": "n\n"] {
      try await workspace.write(path(name), Array(content.utf8))
    }
    try await workspace.write(path("c"), Array("3\n".utf8), executable: true)
    return (workspace, try await workspace.snapshot())
  }

  private let files = ["a": "1\n", "b": "2\n", "c": "3\n", "dir/f": "f\n", "dir/sub/g": "g\n"]

  /// A process that dies at any moment of a delivery leaves a checkout that the next start brings to one of two states.
  @Test func aDeliveryThatDiesIsCompletedOrTakenBack() async throws {
    let stages = Mutex<[CheckoutWriter.Stage]>([])
    let model = try Checkout(git: false, memory: true, files)
    let (workspace, snapshot) = try await changed(model)
    let before = try model.listing()
    _ = try await workspace.deliver(snapshot, recording: stages)
    let after = try model.listing()
    let moments = stages.withLock { $0 }
    #expect(moments.count > 15)
    for (index, moment) in moments.enumerated() {
      let checkout = try Checkout(git: false, memory: true, files)
      do {
        let (workspace, snapshot) = try await changed(checkout)
        let crash = await failure { try await workspace.deliver(snapshot, dyingAt: moment) }
        #expect(crash == .simulatedCrash)
      }
      let recovered = try Workspace.recoverDeliveries(storage: checkout.storage())
      let listing = try checkout.listing()
      switch recovered {
      case .completed:
        #expect(listing == after, "\(moment)")
        #expect(index >= moments.firstIndex(of: .committing) ?? 0)
      case .takenBack:
        #expect(listing == before, "\(moment)")
        #expect(index < moments.firstIndex(of: .committing) ?? 0)
      case .nothing: Issue.record("nothing was recovered at \(moment)")
      }
      #expect(try Workspace.recoverDeliveries(storage: checkout.storage()) == .nothing)
      // The run can be opened again, and delivers what is missing.
      guard index % 6 == 0 else { continue }
      let again = try await checkout.reopen()
      let snapshot = try await again.snapshot()
      _ = try await again.deliver(snapshot, as: .apply)
      #expect(try checkout.listing() == after)
    }
  }

  @Test func whatTheUserDidAfterTheCrashIsKept() async throws {
    for stage in [CheckoutWriter.Stage.committing, .performed(2), .performed(4)] {
      let checkout = try Checkout(git: false, memory: true, files)
      do {
        let (workspace, snapshot) = try await changed(checkout)
        _ = await failure { try await workspace.deliver(snapshot, dyingAt: stage) }
      }
      try checkout.write("a", "the user's\n")
      let recovered = try Workspace.recoverDeliveries(storage: checkout.storage())
      guard case .takenBack = recovered else {
        Issue.record("\(recovered) at \(stage)")
        continue
      }
      #expect(checkout.text("a") == "the user's\n")
      #expect(checkout.text("b") == "2\n" && checkout.text("dir/sub/g") == "g\n")
      let names = try runProcess(["find", ".", "-type", "f"], cwd: checkout.root).out
      #expect(names.split(separator: "\n").sorted() == ["./a", "./b", "./c", "./dir/f", "./dir/sub/g"])
    }
  }

  @Test func aFailureInTheMiddleTakesEverythingBack() async throws {
    let checkout = try Checkout(git: false, memory: true, files)
    let (workspace, snapshot) = try await changed(checkout)
    let before = try checkout.listing()
    for stage in [CheckoutWriter.Stage.staged(5), .committing, .performed(3), .performed(6)] {
      let error = await failure { try await workspace.deliver(snapshot, failingAt: stage) }
      #expect(error?.kind == .noSpace)
      #expect(try checkout.listing() == before)
    }
    // Changed between the look and the writing: noticed at the last moment.
    let error = await failure {
      try await workspace.deliver(snapshot, at: .performed(1)) { try checkout.write("a", "other\n") }
    }
    #expect(error?.kind == .conflict([path("a")]))
    #expect(checkout.text("a") == "other\n" && checkout.text("b") == "2\n")
  }

  /// The whole process is killed, by a signal that nothing can catch.
  @Test func aKilledProcessIsRecovered() async throws {
    if let root = getenv("WORKSPACE_TEST_ROOT"), let stage = getenv("WORKSPACE_TEST_STAGE") {
      // This is the process that dies.
      let root = String(cString: root)
      let index = Int(String(cString: stage)) ?? 0
      let location = try CheckoutLocation.resolve(Array("\(root)/checkout".utf8))
      let view = WorkspaceView(environment: ["PATH": "/usr/bin:/bin"])
      let sandbox = try Checkout.sandbox()
      let workspace = try await Workspace.open(
        location, storage: Array("\(root)/run".utf8), sandbox: sandbox, view: view)
      try await workspace.sh("echo x > a; rm b; echo n > n")
      let snapshot = try await workspace.snapshot()
      try await workspace.deliver(snapshot, at: .performed(index)) { kill(getpid(), SIGKILL) }
      return
    }
    for stage in 0..<3 {
      let checkout = try Checkout(files)
      var environment = ["PATH": "/usr/bin:/bin", "WORKSPACE_TEST_ROOT": checkout.directory.path]
      environment["WORKSPACE_TEST_STAGE"] = "\(stage)"
      environment["LD_LIBRARY_PATH"] = getenv("LD_LIBRARY_PATH").map { String(cString: $0) }
      let own = try String(decoding: #require(readLink("/proc/self/exe")), as: UTF8.self)
      let child = try await runningProcess(
        [own, "--testing-library", "swift-testing", "--filter", "aKilledProcessIsRecovered"],
        environment: environment)
      #expect(child.status == 128 + SIGKILL, "\(child.out)\(child.err)")
      _ = try await checkout.reopen()
      #expect(checkout.text("a") == "x\n" && checkout.text("n") == "n\n" && checkout.text("b") == nil)
      #expect(try Workspace.recoverDeliveries(storage: checkout.storage()) == .nothing)
    }
  }

  private func readLink(_ path: String) -> [UInt8]? {
    var buffer = [CChar](repeating: 0, count: 4096)
    let count = readlink(path, &buffer, buffer.count)
    return count > 0 ? buffer[..<count].map { UInt8(bitPattern: $0) } : nil
  }
}

extension Workspace {
  func deliver(_ snapshot: Snapshot, recording stages: borrowing Mutex<[CheckoutWriter.Stage]>) throws -> DeliveryReport
  {
    var seen: [CheckoutWriter.Stage] = []
    let report = try deliver(snapshot, as: .apply, at: { seen.append($0) })
    stages.withLock { $0 = seen }
    return report
  }

  func deliver(_ snapshot: Snapshot, dyingAt stage: CheckoutWriter.Stage) throws {
    _ = try deliver(
      snapshot, as: .apply, at: { (now) throws(WorkspaceError) in if now == stage { throw .simulatedCrash } })
  }

  func deliver(_ snapshot: Snapshot, failingAt stage: CheckoutWriter.Stage) throws {
    _ = try deliver(
      snapshot, as: .apply,
      at: { (now) throws(WorkspaceError) in if now == stage { throw WorkspaceError(.noSpace, "full") } })
  }

  func deliver(_ snapshot: Snapshot, at stage: CheckoutWriter.Stage, _ body: @Sendable () throws -> Void) throws {
    _ = try deliver(snapshot, as: .apply, at: { if $0 == stage { try? body() } })
  }
}
