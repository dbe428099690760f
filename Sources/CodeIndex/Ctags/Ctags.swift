import Glibc
import Synchronization

/// Universal Ctags as an index uses it: found on the search path, started when there is something for it to read, and left
/// alone once it has cost too much.
final class Ctags: Sendable {
  /// Why there are no definitions, in words.
  enum Absence: Sendable, Hashable {
    case missing
    case unusable(String)
    /// For now only: the next process tries again.
    case troubled(String)

    var words: String {
      switch self {
      case .missing: "Universal Ctags is not on PATH; install it (package universal-ctags)"
      case .unusable(let path):
        "\(path) is not Universal Ctags with its interactive mode and sandbox; install it (package universal-ctags)"
      case .troubled(let reason): "ctags: \(reason); they are tried again the next time"
      }
    }
  }

  /// What it was like to read a file.
  enum Reading {
    case tags([CtagsTag])
    /// It broke on this one.
    case failed
    /// It cannot be used, or not now.
    case absent
  }

  private struct State: Sendable {
    /// The one that answers; nil until one was tried.
    var program: String?
    var absence: Absence?
    /// Lost by waiting for what never came.
    var lost: Duration = .zero
  }

  /// Programs on the search path that may be it, the first the most likely.
  private let candidates: [String]
  /// Tells these from others that may be installed later; 0 when there are none.
  let fingerprint: UInt64
  private let state: Mutex<State>

  private static let mostCandidates = 4
  /// More than this is not waited for in one life of an index.
  private static let mostLost: Duration = .seconds(20)

  /// - Parameter searchPath: directories parted by colons, of which those that are not absolute are not looked at; by
  ///   default this process's `PATH`.
  init(searchPath: String? = nil) {
    let searchPath = searchPath ?? getenv("PATH").map { String(cString: $0) } ?? ""
    var found: [String] = []
    var marks: [UInt8] = []
    for directory in searchPath.split(separator: ":") where directory.hasPrefix("/") {
      for name in ["ctags-universal", "ctags"] {
        let path = String(directory) + "/" + name
        var info = stat()
        guard found.count < Self.mostCandidates, stat(path, &info) == 0,
          info.st_mode & S_IFMT == S_IFREG,
          access(path, X_OK) == 0
        else { continue }
        found.append(path)
        let numbers = [
          Int(info.st_dev), Int(info.st_ino), Int(info.st_size), info.st_mtim.tv_sec,
          info.st_mtim.tv_nsec,
        ]
        for number in numbers { withUnsafeBytes(of: number) { marks += $0 } }
      }
    }
    candidates = found
    fingerprint = found.isEmpty ? 0 : max(1, ByteHash.of(marks))
    state = Mutex(State(absence: found.isEmpty ? .missing : nil))
  }

  /// Why there are no definitions; nil when there are, or nobody asked yet.
  var absence: Absence? { state.withLock(\.absence) }

  /// What was read may not be all that can be.
  var isTroubled: Bool {
    if case .troubled = absence { true } else { false }
  }

  /// A process that is ready; nil when there is none to be had.
  func start() async -> CtagsProcess? {
    let (program, absence) = state.withLock { ($0.program, $0.absence) }
    guard absence == nil else { return nil }
    for path in program.map({ [$0] }) ?? candidates {
      guard let process = CtagsProcess(path) else {
        let reason = errno
        // No room for a process, and not the program's fault.
        guard [EAGAIN, ENOMEM, EMFILE, ENFILE].contains(reason) else { continue }
        give(up: .troubled("it cannot be started: \(String(cString: strerror(reason)))"))
        return nil
      }
      if await process.isUniversal() {
        state.withLock { $0.program = path }
        return process
      }
      if Task.isCancelled { return nil }
    }
    give(
      up: program.map { .troubled("\($0) does not start any more") }
        ?? .unusable(candidates.first ?? ""))
    return nil
  }

  private func give(up absence: Absence) {
    state.withLock { if $0.absence == nil { $0.absence = absence } }
  }

  /// Counts time that was lost on a file.
  func lose(_ time: Duration) {
    let isTooMuch = state.withLock { state in
      state.lost += time
      return state.lost > Self.mostLost
    }
    if isTooMuch { give(up: .troubled("it took too long on several files")) }
  }
}

/// Reads files with one ctags at a time, for one lane of an indexer.
final class CtagsReader {
  private let ctags: Ctags
  private var process: CtagsProcess?

  /// A process is replaced after so much, that what it holds on to stays small.
  private static let mostFiles = 2000
  private static let mostBytes = 64 << 20

  init(_ ctags: Ctags) { self.ctags = ctags }

  /// Whether there is one that works; starts it.
  func isReady() async -> Bool {
    if process == nil { process = await ctags.start() }
    return process != nil
  }

  /// What ctags says to a text. A process that breaks is thrown away; if it had read others before, a new one gets the
  /// text once more, so that no file suffers for another.
  func read(_ text: [UInt8], _ language: Language) async -> Ctags.Reading {
    guard let suffix = CtagsLanguage.all[language.name]?.suffix, Analyzer.mayDefine(text) else {
      return .tags([])
    }
    if let old = process, old.files >= Self.mostFiles || old.bytes >= Self.mostBytes {
      process = nil
    }
    for _ in 0..<2 {
      guard await isReady(), let current = process else { return .absent }
      let isFresh = current.files == 0
      let start = SuspendingClock().now
      switch await current.tags(text, suffix: suffix) {
      case .tags(let tags): return .tags(tags)
      case .broken:
        process = nil
        if Task.isCancelled { return .absent }
        ctags.lose(SuspendingClock().now - start)
        if isFresh { return .failed }
      }
    }
    return .failed
  }
}
