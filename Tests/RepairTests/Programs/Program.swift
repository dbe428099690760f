import Testing

/// A small correct program with its tests, and the bugs that its history could have had.
struct Program: Sendable, CustomTestStringConvertible {
  enum Runner: Sendable, Hashable {
    case unittest, node, make
    /// pytest with these arguments.
    case pytest(String)
    /// Each file of `test/` alone under node, printing TAP.
    case tap
  }

  var name: String
  var runner: Runner
  /// Files by path relative to the project's directory.
  var files: [String: String]
  var bugs: [Bug]
  var testDescription: String { name }

  /// One bug: a piece of correct text, which occurs once in the file, and what stood there.
  struct Bug: Sendable {
    var name: String
    var file: String
    var correct: String
    var broken: String
  }

  /// The files as they are with the bug in.
  func broken(by bug: Bug) -> [String: String]? {
    guard let source = files[bug.file], let range = source.firstRange(of: bug.correct),
      source[range.upperBound...].firstRange(of: bug.correct) == nil
    else { return nil }
    var result = files
    result[bug.file] = source.replacingCharacters(in: range, with: bug.broken)
    return result
  }

  static let all: [Program] = [
    cache, intervals, arithmetic, settings, ledger, routes, wrapping, versions, emitter, csv, ring, sorting, words,
  ]
}

extension String {
  fileprivate func replacingCharacters(in range: Range<String.Index>, with text: String) -> String {
    String(self[..<range.lowerBound]) + text + String(self[range.upperBound...])
  }
}
