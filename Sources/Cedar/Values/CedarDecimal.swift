/// A number with four digits after the point, held as ten-thousandths: −922337203685477.5808 … 922337203685477.5807.
public struct CedarDecimal: Sendable, Hashable, Comparable, CustomStringConvertible {
  /// The number times 10,000.
  public let tenThousandths: Int64

  /// The number of so many ten-thousandths.
  public init(tenThousandths: Int64) { self.tenThousandths = tenThousandths }

  /// Reads digits, a point, and one to four digits, with an optional minus before; nil for anything else and for
  /// numbers out of range.
  public init?(_ text: String) {
    var bytes = Array(text.utf8)[...]
    let isNegative = bytes.first == UInt8(ascii: "-")
    if isNegative { bytes = bytes.dropFirst() }
    guard let point = bytes.firstIndex(of: UInt8(ascii: ".")) else { return nil }
    let whole = bytes[..<point]
    let fraction = bytes[(point + 1)...]
    guard !whole.isEmpty, (1...4).contains(fraction.count) else { return nil }
    // Counted downwards, as the least number has no positive counterpart.
    var value: Int64 = 0
    for byte in whole + fraction + repeatElement(UInt8(ascii: "0"), count: 4 - fraction.count) {
      guard (0x30...0x39).contains(byte) else { return nil }
      let (tenfold, overflow) = value.multipliedReportingOverflow(by: 10)
      let (next, underflow) = tenfold.subtractingReportingOverflow(Int64(byte - 0x30))
      if overflow || underflow { return nil }
      value = next
    }
    if !isNegative {
      guard value != .min else { return nil }
      value = -value
    }
    tenThousandths = value
  }

  /// By size.
  public static func < (left: CedarDecimal, right: CedarDecimal) -> Bool {
    left.tenThousandths < right.tenThousandths
  }

  /// With all four digits.
  public var description: String {
    let magnitude = tenThousandths.magnitude
    let fraction = String(magnitude % 10_000)
    return (tenThousandths < 0 ? "-" : "") + String(magnitude / 10_000) + "."
      + String(repeating: "0", count: 4 - fraction.utf8.count) + fraction
  }
}
