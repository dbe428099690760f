import Glibc
import Sandbox
import TestSupport
import Testing

/// Endpoints add a credential outside, for one origin, and nothing inside ever sees it.
@Suite(.serialized) struct EndpointTests {
  private let server: SecureServer
  private let scene: Scene

  init() throws {
    server = try SecureServer()
    scene = try Scene()
  }

  private func endpoint(
    _ kind: NetworkEndpoint.Kind, _ path: String, change: (inout NetworkEndpoint) throws -> Void = { _ in }
  ) throws -> NetworkEndpoint {
    var endpoint = try NetworkEndpoint(name: "\(kind)", kind: kind, url: server.url + path)
    endpoint.certificateFile = server.authority
    endpoint.credential = try .init(bearer: SecureServer.token)
    try change(&endpoint)
    return endpoint
  }

  private func run(
    _ endpoints: [NetworkEndpoint], _ program: String, scene given: Scene? = nil,
    authorize: (@Sendable (ConnectionRequest) -> ConnectionVerdict)? = nil
  ) async throws -> CommandResult {
    let scene = given ?? scene
    var command = scene.command(["/usr/bin/python3", "-c", Self.library + program])
    var access = NetworkAccess(hosts: [], endpoints: endpoints)
    if let authorize { access.authorize = authorize }
    command.network = access
    return try await scene.sandbox.run(command)
  }

  private static let library = #"""
    import json, os, random, socket, sys
    def raw(data, at='127.0.0.2', shut=False):
        s = socket.create_connection((at, 3128), 20); s.settimeout(20)
        answer = b''
        try:
            s.sendall(data if isinstance(data, bytes) else data.encode('latin-1'))
            if shut: s.shutdown(socket.SHUT_WR)
            while True:
                part = s.recv(65536)
                if not part: break
                answer += part
        except ConnectionError: pass
        return answer
    def status(answer): return answer.split(b' ')[1].decode() if answer else 'closed'
    def ask(path, method='GET', more='', body='', version='1.1', **named):
        line = '%s %s HTTP/%s' % (method, path, version)
        return raw('%s\r\nHost: x\r\nConnection: close\r\n%s\r\n%s' % (line, more, body), **named)

