public import Conversation
import JSON

/// Guesses how many tokens a text has, without any model's vocabulary.
///
/// One pass over the bytes counts words, their length beyond the common, groups of digits, punctuation and white space;
/// the weights are a least-squares fit to the `o200k_base` encoding over some 570 files of code, data and prose in
/// thirteen languages, of which 92 % came out within 10 %. What a provider then reports is the truth.
public enum TokenEstimate {
  /// The tokens of a text, roughly.
  public static func tokens(in text: String) -> Int {
    var text = text
    return text.withUTF8 { tokens(in: $0) }
  }

  /// The tokens of a whole request, roughly: system text, tools and items with the few tokens that frame each.
  public static func tokens(in request: ModelRequest) -> Int {
    let tools = request.tools.reduce(0) { sum, tool in
      sum + 12 + tokens(in: tool.description) + tokens(in: tool.objectSchema.text)
    }
    return request.items.reduce(tokens(in: request.system) + tools + 8) { $0 + tokens(in: $1) }
  }

  /// The tokens of one item, roughly.
  public static func tokens(in item: Item) -> Int {
    switch item {
    case .user(let text, _), .assistant(let text): return tokens(in: text) + 4
    case .reasoning(let reasoning):
      // Sealed reasoning counts by its own length, about four letters of base64 for three bytes.
      let sealed = reasoning.payload["encrypted_content"]?.string?.utf8.count ?? 0
      return sealed > 0 ? sealed / 6 : tokens(in: reasoning.summary)
    case .toolCall(let call):
      let arguments =
        switch call.arguments {
        case .json(let text), .freeform(let text): text
        }
      return tokens(in: call.name) + tokens(in: arguments) + 8
    case .toolResult(let result): return tokens(in: result.output) + 8
    // Providers scale pictures down to about so many.
    case .image: return 1600
    }
  }

  // Weights in thousandths of a token.
  private static let word = 1032
  private static let wordExcess = 95
  private static let capitals = 1354
  private static let capitalsExcess = 81
  private static let digits = 1671
  private static let lineEnds = 796
  private static let spaces = 1032
  private static let punctuation = 514
  private static let punctuationExcess = 207
  private static let otherByte = 330

  private enum Class { case lower, upper, digit, lineEnd, space, other, punctuation }

  private static func classify(_ byte: UInt8) -> Class {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"): .lower
    case UInt8(ascii: "A")...UInt8(ascii: "Z"): .upper
    case UInt8(ascii: "0")...UInt8(ascii: "9"): .digit
    case 0x0a, 0x0d: .lineEnd
    case 0x09, 0x20: .space
    case 0x80...: .other
    default: .punctuation
    }
  }

  private static func tokens(in bytes: UnsafeBufferPointer<UInt8>) -> Int {
    var sum = 0
    var index = 0
    func end(of kind: Class, from start: Int) -> Int {
      var end = start
      while end < bytes.count, classify(bytes[end]) == kind { end += 1 }
      return end
    }
    while index < bytes.count {
      let kind = classify(bytes[index])
      var next = end(of: kind, from: index)
      var count = next - index
      switch kind {
      case .lower:
        sum += word + max(0, count - 7) * wordExcess
      case .upper:
        // The last capital before small letters belongs to them.
        let followed = next < bytes.count && classify(bytes[next]) == .lower
        if followed { count -= 1 }
        if count > 0 { sum += capitals + max(0, count - 3) * capitalsExcess }
        if followed {
          let wordEnd = end(of: .lower, from: next)
          sum += word + max(0, wordEnd - next + 1 - 7) * wordExcess
          next = wordEnd
        }
      case .digit: sum += (count + 2) / 3 * digits
      case .lineEnd: sum += lineEnds
      case .space: sum += count > 1 ? spaces : 0
      case .other: sum += count * otherByte
      case .punctuation: sum += punctuation + (count - 1) * punctuationExcess
      }
      index = next
    }
    return (sum + 999) / 1000
  }
}
