import CLibgit2
import Glibc
public import Paths

extension Repository {
  /// Of files that are as the index has them, those whose content on disk may be another than their blob's: a filter (such
  /// as Git LFS), line ends or an encoding are converted on checkout, or git was told not to look (`--assume-unchanged`).
  public func converted(_ entries: [IndexEntry]) -> Set<RepoPath> {
    var result: Set<RepoPath> = []
    for entry in entries where entry.isAssumedUnchanged { result.insert(entry.path) }
    guard let workTree = location.workTree else { return result }
    let convertsText = convertsText
    guard convertsText || hasConversionRules(entries, workTree) else { return result }
    // Each question goes through the files of attributes on the disk: all attributes of a path are asked for at once.
    let owned = ["filter", "working-tree-encoding", "ident", "eol", "text"].map { (name: String) in strdup(name) }
    defer { for name in owned { free(name) } }
    var names = owned.map { name in name.map { UnsafePointer<CChar>($0) } }
    for entry in entries where entry.mode == .regular || entry.mode == .executable {
      if isConverted(entry.path, &names, convertsText) { result.insert(entry.path) }
    }
    return result
  }

  /// Whether the configuration gives text other line ends than the repository's.
  private var convertsText: Bool {
    let all = repository.pointer
    guard
      let configuration = try? Handle(
        "cannot read the configuration", free: git_config_free, { git_repository_config_snapshot(&$0, all) })
    else { return false }
    var value: UnsafePointer<CChar>?
    var flag: Int32 = 0
    if git_config_get_bool(&flag, configuration.pointer, "core.autocrlf") == 0, flag != 0 { return true }
    return git_config_get_string(&value, configuration.pointer, "core.eol") == 0
      && value.map { String(cString: $0).lowercased() == "crlf" } ?? false
  }

  /// Whether any file of attributes speaks of conversion: most do not, and asking for each path takes time.
  private func hasConversionRules(_ entries: [IndexEntry], _ workTree: [UInt8]) -> Bool {
    let name = Array(".gitattributes".utf8)
    var files = entries.filter { $0.path.bytes.last == name.last && $0.path.name == name }.map {
      FileSystem.join(workTree, $0.path.bytes)
    }
    // One that is not tracked counts, too.
    files.append(FileSystem.join(workTree, name))
    files.append(FileSystem.join(location.commonDirectory, "info/attributes"))
    let words = ["filter=", "eol=crlf", "ident", "working-tree-encoding="].map { Array($0.utf8) }
    return files.contains { file in
      guard let content = FileSystem.read(file, limit: 1 << 20) else { return false }
      return words.contains { content.firstRange(of: $0) != nil }
    }
  }

  /// - Parameter names: of filter, encoding, ident, line ends and text.
  private func isConverted(_ path: RepoPath, _ names: inout [UnsafePointer<CChar>?], _ convertsText: Bool) -> Bool {
    var found = [UnsafePointer<CChar>?](repeating: nil, count: names.count)
    let code = FileSystem.terminated(path.bytes) { path in
      git_attr_get_many(&found, repository.pointer, 0, path, names.count, &names)
    }
    guard code == 0 else { return convertsText }
    let kinds = found.map { git_attr_value($0) }
    if kinds[0] == GIT_ATTR_VALUE_STRING || kinds[1] == GIT_ATTR_VALUE_STRING || kinds[2] == GIT_ATTR_VALUE_TRUE {
      return true
    }
    let lineEnd = kinds[3] == GIT_ATTR_VALUE_STRING ? found[3].map { String(cString: $0) } : nil
    return lineEnd == "crlf" || convertsText && kinds[4] != GIT_ATTR_VALUE_FALSE && lineEnd != "lf"
  }
}
