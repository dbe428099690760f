import Glibc
import Paths

/// The rules that hold before anybody has written one.
enum ShippedRules {
  /// Changes with every change of the lists and of what they mean: part of the policy's digest.
  static let version: Int64 = 2

  /// Usual places of secrets: never read, whatever they hold.
  static let secretFiles = [
    ".env", ".env.*", "*.env", ".envrc", ".direnv", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".mylogin.cnf", ".aws",
    ".ssh", ".gnupg", ".kube", ".azure", ".config/gcloud", ".config/gh", ".config/hub", ".docker/config.json",
    ".dockercfg", ".pypirc", ".git-credentials", ".htpasswd", ".terraformrc", "*.tfstate", "*.tfstate.backup",
    ".vault-token", ".boto", ".s3cfg", ".password-store", "application_default_credentials.json",
    "*service-account*.json", "*service_account*.json", "*.kdbx", "*.keychain", "*.keychain-db", "id_rsa", "id_dsa",
    "id_ecdsa", "id_ed25519", "id_ecdsa_sk", "id_ed25519_sk",
  ].map(anywhere)

  /// Not secret for all their names: what projects commit so that others can write the real one.
  static let secretFileExamples = [
    ".env.example", ".env.sample", ".env.template", ".env.dist", ".env.defaults", "example.env", "sample.env",
    "template.env",
  ]

  /// Key stores, whose content does not tell: hidden unless they stand among tests.
  static let keyStores = ["*.p12", "*.pfx", "*.jks", "*.keystore", "*.ppk"]

  /// Key and certificate files: hidden unless they are known to hold no private key, or stand among tests.
  static let keyFiles = ["*.pem", "*.key", "*.p8"]

  /// Directories of tests: keys in them are made for the tests, and tests need them.
  static let testDirectories = [
    "test", "tests", "testing", "testdata", "test-data", "test_data", "__tests__", "spec", "fixtures",
    "{*-,*_,*.}{test,tests,fixtures}", "{test,tests}{_,-}*",
  ].map { "**/\($0)/**" }

  /// Files that hold settings, and tokens at times: hidden unless they are known to hold none.
  static let tokenFiles = [".npmrc", ".yarnrc", ".yarnrc.yml", "pip.conf", ".condarc", "nuget.config", ".curlrc"]

  /// What steers agents, editors, hooks, automation and the policy itself: approved before it is delivered.
  static let protectedNames = [
    // Agents.
    "AGENTS.md", "AGENTS.override.md", "CLAUDE.md", "CLAUDE.local.md", "GEMINI.md", "SKILL.md", ".agents", ".claude",
    ".codex", ".cursor", ".cursorrules", ".cursorignore", ".windsurf", ".windsurfrules", ".clinerules", ".roo",
    ".gemini", ".continue", ".aider*", ".amazonq", ".kiro", ".opencode", ".goose", ".mcp.json", "mcp.json",
    ".junie", ".trae", ".augment{,-guidelines}", ".cline", ".qodo", ".warp", "WARP.md", ".devin", ".tabnine*",
    ".github/copilot-instructions.md", ".github/instructions", ".github/prompts", ".github/agents",
    // Editors and environments that run what they find.
    ".vscode", ".idea", ".zed", ".fleet", ".devcontainer", ".devcontainer.json", "*.code-workspace", ".vimrc",
    ".exrc", ".nvim.lua", ".dir-locals.el", ".emacs", ".gitpod.yml", "mise.toml", ".mise.toml", ".gdbinit",
    ".lldbinit", ".actrc", ".{ba,z}shrc", ".bash_profile", ".profile", ".zprofile", ".zshenv", ".Rprofile",
    // Settings of package managers, which name programs to run and places to fetch from.
    ".npmrc", ".yarnrc", ".yarnrc.y{a,}ml", ".pnpmfile.{c,m,}js", ".cargo/config{,.toml}", "pip.conf",
    // Hooks.
    ".husky", ".githooks", "githooks", ".pre-commit-config.yaml", ".pre-commit-hooks.yaml",
    "{.,}lefthook{-local,}.{yml,yaml,toml,json}", ".overcommit.yml", ".gitmodules", ".gitconfig", ".lfsconfig",
    // Automation.
    ".github/workflows", ".github/actions", ".github/dependabot.y{a,}ml", ".gitlab-ci.yml", ".gitlab", ".ci",
    ".circleci", ".buildkite", ".woodpecker", ".woodpecker.y{a,}ml", ".drone.y{a,}ml", ".travis.yml", ".teamcity",
    ".semaphore", ".forgejo", ".gitea", ".cirrus.yml", ".tekton", ".harness", "Jenkinsfile*",
    "azure-pipelines*.y{a,}ml", ".azure-pipelines", "bitbucket-pipelines.yml", "appveyor.yml", ".appveyor.yml",
    "buildspec.y{a,}ml", "cloudbuild.y{a,}ml", "CODEOWNERS",
    // Policy.
    ".codeagent",
  ].map(anywhere)

