import JSON
import Testing

@Suite("JSON values")
struct JSONValueTests {
  @Test("members keep their order")
  func order() {
    var object: JSONObject = ["b": 1, "a": 2]
    object["c"] = 3
    object["b"] = 4
    object["a"] = nil
    object["missing"] = nil
    #expect(JSONValue.object(object).text == #"{"b":4,"c":3}"#)
    object["a"] = 5
    #expect(object.members.map(\.name) == ["b", "c", "a"])
  }

  @Test("access")
  func access() {
    let value: JSONValue = [
      "n": 1, "d": .double(1), "h": .double(1.5), "s": "x", "b": true, "a": [1, "two"], "z": nil,
    ]
    #expect(value["n"]?.int == 1 && value["n"]?.double == 1 && value["d"]?.int == 1 && value["h"]?.int == nil)
    #expect(value["s"]?.string == "x" && value["b"]?.bool == true && value["z"]?.isNull == true)
    #expect(
      value["a"]?[1]?.string == "two" && value["a"]?[2] == nil && value["a"]?[-1] == nil && value["a"]?["x"] == nil)
    #expect(
      value["missing"] == nil && value["s"]?["x"] == nil && value["a"]?.array?.count == 2
        && value.object?.members.count == 7)
    #expect(JSONValue.double(1e300).int == nil && JSONValue.double(.nan).int == nil)
    #expect(JSONValue(nil as String?) == .null && JSONValue(7) == 7)
  }

  static let texts: [(JSONValue, String)] = [
    (JSONValue.null, "null"), (.bool(true), "true"), (.int(-5), "-5"), (.int(.min), "-9223372036854775808"),
    (.double(1.5), "1.5"),
    (.double(3), "3"), (.double(-0.0), "0"), (.double(.infinity), "null"), (.double(.nan), "null"),
    (.double(-9_223_372_036_854_775_808), "-9.223372036854775808e+18"),
    (.string("\u{1}\"\\\n\t\u{7f}é"), "\"\\u0001\\\"\\\\\\n\\t\u{7f}é\""),
    (.object(["a": .array([1, .null]), "": .object(JSONObject())]), #"{"a":[1,null],"":{}}"#),
  ]

  @Test("writing", arguments: texts)
  func writing(_ value: JSONValue, _ text: String) throws {
    let written = value.text
    if case .double(let number) = value, number.magnitude > 1e18, number.isFinite {
      #expect(Double(written) == number)
    } else {
      #expect(written == text)
    }
    #expect(value.description == written)
    _ = try JSONValue(parsing: written)
  }

  /// The sorting example of RFC 8785, section 3.2.3.
  @Test("canonical form sorts by UTF-16 code units")
  func canonical() throws {
    let value: JSONValue = [
      "\u{20ac}": "Euro Sign", "\r": "Carriage Return", "\u{fb33}": "Hebrew Letter Dalet With Dagesh", "1": "One",
      "\u{1f600}": "Emoji: Grinning Face", "\u{80}": "Control", "\u{f6}": "Latin Small Letter O With Diaeresis",
    ]
    let order = try #require(try JSONValue(parsing: value.canonical).object).members.map(\.name)
    #expect(order == ["\r", "1", "\u{80}", "\u{f6}", "\u{20ac}", "\u{1f600}", "\u{fb33}"])
    #expect(
      String(decoding: (["b": ["d": 1, "c": 2], "a": []] as JSONValue).canonical, as: UTF8.self)
        == #"{"a":[],"b":{"c":2,"d":1}}"#)
  }

  private struct Generator {
    var state: UInt64

    mutating func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int((state >> 33) % UInt64(bound))
    }

    mutating func string() -> String {
      let scalars: [Unicode.Scalar] = [
        "a", "\"", "\\", "\n", "\u{0}", "\u{1f}", "é", "\u{301}", "€", "👍", "/", "\u{7f}",
      ]
      var text = String.UnicodeScalarView()
      for _ in 0..<next(6) { text.append(scalars[next(scalars.count)]) }
      return String(text)
    }

    mutating func value(_ depth: Int) -> JSONValue {
      switch next(depth > 0 ? 8 : 6) {
      case 0: return .null
      case 1: return .bool(next(2) == 0)
      case 2: return .int(Int64(bitPattern: state))
      case 3: return .int(Int64(next(100)))
      case 4: return .double(Double(next(1_000_000)) / 1024 + 0.1)
      case 5: return .string(string())
      case 6: return .array((0..<next(4)).map { _ in value(depth - 1) })
      default:
        var object = JSONObject()
        for _ in 0..<next(4) { object[string()] = value(depth - 1) }
        return .object(object)
      }
    }
  }

  @Test("what is written reads back, and canonical is stable")
  func roundTrip() throws {
    var random = Generator(state: 1)
    for _ in 0..<2000 {
      let value = random.value(4)
      let back = try JSONValue(parsing: value.serialized)
      #expect(back == value)
      #expect(back.serialized == value.serialized)
      #expect(try JSONValue(parsing: value.canonical).canonical == value.canonical)
    }
  }

  @Test("mutated documents never crash, and what is accepted reads back")
  func mutations() {
    var random = Generator(state: 2)
    for _ in 0..<4000 {
      var bytes = random.value(4).serialized
      for _ in 0...random.next(3) {
        let place = random.next(bytes.count + 1)
        switch random.next(3) {
        case 0: bytes.insert(UInt8(random.next(256)), at: place)
        case 1: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random.next(3)))
        default: bytes.insert(Array("{}[],:\"\\u0eE.-1tn".utf8)[random.next(17)], at: place)
        }
      }
      guard let value = try? JSONValue(parsing: bytes) else { continue }
      #expect((try? JSONValue(parsing: value.serialized))?.serialized == value.serialized)
    }
  }
}
