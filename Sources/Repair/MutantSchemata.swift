public import Paths
public import TestReports

/// Many patches in one build: a function, or a block in it, holds its own content and, beside it, the content as each patch
/// has it; a variable of the environment says at run time which of them runs. The method is known as mutant schemata
/// (Untch, Offutt and Harrold, 1993).
///
/// What compiles here need not compile alone, and the other way round: a patch that passes has to pass by itself.
public struct MutantSchemata: Sendable, ComplaintDropping {
  /// Bounds of one build.
  public struct Bounds: Sendable {
    /// The most patches.
    public var patches: Int
    /// The most bytes that all of them add.
    public var bytes: Int
    /// The most bytes that a function may grow by: a method's code has an end in Java.
    public var functionBytes: Int

    /// Bounds of one build.
    public init(patches: Int = 200, bytes: Int = 300_000, functionBytes: Int = 40_000) {
      self.patches = patches
      self.bytes = bytes
      self.functionBytes = functionBytes
    }
  }

  /// The variable that says which patch runs: its position in the list counted from 1; 0 or nothing for the code as it is.
  public static let variable = "CODEAGENT_SWITCH"
  /// The variable with a directory in which programs with patches note how they were started: `PID.cmd`, `.env` and `.status`
  /// as the kernel has them, and lines with the paths of the program and its directory in `.exe` and `.cwd`.
  public static let programs = SwitchRuntime.programs
  /// The variable with the milliseconds after which such a program ends itself.
  public static let limit = SwitchRuntime.limit

  /// Patches in this build, by their position.
  public private(set) var placed: [Int] = []
  /// Patches that change what cannot be switched.
  public private(set) var unplaced: [Int] = []
  /// Patches for which this build has no room.
  public private(set) var later: [Int] = []
  /// Patches of which the compiler said that they do not compile.
  public private(set) var broken: [Int] = []

  /// So many are given up together rather than parted again: each time takes a build.
  private static let fewSuspects = 12

  private let patches: [[TrialEdit]]
  private var files: [RepoPath: SwitchedFile] = [:]
  private var shape: [RepoPath: SwitchedFile.Output] = [:]

  /// Whether files of this name can hold switched blocks.
  public static func permits(_ path: RepoPath) -> Bool { Language(path: path).map(SwitchableBlocks.permits) ?? false }

  /// Puts as many of the patches as fit into one build.
  /// - Parameters:
  ///   - originals: the files that are patched.
  ///   - patches: their edits.
  ///   - wanted: the positions of those that are asked for.
  public init(originals: [RepoPath: [UInt8]], patches: [[TrialEdit]], wanted: [Int], bounds: Bounds = Bounds()) {
    self.patches = patches
    for path in Set(wanted.flatMap { patches[$0].map(\.path) }).sorted() {
      guard let language = Language(path: path), SwitchableBlocks.permits(language), let bytes = originals[path] else {
        continue
      }
      files[path] = SwitchedFile(
        SourceFile(path: path, bytes: bytes, language: language), number: files.count)
    }
    var bytes = 0
    for index in wanted {
      guard let branches = branches(of: patches[index]) else {
        unplaced.append(index)
        continue
      }
      let size = branches.reduce(0) { $0 + $1.text.count }
      let fits = branches.allSatisfy {
        (files[$0.path]?.growth(around: $0.block) ?? 0) + $0.text.count <= bounds.functionBytes
      }
      guard placed.count < bounds.patches, bytes + size <= bounds.bytes, fits else {
        // What is too large by itself would be for ever.
        if placed.isEmpty { unplaced.append(index) } else { later.append(index) }
        continue
      }
      bytes += size
      placed.append(index)
      for branch in branches { files[branch.path]?.add(branch.text, number: index + 1, to: branch.block) }
    }
    render()
  }

  /// The number that ``variable`` has for a patch.
  public func number(of patch: Int) -> Int { patch + 1 }

  /// The files as they are built.
  public var contents: [RepoPath: [UInt8]] { shape.mapValues(\.bytes) }

  private struct Branch {
    var path: RepoPath
    var block: Int
    var text: [UInt8]
  }

