public import Conversation
public import JSON

/// What tokens cost, by provider and model. What is not in the table has no known price, which is not the same as none.
public struct Prices: Sendable {
  /// Dollars for a million tokens.
  public struct Price: Sendable, Hashable {
    /// Tokens read.
    public var input: Double
    /// Tokens read from the provider's cache.
    public var cachedInput: Double
    /// Tokens written, reasoning included.
    public var output: Double

    /// A price.
    public init(input: Double, cachedInput: Double, output: Double) {
      self.input = input
      self.cachedInput = cachedInput
      self.output = output
    }
  }

  /// Why a price table cannot be used.
  public struct Invalid: Error, Sendable, CustomStringConvertible {
    /// What is wrong, and where.
    public let description: String
  }

  /// Prices of the user's own, by `PROVIDER/MODEL` or `PROVIDER/*`.
  private var own: [String: Price] = [:]
  private var isReplaced = false

  /// The built-in prices: OpenAI's list prices, for OpenAI's own endpoint only.
  public static let standard = Prices()

  private init() {}

  /// The user's own table instead of the built-in one: `{"PROVIDER/MODEL": {"input": 1.25, "cached_input": 0.125,
  /// "output": 10}}` in dollars for a million tokens; `PROVIDER/*` holds for all others of a provider, and
  /// `cached_input` defaults to `input`.
  /// - Throws: ``Invalid``.
  public init(json: JSONValue) throws(Invalid) {
    guard let table = json.object else { throw Invalid(description: "a price table is a JSON object") }
    isReplaced = true
    for member in table.members {
      guard let input = member.value["input"]?.double, let output = member.value["output"]?.double, input >= 0,
        output >= 0, input < 1e6, output < 1e6
      else {
        throw Invalid(description: "the price of \(member.name) needs numbers for \"input\" and \"output\"")
      }
      let cached = member.value["cached_input"]?.double ?? input
      guard cached >= 0, cached < 1e6 else {
        throw Invalid(description: "\"cached_input\" of \(member.name) is no price")
      }
      own[member.name] = Price(input: input, cachedInput: cached, output: output)
    }
  }

  /// The price of a model; nil when unknown.
  public func price(of identity: ModelIdentity) -> Price? {
    if isReplaced {
      return own["\(identity.provider)/\(identity.name)"] ?? own["\(identity.provider)/*"]
    }
    guard let host = identity.endpoint?.prefix(while: { $0 != ":" }), host == "api.openai.com" else { return nil }
    return Self.openAI[identity.name] ?? Self.openAI[Self.withoutDate(identity.name)]
  }

  /// What tokens cost in millionths of a dollar, rounded up; nil when the price is unknown.
  public func cost(of usage: Usage, by identity: ModelIdentity) -> Int? {
    guard let price = price(of: identity) else { return nil }
    // Dollars for a million tokens are millionths of a dollar for one.
    let fresh = Double(max(0, usage.input - usage.cachedInput)) * price.input
    let sum = fresh + Double(usage.cachedInput) * price.cachedInput + Double(usage.output) * price.output
    return sum < 1e15 ? Int(sum.rounded(.up)) : nil
  }

  /// `gpt-5-2025-08-07` is `gpt-5` as of that day.
  private static func withoutDate(_ name: String) -> String {
    let parts = name.split(separator: "-")
    guard parts.count > 3, parts.suffix(3).map(\.count) == [4, 2, 2],
      parts.suffix(3).allSatisfy({ $0.allSatisfy(\.isNumber) })
    else { return name }
    return parts.dropLast(3).joined(separator: "-")
  }

  private static let openAI: [String: Price] = [
    "gpt-5.2": Price(input: 1.75, cachedInput: 0.175, output: 14),
    "gpt-5.1": Price(input: 1.25, cachedInput: 0.125, output: 10),
    "gpt-5.1-codex": Price(input: 1.25, cachedInput: 0.125, output: 10),
    "gpt-5": Price(input: 1.25, cachedInput: 0.125, output: 10),
    "gpt-5-codex": Price(input: 1.25, cachedInput: 0.125, output: 10),
    "gpt-5-mini": Price(input: 0.25, cachedInput: 0.025, output: 2),
    "gpt-5-nano": Price(input: 0.05, cachedInput: 0.005, output: 0.4),
    "gpt-4.1": Price(input: 2, cachedInput: 0.5, output: 8),
    "gpt-4.1-mini": Price(input: 0.4, cachedInput: 0.1, output: 1.6),
    "gpt-4.1-nano": Price(input: 0.1, cachedInput: 0.025, output: 0.4),
    "gpt-4o": Price(input: 2.5, cachedInput: 1.25, output: 10),
    "gpt-4o-mini": Price(input: 0.15, cachedInput: 0.075, output: 0.6),
    "o3": Price(input: 2, cachedInput: 0.5, output: 8),
    "o4-mini": Price(input: 1.1, cachedInput: 0.275, output: 4.4),
  ]
}
