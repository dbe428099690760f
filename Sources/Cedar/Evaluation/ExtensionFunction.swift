/// The functions and methods of the extension types.
enum ExtensionFunction: String, Sendable, Hashable, CaseIterable {
  case ip, decimal, datetime, duration
  case isIpv4, isIpv6, isLoopback, isMulticast, isInRange
  case lessThan, lessThanOrEqual, greaterThan, greaterThanOrEqual
  case offset, durationSince, toDate, toTime
  case toMilliseconds, toSeconds, toMinutes, toHours, toDays

  /// True for `ip("…")` and its like; false for methods.
  var isConstructor: Bool {
    switch self {
    case .ip, .decimal, .datetime, .duration: true
    default: false
    }
  }

  /// What a constructor's text must look like.
  var expectedText: String {
    switch self {
    case .ip: "an address or range such as \"127.0.0.1\", \"10.0.0.0/8\" or \"ffee::/64\""
    case .decimal: "a number with one to four digits after the point, such as \"12.50\""
    case .datetime: "YYYY-MM-DD or YYYY-MM-DDThh:mm:ss[.mmm](Z|±hhmm)"
    default: "quantities with units in the order d, h, m, s, ms, such as \"1d12h\""
    }
  }

  /// The constructor's value; nil when the text does not fit.
  func construct(_ text: String) -> Value? {
    switch self {
    case .ip: IPAddress(text).map { .ip($0) }
    case .decimal: CedarDecimal(text).map { .decimal($0) }
    case .datetime: CedarDatetime(text).map { .datetime($0) }
    case .duration: CedarDuration(text).map { .duration($0) }
    default: nil
    }
  }

  /// The types of the arguments, the receiver of a method first, and of the result.
  var signature: (arguments: [CedarType], result: CedarType) {
    let ip = CedarType.extension(.ipaddr)
    let decimal = CedarType.extension(.decimal)
    let datetime = CedarType.extension(.datetime)
    let duration = CedarType.extension(.duration)
    return switch self {
    case .ip: ([.string], ip)
    case .decimal: ([.string], decimal)
    case .datetime: ([.string], datetime)
    case .duration: ([.string], duration)
    case .isIpv4, .isIpv6, .isLoopback, .isMulticast: ([ip], .bool(.any))
    case .isInRange: ([ip, ip], .bool(.any))
    case .lessThan, .lessThanOrEqual, .greaterThan, .greaterThanOrEqual: ([decimal, decimal], .bool(.any))
    case .offset: ([datetime, duration], datetime)
    case .durationSince: ([datetime, datetime], duration)
    case .toDate: ([datetime], datetime)
    case .toTime: ([datetime], duration)
    case .toMilliseconds, .toSeconds, .toMinutes, .toHours, .toDays: ([duration], .long)
    }
  }

  /// The function's value for these arguments.
  func call(_ arguments: [Value]) throws(EvaluationError.Reason) -> Value {
    guard arguments.count == signature.arguments.count else {
      throw .wrongArgumentCount(function: rawValue, expected: signature.arguments.count, found: arguments.count)
    }
    switch self {
    case .ip, .decimal, .datetime, .duration:
      guard case .string(let text) = arguments[0] else { throw .wrongType(expected: "string", found: arguments[0]) }
      guard let value = construct(text) else {
        throw .badLiteral(function: rawValue, text: text, expected: expectedText)
      }
      return value
    case .isIpv4: return .bool(try ip(arguments[0]).isIPv4)
    case .isIpv6: return .bool(try ip(arguments[0]).isIPv6)
    case .isLoopback: return .bool(try ip(arguments[0]).isLoopback)
    case .isMulticast: return .bool(try ip(arguments[0]).isMulticast)
    case .isInRange: return .bool(try ip(arguments[0]).isInRange(try ip(arguments[1])))
    case .lessThan: return .bool(try decimal(arguments[0]) < decimal(arguments[1]))
    case .lessThanOrEqual: return .bool(try decimal(arguments[0]) <= decimal(arguments[1]))
    case .greaterThan: return .bool(try decimal(arguments[0]) > decimal(arguments[1]))
    case .greaterThanOrEqual: return .bool(try decimal(arguments[0]) >= decimal(arguments[1]))
    case .offset:
      let moment = try datetime(arguments[0])
      guard let moved = moment.offset(try duration(arguments[1])) else { throw .overflow(operation: rawValue) }
      return .datetime(moved)
    case .durationSince:
      let moment = try datetime(arguments[0])
      guard let span = moment.durationSince(try datetime(arguments[1])) else { throw .overflow(operation: rawValue) }
      return .duration(span)
    case .toDate:
      guard let date = try datetime(arguments[0]).date else { throw .overflow(operation: rawValue) }
      return .datetime(date)
    case .toTime: return .duration(try datetime(arguments[0]).time)
    case .toMilliseconds: return .long(try duration(arguments[0]).milliseconds)
    case .toSeconds: return .long(try duration(arguments[0]).seconds)
    case .toMinutes: return .long(try duration(arguments[0]).minutes)
    case .toHours: return .long(try duration(arguments[0]).hours)
    case .toDays: return .long(try duration(arguments[0]).days)
    }
  }

  private func ip(_ value: Value) throws(EvaluationError.Reason) -> IPAddress {
    guard case .ip(let address) = value else { throw .wrongType(expected: "ipaddr", found: value) }
    return address
  }

  private func decimal(_ value: Value) throws(EvaluationError.Reason) -> CedarDecimal {
    guard case .decimal(let number) = value else { throw .wrongType(expected: "decimal", found: value) }
    return number
  }

  private func datetime(_ value: Value) throws(EvaluationError.Reason) -> CedarDatetime {
    guard case .datetime(let moment) = value else { throw .wrongType(expected: "datetime", found: value) }
    return moment
  }

  private func duration(_ value: Value) throws(EvaluationError.Reason) -> CedarDuration {
    guard case .duration(let span) = value else { throw .wrongType(expected: "duration", found: value) }
    return span
  }
}
