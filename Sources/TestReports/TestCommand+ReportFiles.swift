extension TestCommand {
  /// Globs of report files that a run writes into the project, relative to its directory; `**` stands for any number of
  /// directories. Files that an earlier run had left are told apart where the plan's shell can.
  public var reportFilePatterns: [String] {
    switch framework {
    case .junit, .tap, .exitStatus:
      return [
        "**/target/surefire-reports/*.xml", "**/target/failsafe-reports/*.xml", "**/build/test-results/**/*.xml",
        "**/TEST-*.xml", "**/junit*.xml", "**/test-results/*.xml", "**/test-reports/*.xml",
      ]
    case .node: return ["**/junit*.xml", "**/test-results/*.xml"]
    case .pytest, .unittest, .swift, .go, .cargo, .ctest: return []
    }
  }
}
