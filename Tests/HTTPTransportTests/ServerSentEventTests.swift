import HTTPTransport
import TestSupport
import Testing

@Suite("Server-sent events")
struct ServerSentEventTests {
  private func parse(_ text: String) throws -> [ServerSentEvent] {
    var parser = ServerSentEventParser()
    return try parser.events(in: Array(text.utf8))
  }

  private func event(_ data: String, _ type: String = "") -> ServerSentEvent {
    ServerSentEvent(type: type, data: Array(data.utf8))
  }

  @Test func fieldsAreReadAsTheStandardSays() throws {
    #expect(try parse("data: a\n\n") == [event("a")])
    #expect(try parse("data:a\ndata:  b\ndata\n\n") == [event("a\n b\n")])
    #expect(try parse("event: x\ndata: 1\n\ndata: 2\n\n") == [event("1", "x"), event("2")])
    #expect(try parse(": comment\nid: 7\nretry: 10\nother\ndata: a\n\n") == [event("a")])
    #expect(try parse("event: lonely\n\ndata: a\n\n") == [event("a")])
    #expect(try parse("data\n\n") == [event("")])
    #expect(try parse("\u{FEFF}data: a\n\n\u{FEFF}data: b\n\n") == [event("a")])
    #expect(try parse("data: a") == [])
  }

  @Test(arguments: ["\n", "\r", "\r\n"]) func everyLineEndCounts(end: String) throws {
    #expect(try parse("data: a\(end)data: b\(end)\(end)data: c\(end)\(end)") == [event("a\nb"), event("c")])
  }

  @Test func aStreamMayBeCutAnywhere() throws {
    let text = "\u{FEFF}: hi\r\n\r\nevent: long\r\ndata: {\"ä\":1}\rdata: two\n\ndata: x\r\n\r\n\n\rdata: last\r\r"
    let bytes = Array(text.utf8)
    let expected = [event("{\"ä\":1}\ntwo", "long"), event("x"), event("last")]
    for first in 0...bytes.count {
      for second in first...bytes.count {
        var parser = ServerSentEventParser()
        var events = try parser.events(in: Array(bytes[..<first]))
        events += try parser.events(in: Array(bytes[first..<second]))
        events += try parser.events(in: Array(bytes[second...]))
        #expect(events == expected, "cut at \(first) and \(second)")
      }
    }
  }

  @Test func whatTheEndLeftOpenCanBeHad() throws {
    var parser = ServerSentEventParser()
    #expect(try parser.events(in: Array("data: a\n\nevent: e\ndata: b\ndata: c".utf8)) == [event("a")])
    #expect(parser.finish() == event("b\nc", "e"))
    #expect(parser.finish() == nil)
  }

  @Test func anEventIsBounded() throws {
    var parser = ServerSentEventParser(maximumEventBytes: 1000)
    _ = try parser.events(in: Array("data: ".utf8))
    #expect(throws: OversizedEvent.self) {
      for _ in 0..<20 { _ = try parser.events(in: [UInt8](repeating: 0x61, count: 100)) }
    }
    var lines = ServerSentEventParser(maximumEventBytes: 1000)
    #expect(throws: OversizedEvent.self) {
      for _ in 0..<200 { _ = try lines.events(in: Array("data: 0123456789\n".utf8)) }
    }
  }

  @Test func anyBytesAreTakenWhole() throws {
    // The same hostile bytes, whole and in pieces of every kind, give the same events.
    var random = Seeded(7)
    for _ in 0..<300 {
      let bytes = (0..<Int.random(in: 0...200, using: &random)).map { _ in
        "data: \n\r\u{0}:xevnt\u{ff}".unicodeScalars.map { UInt8(truncatingIfNeeded: $0.value) }
          .randomElement(using: &random) ?? 0
      }
      var whole = ServerSentEventParser()
      var pieces = ServerSentEventParser()
      let expected = try whole.events(in: bytes)
      var rest = bytes[...]
      var events: [ServerSentEvent] = []
      while !rest.isEmpty {
        let count = Int.random(in: 1...5, using: &random)
        events += try pieces.events(in: Array(rest.prefix(count)))
        rest = rest.dropFirst(count)
      }
      #expect(events == expected)
    }
  }

  @Test func manyBareReturnsAreCheap() throws {
    var parser = ServerSentEventParser()
    let bytes = [UInt8](repeating: 0x0d, count: 4 << 20)
    #expect(try parser.events(in: bytes).isEmpty)
  }
}
