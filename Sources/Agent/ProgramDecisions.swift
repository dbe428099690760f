import Sandbox
import Synchronization

/// Remembers which programs policy has allowed: a build starts the same ones hundreds of times, and waits for each answer.
final class ProgramDecisions: Sendable {
  private struct Question: Hashable {
    var identities: [[UInt8]]
    var arguments: [[UInt8]]
  }

  private struct State {
    var labels: Set<String> = []
    var allowed: Set<Question> = []
  }

  private static let most = 1024
  private static let longest = 4096

  private let state = Mutex(State())

  /// What policy says. Only what is allowed is remembered, and only under the labels that it was allowed under.
  func decide(_ event: ExecEvent, labels: Set<String>, by gate: Gate) -> ExecVerdict {
    let size = event.arguments.reduce(0) { $0 + $1.count }
    guard size <= Self.longest, !event.argumentsAreCut else { return gate.mayStart(event, labels: labels) }
    let question = Question(identities: event.identities, arguments: event.arguments)
    let isKnown = state.withLock { state in
      if state.labels != labels { state = State(labels: labels) }
      return state.allowed.contains(question)
    }
    if isKnown { return .allow }
    let verdict = gate.mayStart(event, labels: labels)
    if verdict == .allow {
      state.withLock { state in
        guard state.labels == labels else { return }
        if state.allowed.count >= Self.most { state.allowed = [] }
        state.allowed.insert(question)
      }
    }
    return verdict
  }
}
