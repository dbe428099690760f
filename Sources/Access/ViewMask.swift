public import Paths

/// What commands of a run do not see, and what they may learn from the rest.
public struct ViewMask: Sendable, Hashable {
  /// Files that policy hides, in the order asked about.
  public var masked: [MaskedFile] = []
  /// Labels of all files that stay visible, in the form of ``Label``.
  public var labels: Set<String> = []
  /// True when a policy on trial would hide more.
  public var wouldHideMore = false

  /// Nothing is hidden.
  public init() {}
}

/// Decides about many files of one view: equal labels are decided once where labels are all that counts.
public struct ViewJudge: Sendable {
  private let authorizer: any Authorizer
  private let principal: Principal
  private let context: AccessContext
  private let repository: String
  private let model: Resource.Model?
  private var known: [Set<String>: Answer] = [:]
  private var mask = ViewMask()

  private enum Answer: Sendable {
    case visible
    case hidden(RuleID)
  }

  /// - Parameters:
  ///   - model: the run's own model: what its conversation must not hold is hidden, so that a run is not spoilt by what
  ///     lies around. Nil for none.
  public init(
    _ authorizer: any Authorizer, principal: Principal, context: AccessContext, repository: String = "",
    model: Resource.Model?
  ) {
    self.authorizer = authorizer
    self.principal = principal
    self.context = context
    self.repository = repository
    self.model = model
  }

  /// The judgement on all files so far.
  public var result: ViewMask { mask }

  /// Decides about one file; returns whether it is hidden. A hidden directory hides all that lies in it.
  /// - Parameter labels: in the form of ``Label``.
  @discardableResult
  public mutating func isHidden(_ path: RepoPath, labels: Set<String>, size: Int? = nil) -> Bool {
    let answer: Answer
    if authorizer.readsFollowFromLabels {
      if let decided = known[labels] {
        answer = decided
      } else {
        answer = decide(path, labels, size)
        known[labels] = answer
      }
    } else {
      answer = decide(path, labels, size)
    }
    switch answer {
    case .visible: return false
    case .hidden(let rule):
      mask.masked.append(MaskedFile(path: path, rule: rule, labels: Label.plain(labels)))
      return true
    }
  }

  private mutating func decide(_ path: RepoPath, _ labels: Set<String>, _ size: Int?) -> Answer {
    let file = Resource.File(path: path, repository: repository, labels: labels, size: size)
    let reading = authorizer.decide(
      AccessRequest(principal: principal, action: .read, resource: .file(file), context: context))
    if !reading.isEnforced { mask.wouldHideMore = true }
    if !reading.isPermitted { return .hidden(reading.rules.first ?? RuleID(rawValue: "shipped/deny-by-default")) }
    // Together with what is visible already: two labels may be too much where each of them is not.
    let together = mask.labels.union(labels)
    if together != mask.labels, let rule = modelRefusal(together) { return .hidden(rule) }
    mask.labels = together
    return .visible
  }

  /// The rule for which the run's own model may not be told of these labels; nil when it may.
  private mutating func modelRefusal(_ labels: Set<String>) -> RuleID? {
    guard let model else { return nil }
    func call(_ labels: Set<String>) -> Decision {
      var context = context
      context.labels.formUnion(labels)
      return authorizer.decide(
        AccessRequest(principal: principal, action: .callModel, resource: .model(model), context: context))
    }
    let decision = call(labels)
    if decision.isPermitted { return nil }
    // A model that may not be called at all is refused when it is called: nothing is hidden for that.
    guard call([]).isPermitted else { return nil }
    return decision.rules.first ?? RuleID(rawValue: "shipped/deny-by-default")
  }
}
