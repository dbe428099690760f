import Conversation
import Models
import Testing

@Suite("Estimates")
struct AccountingTests {
  @Test func estimatesComeCloseToARealVocabulary() {
    // Counts by the o200k_base encoding.
    let samples: [(String, Int)] = [
      ("", 0),
      (Self.swift, 115),
      (Self.prose, 76),
      (Self.log, 78),
    ]
    for (text, tokens) in samples {
      let estimate = TokenEstimate.tokens(in: text)
      #expect(abs(estimate - tokens) <= max(1, tokens * 15 / 100), "\(estimate) for \(tokens)")
    }
  }

  @Test func anyTextHasAnEstimate() {
    #expect(TokenEstimate.tokens(in: String(repeating: " ", count: 10000)) < 10)
    #expect(TokenEstimate.tokens(in: String(repeating: "世界", count: 1000)) > 1000)
    let request = ModelRequest(
      system: "s", tools: [], items: [.toolCall(ToolCall(id: "c", name: "shell", arguments: .json("{}")))])
    #expect((5...60).contains(TokenEstimate.tokens(in: request)))
  }

  private static let swift = """
    public func splitAmount(_ total: Int, into parts: Int) -> [Int] {
      precondition(parts > 0, "needs at least one part")
      let (share, rest) = total.quotientAndRemainder(dividingBy: parts)
      return (0..<parts).map { index in index < abs(rest) ? share + rest.signum() : share }
    }

    struct HTTPServerConfiguration: Sendable {
      var maximumHeaderBytes = 65_536
      var idleTimeout: Duration = .seconds(120)
    }

    """
  private static let prose = """
    The agent reads a repository, finds the code that a task is about, and edits it in a copy-on-write workspace inside a \
    sandbox. It proves that the change works by running the tests again in a clean copy, and leaves a signed record of \
    everything that it saw and did. When nothing can be proven, it says so honestly and changes nothing at all in your \
    checkout.
    """
  private static let log = """
    tests/test_money.py::test_split_amount FAILED                            [ 40%]
    E       assert [33, 33, 33] == [34, 33, 33]
    E         At index 0 diff: 33 != 34
    tests/test_money.py:21: AssertionError
    ========================= 1 failed, 4 passed in 0.12s ==========================
    """
}
