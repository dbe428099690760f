import Glibc
import Sandbox
import TestSupport
import Testing

/// The programs that people use find their servers by themselves, and get along without a credential.
@Suite(.serialized) struct EndpointToolsTests {
  private let server: SecureServer
  private let scene: Scene
  private let endpoints: [NetworkEndpoint]

  init() throws {
    let server = try SecureServer()
    var scene = try Scene(["package.json": #"{"name":"p","version":"1.0.0"}"#])
    let path = String(cString: getenv("PATH"))
    let home = getenv("HOME").map { String(cString: $0) } ?? "/root"
    scene.environment = HostView.environment(from: ["PATH": path, "HOME": home])
    scene.view.readOnly = HostView.toolchainRoots(path: path, home: bytes(home))
    self.scene = scene
    self.server = server
    endpoints = try [(.pip, "/pypi/simple/"), (.npm, "/npm/"), (.git, "/git")].map { kind, path in
      var endpoint = try NetworkEndpoint(name: "\(kind)", kind: kind, url: server.url + path)
      endpoint.certificateFile = server.authority
      endpoint.credential = try .init(user: "ci", password: SecureServer.token)
      endpoint.variables = ["AT_\(kind)"]
      return endpoint
    }
  }

  private func shell(_ script: String, publishing: Bool = false) async throws -> CommandResult {
    var command = scene.command(["/bin/sh", "-c", script])
    var endpoints = endpoints
    if publishing { for index in endpoints.indices { endpoints[index].mayPublish = true } }
    command.network = NetworkAccess(hosts: [], endpoints: endpoints)
    let result = try await scene.sandbox.run(command)
    #expect(!result.text.contains(SecureServer.token))
    return result
  }

  private static func has(_ command: String) -> Bool { (try? runProcess(["sh", "-c", command]))?.status == 0 }
  private static let hasPip = has("python3 -m pip --version")
  private static let hasNPM = has("npm --version")
  private static let hasGit = has("git http-backend < /dev/null; test $? -ne 127 && git --version")

  @Test(.enabled(if: hasPip)) func pipInstalls() async throws {
    let result = try await shell(
      "python3 -m pip install -q --target t greet 2>&1; PYTHONPATH=t python3 -c 'import greet; print(greet.word)'")
    #expect(result.lines.last == "hello", "\(result.text)")
    #expect(
      result.connections.compactMap { $0.exchange?.status } == [200, 302, 200],
      "a page, a redirect to the same server, a file")
  }

  @Test(.enabled(if: hasNPM)) func npmInstallsAndLocks() async throws {
    let result = try await shell(
      """
      npm install @corp/greet 2>&1; grep resolved package-lock.json; rm -rf node_modules ~/.npm; npm ci 2>&1
      node -e 'console.log(require("@corp/greet"))'
      """)
    #expect(result.lines.last == "hello", "\(result.text)")
    // The lock file says what it would say without an endpoint.
    #expect(result.text.contains("\(server.url)/npm/@corp/greet/-/greet-1.0.0.tgz"), "\(result.text)")
    #expect(result.connections.allSatisfy { $0.refusal == nil && $0.request.endpoint == "npm" })
  }

  @Test(.enabled(if: hasGit)) func gitFetchesAndPushesWhereItMay() async throws {
    let script = """
      export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b
      git init -q w && cd w && head -c 3000000 /dev/urandom > file && git add . && git commit -q -m first
      git push -q \(server.url)/git/team.git HEAD:refs/heads/main 2>&1 && echo pushed
      cd .. && git clone -q -b main git@localhost:git/team.git c 2>&1 && git -C c log --format=%s
      """
    let reading = try await shell(script)
    #expect(!reading.text.contains("pushed") && reading.text.contains("403"), "\(reading.text)")
    #expect(!server.requests.contains { $0.target.contains("receive-pack") })
    let publishing = try await shell("rm -rf w c; \(script)", publishing: true)
    #expect(publishing.text == "pushed\nfirst\n", "\(publishing.text)")
    #expect(server.requests.allSatisfy { $0.target.hasPrefix("/git/team.git/") })
  }

  @Test func variablesSayWhereEndpointsAre() async throws {
    let result = try await shell("echo $AT_pip $AT_npm $AT_git $PIP_INDEX_URL $npm_config_registry $GIT_CONFIG_COUNT")
    #expect(
      result.text == "http://127.0.0.2:3128/pypi/simple http://127.0.0.3:3128 http://127.0.0.4:3128/git "
        + "http://127.0.0.2:3128/pypi/simple/ http://127.0.0.3:3128/ 3\n", "\(result.text)")
  }
}
