import Cedar
import Testing

@Suite("extension types")
struct ExtensionTests {
  @Test(
    "addresses that are read",
    arguments: [
      ("0.0.0.0", "0.0.0.0"), ("255.255.255.255", "255.255.255.255"), ("10.0.0.0/8", "10.0.0.0/8"),
      ("1.2.3.4/32", "1.2.3.4"),
      ("1.2.3.4/0", "1.2.3.4/0"), ("::", "::"), ("::1", "::1"), ("1::", "1::"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
      ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"), ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"), ("FFEE::a/64", "ffee::a/64"),
      ("::/0", "::/0"), ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("00ff::", "ff::"),
    ])
  func addresses(_ text: String, _ written: String) throws {
    #expect(try #require(IPAddress(text)).description == written)
  }

  @Test(
    "addresses that are refused",
    arguments: [
      "", "1.2.3", "1.2.3.4.5", "256.0.0.1", "01.2.3.4", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/08", "1.2.3.4/+8",
      "1.2.3.4/8/8",
      " 1.2.3.4", "1.2.3.4 ", "1..2.3", ":", ":::", "1:2:3", "1::2::3", "12345::", "g::", "::1.2.3.4", "::ffff:1.2.3.4",
      "1:2:3:4:5:6:7:8:9", "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "::/129", "::/1000", "fe80::1%eth0", "1:", ":1",
      "[::1]",
      "0000:0000:0000:0000:0000:0000:0000:0000/1280", "１.2.3.4",
    ])
  func badAddresses(_ text: String) { #expect(IPAddress(text) == nil) }

  @Test("properties of addresses hold for whole ranges")
  func ranges() throws {
    func ip(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }
    #expect(try ip("127.0.0.1").isLoopback && ip("127.0.0.0/8").isLoopback && !ip("127.0.0.0/7").isLoopback)
    #expect(try ip("::1").isLoopback && !ip("::1/127").isLoopback && !ip("::2").isLoopback)
    #expect(try ip("224.0.0.1").isMulticast && !ip("224.0.0.0/3").isMulticast && ip("ff00::/8").isMulticast)
    #expect(try ip("10.1.2.3").isInRange(ip("10.0.0.0/8")) && !ip("10.0.0.0/8").isInRange(ip("10.1.2.3")))
    #expect(try ip("10.0.0.0/9").isInRange(ip("10.0.0.0/8")) && ip("1.1.1.1").isInRange(ip("0.0.0.0/0")))
    #expect(try !ip("::1").isInRange(ip("0.0.0.0/0")) && ip("1::").isInRange(ip("::/0")))
    #expect(try ip("192.168.0.1/24") != ip("192.168.0.8/24"))
    #expect(try ip("192.168.0.1/24").isInRange(ip("192.168.0.8/24")))
    #expect(try ip("0.0.0.1") != ip("::1"))
  }

  @Test(
    "decimals", arguments: [("1.0", 10_000), ("-0.5", -5000), ("00.5", 5000), ("1.2345", 12_345), ("-0.0", 0)])
  func decimals(_ text: String, _ value: Int64) throws {
    #expect(try #require(CedarDecimal(text)).tenThousandths == value)
  }

  @Test("the limits of decimals")
  func decimalLimits() throws {
    #expect(try #require(CedarDecimal("922337203685477.5807")).tenThousandths == .max)
    #expect(try #require(CedarDecimal("-922337203685477.5808")).tenThousandths == .min)
    #expect(try #require(CedarDecimal("-922337203685477.5808")).description == "-922337203685477.5808")
    for text in [
      "1", "1.", ".5", "", "-", "-.5", "1.23456", "+1.0", "1e3", "1.0 ", "--1.0", "1.-5", "922337203685477.5808",
      "-922337203685477.5809", "99999999999999999999999.0", "١.0",
    ] {
      #expect(CedarDecimal(text) == nil)
    }
  }

  @Test(
    "moments",
    arguments: [
      ("1970-01-01", 0), ("1970-01-02T00:00:00Z", 86_400_000), ("1969-12-31T23:59:59.999Z", -1),
      ("2024-02-29", 1_709_164_800_000), ("2000-03-01T12:34:56.789+0130", 951_908_696_789),
      ("0000-01-01", -62_167_219_200_000), ("9999-12-31T23:59:59.999-2359", 253_402_387_139_999),
    ])
  func moments(_ text: String, _ milliseconds: Int64) throws {
    #expect(try #require(CedarDatetime(text)).milliseconds == milliseconds)
  }

  @Test(
    "moments that are refused",
    arguments: [
      "", "2024", "2024-1-1", "2023-02-29", "1900-02-29", "2024-13-01", "2024-00-01", "2024-01-00", "2024-01-32",
      "2024-01-01T", "2024-01-01T00:00:00", "2024-01-01T24:00:00Z", "2024-01-01T00:60:00Z", "2024-01-01T00:00:60Z",
      "2024-01-01T00:00:00z", "2024-01-01t00:00:00Z", "2024-01-01T00:00:00.1Z", "2024-01-01T00:00:00.1234Z",
      "2024-01-01T00:00:00+01:00", "2024-01-01T00:00:00+2400", "2024-01-01T00:00:00+0060", "2024-01-01T00:00:00ZZ",
      "2024-01-01 ", "-2024-01-01", "10000-01-01", "2024-01-01T00:00:00.000", "2024-01-01T00:00:00Z+0100",
    ])
  func badMoments(_ text: String) { #expect(CedarDatetime(text) == nil) }

  @Test("parts of moments, before the epoch, too")
  func parts() throws {
    let before = CedarDatetime(milliseconds: -1)
    #expect(before.date?.milliseconds == -86_400_000 && before.time.milliseconds == 86_399_999)
    #expect(CedarDatetime(milliseconds: -86_400_000).time.milliseconds == 0)
    #expect(CedarDatetime(milliseconds: .min).date == nil)
    #expect(CedarDatetime(milliseconds: .min).durationSince(CedarDatetime(milliseconds: 1)) == nil)
    #expect(CedarDatetime(milliseconds: .max).offset(CedarDuration(milliseconds: 1)) == nil)
  }

  @Test("the days of four centuries come back as they were written")
  func calendar() throws {
    var day = try #require(CedarDatetime("1899-12-31")).milliseconds
    // In steps of a week, which fall on every day of every month in turn.
    for _ in 0..<146_098 / 7 {
      let text = CedarDatetime(milliseconds: day).description
      #expect(CedarDatetime(text)?.milliseconds == day)
      day += 86_400_000 * 7
    }
    #expect(CedarDatetime(milliseconds: day).description == "2299-12-31T00:00:00Z")
  }

  @Test(
    "spans",
    arguments: [
      ("0ms", 0), ("1d2h3m4s5ms", 93_784_005), ("-1h", -3_600_000), ("1d1ms", 86_400_001), ("007s", 7000),
      ("106751991167d", 9_223_372_036_828_800_000), ("-9223372036854775808ms", Int64.min),
    ])
  func spans(_ text: String, _ milliseconds: Int64) throws {
    #expect(try #require(CedarDuration(text)).milliseconds == milliseconds)
  }

  @Test(
    "spans that are refused",
    arguments: [
      "", "-", "1", "1x", "d", "1m1h", "1s1s", "1ms1s", "+1h", "1 h", "1H", "--1h", "1h-1m", "9223372036854775808ms",
      "106751991168d", "-9223372036854775809ms", "1.5h", "1dd",
    ])
  func badSpans(_ text: String) { #expect(CedarDuration(text) == nil) }

  @Test("units are cut towards zero")
  func units() throws {
    let span = try #require(CedarDuration("-1d23h59m59s999ms"))
    #expect(span.days == -1 && span.hours == -47 && span.minutes == -2879 && span.seconds == -172_799)
  }
}
