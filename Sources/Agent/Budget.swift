public import Conversation

/// What a run may spend. Nil is unlimited.
public struct Budget: Sendable, Hashable {
  /// Answers asked of the model.
  public var turns: Int?
  /// Tokens read and written.
  public var tokens: Int?
  /// Cost in millionths of a US dollar.
  public var microdollars: Int?
  /// Wall clock, in seconds.
  public var seconds: Double?

  /// Limits, each of them optional.
  public init(turns: Int? = 500, tokens: Int? = nil, microdollars: Int? = nil, seconds: Double? = 1800) {
    self.turns = turns
    self.tokens = tokens
    self.microdollars = microdollars
    self.seconds = seconds
  }
}

/// What a run has spent, folded from its answers.
public struct Spending: Sendable, Hashable {
  /// Answers received.
  public var turns = 0
  /// Tokens of all answers.
  public var usage = Usage()
  /// Cost in millionths of a US dollar; nil when any answer's price is unknown.
  public var microdollars: Int? = 0

  /// Nothing spent.
  public init() {}

  /// Counts one answer.
  mutating func add(_ usage: Usage, microdollars cost: Int?) {
    turns += 1
    addAside(usage, microdollars: cost)
  }

  /// Counts what was asked beside the turns.
  mutating func addAside(_ usage: Usage, microdollars cost: Int?) {
    self.usage = self.usage + usage
    if let cost, let sum = microdollars { microdollars = sum + cost } else { microdollars = nil }
  }
}

/// Which limit ended a run.
public enum BudgetLimit: String, Sendable, Hashable {
  /// Answers of the model.
  case turns = "max-turns"
  /// Tokens.
  case tokens = "max-tokens"
  /// Cost.
  case cost = "max-cost"
  /// Wall clock.
  case time = "timeout"
}

extension Budget {
  /// The limit that is used up, if any. An unknown price never counts as zero: with a cost limit set it ends the run.
  func exhausted(by spending: Spending, elapsed: Double) -> BudgetLimit? {
    if let turns, spending.turns >= turns { return .turns }
    if let tokens, spending.usage.input + spending.usage.output >= tokens { return .tokens }
    if let microdollars, spending.turns > 0, (spending.microdollars ?? .max) >= microdollars { return .cost }
    if let seconds, elapsed >= seconds { return .time }
    return nil
  }
}
