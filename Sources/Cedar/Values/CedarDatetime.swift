/// A moment, in milliseconds since 1970-01-01T00:00:00Z.
public struct CedarDatetime: Sendable, Hashable, Comparable, CustomStringConvertible {
  private static let millisecondsPerDay: Int64 = 86_400_000

  /// Milliseconds since the epoch.
  public let milliseconds: Int64

  /// So many milliseconds after the epoch.
  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// Reads `YYYY-MM-DD`, or that with `THH:MM:SS`, an optional `.mmm`, and `Z` or an offset `±hhmm`. There is no
  /// second 60, no hour 24, no colon in the offset; nil for these and for days that do not exist.
  public init?(_ text: String) {
    var reader = DigitReader(text)
    guard let year = reader.number(digits: 4), reader.take("-"), let month = reader.number(digits: 2), reader.take("-"),
      let day = reader.number(digits: 2), let days = Self.days(year: year, month: month, day: day)
    else { return nil }
    var total = days * Self.millisecondsPerDay
    guard !reader.isAtEnd else {
      milliseconds = total
      return
    }
    guard reader.take("T"), let hour = reader.number(digits: 2), reader.take(":"),
      let minute = reader.number(digits: 2), reader.take(":"), let second = reader.number(digits: 2), hour < 24,
      minute < 60, second < 60
    else { return nil }
    total += ((Int64(hour) * 60 + Int64(minute)) * 60 + Int64(second)) * 1000
    if reader.take(".") {
      guard let fraction = reader.number(digits: 3) else { return nil }
      total += Int64(fraction)
    }
    if !reader.take("Z") {
      let isWest = reader.take("-")
      guard isWest || reader.take("+"), let hours = reader.number(digits: 2), let minutes = reader.number(digits: 2),
        hours < 24, minutes < 60
      else { return nil }
      let offset = (Int64(hours) * 60 + Int64(minutes)) * 60_000
      total += isWest ? offset : -offset
    }
    guard reader.isAtEnd else { return nil }
    milliseconds = total
  }

  /// This moment moved by a span; nil when that overflows.
  public func offset(_ span: CedarDuration) -> CedarDatetime? {
    let (sum, overflow) = milliseconds.addingReportingOverflow(span.milliseconds)
    return overflow ? nil : CedarDatetime(milliseconds: sum)
  }

  /// The span from another moment to this; nil when that overflows.
  public func durationSince(_ other: CedarDatetime) -> CedarDuration? {
    let (difference, overflow) = milliseconds.subtractingReportingOverflow(other.milliseconds)
    return overflow ? nil : CedarDuration(milliseconds: difference)
  }

  /// Midnight (UTC) of this moment's day; nil when that is before the first moment that can be held.
  public var date: CedarDatetime? {
    let (midnight, overflow) = milliseconds.subtractingReportingOverflow(time.milliseconds)
    return overflow ? nil : CedarDatetime(milliseconds: midnight)
  }

  /// The span since midnight (UTC).
  public var time: CedarDuration {
    let rest = milliseconds % Self.millisecondsPerDay
    return CedarDuration(milliseconds: rest < 0 ? rest + Self.millisecondsPerDay : rest)
  }

  /// By time.
  public static func < (left: CedarDatetime, right: CedarDatetime) -> Bool { left.milliseconds < right.milliseconds }

  /// In the form that is read, in UTC; years that it cannot write as milliseconds since the epoch.
  public var description: String {
    guard let midnight = date else { return "\(milliseconds) ms since 1970" }
    let (year, month, day) = Self.civil(days: midnight.milliseconds / Self.millisecondsPerDay)
    guard (0...9999).contains(year) else { return "\(milliseconds) ms since 1970" }
    let rest = time.milliseconds
    func padded(_ value: Int64, _ digits: Int) -> String {
      let text = String(value)
      return String(repeating: "0", count: max(0, digits - text.utf8.count)) + text
    }
    let fraction = rest % 1000 == 0 ? "" : "." + padded(rest % 1000, 3)
    return padded(year, 4) + "-" + padded(month, 2) + "-" + padded(day, 2) + "T" + padded(rest / 3_600_000, 2) + ":"
      + padded(rest / 60_000 % 60, 2) + ":" + padded(rest / 1000 % 60, 2) + fraction + "Z"
  }

