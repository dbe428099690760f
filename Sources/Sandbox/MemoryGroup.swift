import Glibc
import Synchronization

/// A control group that holds one command's memory to its limit, where this process may make one: as root, mostly.
///
/// Version 1 and version 2 are used as the kernel's documentation describes them (admin-guide/cgroup-v1/memory.rst,
/// admin-guide/cgroup-v2.rst). Without one, the launcher's second stage watches memory by sampling.
final class MemoryGroup {
  /// Where this process's own group is mounted, and its version.
  struct Place: Sendable {
    var directory: String
    var version: Int
  }

  /// Found once; nil where no group can be made. Groups that a killed agent left are removed.
  static let place: Place? = {
    guard let place = find() else { return nil }
    removeStale(place)
    guard let trial = MemoryGroup(place, name: "probe", bytes: 1 << 30) else { return nil }
    return withExtendedLifetime(trial) { place }
  }()

  private let directory: String
  private let version: Int
  /// Whether it is the group that the process thread is in.
  private let isResident: Bool
  /// How many processes the kernel had killed in it before.
  private var killsBefore = 0

  /// A group for one command. Called on the process thread.
  ///
  /// Moving a process into a group waits until every processor has passed through the scheduler, which can take longer than
  /// all other set-up. In version 1, where threads can be in groups of their own (and memory is accounted to a process as a
  /// whole, by its first thread), the process thread is moved once, and what it starts is in its group from birth: one
  /// command at a time has that group.
  /// - Parameter bytes: the limit.
  static func make(_ place: Place, name: String, bytes: Int) -> MemoryGroup? {
    let resident = place.version == 1 ? residence.withLock { $0.take(place) } : nil
    return resident.flatMap { MemoryGroup(resident: $0, bytes: bytes) }
      ?? MemoryGroup(place, name: name, bytes: bytes)
  }

  private init?(resident directory: String, bytes: Int) {
    self.directory = directory
    version = 1
    isResident = true
    // The limit with swap is never below the other, whatever they were before.
    Self.write("-1", to: "\(directory)/memory.memsw.limit_in_bytes")
    guard Self.write("\(bytes)", to: "\(directory)/memory.limit_in_bytes") else { return nil }
    Self.write("\(bytes)", to: "\(directory)/memory.memsw.limit_in_bytes")
    killsBefore = kills
  }

  /// Makes a group below this process's own.
  private init?(_ place: Place, name: String, bytes: Int) {
    directory = "\(place.directory)/codeagent-\(getpid())-\(name)"
    version = place.version
    isResident = false
    guard mkdir(directory, 0o755) == 0 else { return nil }
    let isLimited: Bool
    if version == 1 {
      isLimited = Self.write("\(bytes)", to: "\(directory)/memory.limit_in_bytes")
      // There only where swap is accounted for.
      Self.write("\(bytes)", to: "\(directory)/memory.memsw.limit_in_bytes")
    } else {
      isLimited = Self.write("\(bytes)", to: "\(directory)/memory.max")
      Self.write("0", to: "\(directory)/memory.swap.max")
      Self.write("1", to: "\(directory)/memory.oom.group")
    }
    // `deinit` runs for a group that was made and could not be limited, too.
    if !isLimited { return nil }
  }

  deinit {
    if isResident { residence.withLock { $0.isTaken = false } } else { rmdir(directory) }
  }

  /// The file that a process joins by; nil where it is in the group from birth.
  var joinPath: [UInt8]? { isResident ? nil : Array("\(directory)/cgroup.procs".utf8) }

  /// Whether the kernel has killed a process of the command for want of memory.
  var isOver: Bool { kills > killsBefore }

  private var kills: Int {
    let text = smallFile("\(directory)/\(version == 1 ? "memory.oom_control" : "memory.events")")
    let line = text.split(separator: "\n").first { $0.hasPrefix("oom_kill ") }
    return line.flatMap { Int($0.dropFirst("oom_kill ".count)) } ?? 0
  }

  private static func find() -> Place? {
    for line in smallFile("/proc/self/cgroup").split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      let isFirst = fields[1].split(separator: ",").contains("memory")
      guard isFirst || fields[0] == "0" else { continue }
      guard let directory = mounted(isFirst ? "memory" : nil, path: String(fields[2])) else { continue }
      if isFirst { return Place(directory: directory, version: 1) }
      if access("\(directory)/memory.max", F_OK) != 0, fields[2] != "/" { continue }
      // Children get the controller only where nothing runs in the parent itself, or the parent is the root.
      if !smallFile("\(directory)/cgroup.subtree_control").contains("memory"),
        !write("+memory", to: "\(directory)/cgroup.subtree_control")
      {
        continue
      }
      return Place(directory: directory, version: 2)
    }
    return nil
  }

  /// The directory of a group in the file system of its hierarchy. `/proc/self/mountinfo`: proc(5).
  private static func mounted(_ controller: Substring?, path: String) -> String? {
    for line in smallFile("/proc/self/mountinfo").split(separator: "\n") {
      let fields = line.split(separator: " ")
      guard let separator = fields.firstIndex(of: "-"), separator >= 6, fields.count > separator + 3 else { continue }
      let isWanted =
        controller.map { wanted in
          fields[separator + 1] == "cgroup" && fields[separator + 3].split(separator: ",").contains(wanted)
        } ?? (fields[separator + 1] == "cgroup2")
      guard isWanted else { continue }
      let root = String(fields[3])
      let point = String(fields[4])
      if root == "/" { return path == "/" ? point : point + path }
      if path == root { return point }
      if path.hasPrefix(root + "/") { return point + path.dropFirst(root.count) }
    }
    return nil
  }

  /// Groups whose process is gone; the kernel refuses to remove one that is in use.
  private static func removeStale(_ place: Place) {
    guard let listing = opendir(place.directory) else { return }
    defer { closedir(listing) }
    while let entry = readdir(listing) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      let parts = name.split(separator: "-")
      guard parts.count == 3, parts[0] == "codeagent", let process = pid_t(parts[1]) else { continue }
      if kill(process, 0) != 0, errno == ESRCH { rmdir("\(place.directory)/\(name)") }
    }
  }

  @discardableResult
  fileprivate static func write(_ text: String, to path: String) -> Bool {
    let file = open(path, O_WRONLY | O_CLOEXEC)
    guard file >= 0 else { return false }
    defer { close(file) }
    let bytes = Array(text.utf8)
    return Glibc.write(file, bytes, bytes.count) == bytes.count
  }
}

/// The group that the process thread is in, and whether a command has it.
private struct Residence {
  private var directory: String?
  private var isTried = false
  var isTaken = false

  /// The group for one command; nil when another has it, or it cannot be had.
  mutating func take(_ place: MemoryGroup.Place) -> String? {
    if !isTried {
      isTried = true
      let path = "\(place.directory)/codeagent-\(getpid())-thread"
      // A zero stands for the thread that writes it.
      if mkdir(path, 0o755) == 0, MemoryGroup.write("0", to: "\(path)/tasks") { directory = path } else { rmdir(path) }
    }
    guard let directory, !isTaken else { return nil }
    isTaken = true
    return directory
  }
}

private let residence = Mutex(Residence())
