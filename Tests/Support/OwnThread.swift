import Foundation

/// Runs blocking work on a thread of its own while the caller is suspended, so that the few threads that async code
/// shares stay free.
public func onOwnThread<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
  try await withCheckedThrowingContinuation { continuation in
    Thread.detachNewThread { continuation.resume(with: Result { try work() }) }
  }
}
