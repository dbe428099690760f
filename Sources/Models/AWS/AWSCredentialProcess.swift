import Glibc
import HTTPTransport
import JSON

/// Runs the program that a profile of the user's own files names as `credential_process`, and reads what it prints: a JSON
/// object with `Version` 1, `AccessKeyId`, `SecretAccessKey` and, where they end, `SessionToken` and `Expiration`.
///
/// The line is split into words as a POSIX shell would, without a shell. The program is given by an absolute path or found in
/// the absolute directories of `PATH`, and works in `/`: a checkout that codeagent was started in has no part in it. It sees
/// the user's environment without what looks like a secret.
struct AWSCredentialProcess: Sendable {
  let environment: [String: String]
  /// Seconds that it may take: some ask a person.
  var patience = 60.0
  private static let mostBytes = 64 << 10

  /// The credentials that the program prints.
  func credentials(_ line: String, profile: String) async throws(AWSCredentialError) -> AWSCredentials {
    let name = "credential_process of the AWS profile `\(profile)`"
    guard let words = Self.words(line), let first = words.first, !first.isEmpty else {
      throw AWSCredentialError("\(name) is no command line")
    }
    guard let program = find(first) else {
      throw AWSCredentialError("\(name): there is no program `\(first)`; it is looked for by absolute path, or in PATH")
    }
    let child: Child
    do throws(AWSCredentialError) {
      child = try Child(program, words, shownEnvironment)
    } catch {
      throw AWSCredentialError("\(name): \(error.description)")
    }
    let (status, output) = await child.finish(within: patience, mostBytes: Self.mostBytes)
    // What it said is not repeated: it may be a secret.
    guard let status else {
      throw AWSCredentialError("\(name) did not end within \(Int(patience)) s, or printed too much")
    }
    guard status == 0 else { throw AWSCredentialError("\(name) failed (status \(status)); try it in a shell") }
    guard let json = try? JSONValue(parsing: output), json["Version"]?.int == 1,
      let id = json["AccessKeyId"]?.string, let secret = json["SecretAccessKey"]?.string
    else { throw AWSCredentialError("\(name) printed no credentials of version 1") }
    return AWSCredentials(
      accessKeyID: id, secretAccessKey: secret, sessionToken: json["SessionToken"]?.string,
      expiration: json["Expiration"]?.string.flatMap(Timestamp.seconds))
  }

  /// The variables that the program sees.
  private var shownEnvironment: [String: String] {
    let words = ["KEY", "TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL"]
    return environment.filter { name, _ in
      let name = name.uppercased()
      return !words.contains { name.contains($0) }
    }
  }

  private func find(_ name: String) -> String? {
    if name.hasPrefix("/") { return access(name, X_OK) == 0 ? name : nil }
    guard !name.contains("/") else { return nil }
    let directories = (environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin").split(separator: ":")
    return directories.lazy.filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
  }

  /// The words of a command line by POSIX's rules for quoting; nil when a quotation does not end.
  static func words(_ line: String) -> [String]? {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var characters = line.makeIterator()
    while let character = characters.next() {
      switch (quote, character) {
      case (nil, "'"), (nil, "\""):
        quote = character
        word = word ?? ""
      case ("'", "'"), ("\"", "\""): quote = nil
      case (nil, "\\"):
        guard let next = characters.next() else { return nil }
        word = (word ?? "") + String(next)
      case ("\"", "\\"):
        guard let next = characters.next() else { return nil }
        word = (word ?? "") + (next == "\"" || next == "\\" ? "" : "\\") + String(next)
      case (nil, _) where character.isWhitespace:
        if let whole = word { words.append(whole) }
        word = nil
      default: word = (word ?? "") + String(character)
      }
    }
    guard quote == nil else { return nil }
    return words + [word].compactMap { $0 }
  }
}

/// A program with its output in a socket, in a process group of its own.
private struct Child {
  private let id: pid_t
  private let output: Int32

  init(_ program: String, _ arguments: [String], _ environment: [String: String]) throws(AWSCredentialError) {
    var ends: [Int32] = [-1, -1]
    let stream = Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue)
    guard socketpair(AF_UNIX, stream, 0, &ends) == 0 else { throw AWSCredentialError(String(cString: strerror(errno))) }
    defer { close(ends[1]) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setpgroup(&attributes, 0)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP))
    // The shell only changes the directory; the words are its arguments, not its text.
    let line = ["/bin/sh", "-c", "cd / && exec \"$@\"", "sh", program] + arguments.dropFirst()
    let words = line.map { strdup($0) } + [nil]
    let variables = environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in words + variables { free(text) } }
    var child = pid_t()
    let code = posix_spawn(&child, line[0], &actions, &attributes, words, variables)
    guard code == 0 else {
      close(ends[0])
      throw AWSCredentialError("\(program) cannot be started: \(String(cString: strerror(code)))")
    }
    id = child
    output = ends[0]
    _ = fcntl(output, F_SETFL, O_NONBLOCK)
  }

  /// What it printed, and its exit status; no status when it did not end in time, printed too much or was killed.
  func finish(within seconds: Double, mostBytes: Int) async -> (status: Int32?, output: [UInt8]) {
    defer { close(output) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end, !Task.isCancelled {
      let count = read(output, &buffer, buffer.count)
      if count > 0 {
        bytes += buffer[..<count]
        if bytes.count > mostBytes { break }
        continue
      }
      var status: Int32 = 0
      if count == 0, waitpid(id, &status, WNOHANG) == id {
        return (status & 0x7f == 0 ? status >> 8 & 0xff : 128 + status & 0x7f, bytes)
      }
      try? await Task.sleep(for: .milliseconds(5))
    }
    kill(-id, SIGKILL)
    var status: Int32 = 0
    while waitpid(id, &status, 0) < 0, errno == EINTR {}
    return (nil, [])
  }
}
