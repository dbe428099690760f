import CLibgit2
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
    for entry in entries where entry.mode == .regular || entry.mode == .executable {
      if isConverted(entry.path, convertsText) { result.insert(entry.path) }
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

  private func isConverted(_ path: RepoPath, _ convertsText: Bool) -> Bool {
    func value(_ name: String) -> (kind: git_attr_value_t, text: String) {
      var found: UnsafePointer<CChar>?
      let code = FileSystem.terminated(path.bytes) { git_attr_get(&found, repository.pointer, 0, $0, name) }
      guard code == 0 else { return (GIT_ATTR_VALUE_UNSPECIFIED, "") }
      let kind = git_attr_value(found)
      return (kind, kind == GIT_ATTR_VALUE_STRING ? found.map { String(cString: $0) } ?? "" : "")
    }
    if value("filter").kind == GIT_ATTR_VALUE_STRING || value("working-tree-encoding").kind == GIT_ATTR_VALUE_STRING {
      return true
    }
    if value("ident").kind == GIT_ATTR_VALUE_TRUE || value("eol").text == "crlf" { return true }
    return convertsText && value("text").kind != GIT_ATTR_VALUE_FALSE && value("eol").text != "lf"
  }
}
