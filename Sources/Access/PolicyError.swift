/// Why policy cannot be put in force. No policy, no run.
public struct PolicyError: Error, Sendable, Hashable, CustomStringConvertible {
  /// The layer that holds the mistake; nil for what the command line chose.
  public let layer: LayerName?
  /// The file that holds it, or the setting as configuration spells it: `deny_read`.
  public let place: String
  /// The line in the file, from 1.
  public let line: Int?
  /// The column in the line, from 1, counted in Unicode scalars.
  public let column: Int?
  /// The pattern as written, for a setting.
  public let pattern: String?
  /// What is wrong with it.
  public let reason: String

  /// A mistake in a file.
  public init(layer: LayerName?, file: String, line: Int? = nil, column: Int? = nil, reason: String) {
    self.layer = layer
    place = file
    self.line = line
    self.column = column
    pattern = nil
    self.reason = reason
  }

  /// A mistake in a setting.
  public init(layer: LayerName?, setting: String, pattern: String, reason: String) {
    self.layer = layer
    place = setting
    line = nil
    column = nil
    self.pattern = pattern
    self.reason = reason
  }

  /// A sentence for people.
  public var description: String {
    let owner = layer.map { "the \($0.rawValue)'s" } ?? "the run's"
    if let pattern { return "\(owner) policy cannot be used: \(place) \"\(pattern)\": \(reason)" }
    let position = [line, column].compactMap { $0.map { ":\($0)" } }.joined()
    return "\(owner) policy cannot be used: \(place)\(position): \(reason)"
  }
}
