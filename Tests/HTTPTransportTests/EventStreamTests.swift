import HTTPTransport
import TestSupport
import Testing

@Suite("Amazon's event streams")
struct EventStreamTests {
  private func bytes(_ hex: String) -> [UInt8] {
    let digits = Array(hex.utf8)
    return stride(from: 0, to: digits.count, by: 2).map {
      UInt8(String(decoding: digits[$0..<$0 + 2], as: UTF8.self), radix: 16) ?? 0
    }
  }

  @Test func publishedFramesAreRead() throws {
    var parser = EventStreamParser()
    let stop = bytes(
      "0000007a00000051ca2c46650d3a6d6573736167652d747970650700056576656e740b3a6576656e742d7479706507000b6d657373616765"
        + "53746f700d3a636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e7b2273746f70526561736f6e223a22746f6f"
        + "6c5f757365227dffb71b87")
    let nothing = bytes("000000100000000005c248eb7d98c8ff")
    #expect(
      try parser.messages(in: nothing + stop + nothing)
        == [
          EventStreamMessage(
            kind: .event, type: "messageStop", payload: Array(#"{"stopReason":"tool_use"}"#.utf8))
        ])
    #expect(!parser.isWithinMessage)
  }

  @Test func everyKindAndEveryHeaderTypeIsRead() throws {
    let headers: [UInt8] =
      [1, 0x61, 0] + [1, 0x62, 1] + [1, 0x63, 2, 9] + [1, 0x64, 3, 0, 9] + [1, 0x65, 4, 0, 0, 0, 9]
      + [1, 0x66, 5, 0, 0, 0, 0, 0, 0, 0, 9] + [1, 0x67, 6, 0, 2, 1, 2] + [1, 0x68, 8, 0, 0, 0, 0, 0, 0, 0, 9]
      + [1, 0x69, 9] + [UInt8](repeating: 7, count: 16) + [11] + Array(":event-type".utf8) + [7, 0, 2, 0x68, 0x69]
    var parser = EventStreamParser()
    #expect(
      try parser.messages(in: EventStreamFrame.frame(headers, [1, 2]))
        == [EventStreamMessage(kind: .event, type: "hi", payload: [1, 2])])
    #expect(
      try parser.messages(in: EventStreamFrame.exception("throttlingException", "slow"))
        == [
          EventStreamMessage(
            kind: .exception, type: "throttlingException", payload: Array(#"{"message":"slow"}"#.utf8))
        ])
    let error = EventStreamFrame.frame(
      [(":message-type", "error"), (":error-code", "500"), (":error-message", "broken")], [])
    #expect(
      try parser.messages(in: error)
        == [EventStreamMessage(kind: .error, type: "500", payload: Array("broken".utf8))])
  }

  @Test func anyCutGivesTheSame() throws {
    let frames = (0..<12).map { EventStreamFrame.event("e\($0)", [UInt8](repeating: UInt8($0), count: $0 * 7)) }
    let all = Array(frames.joined())
    var whole = EventStreamParser()
    let expected = try whole.messages(in: all)
    #expect(expected.count == 12)
    for cut in 0...all.count {
      var parser = EventStreamParser()
      let first = try parser.messages(in: Array(all[..<cut]))
      #expect(try first + parser.messages(in: Array(all[cut...])) == expected)
    }
    var random = Seeded(5)
    for _ in 0..<200 {
      var parser = EventStreamParser()
      var rest = all[...]
      var got: [EventStreamMessage] = []
      while !rest.isEmpty {
        let size = Int.random(in: 1...40, using: &random)
        got += try parser.messages(in: Array(rest.prefix(size)))
        rest = rest.dropFirst(size)
      }
      #expect(got == expected)
    }
  }

  @Test func everyBrokenBitIsNoticed() throws {
    let frame = EventStreamFrame.event("contentBlockDelta", Array(#"{"delta":{"text":"hello"}}"#.utf8))
    for bit in 0..<frame.count * 8 {
      var broken = frame
      broken[bit / 8] ^= 1 << (bit % 8)
      var parser = EventStreamParser()
      #expect(throws: EventStreamError.self) { _ = try parser.messages(in: broken) }
    }
  }

  @Test func impossibleFramesAreRefusedBeforeTheyCostMemory() {
    func refuses(_ bytes: [UInt8], limit: Int = 1000) -> Bool {
      var parser = EventStreamParser(maximumPayloadBytes: limit)
      do {
        _ = try parser.messages(in: bytes)
        return false
      } catch {
        return true
      }
    }
    #expect(refuses(EventStreamFrame.event("e", [UInt8](repeating: 0, count: 1001))))
    #expect(!refuses(EventStreamFrame.event("e", [UInt8](repeating: 0, count: 1000))))
    // Headers: cut off, twice, of an unknown type, without a name, longer than the frame.
    #expect(refuses(EventStreamFrame.frame([3, 0x61], [])))
    #expect(refuses(EventStreamFrame.frame([1, 0x61, 0, 1, 0x61, 1], [])))
    #expect(refuses(EventStreamFrame.frame([1, 0x61, 10], [])))
    #expect(refuses(EventStreamFrame.frame([0, 0], [])))
    #expect(refuses(EventStreamFrame.frame([1, 0x61, 7, 0xff, 0xff, 0x61], [])))
    #expect(refuses(EventStreamFrame.frame([1, 0x61, 9, 1], [])))
    #expect(refuses(EventStreamFrame.frame([(":message-type", "strange")], [])))
    #expect(refuses(EventStreamFrame.frame([UInt8](repeating: 0, count: 200_000), [])))
  }

  @Test func anyBytesAreNoCrash() {
    var random = Seeded(7)
    for round in 0..<3000 {
      var bytes = (0..<3).flatMap { EventStreamFrame.event("e\($0)", Array("{\"a\":\($0)}".utf8)) }
      if round % 3 == 0 { bytes = (0..<200).map { _ in UInt8.random(in: 0...255, using: &random) } }
      // Headers with right check values and random content reach further.
      if round % 3 == 1 {
        let head = (0..<Int.random(in: 0...60, using: &random)).map { _ in UInt8.random(in: 0...12, using: &random) }
        bytes = EventStreamFrame.frame(head, [1])
      }
      for _ in 0..<round % 4 {
        bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      var parser = EventStreamParser()
      var rest = bytes[...]
      while !rest.isEmpty {
        let size = Int.random(in: 1...64, using: &random)
        guard (try? parser.messages(in: Array(rest.prefix(size)))) != nil else { break }
        rest = rest.dropFirst(size)
      }
    }
  }
}