    """#

  @Test func theCredentialIsAddedOutsideAndSeenNowhere() async throws {
    var basic = try endpoint(.pip, "/pypi/simple")
    basic.credential = try .init(user: "ci", password: SecureServer.token)
    let program = """
      answer = ask('/pypi/echo', version='1.0', more='Authorization: Bearer mine\\r\\nCookie: a=b\\r\\nX-HTTP-Method-Override: PUT\\r\\n'
        'X-Original-URL: /other\\r\\nX-Forwarded-Host: evil\\r\\nProxy-Authorization: Basic eA==\\r\\nAccept-Encoding: gzip\\r\\n'
        'If-None-Match: "x"\\r\\nHost2: evil\\r\\n')
      print(answer.decode(), dict(os.environ))
      """
    for endpoint in [try endpoint(.pip, "/pypi/simple/"), basic] {
      let result = try await run([endpoint], program)
      #expect(result.succeeded && result.text.hasPrefix("HTTP/1.1 200"), "\(result.text)")
      let secrets = [
        SecureServer.token, "tok-4f1c", "Y2k6dG9rLTRmMWM5ZTc3", "tok-4f1c9e77aa%2F", "session", "Set-Cookie", "mine",
      ]
      for secret in secrets { #expect(!result.text.contains(secret), "\(secret): \(result.text)") }
      #expect(result.text.contains("tok-4f1") && result.text.contains("*******"), "\(result.text)")
      // The server's own addresses, and not those that begin alike.
      #expect(result.text.contains("[http://127.0.0.2:3128/pypi/x] https://localhost.evil/"), "\(result.text)")
      #expect(result.text.contains(#""http:\/\/127.0.0.2:3128\/y""#), "\(result.text)")
      #expect(result.text.contains("<http://127.0.0.2:3128/pypi/n>; rel=next"), "\(result.text)")
      let seen = try #require(server.requests.last)
      let value =
        endpoint.name == "pip" && seen.headers["authorization"]?.hasPrefix("Basic") == true ? "Basic" : "Bearer"
      #expect(seen.headers["authorization"]?.hasPrefix(value) == true && seen.headers["if-none-match"] == "\"x\"")
      #expect(seen.headers["host"] == "localhost:\(server.port)" && seen.headers["accept-encoding"] == "identity")
      for name in [
        "cookie", "x-http-method-override", "x-original-url", "x-forwarded-host", "proxy-authorization", "host2",
      ] {
        #expect(seen.headers[name] == nil, "\(name)")
      }
      let record = try #require(result.connections.first)
      #expect(record.request.endpoint == "pip" && record.request.port == server.port && record.refusal == nil)
      #expect(
        record.exchange?.method == "GET" && record.exchange?.path == bytes("/pypi/echo")
          && record.exchange?.status == 200)
      #expect(record.address == "127.0.0.1" && record.sentBytes > 50 && record.receivedBytes > 500)
    }
  }

  @Test func nothingLeadsOutOfThePath() async throws {
    let result = try await run(
      [try endpoint(.plain, "/pypi")],
      #"""
      paths = ['/', '/other', '/pypi/../git', '/pypi/%2e%2e/git', '/pypi/..%2fgit', '/pypi/%252e%252e/x', '/pypi/x/..',
        '/pypi/..;a=b/x', '/pypi/..%3b/x', '/pypi\\..\\x', '/pypi/%5c..%5cx', '/pypi/x%5cy', '/pypifoo', '//pypi/x', '/./pypi/x',
        '/pypi/./x', '/%70ypi/x', 'https://localhost:PORT/pypi/', 'http://127.0.0.2:3128/pypi/', '*', 'localhost:1', '/pypi/x#y',
        '/pypi/%00', '/pypi/%0d%0ax', '/pypi/%zz', '/pypi/%', '/pypi/\xe9', '/pypi?x#y', '@evil/', '/pypi@evil/', '?/pypi', '']
      print([path for path in paths if status(ask(path)) not in ('400', '403')])
      print(status(ask('localhost:443', 'CONNECT')), raw(b'\x05\x01\x00', shut=True), status(ask('http://127.0.0.2:3128/pypi/x', at='127.0.0.1')))
      print([at for at in ('127.0.0.3', '127.1.2.3', '127.0.1.2') if ask('/pypi/x', at=at)])
      """#)
    #expect(result.lines == ["[]", "400 b'' 403", "[]"], "\(result.text)")
    #expect(server.requests.isEmpty)
  }

  @Test func aRequestCanBeReadInOneWayOnly() async throws {
    let result = try await run(
      [try endpoint(.plain, "/pypi", change: { $0.mayPublish = true })],
      #"""
      good = 'POST /pypi/x HTTP/1.1\r\nHost: x\r\nConnection: close\r\n'
      heads = ['Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 'Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc',
        'Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc', 'Content-Length: 3, 3\r\n\r\nabc', 'Content-Length: +3\r\n\r\nabc',
        'Content-Length: 0x3\r\n\r\nabc', 'Content-Length : 3\r\n\r\nabc', 'Content-Length: -1\r\n\r\n', 'Content-Length: 9999999999999999999\r\n\r\n',
        'Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n', 'Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n', 'Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        'A: b\r\n c: d\r\n\r\n', ' A: b\r\n\r\n', 'A b\r\n\r\n', ': b\r\n\r\n', 'A: b\nC: d\r\n\r\n', 'A: b\rC: d\r\n\r\n', 'A: b\x00\r\n\r\n',
        'Host: y\r\n\r\n', 'Upgrade: h2c\r\n\r\n', 'Expect: x\r\n\r\n', 'A: ' + 'b' * 40000 + '\r\n\r\n', 'A: b\r\n' * 200 + '\r\n']
      print([head[:40] for head in heads if status(raw(good + head)) not in ('400', '417', '431')])
      lines = ['GET /pypi/x HTTP/2.0', 'GET /pypi/x', 'GET  /pypi/x HTTP/1.1', 'GET /pypi/x HTTP/1.1 ', ' GET /pypi/x HTTP/1.1', 'GET /pypi/x y HTTP/1.1',
        'G\tT /pypi/x HTTP/1.1', 'TRACE /pypi/x HTTP/1.1', 'DELETE /pypi/x HTTP/1.1', 'PATCH /pypi/x HTTP/1.1', 'OPTIONS /pypi/x HTTP/1.1', 'get /pypi/x HTTP/1.1', '\r\nGET /pypi/x HTTP/1.1']
      print([line for line in lines if status(raw(line + '\r\nConnection: close\r\n\r\n', shut=True)) not in ('400', '405', '505', 'closed')])
      print(status(raw('GET /pypi/x HTTP/1.1\r\nContent-Length: 5\r\n\r\nabcde')), status(raw('GET /pypi/x HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n')))
      chunks = ['-1\r\nabc\r\n0\r\n\r\n', '3;x=y\r\nabc\r\n0\r\n\r\n', '0x3\r\nabc\r\n0\r\n\r\n', '3\nabc\r\n0\r\n\r\n', '3\r\nabcd\r\n0\r\n\r\n', '3\r\nabc\r\n0\r\nA: b\r\n\r\n', 'fffffffff\r\na', '\r\n', '3\r\nab']
      print(set(status(raw(good + 'Transfer-Encoding: chunked\r\n\r\n' + body, shut=True)) for body in chunks))
      """#)
    #expect(result.lines.prefix(3) == ["[]", "[]", "400 400"] && result.lines.last == "{'502'}", "\(result.text)")
    #expect(server.requests.allSatisfy { $0.method == "POST" && $0.target == "/pypi/x" }, "only bodies that broke off")
  }

  @Test func readingIsAllUnlessTheConfigurationSaysMore() async throws {
    let program = #"""
      put = ask('/pypi/x', 'PUT', 'Content-Length: 3\r\n', 'abc')
      post = ask('/pypi/x', 'POST', 'Transfer-Encoding: chunked\r\n', '3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n')
      # What looks like another request is body; what follows the body is another request.
      inner = 'GET /git/x HTTP/1.1\r\n\r\n'
      two = raw('POST /pypi/x HTTP/1.1\r\nContent-Length: %d\r\n\r\n%sGET /pypi/y HTTP/1.1\r\nConnection: close\r\n\r\n' % (len(inner), inner))
      print(status(put), put[-10:], status(post), post[-12:], two.count(b'HTTP/1.1 '), two.count(b'stored GET'))
      """#
    let reading = try await run([try endpoint(.plain, "/pypi")], program)
    #expect(reading.text.hasPrefix("403") && reading.text.contains(" 403 b"), "\(reading.text)")
    #expect(server.requests.isEmpty)
    let publishing = try await run([try endpoint(.plain, "/pypi", change: { $0.mayPublish = true })], program)
    #expect(publishing.text == "201 b'stored abc' 201 b'stored abcde' 2 1\n", "\(publishing.text)")
    #expect(server.requests.map(\.target) == ["/pypi/x", "/pypi/x", "/pypi/x", "/pypi/y"])
  }

  @Test func answersAreTamed() async throws {
    let result = try await run(
      [try endpoint(.plain, "/pypi")],
      #"""
      away, head, fields, short = ask('/pypi/away'), ask('/pypi/head'), ask('/pypi/fields'), ask('/pypi/short')
      print(status(away), b'Location: https://away.invalid/x\r\n' in away, status(head), b'Cookie' in fields, b'X-B: b' in fields)
      print(status(short), short.endswith(b'abc'), status(ask('/pypi/echo', 'HEAD')), len(ask('/pypi/big?16777216').split(b'\r\n\r\n', 1)[1]))
      old = raw('GET /pypi/echo HTTP/1.0\r\n\r\n'); print(b'chunked' in old, b'Connection: close' in old)
      both = raw('GET /pypi/n HTTP/1.1\r\n\r\nGET /pypi/m HTTP/1.1\r\nConnection: close\r\n\r\n'); print(both.count(b'none'))
      """#)
    #expect(
      result.lines == ["302 True 502 False True", "200 True 200 16777216", "False True", "2"], "\(result.text)")
    #expect(result.connections.contains { $0.exchange?.path == bytes("/pypi/short") && $0.refusal != nil })
  }

  @Test func eachRequestIsAskedAbout() async throws {
    let program = "print(status(ask('/pypi/x')), status(ask('/pypi/x')))"
    let denied = try await run([try endpoint(.plain, "/pypi")], program) { request in
      .deny(rule: "no \(request.host):\(request.port) for \(request.endpoint ?? "")")
    }
    #expect(denied.text == "403 403\n")
    #expect(denied.connections.map(\.refusal) == Array(repeating: "no localhost:\(server.port) for plain", count: 2))
    let hidden = try await run([try endpoint(.plain, "/pypi")], program) { _ in .allow }
    #expect(hidden.text == "403 403\n")
    #expect(hidden.connections.allSatisfy { $0.refusal?.hasPrefix("a private address") == true && $0.address == nil })
    #expect(server.requests.isEmpty)
    // The endpoint is the only way there.
    let tunnel = try await run(
      [try endpoint(.plain, "/pypi")], "print(status(ask('localhost:\(server.port)', 'CONNECT', at='127.0.0.1')))")
    #expect(tunnel.text == "403\n")
  }

  @Test func onlyACertificateThatIsTrustedAndNamesTheHostWillDo() async throws {
    let system = try endpoint(.plain, "/pypi", change: { $0.certificateFile = nil })
    var address = try NetworkEndpoint(name: "address", kind: .plain, url: "https://127.0.0.1:\(server.port)/pypi")
    address.certificateFile = server.authority
    address.credential = system.credential
    let result = try await run(
      [system, address], "print(status(ask('/pypi/x')), status(ask('/pypi/x', at='127.0.0.3')))")
    #expect(result.text == "502 502\n" && server.requests.isEmpty, "\(result.text)")
    var stranger = try endpoint(.plain, "/pypi")
    stranger.credential = try .init(header: "X-Token", token: "another-token")
    let refused = try await run([stranger], "a = ask('/pypi/x'); print(status(a), b'WWW' in a, b'another' in a)")
    #expect(refused.text == "403 False False\n", "\(refused.text)")
    #expect(server.requests.last?.headers["x-token"] == "another-token")
  }

  @Test func whatHoldsACredentialIsHidden() async throws {
    let scene = try Scene(["token": SecureServer.token])
    var hidden = try endpoint(.plain, "/pypi")
    hidden.credentialFile = bytes("\(scene.checkout)/token")
    let result = try await run(
      [hidden],
      """
      try: print(open('token').read())
      except OSError as error: print('hidden')
      """, scene: scene)
    #expect(result.text == "hidden\n" || result.text == "\n", "\(result.text)")
    let credential = try NetworkEndpoint.Credential(bearer: SecureServer.token)
    var dumped = ""
    dump(hidden, to: &dumped)
    #expect(!"\(credential) \(hidden)".contains("4f1c") && !dumped.contains("4f1c"))
  }

  @Test func whatIsNoEndpointIsRefused() throws {
    let urls = [
      "http://h/", "ftp://h", "https://", "https:///x", "https://u@h/", "https://u:p@h/", "https://h:0/",
      "https://h:x/",
      "https://h/a?b", "https://h/a#b", "https://h/../a", "https://h/%2e%2e/a", "https://h/a b", "https://h\\@evil/",
      "h",
    ]
    for url in urls {
      #expect(throws: SandboxError.self, "\(url)") { try NetworkEndpoint(name: "n", kind: .plain, url: url) }
    }
    for secret in ["", "short", "with\nline-end", "with\u{e9}accent", " spaces around "] {
      #expect(throws: SandboxError.self) { try NetworkEndpoint.Credential(bearer: secret) }
    }
    #expect(throws: SandboxError.self) { try NetworkEndpoint.Credential(header: "A: b\r\nC", token: "long enough") }
    #expect(throws: SandboxError.self) { try NetworkEndpoint.Credential(user: "a:b", password: "long enough") }
  }

  /// Requests that are broken at random reach nothing but what whole ones could.
  @Test func brokenRequestsDoNoHarm() async throws {
    let result = try await run(
      [try endpoint(.plain, "/pypi", change: { $0.mayPublish = true })],
      #"""
      random.seed(7)
      pieces = [b'\r\n', b'\n', b'\r', b' ', b':', b'/', b'..', b'%2e', b'%2f', b'\0', b'GET ', b'Content-Length: 3', b'Transfer-Encoding: chunked', b'HTTP/1.1', b'3\r\nabc\r\n', b'0\r\n\r\n', b'//', b'@', b'?', b'#']
      whole = b'POST /pypi/a/b?c=d HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nConnection: close\r\n\r\nabc'
      for _ in range(300):
          data = bytearray(whole)
          for _ in range(random.randint(1, 4)):
              at = random.randrange(len(data) + 1)
              data[at:at + random.choice((0, 0, 1, 3))] = random.choice(pieces)
          raw(bytes(data), shut=True)
      print(status(ask('/pypi/x')))
      """#)
    #expect(result.text == "404\n", "\(result.text)")
    let seen = server.requests
    #expect(
      seen.allSatisfy {
        ["GET", "POST"].contains($0.method) && $0.target.hasPrefix("/pypi") && !$0.target.contains("..")
      })
    #expect(
      seen.allSatisfy {
        $0.headers["authorization"] == "Bearer \(SecureServer.token)"
          && $0.headers["host"] == "localhost:\(server.port)"
      })
  }

  @Test func requestsEndWithTheirCommand() async throws {
    let result = try await run(
      [try endpoint(.plain, "/pypi")],
      #"""
      for _ in range(10):
          s = socket.create_connection(('127.0.0.2', 3128)); s.sendall(b'GET /pypi/hang HTTP/1.1\r\n\r\n')
          globals().setdefault('kept', []).append(s)
      while True: pass
      """#,
      scene: {
        var scene = scene; scene.limits.wallSeconds = 2; return scene
      }())
    #expect(result.status == .overrun(.time) && result.duration < 30)
    #expect(result.connections.allSatisfy { $0.refusal == "the command ended" })
  }
}
