import Glibc

/// Times as web services write them.
enum Timestamp {
  /// The seconds since 1970 of a time such as `2026-01-27T14:00:05Z` (RFC 3339, in UTC).
  static func seconds(_ text: String) -> Int? {
    let bytes = Array(text.utf8)
    guard bytes.count >= 20, bytes.last == UInt8(ascii: "Z") || text.hasSuffix("+00:00") || text.hasSuffix("UTC") else {
      return nil
    }
    func number(_ range: Range<Int>) -> Int32? { Int32(String(decoding: bytes[range], as: UTF8.self)) }
    guard bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"), bytes[13] == UInt8(ascii: ":"),
      let year = number(0..<4), let month = number(5..<7), let day = number(8..<10), let hour = number(11..<13),
      let minute = number(14..<16), let second = number(17..<19), (1970...9999).contains(year),
      (1...12).contains(month), (1...31).contains(day)
    else { return nil }
    var date = tm()
    (date.tm_year, date.tm_mon, date.tm_mday) = (year - 1900, month - 1, day)
    (date.tm_hour, date.tm_min, date.tm_sec) = (hour, minute, second)
    return timegm(&date)
  }

  /// A time as web services write it, such as `2026-01-27T14:00:05Z`.
  static func text(_ seconds: Int) -> String {
    var time = time_t(seconds)
    var date = tm()
    gmtime_r(&time, &date)
    func padded(_ number: Int32) -> String { number < 10 ? "0\(number)" : "\(number)" }
    return "\(date.tm_year + 1900)-\(padded(date.tm_mon + 1))-\(padded(date.tm_mday))T\(padded(date.tm_hour)):"
      + "\(padded(date.tm_min)):\(padded(date.tm_sec))Z"
  }
}