  /// Days since the epoch of a date of the proleptic Gregorian calendar; nil when there is no such day. Years begin
  /// in March here, so that the leap day ends them.
  private static func days(year: Int, month: Int, day: Int) -> Int64? {
    let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
    let lengths = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    guard (1...12).contains(month), (1...lengths[month - 1]).contains(day) else { return nil }
    let marchYear = Int64(month > 2 ? year : year - 1)
    let era = (marchYear >= 0 ? marchYear : marchYear - 399) / 400
    let yearOfEra = marchYear - era * 400
    let dayOfYear = Int64((153 * ((month + 9) % 12) + 2) / 5 + day - 1)
    return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
  }

  private static func civil(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let marchMonth = (5 * dayOfYear + 2) / 153
    let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
    return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
  }
}

/// A span of time in milliseconds.
public struct CedarDuration: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The span in milliseconds.
  public let milliseconds: Int64

  /// A span of so many milliseconds.
  public init(milliseconds: Int64) { self.milliseconds = milliseconds }

  /// Reads quantities with the units `d`, `h`, `m`, `s`, `ms` in that order, each at most once, with an optional minus
  /// before them all: `1d2h3m4s50ms`, `-1h`. Nil for anything else, and when 64 bits of milliseconds do not hold it.
  public init?(_ text: String) {
    var reader = DigitReader(text)
    let isNegative = reader.take("-")
    guard !reader.isAtEnd else { return nil }
    let units: [(name: StaticString, milliseconds: Int64)] = [
      ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1),
    ]
    var next = 0
    var total: Int64 = 0
    while !reader.isAtEnd {
      guard let digits = reader.digits(), let unit = reader.unit(),
        let index = units.firstIndex(where: { "\($0.name)" == unit }),
        index >= next
      else { return nil }
      next = index + 1
      // Counted in the sign's own direction, as the least number has no positive counterpart.
      var quantity: Int64 = 0
      for digit in digits {
        let (tenfold, overflow) = quantity.multipliedReportingOverflow(by: 10)
        let step = Int64(digit - 0x30)
        let (sum, again) =
          isNegative ? tenfold.subtractingReportingOverflow(step) : tenfold.addingReportingOverflow(step)
        if overflow || again { return nil }
        quantity = sum
      }
      let (part, overflow) = quantity.multipliedReportingOverflow(by: units[index].milliseconds)
      let (sum, again) = total.addingReportingOverflow(part)
      if overflow || again { return nil }
      total = sum
    }
    milliseconds = total
  }

  /// Whole seconds, towards zero.
  public var seconds: Int64 { milliseconds / 1000 }
  /// Whole minutes, towards zero.
  public var minutes: Int64 { milliseconds / 60_000 }
  /// Whole hours, towards zero.
  public var hours: Int64 { milliseconds / 3_600_000 }
  /// Whole days, towards zero.
  public var days: Int64 { milliseconds / 86_400_000 }

  /// By length, negative ones first.
  public static func < (left: CedarDuration, right: CedarDuration) -> Bool { left.milliseconds < right.milliseconds }

  /// In milliseconds.
  public var description: String { "\(milliseconds)ms" }
}

/// Reads numbers and single characters of an ASCII text.
private struct DigitReader {
  private let bytes: [UInt8]
  private var index = 0

  init(_ text: String) { bytes = Array(text.utf8) }

  var isAtEnd: Bool { index == bytes.count }

  mutating func take(_ character: Unicode.Scalar) -> Bool {
    guard index < bytes.count, UInt32(bytes[index]) == character.value else { return false }
    index += 1
    return true
  }

  /// A number of exactly so many digits.
  mutating func number(digits: Int) -> Int? {
    guard index + digits <= bytes.count else { return nil }
    var value = 0
    for byte in bytes[index..<(index + digits)] {
      guard (0x30...0x39).contains(byte) else { return nil }
      value = value * 10 + Int(byte - 0x30)
    }
    index += digits
    return value
  }

  /// One or more digits.
  mutating func digits() -> ArraySlice<UInt8>? {
    let start = index
    while index < bytes.count, (0x30...0x39).contains(bytes[index]) { index += 1 }
    return index > start ? bytes[start..<index] : nil
  }

  /// One or more small letters.
  mutating func unit() -> String? {
    let start = index
    while index < bytes.count, (0x61...0x7a).contains(bytes[index]) { index += 1 }
    return index > start ? String(decoding: bytes[start..<index], as: UTF8.self) : nil
  }
}
