/// Lets people be asked one thing after another.
actor QuestionQueue {
  private var last: Task<Void, Never>?

  /// Waits until everything that came before is answered, and asks.
  func ask(_ question: @escaping @Sendable () async -> Int) async -> Int {
    let previous = last
    let asking = Task {
      await previous?.value
      return Task.isCancelled ? 0 : await question()
    }
    last = Task { _ = await asking.value }
    return await withTaskCancellationHandler {
      await asking.value
    } onCancel: {
      asking.cancel()
    }
  }
}
