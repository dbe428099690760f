import Glibc
import Sandbox
import TestSupport
import Testing

/// A HOME with tool managers and secrets in it.
@Suite struct HostViewTests {
  let directory: TemporaryDirectory
  var home: String { directory.path("home") }

  init() throws {
    directory = try TemporaryDirectory()
    for file in [
      ".ssh/id_ed25519", ".aws/credentials", ".netrc", ".config/gh/hosts.yml", ".cargo/credentials.toml",
      ".cargo/bin/cargo",
      ".cargo/registry/index", ".rustup/toolchains/stable/bin/rustc", ".pyenv/shims/python",
      ".pyenv/versions/3.12/bin/python",
      ".nvm/versions/node/v20/bin/node", ".local/share/keyrings/login", ".local/share/pipx/venvs/tool/bin/tool",
      ".local/lib/python3.12/site-packages/x.py", "bin/script", "documents/letter", ".m2/settings.xml", "go/bin/gopls",
      "go/src/private/x.go", "go/pkg/mod/x", ".sdkman/candidates/java/21/bin/java",
    ] { try directory.write("home/\(file)", "x", mode: 0o755) }
    try directory.makeDirectory("home/.local/bin")
    symlink("../share/pipx/venvs/tool/bin/tool", "\(home)/.local/bin/tool")
    symlink("21", "\(home)/.sdkman/candidates/java/current")
    symlink(home, directory.path("alias"))
  }

  private func roots(_ entries: String...) -> [String] {
    HostView.toolchainRoots(path: entries.joined(separator: ":"), home: bytes(home)).map { root in
      let text = String(decoding: root, as: UTF8.self)
      return text.hasPrefix(home) ? String(text.dropFirst(home.count + 1)) : text
    }
  }

  @Test func systemDirectoriesAreThereAnyway() {
    #expect(roots("/usr/local/bin", "/usr/bin", "/bin").filter { $0.hasPrefix("/usr") || $0.hasPrefix("/etc") } == [])
  }

  @Test func installationsAreFoundWhole() {
    #expect(roots("\(home)/.pyenv/shims") == [".pyenv"])
    #expect(roots("\(home)/.nvm/versions/node/v20/bin") == [".nvm/versions/node/v20"])
    #expect(roots("\(home)/.pyenv/shims", "\(home)/.pyenv/bin", "\(home)/.pyenv/versions/3.12/bin") == [".pyenv"])
  }

  @Test func sharedDirectoriesAreTakenInPieces() {
    #expect(roots("\(home)/.cargo/bin") == [".cargo/bin", ".cargo/registry", ".rustup"])
    #expect(roots("\(home)/.local/bin") == [".local/bin", ".local/lib", ".local/share/pipx/venvs/tool"])
    #expect(roots("\(home)/go/bin") == ["go/bin", "go/pkg"])
    #expect(roots("\(home)/bin") == ["bin"])
  }

  @Test func linksOnTheWayAreNamed() {
    #expect(
      roots("\(home)/.sdkman/candidates/java/current/bin") == [
        ".sdkman/candidates/java/21", ".sdkman/candidates/java/current",
      ])
    let alias = directory.path("alias")
    #expect(Set(roots("\(alias)/.pyenv/../.pyenv/shims")) == [".pyenv", alias])
  }

  @Test func secretsAndHomeAreNeverShown() {
    let all = roots(
      home, "\(home)/.ssh", "\(home)/.aws", "\(home)/.config/gh", "\(home)/.m2", "\(home)/.local", "\(home)/.cargo",
      directory.path, "/", "/home", "/root", "/tmp", "relative", "", "/absent/bin", "\(home)/.local/share/keyrings")
    #expect(all == [])
  }

  @Test func aProgramAboveHomeDoesNotOpenIt() throws {
    try directory.write("bin/tool", "x", mode: 0o755)
    // The directory that holds `bin` holds HOME, too.
    #expect(roots(directory.path("bin")) == [directory.path("bin")])
  }

  @Test func variablesByAllowlist() {
    let environment = HostView.environment(from: [
      "PATH": "/usr/bin:relative:/opt/x/bin", "LANG": "de_DE.UTF-8", "LC_TIME": "C", "TERM": "xterm",
      "JAVA_HOME": "/opt/java",
      "OPENAI_API_KEY": "k", "ANTHROPIC_API_KEY": "k", "AWS_SECRET_ACCESS_KEY": "k", "AWS_PROFILE": "p",
      "GITHUB_TOKEN": "t",
      "SSH_AUTH_SOCK": "/run/s", "MY_PASSWORD": "p", "HOME": home, "LD_PRELOAD": "/x", "BASH_ENV": "/x",
      "GIT_CONFIG_GLOBAL": "/x", "DOCKER_HOST": "tcp://x", "GOFLAGS": "-x=https://user:pass@host/y", "LC_TOKEN": "t",
      "http_proxy": "http://u:p@proxy", "DBUS_SESSION_BUS_ADDRESS": "unix:path=/x",
    ])
    #expect(
      environment == [
        "PATH": "/usr/bin:/opt/x/bin", "LANG": "de_DE.UTF-8", "LC_TIME": "C", "TERM": "dumb", "JAVA_HOME": "/opt/java",
        "PYENV_ROOT": "\(home)/.pyenv", "RUSTUP_HOME": "\(home)/.rustup", "CARGO_HOME": "\(home)/.cargo",
        "NVM_DIR": "\(home)/.nvm", "PYTHONUSERBASE": "\(home)/.local", "GOMODCACHE": "\(home)/go/pkg/mod",
        "CARGO_NET_OFFLINE": "true",
      ])
    #expect(
      HostView.environment(from: [:]) == ["PATH": "/usr/local/bin:/usr/bin:/bin", "TERM": "dumb", "LANG": "C.UTF-8"])
  }

  /// Whatever of this machine's toolchains works outside works inside.
  @Test(arguments: ["python3", "swift", "cargo", "node"]) func toolchainsOfThisMachine(_ tool: String) async throws {
    let own = ["PATH", "HOME"].reduce(into: [String: String]()) { all, name in
      all[name] = getenv(name).map { String(cString: $0) }
    }
    guard let outside = try? await runningProcess([tool, "--version"]), outside.status == 0 else { return }
    var scene = try Scene()
    scene.environment = HostView.environment(from: own)
    scene.view.readOnly = HostView.toolchainRoots(path: own["PATH"] ?? "", home: bytes(own["HOME"] ?? "/root"))
    let result = try await scene.run([tool, "--version"])
    #expect(result.succeeded, "\(result.text)")
    #expect(result.text.contains(outside.out.prefix { $0 != "\n" }))
  }
}
