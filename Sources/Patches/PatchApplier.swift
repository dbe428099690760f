public import Paths

/// What a file is after a patch.
public struct FileChange: Sendable, Hashable {
  /// Which file.
  public let path: RepoPath
  /// Its new content; nil when it is gone.
  public let content: [UInt8]?
}

/// Applies hunks to contents in memory.
public enum PatchApplier {
  /// Larger files are refused.
  static let maximumFileSize = 256 << 20

  /// Applies a whole patch, in order, to the files it names. All or nothing: one edit that fails fails the patch.
  /// - Parameter files: the content of every ``requiredPaths(_:)`` that exists.
  /// - Returns: what to write and delete, a path once, in path order.
  /// - Throws: ``PatchError`` with the file and hunk.
  public static func apply(
    _ edits: [FileEdit], files: [RepoPath: [UInt8]]
  ) throws(PatchError) -> [FileChange] {
    var changes: [RepoPath: [UInt8]?] = [:]
    func current(_ path: RepoPath) -> [UInt8]? {
      if let changed = changes[path] { return changed }
      return files[path]
    }
    for edit in edits {
      switch edit {
      case .add(let path, let content): changes.updateValue(content, forKey: path)
      case .delete(let path):
        guard current(path) != nil else {
          throw PatchError(.missingFile, "there is no such file to delete", path: path)
        }
        changes.updateValue(nil, forKey: path)
      case .update(let path, let moveTo, let hunks):
        guard let content = current(path) else {
          throw PatchError(.missingFile, "there is no such file to change", path: path)
        }
        let changed = try apply(hunks, to: content, path: path)
        if let moveTo, moveTo != path {
          changes.updateValue(nil, forKey: path)
          changes.updateValue(changed, forKey: moveTo)
        } else {
          changes.updateValue(changed, forKey: path)
        }
      }
    }
    return changes.map { FileChange(path: $0.key, content: $0.value) }.sorted { $0.path < $1.path }
  }

  /// The files whose content ``apply(_:files:)`` needs, in path order.
  public static func requiredPaths(_ edits: [FileEdit]) -> [RepoPath] {
    var paths: Set<RepoPath> = []
    for edit in edits {
      if case .add = edit { continue }
      paths.insert(edit.path)
    }
    return paths.sorted()
  }

  /// Applies hunks to one content.
  ///
  /// Each hunk is looked for after the one before it: exactly first, then with ever more leniency (line ends, trailing
  /// space, indentation, typographic punctuation). Lines that the patch does not remove keep their bytes; added lines
  /// take the line ends around them, and the indentation where only that differed; whether the file ends with a newline
  /// stays as it was unless the patch says otherwise.
  /// - Parameter path: for messages.
  /// - Throws: ``PatchError``: `notFound` with the nearest place, `overlap`, `unsupported`.
  public static func apply(
    _ hunks: [Hunk], to original: [UInt8], path: RepoPath? = nil
  ) throws(PatchError) -> [UInt8] {
    guard original.count <= maximumFileSize else {
      throw PatchError(.unsupported, "the file is larger than \(maximumFileSize >> 20) MiB", path: path)
    }
    var lines = original.split(separator: 0x0a, omittingEmptySubsequences: false)
    let endsWithNewline = lines.last?.isEmpty == true
    if endsWithNewline { lines.removeLast() }
    var placement = HunkPlacement(lines: lines, endsWithNewline: endsWithNewline)
    var replacements: [Replacement] = []
    for (number, hunk) in hunks.enumerated() {
      do throws(PatchError) {
        replacements.append(try placement.place(hunk))
      } catch {
        var error = error
        error.path = path
        error.hunk = number + 1
        throw error
      }
    }
    guard !replacements.isEmpty else { return original }
    replacements.sort { ($0.range.lowerBound, $0.order) < ($1.range.lowerBound, $1.order) }

    var output: [UInt8] = []
    output.reserveCapacity(original.count + 1024)
    var next = 0
    func copy(to end: Int, isFollowed: Bool) {
      while next < end {
        output.append(contentsOf: isFollowed ? placement.terminated(next) : lines[next])
        output.append(0x0a)
        next += 1
      }
    }
    for replacement in replacements {
      copy(to: replacement.range.lowerBound, isFollowed: !replacement.content.isEmpty)
      output.append(contentsOf: replacement.content)
      next = replacement.range.upperBound
    }
    copy(to: lines.count, isFollowed: false)
    let wanted = hunks.last(where: { $0.endsWithNewline != nil })?.endsWithNewline
    if !(wanted ?? endsWithNewline), output.last == 0x0a { output.removeLast() }
    return output
  }
}

/// The lines that one hunk takes the place of, and what comes instead, each line with its newline.
struct Replacement {
  let range: Range<Int>
  let content: [UInt8]
  /// Keeps insertions at one line in the patch's order.
  let order: Int
}