  /// The contents of blocks with a patch's edits; nil when one cannot be switched.
  private func branches(of edits: [TrialEdit]) -> [Branch]? {
    var result: [Branch] = []
    for (path, edits) in Dictionary(grouping: edits, by: \.path) {
      guard let file = files[path]?.blocks else { return nil }
      var blocks: Set<Int> = []
      for edit in edits {
        guard let block = file.smallest(around: edit.range) else { return nil }
        blocks.insert(file.leavesLess(edit.range, edit.text, block) ? file.body(around: block) ?? block : block)
      }
      // Of blocks within each other the outermost.
      blocks = blocks.filter { inner in
        !blocks.contains {
          $0 != inner && file.blocks[$0].content.lowerBound <= file.blocks[inner].content.lowerBound
            && file.blocks[inner].content.upperBound <= file.blocks[$0].content.upperBound
        }
      }
      for index in blocks.sorted() {
        let block = file.blocks[index]
        var text: [UInt8] = []
        var position = block.content.lowerBound
        for edit in edits.sorted(by: {
          ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
        })
        where block.content.lowerBound <= edit.range.lowerBound && edit.range.upperBound <= block.content.upperBound {
          guard edit.range.lowerBound >= position else { return nil }
          text += file.file.bytes[position..<edit.range.lowerBound] + edit.text
          position = edit.range.upperBound
        }
        text += file.file.bytes[position..<block.content.upperBound]
        guard file.fits(text, in: block) else { return nil }
        result.append(Branch(path: path, block: index, text: text))
      }
    }
    return result
  }

  private mutating func render() { shape = files.mapValues { $0.output() } }

  // MARK: - What does not compile

  /// Takes out what a compiler complained of.
  /// - Parameters:
  ///   - output: what the build printed.
  ///   - countingWarnings: whether warnings count as errors: when the build says so.
  /// - Returns: false when nothing was found that can be taken out.
  public mutating func drop(complaints output: [UInt8], countingWarnings: Bool = false) -> Bool {
    var culprits: Set<Int> = []
    var functions: Set<Complaint> = []
    for complaint in Complaint.all(in: output, files: files.keys.map { $0 }, countingWarnings: countingWarnings) {
      guard let shape = shape[complaint.path] else { continue }
      let found = shape.branches.filter { $0.lines.contains(complaint.line) }
      if let branch = found.min(by: { $0.lines.count < $1.lines.count }) {
        culprits.insert(branch.number)
      } else {
        functions.insert(complaint)
      }
    }
    let names = Complaint.undeclared(in: output)
    if !names.isEmpty {
      for patch in placed where patches[patch].contains(where: { isOutOfScope($0, names) }) {
        culprits.insert(number(of: patch))
      }
    }
    // An error in the part that is as it was: one of the branches of that function is the cause.
    if culprits.isEmpty {
      for complaint in functions {
        guard let shape = shape[complaint.path],
          let region = shape.functions.first(where: { $0.lines.contains(complaint.line) })
        else { continue }
        culprits.formUnion(files[complaint.path]?.numbers(ofFunction: region.start) ?? [])
      }
      let suspects = placed.filter { culprits.contains($0 + 1) }
      if suspects.count > Self.fewSuspects {
        // Half of them in another build: the cause is in one of the two.
        let half = Array(suspects[(suspects.count / 2)...])
        later += half
        culprits = Set(half.map { $0 + 1 })
      } else {
        unplaced += suspects
      }
    } else {
      broken += placed.filter { culprits.contains($0 + 1) }
    }
    guard !culprits.isEmpty else { return false }
    placed.removeAll { culprits.contains($0 + 1) }
    for path in files.keys { files[path]?.remove(culprits) }
    render()
    return true
  }

  /// Whether an edit brings a name that is not seen before it in the blocks around it. Of a name that a compiler does not
  /// know, some say so once in a function, however many branches use it.
  private func isOutOfScope(_ edit: TrialEdit, _ names: Set<String>) -> Bool {
    guard let file = files[edit.path]?.blocks.file else { return false }
    let brought = Lexer.tokens(of: edit.text, language: file.language).lazy
      .map { String(decoding: edit.text[$0.range], as: UTF8.self) }.filter(names.contains)
    guard !brought.isEmpty else { return false }
    var unseen = Set(brought)
    var index = file.tokens.lastIndex { Int($0.end) <= edit.range.lowerBound } ?? -1
    let start = file.functions.last { $0.first <= index && index <= $0.last }?.first ?? 0
    while index >= start, !unseen.isEmpty {
      if file.texts[index] == "}", file.match[index] >= 0, file.match[index] < index {
        index = file.match[index] - 1
        continue
      }
      let isOther = file.isMember(index) || index > 0 && ["struct", "union", "enum"].contains(file.texts[index - 1])
      if !isOther { unseen.remove(file.texts[index]) }
      index -= 1
    }
    return !unseen.isEmpty
  }
}
