import AuditTrail
import Conversation
import JSON
import Synchronization

/// Asks a model, and records each attempt that failed and was made again, as it happens.
struct RetryRecord: Sendable {
  private let recorder: Recorder
  private let observe: @Sendable (RunNotice) -> Void

  init(_ recorder: Recorder, _ observe: @escaping @Sendable (RunNotice) -> Void) {
    self.recorder = recorder
    self.observe = observe
  }

  func respond(_ model: any Model, to request: ModelRequest) async throws -> ModelResponse {
    let failure = FirstFailure()
    let answer = try await model.respond(to: request) { [recorder, observe] progress in
      observe(.model(progress))
      guard case .retrying(let reason, let attempt, let seconds) = progress else { return }
      do throws(AuditError) {
        try recorder.append(
          .modelRetry,
          [
            "attempt": JSONValue(attempt), "reason": .string(OutputText.bounded(reason, limit: 2000)),
            "waitMilliseconds": .int(Int64(min(max(0, seconds * 1000), 1e12))),
          ])
      } catch {
        failure.note(error)
      }
    }
    // What could not be recorded ends the run, like everywhere else.
    if let failure = failure.error { throw failure }
    return answer
  }

  private final class FirstFailure: Sendable {
    private let state = Mutex<AuditError?>(nil)

    var error: AuditError? { state.withLock { $0 } }

    func note(_ error: AuditError) { state.withLock { $0 = $0 ?? error } }
  }
}
