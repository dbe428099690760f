import Glibc
import Sandbox
import TestSupport
import Testing

/// The broker is the only way out, and lets out what it is told to.
@Suite(.serialized) struct NetworkTests {
  private let server: LoopbackServer

  init() throws {
    server = try LoopbackServer { request, connection in
      try connection.send(
        Array(
          "HTTP/1.1 200 OK\r\nContent-Length: \(request.target.count)\r\nConnection: close\r\n\r\n\(request.target)"
            .utf8))
      connection.close()
    }
  }

  private func run(_ access: NetworkAccess, _ program: String) async throws -> CommandResult {
    let scene = try Scene()
    var command = scene.command(["/usr/bin/python3", "-c", Self.library + program])
    command.network = access
    return try await scene.sandbox.run(command)
  }

  private static let library = """
    import socket, os, ssl, urllib.request
    def tunnel(host, port, first=b''):
        s = socket.create_connection(('127.0.0.1', 3128), 20); s.settimeout(20)
        s.sendall(b'CONNECT %s:%d HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n' % (host.encode(), port) + first)
        head = b''
        while b'\\r\\n\\r\\n' not in head:
            part = s.recv(4096)
            if not part: break
            head += part
        return s, head.split(b' ')[1].decode() if head else 'closed'
    def socks(kind, address, port):
        s = socket.create_connection(('127.0.0.1', 3128), 20); s.settimeout(20)
        s.sendall(b'\\x05\\x01\\x00'); assert s.recv(2) == b'\\x05\\x00'
        s.sendall(b'\\x05\\x01\\x00' + bytes([kind]) + address + port.to_bytes(2, 'big'))
        return s, s.recv(10)[1]
    def all(s):
        data = b''
        while True:
            part = s.recv(4096)
            if not part: return data
            data += part

    """

  @Test func namedHostsAreReachedInEveryDialect() async throws {
    let result = try await run(
      NetworkAccess(hosts: ["localhost:\(server.port)", "127.0.0.1:\(server.port)"]),
      """
      s, code = tunnel('LOCALHOST.', \(server.port)); s.sendall(b'GET /a HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'); print(code, all(s)[-2:])
      s, code = socks(3, b'\\x09localhost', \(server.port)); s.sendall(b'GET /b HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'); print(code, all(s)[-2:])
      s, code = socks(1, b'\\x7f\\0\\0\\1', \(server.port)); s.sendall(b'GET /c HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n'); print(code, all(s)[-2:])
      os.environ['no_proxy'] = os.environ['NO_PROXY'] = ''
      print(urllib.request.urlopen('http://localhost:\(server.port)/d').read())
      """)
    #expect(result.lines == ["200 b'/a'", "0 b'/b'", "0 b'/c'", "b'/d'"], "\(result.text)")
    #expect(server.requests.map(\.target) == ["/a", "/b", "/c", "/d"])
    #expect(server.requests.last?.header("host") == "localhost:\(server.port)")
    #expect(result.connectionTotal == 4 && result.connections.count == 4)
    #expect(result.connections.allSatisfy { $0.refusal == nil && $0.receivedBytes > 40 && $0.sentBytes > 20 })
    #expect(Set(result.connections.compactMap(\.address)).isSubset(of: ["127.0.0.1", "::1"]))
  }

