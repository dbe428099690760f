/// How far the language here agrees with the answers of a folder of cases.
public struct ConformanceReport: Sendable {
  /// What can agree or not.
  public enum Aspect: String, Sendable, CaseIterable {
    /// Whether policies, schema and entities are refused, of cases that say so.
    case refusal
    /// Whether strict validation passes.
    case validation
    /// Allow or deny.
    case decision
    /// The policies that decided.
    case reasons
    /// The policies that failed.
    case errors
  }

  /// How many agree, of how many.
  public struct Count: Sendable, Hashable {
    /// Those that agree.
    public var agreeing = 0
    /// All that were compared.
    public var compared = 0
  }

  /// One answer that differs.
  public struct Difference: Sendable, CustomStringConvertible {
    /// The case's name.
    public let name: String
    /// The request's number, from 0; nil for validation.
    public let request: Int?
    /// What differs; nil when the case could not be run.
    public let aspect: Aspect?
    /// What the case says.
    public let expected: String
    /// What was found.
    public let found: String

    /// One line.
    public var description: String {
      let place = request.map { "\(name), request \($0)" } ?? name
      guard let aspect else { return "\(place): \(found)" }
      return "\(place): \(aspect.rawValue): expected \(expected), found \(found)"
    }
  }

  /// How many cases there were.
  public internal(set) var cases = 0
  /// How many requests these held.
  public internal(set) var requests = 0
  /// Agreement by aspect.
  public internal(set) var counts: [Aspect: Count] = [:]
  /// All that differ, in the order of the cases' names.
  public internal(set) var differences: [Difference] = []

  /// True when nothing differs.
  public var isConforming: Bool { differences.isEmpty }

  mutating func compare<T: Equatable>(
    _ aspect: Aspect, _ name: String, _ request: Int?, expected: T, found: T, text: (T) -> String
  ) {
    counts[aspect, default: Count()].compared += 1
    if expected == found {
      counts[aspect, default: Count()].agreeing += 1
    } else {
      differences.append(
        Difference(name: name, request: request, aspect: aspect, expected: text(expected), found: text(found)))
    }
  }
}
