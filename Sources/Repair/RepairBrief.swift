public import JSON
public import Paths
public import TestReports

/// What the built-in engine is told at the start: the `structured` part of the conversation's first user item.
///
/// All paths, here and in the tools' arguments and answers, are relative to the root that the tools use; those inside
/// ``report`` are relative to ``directory``, in which the tests ran.
public struct RepairBrief: Sendable, Hashable {
  /// What the person asked for; nil when the failing tests are the whole task.
  public var task: String?
  /// The project's directory.
  public var directory: RepoPath
  /// The test command, for people.
  public var command: String
  /// The test tool.
  public var framework: Framework
  /// What the tests said before any change.
  public var report: TestReport
  /// The project's source files, tests included, and their sizes in bytes; the caller bounds their number.
  public var files: [File]
  /// Places to look at first: `path`, `path:line`, or a name that occurs in the source.
  public var hints: [String]
  /// How long patches may be tried, in seconds of the tools' own count.
  public var budgetSeconds: Double

  /// A file that can be read.
  public struct File: Sendable, Hashable {
    /// Where it is.
    public var path: RepoPath
    /// Its length in bytes.
    public var size: Int

    /// Names a file.
    public init(path: RepoPath, size: Int) {
      self.path = path
      self.size = size
    }
  }

  /// A brief.
  public init(
    task: String? = nil, directory: RepoPath = .root, command: String, framework: Framework, report: TestReport,
    files: [File], hints: [String] = [], budgetSeconds: Double = 60
  ) {
    self.task = task
    self.directory = directory
    self.command = command
    self.framework = framework
    self.report = report
    self.files = files
    self.hints = hints
    self.budgetSeconds = budgetSeconds
  }

  /// The brief as JSON.
  public var json: JSONValue {
    [
      "task": JSONValue(task), "directory": .string(directory.quoted), "command": .string(command),
      "framework": .string(framework.rawValue), "report": report.json,
      "files": .array(files.map { ["path": .string($0.path.quoted), "size": JSONValue($0.size)] }),
      "hints": .array(hints.map(JSONValue.string)),
      "budgetSeconds": JSONValue(Int(exactly: budgetSeconds.rounded()) ?? 60),
    ]
  }

  /// Reads a brief back; nil when the JSON is not of that form.
  public init?(json: JSONValue) {
    guard let report = json["report"].flatMap(TestReport.init), let encoded = json["files"]?.array else { return nil }
    var files: [File] = []
    for value in encoded {
      guard let path = value["path"]?.string.flatMap({ RepoPath(quoted: $0) }) else { continue }
      files.append(File(path: path, size: value["size"]?.int ?? 0))
    }
    self.init(
      task: json["task"]?.string, directory: json["directory"]?.string.flatMap { RepoPath(quoted: $0) } ?? .root,
      command: json["command"]?.string ?? "",
      framework: json["framework"]?.string.flatMap(Framework.init) ?? .exitStatus,
      report: report, files: files, hints: (json["hints"]?.array ?? []).compactMap(\.string),
      budgetSeconds: json["budgetSeconds"]?.double ?? 60)
  }
}
