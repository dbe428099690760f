import Paths

/// A patch as lines, and the reading of paths in it.
struct PatchText {
  /// The lines without their endings.
  let lines: [ArraySlice<UInt8>]
  /// Larger patches are refused: nobody reads them.
  static let maximumSize = 16 << 20

  /// Splits at newlines. When every line ends in CR LF, as after a transport that rewrites line ends, the CRs go, too; a
  /// patch of a CRLF file has plain header lines and keeps them.
  init(_ bytes: [UInt8]) throws(PatchError) {
    guard bytes.count <= Self.maximumSize else {
      throw PatchError(.unsupported, "the patch is larger than \(Self.maximumSize >> 20) MiB")
    }
    var lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    let body = lines.dropLast()
    if !body.isEmpty, body.allSatisfy({ $0.last == 0x0d }) {
      lines = lines.map { $0.last == 0x0d ? $0.dropLast() : $0 }
    }
    self.lines = lines
  }

  /// Without ASCII white space at both ends.
  static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    var start = line.startIndex
    var end = line.endIndex
    while start < end, isSpace(line[start]) { start += 1 }
    while end > start, isSpace(line[end - 1]) { end -= 1 }
    return line[start..<end]
  }

  static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0d).contains(byte) }
}

/// How paths in a patch become paths in the repository.
struct PathReader {
  /// The absolute path of the workspace; absolute paths below it are taken as relative.
  let root: [UInt8]?
  /// Where relative paths start.
  let directory: RepoPath

  func path(_ text: ArraySlice<UInt8>, line: Int) throws(PatchError) -> RepoPath {
    let shown = Quoting.quote(Array(text.prefix(300)))
    func refused(_ reason: String) -> PatchError {
      PatchError(.badPath, "\(shown) \(reason)", patchLine: line)
    }
    var bytes = Array(text)
    if bytes.first == 0x22 {
      guard let unquoted = Quoting.unquote(String(decoding: bytes, as: UTF8.self)) else {
        throw refused("is not a well-formed quoted path")
      }
      bytes = unquoted
    }
    guard !bytes.isEmpty else { throw PatchError(.badPath, "a path should be here", patchLine: line) }
    var isAbsolute = false
    if bytes.first == 0x2f {
      guard var root else { throw refused("is an absolute path; give it relative to the workspace") }
      while root.last == 0x2f { root.removeLast() }
      guard bytes.starts(with: root), bytes.count > root.count, bytes[root.count] == 0x2f else {
        throw refused("lies outside the workspace")
      }
      bytes.removeFirst(root.count)
      isAbsolute = true
    }
    // `./a` and `a//b` are harmless spellings; `..` is not.
    let components = bytes.split(separator: 0x2f).filter { !$0.elementsEqual(".".utf8) }
    guard let path = RepoPath(Array(components.joined(separator: [0x2f]))), !path.isRoot else {
      throw refused("is not a path inside the workspace")
    }
    return isAbsolute ? path : directory.joining(path)
  }
}
