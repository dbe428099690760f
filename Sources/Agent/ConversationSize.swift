import Conversation
import Models

/// How many tokens a conversation has: estimated before it is sent, each item looked at once, and corrected by what the
/// provider counted.
struct ConversationSize {
  private let fixed: Int
  private var counted = 0
  private var tokens: Int
  /// What the provider counts for each token of ours.
  private var scale = 1.0
  /// A provider that counts wildly differently is not believed to the end.
  private static let scales = 0.25...10.0

  /// The size of what comes before the items.
  init(fixed request: ModelRequest) {
    fixed = TokenEstimate.tokens(in: request)
    tokens = fixed
  }

  /// Tokens of the whole conversation.
  mutating func tokens(of items: [Item]) -> Int {
    for item in items[min(counted, items.count)...] { tokens += TokenEstimate.tokens(in: item) }
    counted = items.count
    return Int(Double(tokens) * scale)
  }

  /// Takes in what the provider counted for a request of so many tokens by our estimate.
  mutating func correct(_ estimated: Int, by reported: Int) {
    guard estimated > 0, reported > 0 else { return }
    let corrected = scale * Double(reported) / Double(estimated)
    scale = min(max(corrected, Self.scales.lowerBound), Self.scales.upperBound)
  }

  /// The conversation was cut: what the provider counts for a token stays known.
  mutating func beginAgain() {
    counted = 0
    tokens = fixed
  }
}
