import Access
import Agent
import Conversation
import Glibc
import JSON
import Paths

/// Approvals that people leave for each other's runs: files in a directory that the organisation names, which everybody
/// may write to and nobody may change what others left (sticky, like `/tmp`). Who owns a file has approved; what it says is
/// only what for, and until when.
struct ApprovalDirectory: Sendable {
  let path: String
  private static let mostBytes = 4096

  /// Leaves the approval of the account that this process runs under.
  func approve(_ action: ActionDigest, seconds: Int) throws {
    let now = Int64(time(nil))
    let text = JSONValue.object([
      "v": 1, "action": .string(action.hex), "expires": .int(now + Int64(seconds)),
    ]).serialized
    let name = "\(path)/\(action.hex).\(getuid())"
    let temporary = "\(name).\(getpid())"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw failure("cannot be written to") }
    fchmod(descriptor, 0o644)
    let written = text.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    close(descriptor)
    guard written == text.count, rename(temporary, name) == 0 else {
      unlink(temporary)
      throw failure("cannot be written to")
    }
  }

  /// What people have left for an action. A file counts for its owner, who alone can have written it.
  func approvals(of action: ActionDigest) -> [Approval] {
    guard isTrustworthy, let stream = opendir(path) else { return [] }
    defer { closedir(stream) }
    var approvals: [Approval] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      guard name.hasPrefix(action.hex + "."), name.split(separator: ".").count == 2 else { continue }
      let descriptor = openat(dirfd(stream), name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
      guard descriptor >= 0 else { continue }
      defer { close(descriptor) }
      var status = stat()
      // A second name would let somebody pass another's file off as left here.
      guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_nlink == 1,
        status.st_mode & 0o022 == 0, status.st_size <= Self.mostBytes,
        let person = getpwuid(status.st_uid).map({ String(cString: $0.pointee.pw_name) })
      else { continue }
      var bytes = [UInt8](repeating: 0, count: Self.mostBytes)
      let count = read(descriptor, &bytes, bytes.count)
      guard count > 0, let fields = try? JSONValue(parsing: Array(bytes[..<count])),
        fields["action"]?.string == action.hex, case .int(let expires)? = fields["expires"],
        expires > 0, expires < 1 << 33
      else { continue }
      approvals.append(
        Approval(
          action: action, person: person, evidence: "\(path)/\(name)", expires: expires))
    }
    return approvals
  }

  /// Others may add files to it, and not replace those of others.
  private var isTrustworthy: Bool {
    var status = stat()
    guard stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == 0 else { return false }
    return status.st_mode & 0o022 == 0 || status.st_mode & S_ISVTX != 0
  }

  private func failure(_ what: String) -> UsageFailure {
    UsageFailure(
      "\(path) \(what): \(String(cString: strerror(errno)))",
      advice: "the organisation's configuration names this directory: [approvals] directory")
  }
}

/// Asks for approval: whoever left one, then the person at the terminal.
struct Approver: Sendable {
  let directory: ApprovalDirectory?
  let person: String
  /// Nil where nobody can be asked.
  let terminal: TerminalQuestion?

  func ask(_ request: ApprovalRequest) async -> [Approval] {
    var given = directory?.approvals(of: request.action) ?? []
    given.removeAll { request.people.contains($0.person) }
    let people = request.people.union(given.map(\.person))
    guard people.count < request.decision.approvals, !people.contains(person), let terminal else { return given }
    let answer = await terminal.ask(
      """
      \(Display.safe(request.decision.reason))
        \(Display.line(EffectWords.describe(request.effect), width: 160))
        by \(Display.safe(request.decision.rules.map(\.rawValue).joined(separator: ", ")))
      approve it?
      """)
    guard answer else { return given }
    given.append(
      Approval(
        action: request.action, person: person, evidence: "terminal", expires: Int64(time(nil)) + Approval.lifetime))
    return given
  }
}

/// An effect in a few words, for the person who is asked.
enum EffectWords {
  static func describe(_ effect: Effect) -> String {
    switch effect {
    case .read(let path): "read \(path)"
    case .list(let path): "list \(path)"
    case .search(let query): "search \(query)"
    case .edit(let writes, let deletes):
      "change " + (writes + deletes).map(\.quoted).joined(separator: ", ")
    case .execute(let execution): "run: \(execution.shell)"
    case .start(let program, let arguments):
      "start " + Quoting.quote(program) + ": " + arguments.map { Quoting.quote($0) }.joined(separator: " ")
    case .tryPatches(let count, _, let command): "try \(count) patches with: \(command)"
    case .callModel(let identity): "send the conversation to \(identity.provider)/\(identity.name)"
    case .deliver(let kind, let paths, _):
      "deliver (\(kind.rawValue)): " + paths.map(\.quoted).joined(separator: ", ")
    }
  }
}
