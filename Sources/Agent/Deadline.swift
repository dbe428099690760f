/// A time limit was reached.
struct DeadlinePassed: Error {}

/// Runs `body` and cancels it when the time is over.
/// - Throws: ``DeadlinePassed`` when it was, else what `body` throws.
func withDeadline<Value: Sendable>(
  seconds: Double?, _ body: @escaping @Sendable () async throws -> Value
) async throws -> Value {
  guard let seconds else { return try await body() }
  return try await withThrowingTaskGroup(of: Value?.self) { group in
    group.addTask { try await body() }
    group.addTask {
      try await Task.sleep(for: .seconds(seconds))
      return nil
    }
    defer { group.cancelAll() }
    guard let first = try await group.next(), let value = first else { throw DeadlinePassed() }
    return value
  }
}
