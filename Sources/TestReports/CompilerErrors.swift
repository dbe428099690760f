internal import Paths

/// Finds the errors that compilers print, with their places.
struct CompilerErrors {
  private let root: ProjectRoot
  private(set) var errors: [BuildError] = []

  init(_ lines: [Bytes], root: ProjectRoot) {
    self.root = root
    var index = 0
    while index < lines.count, errors.count < ReportBuilder.maximumErrors {
      let line = lines[index]
      if let error = plain(line) ?? rust(lines, index) ?? maven(line) ?? typescript(line) ?? linker(line) {
        if !errors.contains(error) { errors.append(error) }
      }
      index += 1
    }
  }

  /// `path:10:5: error: message` of clang, gcc, swiftc, javac, kotlinc (which puts `e: ` in front).
  private func plain(_ line: Bytes) -> BuildError? {
    var line = line
    if let rest = line.after(prefix: "e: ") { line = rest.after(prefix: "file://") ?? rest }
    for mark in [": error: ", ": fatal error: ", ": error["] {
      guard let (place, message) = line.cut(at: mark), let location = location(place) else { continue }
      // XCTest prints its failures in the same form.
      if message.contains(" : "), message.prefix(200).text.split(separator: " ").first?.contains(".test") == true {
        return nil
      }
      return BuildError(message: message.text, location: location)
    }
    if line.starts("e: ") || line.starts("*** error"), let location = root.location(prefix: line) {
      return BuildError(message: line.text, location: location)
    }
    return nil
  }

  private func location(_ place: Bytes) -> SourceLocation? {
    let place = place.trimmed
    guard !place.isEmpty, place.count < 4096, !place.contains(" : ") else { return nil }
    return root.location(prefix: place)
  }

  /// `error[E0308]: mismatched types` and below it `  --> src/lib.rs:10:5`.
  private func rust(_ lines: [Bytes], _ index: Int) -> BuildError? {
    let line = lines[index]
    guard line.starts("error[") || line.starts("error: "), index + 1 < lines.count,
      let place = lines[index + 1].trimmed.after(prefix: "--> ")
    else { return nil }
    let message = line.cut(at: ": ")?.after.text ?? line.text
    return BuildError(message: message, location: root.location(prefix: place))
  }

  /// `[ERROR] /p/src/main/java/Foo.java:[10,5] cannot find symbol`.
  private func maven(_ line: Bytes) -> BuildError? {
    guard let rest = line.after(prefix: "[ERROR] "), let (path, after) = rest.cut(at: ":["),
      let (number, tail) = after.leadingNumber, let (_, message) = tail.cut(at: "] ")
    else { return nil }
    return BuildError(message: message.text, location: root.location(path, line: number))
  }

  /// `src/a.ts(10,5): error TS2322: message`.
  private func typescript(_ line: Bytes) -> BuildError? {
    guard let (place, message) = line.cut(at: ": error TS"), let (path, after) = place.cutLast(at: "("),
      let (number, _) = after.leadingNumber
    else { return nil }
    return BuildError(message: "TS" + message.text, location: root.location(path, line: number))
  }

  private func linker(_ line: Bytes) -> BuildError? {
    guard line.contains("undefined reference to `") else { return nil }
    return BuildError(message: line.trimmed.text, location: nil)
  }
}
