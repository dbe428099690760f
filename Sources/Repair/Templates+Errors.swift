import Paths

/// Candidates that answer a failure message directly. They come first.
extension Generator {
  // MARK: - Names that do not exist

  mutating func misspellings() {
    guard !clues.unknownNames.isEmpty || !clues.unknownMembers.isEmpty else { return }
    for index in tokens where file.isName(index) || file.tokens[index].kind == .keyword {
      let text = file.texts[index]
      let isUnknownName = clues.unknownNames.contains(text)
      let isUnknownMember = clues.unknownMembers.contains(text)
      guard isUnknownName || isUnknownMember else { continue }
      for proposal in clues.proposals[text] ?? [] { replace(index, with: proposal, 0.1, .misspelling) }
      let isMember = file.isMember(index)
      var rank = 0
      for other in nearest(to: text, member: isMember) {
        replace(index, with: other, 0.2 + 0.05 * Double(rank), .misspelling)
        rank += 1
      }
      if isUnknownName, !isMember {
        for receiver in ["self", "this", "cls"]
        where scope.contains(receiver) || receiver == "this" && file.language.isScript {
          insert("\(receiver).", at: Int(file.tokens[index].start), 0.3, .misspelling)
        }
        for module in names.imported.prefix(8) where file.language == .python {
          insert("\(module).", at: Int(file.tokens[index].start), 0.6, .misspelling)
        }
        insert("\"", at: Int(file.tokens[index].start), 5, .misspelling)
      }
      if isUnknownMember, isMember, !file.isCalled(index) {
        insert("()", at: Int(file.tokens[index].end), 0.7, .misspelling)
      }
    }
    // A receiver that is a method: `self.items.keys` was meant to be called.
    for index in tokens
    where file.isMember(index) && !file.isCalled(index) && clues.unknownMembers.contains(file.texts[index]) {
      if let start = file.operandStart(endingAt: index - 2, notBefore: statement.first) {
        replace(start...(index - 2), with: file.text(start, index - 2) + "()", 0.8, .misspelling)
      }
    }
  }

  /// Names of the project by their edit distance, the nearest first.
  private func nearest(to wrong: String, member: Bool) -> [String] {
    var candidates = OrderedNames()
    if !member {
      for name in scope { candidates.add(name) }
      for name in names.globals + names.called + names.imported { candidates.add(name) }
    }
    for (index, other) in project.files.enumerated() {
      for function in other.functions { candidates.add(function.name) }
      if member || index == fileIndex {
        for name in project.names[index].plainMembers + project.names[index].calledMembers { candidates.add(name) }
      }
      if !member { for name in project.names[index].globals { candidates.add(name) } }
      for statement in other.statements
      where ["class", "struct", "enum", "interface"].contains(other.texts[statement.first])
        && statement.first < statement.last
      {
        candidates.add(other.texts[statement.first + 1])
      }
    }
    for name in Self.commonNames(file.language) { candidates.add(name) }
    let wrongBytes = Array(wrong.utf8)
    let limit = max(1, wrongBytes.count / 3)
    var scored: [(Int, Int, String)] = []
    for (position, name) in candidates.names.enumerated() where name != wrong && name.utf8.count < 60 {
      let other = Array(name.utf8)
      guard abs(other.count - wrongBytes.count) <= limit + 1 else { continue }
      let distance = Self.distance(wrongBytes, other)
      if distance <= limit { scored.append((distance, position, name)) }
    }
    return scored.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.prefix(8).map(\.2)
  }

