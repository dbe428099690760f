import Access
import Sandbox

/// What the commands of a run can reach: the same from its start to its end.
struct RunNetwork: Sendable, Hashable {
  /// Servers that are set up for programs, by the name and kind.
  private let endpoints: [String]

  /// What a run's commands can reach; nil for nothing.
  init?(_ services: RunServices, level: SandboxLevel) {
    guard services.authorizer.permitsConnections, level == .full else { return nil }
    endpoints = services.endpoints.map { "\($0.name) (\($0.kind.rawValue))" }
  }

  /// What a model is told where commands reach nothing.
  static let none = "There is no network."

  /// What a model is told.
  var sentence: String {
    "The network is limited to hosts that policy permits, by the proxy that the usual variables name; all else is refused."
      + (endpoints.isEmpty
        ? "" : " Set up for their programs, without a login: \(endpoints.joined(separator: ", ")).")
  }
}
