import Paths

/// The sources under repair with their tests, and the names that occur in them.
struct Project: Sendable {
  /// Files that may be patched.
  var files: [SourceFile]
  /// Files of tests: read, never patched.
  var tests: [SourceFile]
  let names: [FileNames]
  /// Functions of the patchable files by name.
  let functionsByName: [String: [(file: Int, function: Int)]]

  init(files: [SourceFile], tests: [SourceFile]) {
    self.files = files
    self.tests = tests
    names = files.map(FileNames.init)
    var byName: [String: [(file: Int, function: Int)]] = [:]
    for (fileIndex, file) in files.enumerated() {
      for (index, function) in file.functions.enumerated() {
        byName[function.name, default: []].append((fileIndex, index))
      }
    }
    functionsByName = byName
  }
}

/// The names of one file by the ways in which they are used, each list in order of first use.
struct FileNames: Sendable {
  /// By function: what is read or written there, parameters first.
  var variables: [[String]]
  /// The token at which each of them is first named.
  var firstUses: [[Int]]
  /// Names bound at the top of the file.
  var globals: [String]
  /// Names that are called without a receiver.
  var called: [String]
  /// Members by the text of their receiver.
  var membersByReceiver: [String: [String]] = [:]
  /// Members that are called, and those that are not.
  var calledMembers: [String]
  var plainMembers: [String]
  /// Tokens by their text and neighbours, for the same edit at every similar place.
  var groups: [[Int]] = []
  /// For each token its group; -1 when it is the only one of its kind.
  var groupOf: [Int] = []
  /// Names of imported modules and of what is imported from them.
  var imported: [String]
  /// The opening brackets of calls by the name that is called.
  var calls: [String: [Int]] = [:]
  /// Functions that are somewhere called with exactly one argument.
  var takesOne: Set<String> = []
  /// Arguments given as `name=value`, as they are written.
  var keywordArguments: [String] = []

  init(_ file: SourceFile) {
    var variables = [OrderedNames](repeating: OrderedNames(), count: file.functions.count)
    var globals = OrderedNames()
    var called = OrderedNames()
    var calledMembers = OrderedNames()
    var plainMembers = OrderedNames()
    var byReceiver: [String: OrderedNames] = [:]
    var imported = OrderedNames()
    var firstUses = [[Int]](repeating: [], count: file.functions.count)
    func add(_ name: String, to function: Int, at token: Int) {
      if variables[function].add(name) { firstUses[function].append(token) }
    }
    for function in file.functions.indices {
      guard let open = file.functions[function].parameters, file.match[open] > open else { continue }
      for element in file.elements(ofBracket: open) {
        if let name = Self.parameterName(element, file) { add(name, to: function, at: element.lowerBound) }
      }
    }
    let types = TypeNames(file)
    for index in file.tokens.indices where file.isName(index) {
      let name = file.texts[index]
      let owner = file.statementOf[index]
      if owner >= 0, ["import", "from", "use", "using", "require"].contains(file.texts[file.statements[owner].first]) {
        imported.add(name)
        continue
      }
      if file.isMember(index) {
        let isCalled = file.isCalled(index)
        if isCalled { calledMembers.add(name) } else { plainMembers.add(name) }
        if index >= 2, file.endsOperand(index - 2), let start = file.operandStart(endingAt: index - 2, notBefore: 0) {
          byReceiver[file.text(start, index - 2) + (isCalled ? "()" : ""), default: OrderedNames()].add(name)
        }
        continue
      }
      if file.isCalled(index) {
        if !file.functions.contains(where: { $0.nameToken == index }) { called.add(name) }
        continue
      }
      let function = file.functionOf[index]
      if function >= 0 {
        if file.functions[function].nameToken != index, !Self.isLabel(index, file), !types.contains(name) {
          add(name, to: function, at: index)
        }
      } else if index + 1 < file.tokens.count, file.texts[index + 1] == "=" {
        globals.add(name)
      }
    }
    var similar: [String: [Int]] = [:]
    for index in file.tokens.indices where file.tokens[index].kind != .open && file.tokens[index].kind != .close {
      similar[Self.similarity(index, file), default: []].append(index)
    }
    groupOf = [Int](repeating: -1, count: file.tokens.count)
    for index in file.tokens.indices where file.tokens[index].kind != .open && file.tokens[index].kind != .close {
      guard groupOf[index] < 0, let group = similar[Self.similarity(index, file)], group.count > 1 else { continue }
      for token in group { groupOf[token] = groups.count }
      groups.append(group)
    }
    var keywords = OrderedNames()
    for open in file.tokens.indices where file.texts[open] == "(" && file.isCall(open) {
      let name = file.texts[open - 1]
      calls[name, default: []].append(open)
      let arguments = file.elements(ofBracket: open)
      if arguments.count == 1 { takesOne.insert(name) }
      guard file.language == .python else { continue }
      for argument in arguments
      where argument.count >= 3 && argument.count < 12 && file.texts[argument.lowerBound + 1] == "=" {
        keywords.add(file.text(argument))
      }
    }
    keywordArguments = keywords.names
    self.variables = variables.map(\.names)
    self.firstUses = firstUses
    self.globals = globals.names
    self.called = called.names
    self.calledMembers = calledMembers.names
    self.plainMembers = plainMembers.names
    membersByReceiver = byReceiver.mapValues(\.names)
    self.imported = imported.names
  }

  private static func similarity(_ index: Int, _ file: SourceFile) -> String {
    let before = index > 0 ? file.texts[index - 1] : ""
    let after = index + 1 < file.tokens.count ? file.texts[index + 1] : ""
    return "\(before) \(file.texts[index]) \(after)"
  }

  /// True for `name` in `f(name=…)`, `{name: …}` and in a type's place.
  static func isLabel(_ index: Int, _ file: SourceFile) -> Bool {
    guard index + 1 < file.tokens.count else { return false }
    let next = file.texts[index + 1]
    let previous = index > 0 ? file.texts[index - 1] : ""
    if next == ":" { return previous == "(" || previous == "," || previous == "{" }
    return next == "=" && (previous == "(" || previous == ",")
  }

  static func parameterName(_ element: ClosedRange<Int>, _ file: SourceFile) -> String? {
    switch file.language {
    case .c, .cpp, .java, .csharp:
      // The name comes last, behind its type.
      return element.reversed().first { file.isName($0) }.map { file.texts[$0] }
    case .swift:
      // `label name: Type`.
      let colon = element.first { file.texts[$0] == ":" } ?? element.upperBound
      return (element.lowerBound..<max(colon, element.lowerBound + 1)).last { file.isName($0) }.map { file.texts[$0] }
    default:
      return element.first { file.isName($0) }.map { file.texts[$0] }
    }
  }
}

/// Names in order of first use, each once.
struct OrderedNames: Sendable {
  private(set) var names: [String] = []
  private var seen: Set<String> = []

  init(_ names: [String] = []) { for name in names { add(name) } }

  /// Adds a name; false when it was there.
  @discardableResult mutating func add(_ name: String) -> Bool {
    guard seen.insert(name).inserted else { return false }
    names.append(name)
    return true
  }
}