  /// Damerau–Levenshtein distance with neighbours exchanged as one step.
  static func distance(_ a: [UInt8], _ b: [UInt8]) -> Int {
    var before = [Int](repeating: 0, count: b.count + 1)
    var last = Array(0...b.count)
    for i in 1...max(a.count, 1) where i <= a.count {
      var current = [i] + [Int](repeating: 0, count: b.count)
      for j in 1...max(b.count, 1) where j <= b.count {
        let cost = a[i - 1] | 0x20 == b[j - 1] | 0x20 ? 0 : 1
        current[j] = min(last[j] + 1, current[j - 1] + 1, last[j - 1] + cost)
        if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] { current[j] = min(current[j], before[j - 2] + 1) }
      }
      before = last
      last = current
    }
    return last[b.count]
  }

  private static func commonNames(_ language: Language) -> [String] {
    switch language {
    case .python:
      [
        "append", "extend", "insert", "remove", "pop", "clear", "index", "count", "sort", "reverse", "copy", "keys",
        "values", "items", "get", "update", "setdefault", "split", "join", "strip",
        "lower", "upper", "replace", "startswith", "endswith", "format", "find", "isdigit", "isalpha", "isspace", "len",
        "range", "enumerate", "sorted", "reversed", "isinstance", "print", "max", "min",
        "sum", "abs", "any", "all", "zip", "map", "filter", "True", "False", "None", "ValueError", "TypeError",
        "KeyError", "IndexError", "add", "discard", "union",
      ]
    case .javascript, .typescript:
      [
        "length", "push", "pop", "shift", "unshift", "slice", "splice", "indexOf", "includes", "map", "filter",
        "reduce", "forEach", "find", "findIndex", "some", "every", "join", "split", "concat", "reverse",
        "sort", "toString", "toLowerCase", "toUpperCase", "trim", "startsWith", "endsWith", "replace", "keys", "values",
        "entries", "has", "get", "set", "delete", "add", "size", "test", "exec", "match",
        "undefined", "null", "Math", "Number", "String", "Object", "Array", "JSON", "parse", "stringify", "Promise",
        "resolve", "then", "catch", "console", "isArray", "padStart", "repeat", "flat", "charCodeAt",
      ]
    case .c, .cpp:
      [
        "strlen", "strcmp", "strcpy", "malloc", "free", "printf", "memcpy", "memset", "NULL", "isdigit", "isspace",
        "isalpha", "tolower", "size", "push_back", "begin", "end",
      ]
    case .swift:
      [
        "count", "append", "isEmpty", "first", "last", "map", "filter", "reduce", "contains", "sorted", "reversed",
        "joined", "split", "index", "remove", "insert", "max", "min", "abs",
      ]
    case .rust:
      [
        "len", "push", "pop", "iter", "map", "filter", "collect", "unwrap", "clone", "is_empty", "contains", "insert",
        "remove", "get", "to_string", "chars", "bytes", "sum", "abs", "min", "max",
      ]
    case .java:
      [
        "length", "size", "add", "get", "put", "remove", "contains", "containsKey", "isEmpty", "equals", "substring",
        "charAt", "indexOf", "toString", "toLowerCase", "trim", "split",
      ]
    default: []
    }
  }

  // MARK: - Imports

  mutating func missingImports() {
    guard !clues.unknownNames.isEmpty, statement.parent < 0, isFirstCode else { return }
    let offset = file.lineStarts[file.lines[statement.first] - 1]
    for name in clues.unknownNames.prefix(6) where file.texts.contains(name) && !names.imported.contains(name) {
      // As other files of the project do it.
      for (index, other) in project.files.enumerated() where index != fileIndex && other.language == file.language {
        for statement in other.statements
        where ["import", "from", "use", "using", "const"].contains(other.texts[statement.first]) {
          guard (statement.first...statement.last).contains(where: { other.texts[$0] == name }) else { continue }
          if other.texts[statement.first] == "const",
            !(statement.first...statement.last).contains(where: { other.texts[$0] == "require" })
          {
            continue
          }
          insert(
            other.text(statement.first, statement.last) + other.language.terminator + file.newline, at: offset, 0.3,
            .importAdded)
        }
        if file.language == .python,
          other.functions.contains(where: { $0.name == name && other.statements[$0.header].parent < 0 })
            || other.statements.contains(where: {
              other.texts[$0.first] == "class" && $0.first < $0.last && other.texts[$0.first + 1] == name
            })
            || project.names[index].globals.contains(name)
        {
          for module in modulePaths(other) {
            insert("from \(module) import \(name)\(file.newline)", at: offset, 0.4, .importAdded)
          }
        }
      }
      guard file.language == .python else { continue }
      insert("import \(name)\(file.newline)", at: offset, Self.standardModules.contains(name) ? 0.2 : 1.2, .importAdded)
      for (module, members) in Self.standardMembers where members.contains(name) {
        insert("from \(module) import \(name)\(file.newline)", at: offset, 0.2, .importAdded)
      }
    }
  }

  private var isFirstCode: Bool {
    // The first statement that is no docstring and no import from the future.
    let index = file.statements.firstIndex { statement in
      file.tokens[statement.first].kind != .string && file.tokens[statement.first].kind != .directive
        && !(statement.last > statement.first && file.texts[statement.first + 1] == "__future__")
    }
    return index == statementIndex
  }

  private func modulePaths(_ other: SourceFile) -> [String] {
    let parts = other.path.components.map { String(decoding: $0, as: UTF8.self) }
    guard let last = parts.last, let dot = last.firstIndex(of: ".") else { return [] }
    let module = String(last[..<dot])
    var result: [String] = []
    if other.path.parent == file.path.parent {
      let inPackage = project.files.contains {
        $0.path.parent == file.path.parent && $0.path.name == Array("__init__.py".utf8)
      }
      if inPackage { result.append(".\(module)") }
      result.append(module)
    }
    for start in 0..<min(parts.count - 1, 3) {
      result.append((parts[start..<(parts.count - 1)] + [module]).joined(separator: "."))
    }
    return result
  }

  private static let standardModules: Set<String> = [
    "math", "re", "os", "sys", "json", "time", "datetime", "random", "collections", "itertools", "functools", "string",
    "copy", "operator", "heapq", "bisect", "decimal", "fractions", "statistics", "io",
    "pathlib", "typing", "logging", "unicodedata", "textwrap", "types", "inspect", "warnings", "struct", "hashlib",
    "base64", "calendar", "csv", "shutil", "subprocess", "tempfile", "threading", "uuid",
  ]
  private static let standardMembers: [(String, Set<String>)] = [
    ("collections", ["defaultdict", "Counter", "OrderedDict", "deque", "namedtuple", "ChainMap"]),
    ("functools", ["reduce", "partial", "wraps", "lru_cache", "cmp_to_key", "cached_property"]),
    (
      "itertools",
      [
        "chain", "product", "permutations", "combinations", "islice", "groupby", "zip_longest", "accumulate",
        "takewhile", "dropwhile", "count", "cycle", "repeat",
      ]
    ),
    ("datetime", ["datetime", "timedelta", "date", "timezone"]), ("decimal", ["Decimal"]), ("fractions", ["Fraction"]),
    ("pathlib", ["Path"]), ("copy", ["deepcopy", "copy"]),
    ("math", ["sqrt", "ceil", "floor", "gcd", "log", "pi", "inf", "isclose", "hypot", "prod"]),
    ("operator", ["itemgetter", "attrgetter", "mul"]), ("heapq", ["heappush", "heappop", "heapify"]),
    ("bisect", ["bisect_left", "bisect_right", "insort"]), ("dataclasses", ["dataclass", "field"]),
    ("enum", ["Enum", "auto"]), ("abc", ["ABC", "abstractmethod"]), ("contextlib", ["contextmanager", "suppress"]),
    ("typing", ["List", "Dict", "Optional", "Any", "Union", "Tuple", "Iterable", "Callable", "Sequence"]),
    ("string", ["ascii_lowercase", "ascii_uppercase", "ascii_letters", "digits", "punctuation"]),
  ]

  // MARK: - Punctuation that a compiler misses

  mutating func punctuation() {
    guard clues.traits.contains(.syntax) else { return }
    brackets()
    let end = Int(file.tokens[statement.last].end)
    if file.language == .python {
      let first = file.texts[statement.first]
      if ["if", "elif", "else", "for", "while", "def", "class", "with", "try", "except", "finally"].contains(first),
        file.texts[statement.last] != ":"
      {
        insert(":", at: end, 0.1, .punctuation)
      }
      for index in tokens where file.texts[index] == "=" && ["if", "elif", "while"].contains(first) {
        replace(index, with: "==", 0.2, .punctuation)
      }
      let line = file.lines[statement.first]
      let own = file.indentation(ofLine: line)
      let start = file.lineStarts[line - 1]
      var levels = OrderedNames()
      for near in max(1, line - 6)...min(file.lineStarts.count, line + 3) { levels.add(file.indentation(ofLine: near)) }
      for level in levels.names where level != own { emit(start..<(start + own.utf8.count), level, 0.6, .punctuation) }
    } else if statement.terminator == nil, !statement.isHeader, !file.language.terminator.isEmpty {
      insert(";", at: end, 0.1, .punctuation)
    }
  }

  /// Closes what was opened and not closed, on the same line, and takes away what closes nothing.
  private mutating func brackets() {
    for index in tokens where file.match[index] < 0 {
      switch file.tokens[index].kind {
      case .open:
        guard let closing = ["(": ")", "[": "]", "{": "}"][file.texts[index]] else { continue }
        let line = tokens.filter { $0 > index && file.lines[$0] == file.lines[index] }
        for token in [index] + line {
          // Mostly the end is where it was forgotten, or before the colon there.
          let isEnd = token == line.last || token + 1 == line.last
          insert(closing, at: Int(file.tokens[token].end), isEnd ? 0.2 : 0.6, .punctuation)
        }
      case .close: remove(index...index, 0.2, .punctuation)
      default: continue
      }
    }
  }

  // MARK: - Values in messages

  mutating func literalsFromFailures() {
    for difference in clues.differences.prefix(12) {
      let core = difference.core
      guard core.actual.utf8.count < 80, core.expected.utf8.count < 80 else { continue }
      for index in tokens {
        let text = file.texts[index]
        switch file.tokens[index].kind {
        case .string where text.utf8.count > 2 && text.utf8.count < 400:
          if !core.actual.isEmpty, let range = text.dropFirst().dropLast().firstRange(of: core.actual) {
            let cost = core.actual.utf8.count > 1 ? 0.6 : 1.1
            replace(
              index, with: String(text[..<range.lowerBound]) + core.expected + String(text[range.upperBound...]), cost,
              .literal, everywhere: false)
          } else if core.actual.isEmpty, !core.expected.isEmpty {
            if let quote = text.last {
              replace(index, with: text.dropLast() + core.expected + String(quote), 1.3, .literal, everywhere: false)
            }
            if let quote = text.first, quote == text.last {
              replace(index, with: String(quote) + core.expected + text.dropFirst(), 1.4, .literal, everywhere: false)
            }
          }
        case .number:
          if text == core.actual, core.expected.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == 0x2e }),
            !core.expected.isEmpty
          {
            replace(index, with: core.expected, 0.7, .literal, everywhere: false)
          }
        default: break
        }
      }
    }
  }
}
