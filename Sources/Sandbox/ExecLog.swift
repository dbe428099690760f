import Glibc

/// Takes the launcher's messages about execs in, and asks about them. Lives on the process thread.
struct ExecLog {
  private let watch: ExecWatch
  private let programs: KnownPrograms?
  private let begin: Double
  private(set) var summary = ExecSummary()
  /// Where an exec's record is, as long as its end is to come.
  private var open: [Int: Int] = [:]

  /// The most denied execs and different programs that are listed.
  private static let listed = 1000

  /// - Parameter begin: when the command was started, on the monotonic clock.
  init(_ watch: ExecWatch, path: String, begin: Double) {
    self.watch = watch
    self.begin = begin
    programs = watch.authorize == nil ? nil : KnownPrograms(names: watch.programs, path: path)
  }

  /// An exec, as `report.h` of the launcher lays it out. The files are the image and what a loader loads.
  /// - Returns: what is to become of it, and what it is when it waits.
  mutating func executed(_ message: ArraySlice<UInt8>, files: [Descriptor]) -> (ExecVerdict, ExecEvent?) {
    let words = message.split(separator: 0, maxSplits: 8, omittingEmptySubsequences: false)
    guard words.count == 9 else { return (.deny(rule: ExecWatch.unidentified), nil) }
    var arguments = words[8].split(separator: 0, omittingEmptySubsequences: false).map { Array($0) }
    if arguments.last?.isEmpty == true { arguments.removeLast() }
    var event = ExecEvent(
      number: Self.number(words[0]), parent: Self.number(words[1]), process: Self.number(words[2]),
      time: monotonicSeconds() - begin, executable: Array(words[4]), givenPath: Array(words[5]), arguments: arguments,
      argumentsAreCut: words[3].contains(UInt8(ascii: "c")), workingDirectory: Array(words[6]), target: Array(words[7]))
    var verdict = ExecVerdict.allow
    if let authorize = watch.authorize {
      event.copyOf =
        programs.map { known in
          Array(Set(files.flatMap { known.names(of: $0) })).sorted()
        } ?? []
      if words[3].contains(UInt8(ascii: "u")) {
        verdict = .deny(rule: ExecWatch.unidentified)
      } else {
        verdict = authorize(event)
      }
    }
    if case .wait = verdict, watch.decide == nil { verdict = .deny(rule: ExecWatch.undecided) }
    var record = ExecRecord(event: event)
    if case .deny(let rule) = verdict { record.deniedBy = rule }
    note(record)
    return (verdict, verdict == .wait ? event : nil)
  }

  /// What waited is denied.
  mutating func deny(_ event: ExecEvent, rule: String) {
    if let index = open[event.number] { summary.records[index].deniedBy = rule }
    noteDenied(ExecRecord(event: event, deniedBy: rule))
  }

  private mutating func noteDenied(_ record: ExecRecord) {
    summary.deniedTotal += 1
    if summary.denied.count < Self.listed { summary.denied.append(record) }
  }

  /// The end of an exec.
  /// - Returns: its number.
  mutating func ended(_ message: ArraySlice<UInt8>) -> Int {
    let words = message.split(separator: 0, omittingEmptySubsequences: false)
    let number = words.first.map(Self.number) ?? 0
    guard words.count >= 4, let index = open.removeValue(forKey: number) else { return number }
    summary.records[index].duration = monotonicSeconds() - begin - summary.records[index].event.time
    let status = String(decoding: words[1], as: UTF8.self)
    guard let code = Int32(status) else {
      summary.records[index].ending = .replaced
      return number
    }
    summary.records[index].ending = code & 0x7f == 0 ? .exited((code >> 8) & 0xff) : .signaled(code & 0x7f)
    summary.records[index].cpuSeconds = Double(Self.number(words[2])) / 1e6
    summary.records[index].peakMemoryBytes = Self.number(words[3])
    return number
  }

  private mutating func note(_ record: ExecRecord) {
    summary.total += 1
    let program = record.event.executable
    if summary.counts[program] != nil || summary.counts.count < Self.listed { summary.counts[program, default: 0] += 1 }
    if record.deniedBy != nil { noteDenied(record) }
    guard summary.records.count < watch.recorded else { return }
    open[record.event.number] = summary.records.count
    summary.records.append(record)
  }

  private static func number(_ word: ArraySlice<UInt8>) -> Int { Int(String(decoding: word, as: UTF8.self)) ?? 0 }
}
