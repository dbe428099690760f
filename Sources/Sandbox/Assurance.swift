/// The sandbox's promises as they were tried at the start of a run, for its record.
public struct SandboxAssurance: Sendable, Hashable {
  /// The boundary that was tried.
  public var level: SandboxLevel
  /// What was tried, and what came of it.
  public var checks: [SandboxCheck]
  /// How long that took, in seconds.
  public var duration: Double

  /// Whether every promise holds.
  public var holds: Bool { checks.allSatisfy(\.ok) }

  /// What stands in the way of running anything; nil when every promise holds.
  public var failure: SandboxError? {
    let broken = checks.filter { !$0.ok }
    if broken.isEmpty { return nil }
    return SandboxError(
      .unavailable,
      "the sandbox does not hold what it promises: "
        + broken.map { "\($0.name): \($0.detail)" }.joined(separator: "; "),
      hint: "codeagent doctor tells more")
  }

  /// The outcome of a trial.
  public init(level: SandboxLevel, checks: [SandboxCheck], duration: Double) {
    self.level = level
    self.checks = checks
    self.duration = duration
  }
}

/// How commands are held, the strongest first.
public enum SandboxLevel: String, Sendable, Hashable, CaseIterable {
  /// Namespaces, an overlay or a copy, Landlock and a system call filter beneath, limits.
  case full
  /// Where a container refuses namespaces: a copy, Landlock with its network rules, a system call filter, limits.
  case container

  /// What a level lacks beside the strongest, for people.
  public var lacks: [String] {
    switch self {
    case .full: []
    case .container:
      [
        "other processes and their arguments are visible", "the checkout is copied, to another path",
        "no sockets inside, not even local ones", "no terminals inside, no /tmp and no /dev/shm: TMPDIR is private",
        "names and sizes of files outside can be asked for, their content not",
      ]
    }
  }
}

extension Sandbox {
  static let execWatchCheck = "exec watch"

  /// Tries the promises for real, as ``probe()`` does, but no longer than a run's first moment may take: what can be
  /// written, read, reached and called from inside, that a limit ends a command, and that a denied program does not run.
  /// - Parameter watching: whether the run relies on the watch of programs; some systems let nobody trace.
  /// - Throws: ``SandboxError/Kind/unavailable`` when one does not hold: nothing may be run then.
  @discardableResult
  public func assure(watching: Bool = true) async throws(SandboxError) -> SandboxAssurance {
    let assurance = await tryPromises(watching: watching)
    if let failure = assurance.failure { throw failure }
    return assurance
  }

  /// The same, with what does not hold in the result.
  public func tryPromises(watching: Bool = true) async -> SandboxAssurance {
    let begin = monotonicSeconds()
    let checks = await quickProbe().filter { watching || $0.name != Self.execWatchCheck }
    return SandboxAssurance(level: level, checks: checks, duration: monotonicSeconds() - begin)
  }
}
