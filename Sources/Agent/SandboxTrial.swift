import Sandbox

/// The trial of the sandbox's promises at a run's start. It goes on beside all that executes nothing; the first effect that
/// runs commands waits for it, and its outcome is recorded before that.
actor SandboxTrial {
  private let assurance: Task<SandboxAssurance, Never>
  private var hold: ((SandboxAssurance) throws -> Void)?
  private var outcome: Result<Void, any Error>?

  /// A trial that is going on.
  /// - Parameter hold: records the outcome and puts it in force, once; throws when a promise does not hold.
  init(_ assurance: Task<SandboxAssurance, Never>, hold: @escaping @Sendable (SandboxAssurance) throws -> Void) {
    self.assurance = assurance
    self.hold = hold
  }

  /// Returns when every promise has been seen to hold.
  func holds() async throws {
    let assurance = await assurance.value
    if let hold {
      // No suspension in here: it happens once, whoever else waits.
      outcome = Result { try hold(assurance) }
      self.hold = nil
    }
    try outcome?.get()
  }
}
