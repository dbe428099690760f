import Synchronization

/// Numbers commands for people to follow; unique in the process.
enum CommandCounter {
  private static let last = Mutex(0)

  static func next() -> Int {
    last.withLock { number in
      number += 1
      return number
    }
  }
}

/// Random words that a forged report cannot know.
enum Nonce {
  static func random() -> String {
    var generator = SystemRandomNumberGenerator()
    return String(generator.next(), radix: 36) + String(generator.next(), radix: 36)
  }
}
