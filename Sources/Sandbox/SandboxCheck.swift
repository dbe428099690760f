/// One promise of the sandbox, tried.
public struct SandboxCheck: Sendable, Hashable {
  /// What was tried, in a word or two.
  public var name: String
  /// Whether it holds.
  public var ok: Bool
  /// What was seen.
  public var detail: String

  /// The outcome of one attempt.
  public init(name: String, ok: Bool, detail: String) {
    self.name = name
    self.ok = ok
    self.detail = detail
  }
}
