import Glibc
import JSON
import TestSupport
import Testing
import TransparencyLog

@testable import AuditTrail

/// The second host, over a real socket.
@Suite struct WitnessTests {
  /// Sends bytes to a port of this machine and reads the answer to its end.
  private func exchange(_ port: UInt16, _ bytes: [UInt8]) throws -> String {
    let socket = Glibc.socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    let code = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(socket, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    try #require(code == 0)
    _ = send(socket, bytes, bytes.count, Int32(MSG_NOSIGNAL))
    shutdown(socket, Int32(SHUT_WR))
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = recv(socket, &buffer, buffer.count, 0)
      if count <= 0 { return String(decoding: answer, as: UTF8.self) }
      answer += buffer[..<count]
    }
  }

  private func post(_ port: UInt16, _ request: WitnessRequest) throws -> String {
    let body = request.bytes
    return try exchange(
      port, Array("POST /add-checkpoint HTTP/1.1\r\nHost: x\r\nContent-Length: \(body.count)\r\n\r\n".utf8) + body)
  }

  @Test func aRecordIsWitnessedAndItsForkIsNot() async throws {
    let scratch = try Scratch()
    let place = try TemporaryDirectory("witness")
    let store = try scratch.open()
    func run() throws {
      let log = try store.begin(run: .new())
      try log.append("run.started", [:], durable: true)
      try log.append("run.ended", [:], durable: true)
    }
    try run()
    let key = try NoteSigningKey(generating: "witness", type: .cosignature)
    let service = WitnessService(
      Witness(key: key, logs: [try store.loadKey().verificationKey]), directory: place.path)
    let server = try WitnessServer(service, address: "127.0.0.1", port: 0)
    async let served: Void = onOwnThread { server.run(requests: 8) }

    let first = try #require(try store.newestCheckpoint())
    let answer = try post(server.port, WitnessRequest(oldSize: 0, proof: [], checkpoint: first.note))
    #expect(answer.hasPrefix("HTTP/1.1 200 "))
    let line = try #require(
      answer.split(separator: "\r\n").last.map { Substring(String($0).split(separator: "\n")[0]) })
    var note = first.note
    note.add([try #require(SignedNote.Signature(line: line))])
    #expect(note.verify(with: [key.verificationKey]) != nil)
    try store.recordAnchor(note, kind: "witness", place: "http://w")
    #expect(try store.verify(anchors: [Anchor(note, from: "w")]).anchors.count == 1)
    // It says what it has seen to one who does not know, and goes on from there.
    try run()
    let second = try #require(try store.newestCheckpoint())
    #expect(
      try post(server.port, WitnessRequest(oldSize: 0, proof: [], checkpoint: second.note)).contains("\r\n\r\n2\n"))
    let proof = try #require(try store.consistencyProof(from: 2, to: 4))
    #expect(
      try post(server.port, WitnessRequest(oldSize: 2, proof: proof, checkpoint: second.note)).hasPrefix(
        "HTTP/1.1 200 "))
    // Another history, signed with the record's own key.
    var forged = try #require(
      SignedNote(text: Checkpoint(origin: store.origin, size: 6, root: .zero).text))
    try forged.sign(with: try store.loadKey())
    #expect(
      try post(server.port, WitnessRequest(oldSize: 4, proof: proof, checkpoint: forged)).hasPrefix("HTTP/1.1 422 "))
    // What it holds can be asked for, and stays after a restart.
    let name = WitnessService.name(of: store.origin)
    let held = try exchange(server.port, Array("GET /checkpoint/\(name) HTTP/1.1\r\n\r\n".utf8))
    #expect(held.contains("\r\n\r\n\(store.origin)\n4\n"))
    let again = WitnessService(service.witness, directory: place.path)
    #expect(again.respond("GET", "/checkpoint/\(name)", [], time: 1).status == 200)
    #expect(again.respond("GET", "/checkpoint/../../etc/passwd", [], time: 1).status == 404)
    #expect(again.respond("GET", "/add-checkpoint", [], time: 1).status == 405)
    // Nonsense costs it one answer.
    for bad in ["x", "POST /add-checkpoint HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n", "GET / HTTP/1.1\r\n\r\n"] {
      #expect(try exchange(server.port, Array(bad.utf8)).hasPrefix("HTTP/1.1 4"))
    }
    _ = try await served
  }

  @Test func addressesThatCannotBeUsed() throws {
    let service = WitnessService(
      Witness(key: try NoteSigningKey(generating: "w", type: .cosignature), logs: []), directory: "/nonexistent")
    for address in ["", "localhost", "999.1.1.1", "192.0.2.1"] {
      #expect(kind { _ = try WitnessServer(service, address: address, port: 0) } == .unwritable)
    }
  }
}