  @Test func everythingElseIsRefused() async throws {
    let result = try await run(
      NetworkAccess(hosts: ["localhost:1", "*.localhost:\(server.port)"]),
      """
      print(tunnel('localhost', \(server.port))[1], socks(3, b'\\x09localhost', \(server.port))[1])
      print(tunnel('user@localhost', \(server.port))[1], tunnel('a/b', 443)[1])
      def refused(f):
          try: f(); return 'reached'
          except OSError: return 'refused'
      print(refused(lambda: socket.create_connection(('127.0.0.1', \(server.port)), 2)))
      print(refused(lambda: socket.create_connection(('192.0.2.1', 80), 2)))
      print(refused(lambda: socket.getaddrinfo('example.com', 80)))
      s = socket.create_connection(('127.0.0.1', 3128)); s.sendall(b'\\x05\\x01\\x02'); s.settimeout(20); print(s.recv(9))
      s = socket.create_connection(('127.0.0.1', 3128)); s.sendall(b'nonsense\\r\\n\\r\\n'); s.settimeout(20); print(s.recv(9))
      """)
    #expect(
      result.lines == ["403 2", "closed closed", "refused", "refused", "refused", "b''", "b''"], "\(result.text)")
    #expect(server.connectionCount == 0)
    #expect(result.connections.map(\.refusal) == Array(repeating: "not among the hosts named", count: 2))
  }

  @Test func anEmptyListIsNothing() async throws {
    let result = try await run(NetworkAccess(hosts: []), "print(tunnel('localhost', \(server.port))[1])")
    #expect(result.text == "403\n" && server.connectionCount == 0)
  }

  @Test func withoutAccessNothingListens() async throws {
    let scene = try Scene()
    let result = try await scene.python(
      """
      import socket, os
      try: socket.create_connection(('127.0.0.1', 3128)); print('listens')
      except OSError: print([name for name in os.environ if 'proxy' in name.lower()])
      """)
    #expect(result.text == "[]\n")
  }

  @Test func privateAddressesAreRefusedUnlessNamed() async throws {
    let addresses = [
      "127.0.0.1", "10.1.2.3", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1",
      "0.0.0.0", "224.0.0.1", "255.255.255.255", "168.63.129.16", "198.18.0.1", "::1", "::", "fe80::1", "fc00::1",
      "fd00:ec2::254", "::ffff:127.0.0.1", "::ffff:169.254.169.254", "64:ff9b::7f00:1", "2002:7f00:1::", "2001:db8::1",
      "::127.0.0.1", "ff02::1", "localhost", "2001::1",
    ]
    let script = addresses.map { "print(tunnel('\($0.contains(":") ? "[\($0)]" : $0)', \(server.port))[1])" }
    let result = try await run(NetworkAccess { _ in .allow }, script.joined(separator: "\n"))
    #expect(result.lines == addresses.map { _ in "403" }, "\(result.text)")
    #expect(result.connections.map(\.request.host) == addresses)
    #expect(result.connections.allSatisfy { $0.refusal?.hasPrefix("a private address") == true })
    #expect(server.connectionCount == 0)
  }

  @Test func encryptionMustBeForTheHostThatWasAskedFor() async throws {
    let port = server.port
    let result = try await run(
      NetworkAccess(hosts: ["localhost:\(port)"]),
      """
      context = ssl.create_default_context(); context.check_hostname = False; context.verify_mode = ssl.CERT_NONE
      for name in ('evil.example', 'localhost', None):
          s, code = tunnel('localhost', \(port))
          incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
          tls = context.wrap_bio(incoming, outgoing, server_hostname=name)
          try: tls.do_handshake()
          except ssl.SSLWantReadError: pass
          hello = outgoing.read()
          for at in range(0, len(hello), 100): s.sendall(hello[at:at + 100])
          s.shutdown(socket.SHUT_WR) if name == 'localhost' else None
          s.recv(1)
      """)
    #expect(result.succeeded, "\(result.text)")
    let records = result.connections.sorted { $0.time < $1.time }
    try #require(records.count == 3)
    #expect(records[0].refusal == "TLS for evil.example through a connection to localhost" && records[0].sentBytes == 0)
    #expect(records[1].refusal == nil && records[1].sentBytes > 100)
    #expect(records[2].refusal == "TLS for no name through a connection to localhost" && records[2].sentBytes == 0)
  }

  @Test func connectionsEndWithTheirCommand() async throws {
    let result = try await run(
      NetworkAccess(hosts: ["localhost:\(server.port)"]),
      "s = [tunnel('localhost', \(server.port)) for _ in range(20)]; s[0][0].sendall(b'x'); os._exit(3)")
    #expect(result.status == .exited(3))
    #expect(try await eventually { server.openConnectionCount == 0 })
  }
}
