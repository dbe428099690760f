import Glibc

/// What of the host's set-up a command needs to find the user's tools: their directories and a few variables. Nothing
/// else of HOME and of the environment crosses into the sandbox.
public enum HostView {
  /// The installation directories that `PATH` leads to, beyond the system's own, for ``SandboxView/readOnly``.
  ///
  /// Every entry and every symbolic link in it is followed to where the program really lives (a pyenv, rustup, nvm, a
  /// virtual environment, `/opt/swift`), and the narrowest directory that holds the whole installation is taken. Symbolic
  /// links on the way are named, too: the sandbox makes them again.
  ///
  /// - Parameters:
  ///   - path: the value of `PATH`.
  ///   - home: the user's home directory. Neither it nor a directory of secrets in it is ever returned.
  /// - Returns: absolute paths, sorted, none below another.
  public static func toolchainRoots(path: String, home: [UInt8]) -> [[UInt8]] {
    var finder = ToolchainFinder(home: home)
    for entry in path.utf8.split(separator: UInt8(ascii: ":")) { finder.add(entry: Array(entry)) }
    return finder.sorted
  }

  /// The variables that commands get: by allowlist, never a key or a token.
  ///
  /// Tool managers that look below `HOME` are told by their own variables where they are, because `HOME` is another
  /// inside.
  ///
  /// - Parameter environment: the agent's own environment.
  public static func environment(from environment: [String: String]) -> [String: String] {
    var kept = environment.filter { name, value in
      (allowed.contains(name) || name.hasPrefix("LC_")) && !isSecret(name: name, value: value)
    }
    let path = environment["PATH"] ?? ""
    kept["PATH"] = path.split(separator: ":").filter { $0.hasPrefix("/") }.joined(separator: ":")
    if kept["PATH"] == "" { kept["PATH"] = "/usr/local/bin:/usr/bin:/bin" }
    kept["TERM"] = "dumb"
    if kept["LANG"] == nil, kept["LC_ALL"] == nil { kept["LANG"] = "C.UTF-8" }
    if let home = environment["HOME"], home.hasPrefix("/") {
      for (variable, place) in belowHome where kept[variable] == nil {
        let directory = "\(home)/\(place)"
        if access(directory, F_OK) == 0 { kept[variable] = directory }
      }
    }
    if kept["CARGO_HOME"] != nil { kept["CARGO_NET_OFFLINE"] = "true" }
    return kept
  }

  private static let allowed: Set<String> = [
    "PATH", "LANG", "LANGUAGE", "TZ", "SOURCE_DATE_EPOCH", "NO_COLOR",
    "CC", "CXX", "AR", "LD", "CFLAGS", "CXXFLAGS", "CPPFLAGS", "LDFLAGS", "PKG_CONFIG_PATH", "CMAKE_PREFIX_PATH",
    "LD_LIBRARY_PATH", "CPATH", "LIBRARY_PATH",
    "JAVA_HOME", "MAVEN_HOME", "M2_HOME", "GRADLE_HOME", "ANT_HOME", "KOTLIN_HOME", "SCALA_HOME", "SDKMAN_DIR",
    "GOROOT", "GOPATH", "GOMODCACHE", "GOFLAGS", "GOTOOLCHAIN", "GO111MODULE", "CGO_ENABLED",
    "CARGO_HOME", "RUSTUP_HOME", "RUSTUP_TOOLCHAIN", "RUSTFLAGS", "RUST_BACKTRACE",
    "PYENV_ROOT", "PYENV_VERSION", "VIRTUAL_ENV", "CONDA_PREFIX", "CONDA_DEFAULT_ENV", "PYTHONUSERBASE",
    "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED", "PYTHONIOENCODING", "PYTHONUTF8", "PYTHONHASHSEED",
    "NVM_DIR", "NVM_BIN", "NODE_ENV", "VOLTA_HOME", "PNPM_HOME", "BUN_INSTALL", "COREPACK_HOME",
    "RBENV_ROOT", "RBENV_VERSION", "GEM_HOME", "GEM_PATH", "ASDF_DIR", "ASDF_DATA_DIR", "MISE_DATA_DIR",
    "DOTNET_ROOT", "SWIFTLY_HOME_DIR", "SWIFTLY_BIN_DIR", "SWIFTLY_TOOLCHAINS_DIR",
  ]

  /// Where tool managers look by default, below HOME.
  private static let belowHome = [
    ("PYENV_ROOT", ".pyenv"), ("RUSTUP_HOME", ".rustup"), ("CARGO_HOME", ".cargo"), ("NVM_DIR", ".nvm"),
    ("RBENV_ROOT", ".rbenv"), ("ASDF_DATA_DIR", ".asdf"), ("MISE_DATA_DIR", ".local/share/mise"),
    ("VOLTA_HOME", ".volta"), ("PYTHONUSERBASE", ".local"), ("GOMODCACHE", "go/pkg/mod"),
    ("SWIFTLY_HOME_DIR", ".local/share/swiftly"),
  ]

  private static func isSecret(name: String, value: String) -> Bool {
    let upper = name.uppercased()
    let words = ["TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "API_KEY", "APIKEY", "ACCESS_KEY", "AUTH"]
    if upper.hasPrefix("AWS_") || words.contains(where: upper.contains) { return true }
    // A user and a password in a URL.
    guard let scheme = value.firstRange(of: "://") else { return false }
    return value[scheme.upperBound...].prefix { $0 != "/" }.contains("@")
  }
}
