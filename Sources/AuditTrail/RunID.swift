/// The name of a run: `r-20261123-4f7k2m9x`.
///
/// The date, then eight characters of Crockford's base 32 (no `i`, `l`, `o`, `u`): four for the time of day in steps of
/// 82 ms, four drawn at random. Names sort by time, can be read aloud, and are recognised by any unique beginning.
public struct RunID: Hashable, Sendable, Comparable, CustomStringConvertible {
  /// The name as text: lower-case ASCII.
  public let text: String

  /// Reads a full name; nil when it is not one.
  public init?(_ text: String) {
    let bytes = Array(text.utf8)
    guard bytes.count == RunID.length, bytes.starts(with: "r-".utf8), bytes[10] == UInt8(ascii: "-"),
      bytes[2..<10].allSatisfy({ (0x30...0x39).contains($0) }),
      bytes[11...].allSatisfy({ RunID.alphabet.contains($0) })
    else { return nil }
    self.text = text
  }

  /// A name for a run that starts now.
  public static func new() -> RunID {
    var random = SystemRandomNumberGenerator()
    return RunID(wallTime: Clock.wallTime(), random: random.next())
  }

  /// A name for a run that started at a time.
  /// - Parameters:
  ///   - wallTime: nanoseconds since 1970.
  ///   - random: tells apart runs that start at the same time; 20 bits are used.
  init(wallTime: Int64, random: UInt64) {
    let second = wallTime / 1_000_000_000
    let day = second / 86_400
    let microsecondOfDay = UInt64(wallTime / 1000 - day * 86_400_000_000)
    let step = (microsecondOfDay << 20) / 86_400_000_000
    let date = CivilDate(daysSince1970: Int(day))
    func padded(_ value: Int, _ width: Int) -> String {
      let digits = String(value)
      return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }
    func encoded(_ value: UInt64) -> String {
      String(decoding: (0..<4).map { RunID.alphabet[Int(value >> (15 - 5 * UInt64($0)) & 31)] }, as: UTF8.self)
    }
    text = "r-\(padded(date.year, 4))\(padded(date.month, 2))\(padded(date.day, 2))-\(encoded(step))\(encoded(random))"
  }

  /// The name.
  public var description: String { text }

  /// The order of time.
  public static func < (left: RunID, right: RunID) -> Bool { left.text < right.text }

  /// `r-`, the date and a hyphen: what stands before the part that tells a day's runs apart.
  static let prefixLength = 11
  static let length = 19
  private static let alphabet = Array("0123456789abcdefghjkmnpqrstvwxyz".utf8)
}

/// A date of the Gregorian calendar, in UTC.
struct CivilDate {
  let year: Int
  let month: Int
  let day: Int

  /// The usual arithmetic on eras of 400 years that begin on a first of March.
  init(daysSince1970 days: Int) {
    let shifted = days + 719_468
    let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
    let dayOfEra = shifted - era * 146_097
    let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shiftedMonth = (5 * dayOfYear + 2) / 153
    day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
    month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
    year = yearOfEra + era * 400 + (month <= 2 ? 1 : 0)
  }
}
