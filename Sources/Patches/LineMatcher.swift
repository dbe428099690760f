/// How exactly lines must agree, from strict to lenient.
enum Exactness: Int, CaseIterable {
  case exact
  case ignoringCarriageReturn
  case ignoringTrailingSpace
  case ignoringSpaceAround
  case ignoringPunctuationForms
}

/// Finds runs of lines in a file.
///
/// Each form of a line is replaced by a number, once; runs of numbers are then found in time linear in the file
/// (Knuth, Morris and Pratt), so that repetitive input cannot make a search quadratic.
struct LineMatcher {
  let lines: [ArraySlice<UInt8>]
  private var forms: [Exactness: [Int32]] = [:]
  private var numbers: [Exactness: [[UInt8]: Int32]] = [:]
  /// What all searches of one patch may cost together, in lines looked at.
  private var budget = 400_000_000

  init(lines: [ArraySlice<UInt8>]) { self.lines = lines }

  /// The first lines at which `pattern` is found within `range`, at one level, in order.
  /// - Parameter limit: the most places to return.
  mutating func places(
    of pattern: [[UInt8]], in range: Range<Int>, _ exactness: Exactness, limit: Int = .max
  ) throws(PatchError) -> [Int] {
    guard !pattern.isEmpty, pattern.count <= range.count else { return [] }
    prepare(exactness)
    guard let file = forms[exactness], let numbers = numbers[exactness] else { return [] }
    var wanted: [Int32] = []
    wanted.reserveCapacity(pattern.count)
    for line in pattern {
      guard let number = numbers[Self.form(line[...], exactness)] else { return [] }
      wanted.append(number)
    }
    guard budget > 0 else { throw PatchError(.unsupported, "the patch needs too many comparisons; split it") }
    var fallback = [Int](repeating: 0, count: wanted.count)
    var matched = 0
    for index in wanted.indices.dropFirst() {
      while matched > 0, wanted[index] != wanted[matched] { matched = fallback[matched - 1] }
      if wanted[index] == wanted[matched] { matched += 1 }
      fallback[index] = matched
    }
    var found: [Int] = []
    matched = 0
    var end = range.upperBound
    for index in range {
      while matched > 0, file[index] != wanted[matched] { matched = fallback[matched - 1] }
      if file[index] == wanted[matched] { matched += 1 }
      if matched == wanted.count {
        found.append(index + 1 - wanted.count)
        if found.count >= limit {
          end = index
          break
        }
        matched = fallback[matched - 1]
      }
    }
    budget -= end - range.lowerBound + pattern.count
    return found
  }

  private mutating func prepare(_ exactness: Exactness) {
    guard forms[exactness] == nil else { return }
    var table: [[UInt8]: Int32] = [:]
    var result: [Int32] = []
    result.reserveCapacity(lines.count)
    for line in lines {
      let form = Self.form(line, exactness)
      if let known = table[form] {
        result.append(known)
      } else {
        let number = Int32(table.count)
        table[form] = number
        result.append(number)
      }
    }
    forms[exactness] = result
    numbers[exactness] = table
  }

  /// The form of a line in which it is compared.
  static func form(_ line: ArraySlice<UInt8>, _ exactness: Exactness) -> [UInt8] {
    switch exactness {
    case .exact: return Array(line)
    case .ignoringCarriageReturn: return Array(line.last == 0x0d ? line.dropLast() : line)
    case .ignoringTrailingSpace:
      var end = line.endIndex
      while end > line.startIndex, PatchText.isSpace(line[end - 1]) { end -= 1 }
      return Array(line[..<end])
    case .ignoringSpaceAround: return Array(PatchText.trimmed(line))
    case .ignoringPunctuationForms:
      if line.allSatisfy({ $0 < 0x80 }) { return Array(PatchText.trimmed(line)) }
      var plain = String.UnicodeScalarView()
      for scalar in String(decoding: line, as: UTF8.self).unicodeScalars { plain.append(asciiLookAlike(scalar)) }
      return Array(PatchText.trimmed(Array(String(plain).utf8)[...]))
    }
  }

  /// Typographic dashes, quotes and spaces as their ASCII look-alikes, which models write instead.
  private static func asciiLookAlike(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
    switch scalar.value {
    case 0x2010...0x2015, 0x2212: "-"
    case 0x2018...0x201b: "'"
    case 0x201c...0x201f: "\""
    case 0x00a0, 0x2002...0x200a, 0x202f, 0x205f, 0x3000: " "
    default: scalar
    }
  }

  /// The place whose lines agree best with `pattern`, for messages; nil for an empty file.
  mutating func nearest(to pattern: [[UInt8]]) -> PatchError.Nearest? {
    guard !lines.isEmpty, !pattern.isEmpty else { return nil }
    prepare(.ignoringPunctuationForms)
    guard let file = forms[.ignoringPunctuationForms], let table = numbers[.ignoringPunctuationForms] else {
      return nil
    }
    // Every line of the pattern votes for the place that it implies. Lines found in too many places say little.
    var positions: [Int32: [Int]] = [:]
    let blank = table[[]]
    for (index, number) in file.enumerated() where number != blank && positions[number, default: []].count < 64 {
      positions[number, default: []].append(index)
    }
    var votes: [Int: Int] = [:]
    let pattern = Array(pattern.prefix(2000))
    for (offset, line) in pattern.enumerated() {
      guard let number = table[Self.form(line[...], .ignoringPunctuationForms)], number != blank else { continue }
      for position in positions[number] ?? [] { votes[position - offset, default: 0] += 1 }
    }
    if let best = votes.max(by: { ($0.value, -$0.key) < ($1.value, -$1.key) }) {
      return describe(pattern, at: best.key, matching: best.value)
    }
    guard let offset = pattern.firstIndex(where: { !Self.form($0[...], .ignoringSpaceAround).isEmpty }),
      let line = mostAlike(pattern[offset])
    else { return nil }
    return describe(pattern, at: line - offset, matching: 0)
  }

  private func describe(_ pattern: [[UInt8]], at start: Int, matching: Int) -> PatchError.Nearest {
    var difference: (line: Int, file: [UInt8]?, patch: [UInt8])?
    for (offset, line) in pattern.enumerated() {
      let index = start + offset
      guard index >= 0 else { continue }
      let text = index < lines.count ? lines[index] : nil
      if let text, Self.form(text, .ignoringPunctuationForms) == Self.form(line[...], .ignoringPunctuationForms) {
        continue
      }
      difference = (index + 1, text.map(Array.init), line)
      break
    }
    return PatchError.Nearest(line: max(start, 0) + 1, matching: matching, firstDifference: difference)
  }

  /// The line that shares most pairs of bytes with `wanted`; nil when none shares half of them.
  private func mostAlike(_ wanted: [UInt8]) -> Int? {
    func pairs(_ line: ArraySlice<UInt8>) -> Set<UInt16> {
      let text = PatchText.trimmed(line).prefix(200)
      return Set(zip(text, text.dropFirst()).map { UInt16($0) << 8 | UInt16($1) })
    }
    let target = pairs(wanted[...])
    guard !target.isEmpty else { return nil }
    var best: (line: Int, score: Double)?
    for (index, line) in lines.prefix(20_000).enumerated() {
      let candidate = pairs(line)
      guard !candidate.isEmpty else { continue }
      let score = 2 * Double(candidate.intersection(target).count) / Double(candidate.count + target.count)
      if score > (best?.score ?? 0.5) { best = (index, score) }
    }
    return best?.line
  }
}
