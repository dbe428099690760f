public import Access
public import AuditTrail
public import Conversation
public import Sandbox
public import Workspace

/// What a user asks of one run.
public struct RunRequest: Sendable {
  /// The task's text; nil to repair what the tests say is broken.
  public var task: String?
  /// Pictures that belong to the task, such as a screenshot. They are part of the conversation with the run's model.
  public var images: [ImageContent] = []
  /// The check that the user named; nil to recognise the project's own.
  public var testCommand: String?
  /// A command that prepares the project, run first, in the workspace.
  public var setup: String?
  /// What the run may spend.
  public var budget: Budget
  /// Where the change goes.
  public var delivery: DeliveryRequest
  /// Limits of each command.
  public var limits: SandboxLimits
  /// The labels of what the run knows from its start: ``Label/outsideText`` for an issue's text.
  public var labels: Set<String> = []
  /// Go on after the model has stopped without a proven change, until a budget ends.
  public var keepsGoing = false

  /// A request.
  public init(
    task: String? = nil, testCommand: String? = nil, setup: String? = nil, budget: Budget = Budget(),
    delivery: DeliveryRequest = DeliveryRequest(), limits: SandboxLimits = .standard
  ) {
    self.task = task
    self.testCommand = testCommand
    self.setup = setup
    self.budget = budget
    self.delivery = delivery
    self.limits = limits
  }
}

/// Where a proven change goes; with none of these it stays with the run.
public struct DeliveryRequest: Sendable, Hashable {
  /// Into the checkout.
  public var apply = false
  /// As a commit on a new branch of this name.
  public var branch: String?
  /// As a patch, handed to this run's caller.
  public var patch = false
  /// Deliver a change that passes the tests but is not confirmed.
  public var acceptUnconfirmed = false

  /// Nothing is delivered.
  public init() {}

  /// True when anything was asked for.
  public var isRequested: Bool { apply || branch != nil || patch }
}

/// What a run works with.
public struct RunServices: Sendable {
  /// The record.
  public var store: AuditStore
  /// Where commands run.
  public var sandbox: Sandbox
  /// Who answers.
  public var model: any Model
  /// Who is asked, in this order, when the model's provider cannot answer; each call passes the gate. Empty for nobody.
  public var fallbacks: [PricedModel] = []
  /// Who decides on effects.
  public var authorizer: any Authorizer
  /// Who is asked for a second opinion on a change that the judge accepts; nil for nobody.
  public var reviewer: PricedModel?
  /// For whom the run acts.
  public var principal: Principal
  /// Asked when policy wants approval; nil when nobody can be asked.
  public var approver: Gate.Approver?
  /// Replaces secrets before anything is stored or sent.
  public var redactor: Redactor
  /// What commands see beside the workspace.
  public var view: WorkspaceView
  /// The directory that holds the storage of all runs.
  public var runsDirectory: [UInt8]
  /// The directory of the index.
  public var indexDirectory: [UInt8]
  /// The model's context window in tokens, when known.
  public var contextWindow: Int?
  /// The price of an answer in millionths of a US dollar; nil when unknown.
  public var price: @Sendable (Usage) -> Int?
  /// This program's version.
  public var version: String
  /// The account that the process runs under, whoever a token names; empty when it is not known.
  public var account = ""
  /// The versions of what the program relies on, or the digests of their files, by their names: for the record.
  public var versions: [String: String] = [:]
  /// Where providers compute, by their names in the configuration.
  public var regions: [String: String] = [:]
  /// What runs ask of the sandbox.
  public var sandboxTerms = SandboxTerms()
  /// Servers that commands reach through the broker, where policy permits it, with credentials that they never see.
  public var endpoints: [NetworkEndpoint] = []
  /// Limits of each command of a run that goes on.
  public var limits = SandboxLimits.standard
  /// A directory that keeps which labels contents have; nil to keep nothing.
  public var labelCache: [UInt8]?

  /// All that a run works with.
  public init(
    store: AuditStore, sandbox: Sandbox, model: any Model, authorizer: any Authorizer, principal: Principal,
    approver: Gate.Approver?, redactor: Redactor, view: WorkspaceView, runsDirectory: [UInt8],
    indexDirectory: [UInt8], contextWindow: Int?, price: @escaping @Sendable (Usage) -> Int?, version: String
  ) {
    self.store = store
    self.sandbox = sandbox
    self.model = model
    self.authorizer = authorizer
    self.principal = principal
    self.approver = approver
    self.redactor = redactor
    self.view = view
    self.runsDirectory = runsDirectory
    self.indexDirectory = indexDirectory
    self.contextWindow = contextWindow
    self.price = price
    self.version = version
  }
}

/// A model that may be asked beside the first one, with what it costs.
public struct PricedModel: Sendable {
  /// Who answers.
  public var model: any Model
  /// The price of an answer in millionths of a US dollar; nil when unknown.
  public var price: @Sendable (Usage) -> Int?

  /// A model with its price.
  public init(model: any Model, price: @escaping @Sendable (Usage) -> Int?) {
    self.model = model
    self.price = price
  }
}