  /// The repository's own bookkeeping, under every name that some file system gives it.
  static let gitInternals = [".git", "git~1"]

  /// Text that marks a private key in whichever file.
  static func holdsPrivateKey(_ content: [UInt8]) -> Bool { ByteSearch.contains("PRIVATE KEY", in: content) }

  /// Whether a settings file gives a token or password by value, not by naming a variable.
  static func holdsToken(_ content: [UInt8]) -> Bool {
    let lowercased = content.map(PathFolding.lower)
    let blanks = Set(" \t\"'".utf8)
    for mark in tokenMarks {
      for end in ByteSearch.ends(of: mark, in: lowercased) {
        let rest = lowercased[end...].drop { blanks.contains($0) }
        guard let sign = rest.first, sign == UInt8(ascii: "=") || sign == UInt8(ascii: ":") else { continue }
        let value = rest.dropFirst().drop { blanks.contains($0) }
        if let first = value.first, first != UInt8(ascii: "$"), first != 0x0a, first != 0x0d { return true }
      }
    }
    // The user part of an address: `https://user:password@host/`.
    for end in ByteSearch.ends(of: "://", in: lowercased) {
      let authority = lowercased[end...].prefix { $0 > 0x20 && $0 != UInt8(ascii: "/") && $0 != 0x22 }
      if authority.contains(UInt8(ascii: "@")), !authority.contains(UInt8(ascii: "$")) { return true }
    }
    return false
  }

  private static let tokenMarks = ["_auth", "token", "npmauthident", "password", "passwd", "proxy-user"]

  /// At every depth, also for patterns that name several components.
  private static func anywhere(_ pattern: String) -> String { pattern.contains("/") ? "**/\(pattern)" : pattern }
}

/// Plain searching in bytes.
enum ByteSearch {
  static func contains(_ needle: String, in bytes: [UInt8]) -> Bool { contains(Array(needle.utf8), in: bytes) }

  static func contains(_ needle: [UInt8], in bytes: [UInt8]) -> Bool {
    guard let first = needle.first else { return true }
    // What the needle begins with is looked for by the C library: whole repositories are searched this way.
    return bytes.withUnsafeBytes { bytes in
      needle.withUnsafeBytes { needle in
        guard let start = bytes.baseAddress, let wanted = needle.baseAddress else { return false }
        var offset = 0
        while bytes.count - offset >= needle.count,
          let found = memchr(start + offset, Int32(first), bytes.count - offset - needle.count + 1)
        {
          if memcmp(found, wanted, needle.count) == 0 { return true }
          offset = UnsafeRawPointer(found) - start + 1
        }
        return false
      }
    }
  }

  /// The offsets behind each occurrence.
  static func ends(of needle: String, in bytes: [UInt8]) -> [Int] {
    let needle = Array(needle.utf8)
    guard let first = needle.first, bytes.count >= needle.count else { return [] }
    var ends: [Int] = []
    for start in 0...(bytes.count - needle.count) where bytes[start] == first {
      if bytes[start..<start + needle.count].elementsEqual(needle) { ends.append(start + needle.count) }
    }
    return ends
  }
}
