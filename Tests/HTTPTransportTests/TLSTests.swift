import HTTPTransport
import TestSupport
import Testing

/// A TLS server from the openssl program, with a certificate of its own for `localhost`.
private final class TLSServer: Sendable {
  let directory: TemporaryDirectory
  let port: Int
  let process: RunningProcess
  var certificate: String { directory.path("cert.pem") }

  init() throws {
    directory = try TemporaryDirectory()
    let made = try runProcess(
      [
        "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
        "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", directory.path("key.pem"),
        "-out", directory.path("cert.pem"),
      ])
    try #require(made.status == 0, "\(made.err)")
    // Below the ports that the kernel hands out to other tests' connections.
    port = Int.random(in: 20_000..<32_000)
    process = try RunningProcess([
      "openssl", "s_server", "-accept", "127.0.0.1:\(port)", "-cert", directory.path("cert.pem"), "-key",
      directory.path("key.pem"), "-www", "-quiet",
    ])
  }

  deinit {
    process.signal(9)
    _ = process.finish(timeout: 5)
  }
}

@Suite(
  "TLS", .enabled(if: (try? runProcess(["openssl", "version"]).status) == 0, "the openssl program is not installed"))
struct TLSTests {
  private func attempt(_ url: String, _ certificate: String?) async -> (status: Int?, kind: HTTPError.Kind?) {
    let client = HTTPClient(configuration: HTTPClient.Configuration(certificateFile: certificate, proxy: ""))
    for _ in 0..<1500 {
      do {
        return (try await client.send(HTTPRequest(url: url)).status, nil)
      } catch {
        // The server may not listen yet.
        guard error.kind == .connect else { return (nil, error.kind) }
        try? await Task.sleep(for: .milliseconds(20))
      }
    }
    return (nil, .connect)
  }

  @Test func onlyTrustedCertificatesOfTheRightNameAreAccepted() async throws {
    let server = try TLSServer()
    let local = "https://localhost:\(server.port)/"
    #expect(await attempt(local, server.certificate).status == 200)
    #expect(await attempt(local, nil).kind == .tls)
    #expect(await attempt("https://127.0.0.1:\(server.port)/", server.certificate).kind == .tls)
    #expect(await attempt(local, "/no/such/file.pem").kind == .tls)
  }

  @Test func theEnvironmentNamesCertificates() {
    let configuration = HTTPClient.Configuration(environment: ["SSL_CERT_FILE": "/a.pem", "SSL_CERT_DIR": ""])
    #expect(configuration.certificateFile == "/a.pem")
    #expect(configuration.certificateDirectory == nil)
  }
}
