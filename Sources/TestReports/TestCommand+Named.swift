public import Paths

extension TestCommand {
  /// The user's own command: its text stays as it is; the tool is recognised from its words and, for wrappers such as
  /// `make`, `npm` or a script, from what these run. A tool that is not recognised counts by exit status.
  /// - Parameters:
  ///   - directory: the project's directory in the checkout, where the command runs.
  ///   - files: the files of the checkout.
  public static func named(_ shell: String, directory: RepoPath, files: some ProjectFiles) -> TestCommand {
    let here = ProjectDirectory(files: files, path: directory)
    let finding = CommandRecognizer(directory: here).framework(of: shell)
    // Tools of one ecosystem share what installs its dependencies.
    func isPython(_ framework: Framework?) -> Bool { framework == .pytest || framework == .unittest }
    let alike = ProjectRecognizer.recognize(files, directory: directory).first {
      $0.directory.isRoot
        && ($0.framework == finding?.framework || isPython($0.framework) && isPython(finding?.framework)
          || $0.framework == .node && finding?.framework == .tap)
    }
    return TestCommand(
      shell: shell, framework: finding?.framework ?? .exitStatus,
      reason: finding.map { "named by the user: \($0.reason)" } ?? "named by the user", setup: alike?.setup)
  }
}
