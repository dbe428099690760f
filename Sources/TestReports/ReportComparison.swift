internal import Paths

/// What a change did to the tests: two reports of the same command, compared as sets of names.
///
/// Counts prove nothing: a test that was lost and one that was added would cancel out. A build or collection error at the
/// base hides names: those that appear once it is gone count as what the error hid, not as new.
public struct ReportComparison: Sendable, Hashable {
  /// Failing at the base, or hidden there by a build error, and passing now.
  public private(set) var newlyPassing: [String] = []
  /// Failing at the base, or hidden there, and failing now.
  public private(set) var stillFailing: [String] = []
  /// Passing or skipped at the base, failing now.
  public private(set) var newlyFailing: [String] = []
  /// Passing or failing at the base, skipped now.
  public private(set) var newlySkipped: [String] = []
  /// Named at the base, whatever their result, and not at all now.
  public private(set) var missing: [String] = []
  /// Named now, not at the base, and not hidden there.
  public private(set) var added: [String] = []

  /// Compares a report of the base with one of the changed project.
  public init(base: TestReport, after: TestReport) {
    let results = Dictionary(base.tests.map { ($0.name, $0.result) }, uniquingKeysWith: { first, _ in first })
    let seen = Set(after.tests.map(\.name))
    let hidden = HiddenNames(base)
    for test in after.tests {
      let isFailing = test.result == .failed || test.result == .errored
      switch results[test.name] {
      case .failed, .errored:
        if test.result == .passed { newlyPassing.append(test.name) }
        if isFailing { stillFailing.append(test.name) }
        if test.result == .skipped { newlySkipped.append(test.name) }
      case .passed:
        if isFailing { newlyFailing.append(test.name) }
        if test.result == .skipped { newlySkipped.append(test.name) }
      case .skipped:
        if isFailing { newlyFailing.append(test.name) }
      case nil:
        if !hidden.covers(test.name) {
          added.append(test.name)
        } else if test.result == .passed {
          newlyPassing.append(test.name)
        } else if isFailing {
          stillFailing.append(test.name)
        }
      }
    }
    missing = base.tests.map(\.name).filter { !seen.contains($0) }
  }

  /// True when nothing that passed was lost: no test missing, newly failing or newly skipped.
  public var keepsAll: Bool { missing.isEmpty && newlyFailing.isEmpty && newlySkipped.isEmpty }
}

/// Which names a base's build errors may have hidden.
private struct HiddenNames {
  private var prefixes: [String] = []
  private var packages: [String] = []
  private var hidesAll = false

  init(_ base: TestReport) {
    guard !base.buildErrors.isEmpty || base.startFailure != nil else { return }
    if base.tests.isEmpty { hidesAll = true }
    for error in base.buildErrors {
      var isPlaced = false
      if let path = error.location?.path {
        prefixes.append(path.quoted)
        if path.name.suffix(3) == Array(".go".utf8), let directory = path.parent, !directory.isRoot {
          packages.append("/\(directory.quoted).")
          isPlaced = true
        }
      }
      // Python says whose load failed: a module, a file, or the class or module of a setUp.
      let owner = error.message.prefix { $0 != ":" }
      if owner.count < error.message.count {
        if let open = owner.firstIndex(of: "("), owner.hasSuffix(")"),
          owner.hasPrefix("setUp") || owner.hasPrefix("tearDown")
        {
          prefixes.append(String(owner[owner.index(after: open)...].dropLast()))
          isPlaced = true
        } else if !owner.contains(" ") {
          prefixes.append(String(owner))
          isPlaced = owner.hasSuffix(".py") || owner.hasSuffix("js") || owner.hasSuffix("ts") || owner.contains("test")
        }
      }
      // An error in a source file can hide the tests of anything that uses it.
      if !isPlaced { hidesAll = true }
    }
  }

  func covers(_ name: String) -> Bool {
    if hidesAll { return true }
    if packages.contains(where: { name.contains($0) }) { return true }
    return prefixes.contains { prefix in
      guard name.hasPrefix(prefix) else { return false }
      let rest = name.dropFirst(prefix.count)
      return rest.isEmpty || rest.hasPrefix("::") || rest.hasPrefix(".") || rest.hasPrefix("/")
    }
  }
}
