import Synchronization

/// A run's time limit. When it passes, the work is cancelled wherever it is: in a command, in an answer of the model, in
/// the judge. Delivery alone is let finish, because half of it helps nobody.
final class Deadline: Sendable {
  private enum Phase { case running, passed, lifted }

  private let phase = Mutex(Phase.running)
  private let seconds: Double?

  /// A limit in seconds from the moment that ``limit(_:)`` is called; nil for none.
  init(seconds: Double?) { self.seconds = seconds.map { min(max($0, 0), 1e9) } }

  /// True when the time is over and the work was cancelled for it.
  var hasPassed: Bool { phase.withLock { $0 == .passed } }

  /// Lets what follows finish. Returns false when the time is over already.
  func lift() -> Bool {
    phase.withLock { phase in
      if phase == .running { phase = .lifted }
      return phase == .lifted
    }
  }

  /// Runs `body`, and cancels it when the time is over. What `body` then returns or throws is handed on.
  func limit<Value: Sendable>(_ body: @escaping @Sendable () async throws -> Value) async throws -> Value {
    guard let seconds else { return try await body() }
    return try await withThrowingTaskGroup(of: Value?.self) { group in
      group.addTask { try await body() }
      group.addTask {
        // Cancelled from outside, the sleep ends early: that is no deadline.
        guard (try? await Task.sleep(for: .seconds(seconds))) != nil else { return nil }
        self.phase.withLock { if $0 == .running { $0 = .passed } }
        return nil
      }
      defer { group.cancelAll() }
      while let ended = try await group.next() {
        if let value = ended { return value }
        if hasPassed { group.cancelAll() }
      }
      throw CancellationError()
    }
  }
}
