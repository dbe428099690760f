extension Int {
  /// A number of things as people write it: `1 file`, `2 files`.
  func of(_ noun: String) -> String { "\(self) \(noun)\(self == 1 ? "" : "s")" }
}
