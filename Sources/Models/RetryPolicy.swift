/// When and how long to wait before a request is sent again. All times in seconds.
public struct RetryPolicy: Sendable, Hashable {
  /// The wait before the first repetition; it doubles each time.
  public var firstWait: Double
  /// The longest wait that we choose ourselves.
  public var longestWait: Double
  /// By how much, of 1, a wait of our own may be shortened, so that many clients do not come back together.
  public var jitter: Double
  /// The longest wait that a server may ask for; one that asks for more ends the waiting.
  public var longestRetryAfter: Double
  /// The most time for one answer that may pass in waits and in silence that ended in a time-out.
  public var budget: Double
  /// The most times that a request is sent.
  public var attempts: Int
  /// The most times that a request is sent to a server that cannot be reached.
  public var connectAttempts: Int
  /// The most times that a request is sent whose answers break off.
  public var streamAttempts: Int
  /// After so many seconds of silence a person is told what is waited for, and again after as many.
  public var silenceNotice: Double

  /// A policy; the defaults are those of the published client libraries, with a budget of three minutes.
  public init(
    firstWait: Double = 0.5, longestWait: Double = 8, jitter: Double = 0.25, longestRetryAfter: Double = 120,
    budget: Double = 180, attempts: Int = 12, connectAttempts: Int = 5, streamAttempts: Int = 5,
    silenceNotice: Double = 15
  ) {
    self.firstWait = firstWait
    self.longestWait = longestWait
    self.jitter = jitter
    self.longestRetryAfter = longestRetryAfter
    self.budget = budget
    self.attempts = attempts
    self.connectAttempts = connectAttempts
    self.streamAttempts = streamAttempts
    self.silenceNotice = silenceNotice
  }

  /// No repetition at all.
  public static let never = RetryPolicy(attempts: 1)
}

/// The waiting for one answer.
struct RetryBudget {
  let policy: RetryPolicy
  /// How often the request was sent so far.
  private(set) var attempts = 0
  private var spent = 0.0
  private var connectFailures = 0
  private var brokenStreams = 0
  private var malformedAnswers = 0

  init(_ policy: RetryPolicy) { self.policy = policy }

  /// The seconds to wait before the next attempt; nil when there is to be none.
  mutating func wait(after failure: AttemptFailure) -> Double? {
    attempts += 1
    spent += failure.silence
    switch failure.remedy {
    case .none: return nil
    case .repeatOnce:
      malformedAnswers += 1
      if malformedAnswers > 1 { return nil }
    case .reconnect:
      connectFailures += 1
      if connectFailures >= policy.connectAttempts { return nil }
    case .resend:
      brokenStreams += 1
      if brokenStreams >= policy.streamAttempts { return nil }
    case .backOff: break
    }
    guard attempts < policy.attempts else { return nil }
    let wait: Double
    if let asked = failure.retryAfter {
      guard asked <= policy.longestRetryAfter else { return nil }
      wait = max(0, asked)
    } else {
      let full = min(policy.firstWait * Double(1 << min(attempts - 1, 20)), policy.longestWait)
      wait = full * (1 - policy.jitter * Double.random(in: 0...1))
    }
    guard spent + wait <= policy.budget else { return nil }
    spent += wait
    return wait
  }
}
