import Synchronization

/// Tells a person what is waited for while a provider says nothing: after a while, then when it is twice as long, and so on.
final class SilenceWatch: Sendable {
  private let lastWord = Mutex(ContinuousClock.now)
  private let task = Mutex<Task<Void, Never>?>(nil)

  /// Watches until ``end()``.
  /// - Parameter tell: called with the seconds of silence so far.
  func begin(every seconds: Double, _ tell: @escaping @Sendable (_ silence: Double) -> Void) {
    guard seconds > 0 else { return }
    let task = Task { [weak self] in
      var next = seconds
      while !Task.isCancelled {
        try? await Task.sleep(for: .seconds(seconds / 4))
        guard let self, !Task.isCancelled else { return }
        let silence = (ContinuousClock.now - self.lastWord.withLock { $0 }) / .seconds(1)
        if silence < seconds { next = seconds }
        guard silence >= next else { continue }
        tell(silence)
        while next <= silence { next *= 2 }
      }
    }
    self.task.withLock { $0 = task }
  }

  /// The provider said something.
  func heard() { lastWord.withLock { $0 = .now } }

  func end() { task.withLock { $0?.cancel() } }
}
