import JSON
import Testing

@Suite("reading JSON")
struct JSONParserTests {
  static let documents: [(String, JSONValue)] = [
    ("null", JSONValue.null), (" true ", .bool(true)), ("false", .bool(false)), ("0", 0), ("-0", 0), ("-12", -12),
    ("1.5", .double(1.5)),
    ("1e3", .double(1000)), ("1E+2", .double(100)), ("-2.5e-1", .double(-0.25)), ("9223372036854775807", .int(.max)),
    ("-9223372036854775808", .int(.min)), ("9223372036854775808", .double(9_223_372_036_854_775_808)), ("\"\"", ""),
    (#""a\"\\\/\b\f\n\r\t""#, "a\"\\/\u{8}\u{c}\n\r\t"), (#""\u00e9\u20AC""#, "é€"), (#""\ud83d\udc4d""#, "👍"),
    (#""\ud83d""#, "\u{fffd}"), (#""\ud83d\u0041""#, "\u{fffd}A"), (#""\udc4d""#, "\u{fffd}"), (#""\u0000""#, "\0"),
    ("[]", .array([])), ("[ 1 , [ ] ]", .array([1, .array([])])), ("{}", .object(JSONObject())),
    (#"{"a":1,"b":{"a":null}}"#, ["a": 1, "b": ["a": nil]]),
    ("\t\r\n[\n]\n", .array([])), ("\"\u{7f}\u{2028}\"", "\u{7f}\u{2028}"),
  ]

  @Test("documents", arguments: documents)
  func accepted(_ text: String, _ value: JSONValue) throws {
    #expect(try JSONValue(parsing: text) == value)
  }

  @Test(
    "what is no JSON",
    arguments: [
      "", " ", "nul", "nulL", "truex", "True", "01", "-", "+1", ".5", "1.", "1e", "1e+", "0x1", "1e999", "-1e999",
      "NaN",
      "Infinity", "\"", "\"\\\"", "\"\\x\"", "\"\\u12\"", "\"\\u12g4\"", "\"\n\"", "\"\u{1}\"", "'a'", "[", "[1", "[1,",
      "[1,]",
      "[,1]", "[1 2]", "]", "{", "{\"a\"", "{\"a\":", "{\"a\":1", "{\"a\":1,", "{\"a\":1,}", "{a:1}", "{1:1}",
      "{\"a\" 1}", "{\"a\":1 \"b\":2}",
      "[] []", "1 2", "{}x", "\u{feff}1", "\u{b}1", "[1]\0", "/* */1", "{\"a\":1,\"a\":2}", "\"\\ud800\\u\"", "--1",
      "1-",
    ])
  func refused(_ text: String) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: text) }
  }

  @Test("errors say where")
  func offsets() throws {
    let error = try #require(throws: JSONError.self) { try JSONValue(parsing: "[1, x]") }
    #expect(error.offset == 4)
    #expect(error.description == "not valid JSON at byte 4: no JSON value starts here")
  }

  @Test("nesting is bounded")
  func depth() throws {
    func nested(_ depth: Int) -> String { String(repeating: "[", count: depth) + String(repeating: "]", count: depth) }
    _ = try JSONValue(parsing: nested(256))
    #expect(throws: JSONError.self) { try JSONValue(parsing: nested(257)) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: String(repeating: "{\"a\":", count: 1_000_000)) }
    #expect(throws: JSONError.self) { try JSONValue(parsing: Array("[[1]]".utf8), maximumDepth: 1) }
  }

  @Test("bytes that are not UTF-8 are replaced")
  func invalidUTF8() throws {
    #expect(try JSONValue(parsing: [0x22, 0x61, 0xff, 0x22]) == "a\u{fffd}")
    #expect(try JSONValue(parsing: [0x22, 0x5c, 0x6e, 0xff, 0x22]) == "\n\u{fffd}")
  }

  @Test("names are the same when their code units are")
  func equivalentNames() throws {
    let value = try JSONValue(parsing: "{\"\u{e9}\":1,\"e\u{301}\":2}")
    #expect(value["\u{e9}"] == 1 && value["e\u{301}"] == 2)
    let many = "{" + (0..<40).map { "\"n\($0)\":1" }.joined(separator: ",")
    #expect(try JSONValue(parsing: many + ",\"\u{e9}\":1,\"e\u{301}\":2}").object?.members.count == 42)
    #expect(throws: JSONError.self) { try JSONValue(parsing: many + ",\"n7\":1}") }
    #expect(throws: JSONError.self) { try JSONValue(parsing: many + ",\"n39\":1}") }
  }

  @Test("many members cost no more than their number", .timeLimit(.minutes(1)))
  func manyMembers() throws {
    let text = "{" + (0..<100_000).map { "\"n\($0)\":\($0)" }.joined(separator: ",") + "}"
    #expect(try JSONValue(parsing: text).object?.members.count == 100_000)
  }
}
