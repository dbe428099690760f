import IndexKernel
import Paths

/// What a path says about its file: things that a fix seldom lies in.
struct PathTraits: OptionSet, Sendable, Hashable {
  let rawValue: UInt8

  static let test = PathTraits(rawValue: 1)
  static let docs = PathTraits(rawValue: 2)
  static let example = PathTraits(rawValue: 4)
  static let vendored = PathTraits(rawValue: 8)
  static let generated = PathTraits(rawValue: 16)
  static let data = PathTraits(rawValue: 32)
  static let hidden = PathTraits(rawValue: 64)

  /// The traits of a path.
  static func of(_ path: RepoPath, _ language: Language) -> PathTraits {
    var traits: PathTraits = []
    let spelled = path.components.map { String(decoding: $0, as: UTF8.self) }
    let components = spelled.map { $0.lowercased() }
    for (number, directory) in components.dropLast().enumerated() {
      if let trait = directories[directory] { traits.insert(trait) }
      if directory.hasPrefix(".") { traits.insert(.hidden) }
      if directory.hasSuffix("tests") || directory.hasSuffix("-test") || directory.hasSuffix("_test")
        || directory.hasPrefix("test-") || directory.hasPrefix("test_") || spelled[number].hasSuffix("Test")
        || spelled[number].hasSuffix("Tester")
      {
        traits.insert(.test)
      }
      if directory.hasSuffix("examples") || directory.hasPrefix("benchmark") { traits.insert(.example) }
      // `UnitTests.Net4`, `AppSamples`: by the words that a name is made of.
      for word in words(of: spelled[number]) { if let trait = parts[word] { traits.insert(trait) } }
    }
    guard let name = components.last else { return traits }
    let stem = name.split(separator: ".").first.map(String.init) ?? name
    let original = path.name
    let lower = original.map { $0 &- 0x41 < 26 ? $0 | 0x20 : $0 }
    func holds(_ bytes: [UInt8], _ marks: [[UInt8]]) -> Bool {
      marks.contains { ByteSearch.contains(bytes, $0, in: bytes.indices) }
    }
    if stem.hasPrefix("test_") || stem.hasSuffix("_test") || stem.hasSuffix("_spec") || stem == "conftest"
      || stem.hasSuffix("_tests") || stem.hasSuffix("_unittest") || holds(original, Self.capitalTests)
      || holds(lower, Self.tests)
    {
      traits.insert(.test)
    }
    if holds(original, Self.capitalBenchmarks) || holds(lower, Self.benchmarks) { traits.insert(.example) }
    if holds(lower, Self.generators) || name.hasSuffix("-lock.json") || name.hasSuffix(".lock")
      || name.hasSuffix(".d.ts") || name == "go.sum"
    {
      traits.insert(.generated)
    }
    if name.hasPrefix(".") { traits.insert(.hidden) }
    switch language.name {
    case "markup": traits.insert(.docs)
    case "data": traits.insert(.data)
    case "": traits.insert(.data)
    default: break
    }
    if documents.contains(stem) { traits.insert(.docs) }
    return traits
  }

  /// The words of a name, cut at signs and before capitals, in lower case; none when it is one word.
  private static func words(of name: String) -> [String] {
    var words: [String] = []
    var word: [UInt8] = []
    var previous: UInt8 = 0
    for byte in name.utf8 {
      let isCapital = byte &- 0x41 < 26
      let isLetter = isCapital || byte &- 0x61 < 26
      if !isLetter || isCapital && previous &- 0x61 < 26, !word.isEmpty {
        words.append(String(decoding: word, as: UTF8.self))
        word = []
      }
      if isLetter { word.append(byte | 0x20) }
      previous = byte
    }
    if !word.isEmpty { words.append(String(decoding: word, as: UTF8.self)) }
    return words.count > 1 ? words : []
  }

  private static let parts: [String: PathTraits] = [
    "tests": .test, "testsuite": .test, "specs": .test, "example": .example, "examples": .example,
    "sample": .example, "samples": .example, "demo": .example, "demos": .example, "benchmark": .example,
    "benchmarks": .example,
  ]

  private static let capitalTests = ["Tests.", "Test.", "Spec."].map { Array($0.utf8) }
  private static let tests = [".test.", ".spec.", "-test."].map { Array($0.utf8) }
  private static let capitalBenchmarks = ["Benchmarks.", "Benchmark."].map { Array($0.utf8) }
  private static let benchmarks = ["_bench.", "_benchmark.", "_benchmarks."].map { Array($0.utf8) }
  private static let generators = [".pb.", ".generated.", "_generated.", ".min."].map { Array($0.utf8) }

  private static let documents: Set<String> = [
    "changelog", "changes", "history", "news", "readme", "license", "licence", "copying", "authors", "contributing",
    "00-releasenotes",
  ]

  private static let directories: [String: PathTraits] = [
    "test": .test, "tests": .test, "testing": .test, "__tests__": .test, "spec": .test, "specs": .test, "e2e": .test,
    "testdata": .test, "fixtures": .test, "__snapshots__": .test, "testsuite": .test, "integrationtests": .test,
    "test_suite": .test, "test-suite": .test,
    "doc": .docs, "docs": .docs, "documentation": .docs, "changelog": .docs, "changelogs": .docs, "man": .docs,
    "example": .example, "examples": .example, "sample": .example, "samples": .example, "demo": .example,
    "demos": .example, "bench": .example, "benches": .example, "playground": .example, "tutorial": .example,
    "vendor": .vendored, "vendored": .vendored, "third_party": .vendored, "single_include": .generated,
    "amalgamated": .generated, "amalgamation": .generated, "third-party": .vendored,
    "thirdparty": .vendored, "node_modules": .vendored, "deps": .vendored, "external": .vendored,
    "externals": .vendored, "dist": .generated, "generated": .generated, "gen": .generated, "build": .generated,
  ]
}
