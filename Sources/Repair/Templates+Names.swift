/// Names: another variable, member or function in the place of one.
extension Generator {
  mutating func namesAndMembers() {
    for index in tokens where file.isName(index) {
      duals(index)
      if FileNames.isLabel(index, file) { continue }
      if file.isMember(index) {
        members(index)
      } else if file.isCalled(index) {
        callees(index)
      } else if !isDeclaration(index) {
        variables(index)
      }
    }
  }

  private func isDeclaration(_ index: Int) -> Bool {
    guard index > 0 else { return false }
    if file.functions.contains(where: { $0.nameToken == index }) { return true }
    if function >= 0, let open = file.functions[function].parameters, file.match[open] > open,
      (open...file.match[open]).contains(index), file.functions[function].header == statementIndex
    {
      return true
    }
    return ["class", "struct", "enum", "def", "import", "as", "interface"].contains(file.texts[index - 1])
  }

  private mutating func variables(_ index: Int) {
    let text = file.texts[index]
    guard text != "self", text != "this", text != "cls" else { return }
    let isTarget =
      index < statement.last && file.texts[index + 1] == "="
      || file.texts[statement.first] == "for" && index == statement.first + 1
    let own = scope
    let crowd = Double(min(own.count, 20)) * 0.02
    for (position, other) in own.prefix(24).enumerated() where other != text && other != "self" && other != "this" {
      var cost = 1.4 + crowd + Double(min(position, 10)) * 0.01
      if alike(text, other) { cost -= 0.3 }
      if isTarget { cost += 0.8 }
      if other.first?.isUppercase != text.first?.isUppercase { cost += 0.8 }
      replace(index, with: other, cost, .name)
    }
    if !isTarget {
      for other in names.globals.prefix(16) where other != text && !own.contains(other) {
        replace(index, with: other, other.first?.isUppercase == text.first?.isUppercase ? 2 : 2.6, .name)
      }
    }
    // `node.key` in the place of `key`: a member of that name of something at hand.
    for other in own.prefix(12) where other != text && other != "self" && other != "this" {
      if names.membersByReceiver[other]?.contains(text) == true {
        replace(index, with: "\(other).\(text)", isTarget ? 2.4 : 1.6, .member, everywhere: false)
      }
    }
    // A local name in the place of the object's member of that name, and the other way round.
    let receiver = file.language == .python ? "self" : "this"
    if let members = names.membersByReceiver[receiver] {
      if members.contains(text) { replace(index, with: "\(receiver).\(text)", 1, .member, everywhere: false) }
      for member in members.prefix(16) where member != text {
        replace(index, with: "\(receiver).\(member)", alike(text, member) ? 1.7 : 2.3, .member, everywhere: false)
      }
    }
  }

  private mutating func members(_ index: Int) {
    let text = file.texts[index]
    let isCalled = file.isCalled(index)
    guard let start = file.operandStart(endingAt: index, notBefore: statement.first), start <= index - 2 else { return }
    let receiver = file.text(start, index - 2)
    let near = names.membersByReceiver[receiver + (isCalled ? "()" : "")] ?? []
    for other in near.prefix(16) where other != text {
      replace(index, with: other, alike(text, other) ? 1.1 : 1.5, .member)
    }
    let far = isCalled ? names.calledMembers : names.plainMembers
    for other in far.prefix(24) where other != text && !near.contains(other) {
      replace(index, with: other, alike(text, other) ? 1.7 : 2.4, .member, everywhere: false)
    }
    // A name of its own, though it is asked of something: of what does not exist, above all.
    let isUnknown = clues.unknownNames.contains(receiver)
    if isCalled, isUnknown || receiver == "self" || receiver == "this",
      isUnknown || scope.contains(text) || file.functions.contains(where: { $0.name == text })
    {
      replace(start...index, with: text, isUnknown ? 0.3 : 1.5, .name)
    }
    if receiver == "self" || receiver == "this", !isCalled {
      let range = start...index
      if function >= 0, names.variables[function].contains(text) { replace(range, with: text, 1.1, .name) }
      for other in scope.prefix(16) where other != text && other != receiver {
        replace(range, with: other, alike(text, other) ? 1.5 : 2.2, .name)
      }
    } else {
      // The receiver itself, and another receiver with the same member.
      for other in scope.prefix(16) where other != receiver && file.language != .go {
        replace(start...(index - 2), with: other, 1.9, .name)
      }
      if !isCalled { replace(start...index, with: receiver, 2.2, .member) }
    }
  }

  private mutating func callees(_ index: Int) {
    let text = file.texts[index]
    for other in names.called.prefix(20) where other != text {
      replace(index, with: other, alike(text, other) ? 1.5 : 2.1, .call, everywhere: false)
    }
    for other in file.functions.prefix(40) where other.name != text && !names.called.contains(other.name) {
      replace(index, with: other.name, alike(text, other.name) ? 1.6 : 2.4, .call, everywhere: false)
    }
  }

  /// Names that begin or end alike are mixed up more easily.
  private func alike(_ left: String, _ right: String) -> Bool {
    let a = Array(left.utf8)
    let b = Array(right.utf8)
    if a.count <= 2, b.count <= 2 { return true }
    var prefix = 0
    while prefix < min(a.count, b.count), a[prefix] == b[prefix] { prefix += 1 }
    var suffix = 0
    while suffix < min(a.count, b.count) - prefix, a[a.count - 1 - suffix] == b[b.count - 1 - suffix] { suffix += 1 }
    return prefix >= 3 || suffix >= 4 || (prefix + suffix) * 2 > max(a.count, b.count)
  }

  // MARK: - Names that come in pairs

  private mutating func duals(_ index: Int) {
    let text = file.texts[index]
    if let others = Self.dualNames[text] {
      let isVariable = !file.isMember(index) && !file.isCalled(index)
      for (position, other) in others.enumerated() where !isVariable || occurs(other) {
        replace(index, with: other, 0.9 + 0.25 * Double(position), .dualName)
      }
    }
    // A pair as part of a longer name counts when that name occurs here.
    guard text.utf8.count > 3, text.utf8.count < 50 else { return }
    for (wrong, right) in Self.dualParts {
      for (from, to) in [(wrong, right), (right, wrong)] {
        guard let range = text.firstRange(of: from) else { continue }
        let other = String(text[..<range.lowerBound]) + to + String(text[range.upperBound...])
        if occurs(other) { replace(index, with: other, 0.9, .dualName) }
      }
    }
  }

  private func occurs(_ name: String) -> Bool {
    scope.contains(name) || names.globals.contains(name) || names.called.contains(name)
      || names.calledMembers.contains(name)
      || names.plainMembers.contains(name) || project.functionsByName[name] != nil
  }

  private static let dualParts: [(String, String)] = [
    ("first", "last"), ("left", "right"), ("start", "end"), ("min", "max"), ("lower", "upper"), ("begin", "end"),
    ("low", "high"),
    ("prev", "next"), ("before", "after"), ("row", "col"), ("width", "height"), ("old", "new"), ("head", "tail"),
    ("top", "bottom"),
    ("source", "target"), ("src", "dst"), ("key", "value"), ("in", "out"), ("open", "close"), ("push", "pop"),
    ("read", "write"),
    ("encode", "decode"), ("add", "remove"), ("inc", "dec"), ("x", "y"), ("rows", "columns"), ("parent", "child"),
    ("expected", "actual"),
  ]

  static let dualNames: [String: [String]] = {
    let groups: [[String]] = [
      ["min", "max"], ["first", "last"], ["left", "right"], ["start", "end", "stop"], ["lower", "upper"],
      ["append", "extend", "add", "insert"],
      ["all", "any"], ["floor", "ceil", "round", "trunc"], ["keys", "values", "items"], ["strip", "lstrip", "rstrip"],
      ["ljust", "rjust", "center"],
      ["startswith", "endswith"], ["startsWith", "endsWith", "includes"], ["find", "rfind", "index"],
      ["split", "rsplit", "splitlines"], ["partition", "rpartition"],
      ["indexOf", "lastIndexOf"], ["push", "unshift", "pop", "shift"], ["pop", "popleft"], ["append", "appendleft"],
      ["some", "every"], ["find", "findIndex", "filter"],
      ["map", "filter", "flatMap", "forEach"], ["slice", "splice", "substring"], ["replace", "replaceAll"],
      ["toLowerCase", "toUpperCase"], ["trimStart", "trimEnd", "trim"],
      ["padStart", "padEnd"], ["Math.min", "Math.max"], ["isalpha", "isalnum", "isdigit", "isspace"],
      ["isdigit", "isdecimal", "isnumeric", "isalnum"], ["sorted", "reversed", "list"],
      ["discard", "remove", "add"], ["update", "setdefault"],
      ["union", "intersection", "difference", "symmetric_difference"], ["issubset", "issuperset"], ["sum", "len"],
      ["int", "float", "round"], ["str", "repr"], ["match", "fullmatch", "search"], ["sin", "cos", "tan"],
      ["asin", "acos"], ["read", "readline", "readlines"], ["dumps", "dump"],
      ["prefix", "suffix"], ["before", "after"], ["next", "prev", "previous"], ["head", "tail"], ["front", "back"],
      ["begin", "end"], ["low", "high"], ["width", "height"],
      ["row", "col", "column"], ["rows", "cols", "columns"], ["x", "y", "z"], ["i", "j", "k"], ["a", "b"], ["n", "m"],
      ["strcmp", "strncmp", "strcasecmp"], ["strchr", "strrchr"], ["strcpy", "strncpy", "strcat"],
      ["isupper", "islower", "isalpha"], ["toupper", "tolower"], ["memcpy", "memmove"], ["malloc", "calloc"],
      ["lower_bound", "upper_bound"], ["push_back", "push_front", "emplace_back"],
      ["pop_back", "pop_front"], ["begin", "rbegin"], ["PI", "E"], ["heappush", "heappop", "heapify"],
      ["nlargest", "nsmallest"], ["bisect_left", "bisect_right", "insort"],
      ["hasPrefix", "hasSuffix", "contains"], ["dropFirst", "dropLast"], ["prefix", "suffix"],
      ["removeFirst", "removeLast"], ["firstIndex", "lastIndex"], ["is_some", "is_none"], ["is_ok", "is_err"],
      ["iter", "iter_mut", "into_iter"], ["saturating_sub", "wrapping_sub", "checked_sub"],
      ["starts_with", "ends_with", "contains"], ["push_str", "push"], ["parseInt", "parseFloat", "Number"],
      ["getElementById", "querySelector"], ["setTimeout", "setInterval"], ["resolve", "reject"],
      ["then", "catch", "finally"], ["shift", "pop"], ["get", "set"], ["has", "get"],
      ["TrimLeft", "TrimRight", "TrimSpace"],
      ["HasPrefix", "HasSuffix", "Contains"], ["Index", "LastIndex"], ["addFirst", "addLast"], ["getFirst", "getLast"],
      ["floorKey", "ceilingKey"], ["lowerKey", "higherKey"], ["floordiv", "mod"],
      ["minutes", "seconds", "hours"], ["true", "false"], ["expandtabs", "replace"], ["isupper", "islower", "istitle"],
      ["capitalize", "title", "upper", "lower"], ["real", "imag"], ["numerator", "denominator"],
      ["getattr", "setattr", "hasattr"], ["isinstance", "issubclass"], ["popitem", "pop"], ["encode", "decode"],
      ["abs", "fabs"], ["rows", "columns"], ["Min", "Max"], ["Floor", "Ceil"], ["ge", "gt"], ["le", "lt"],
    ]
    var table: [String: [String]] = [:]
    for group in groups {
      for name in group {
        for other in group where other != name && table[name]?.contains(other) != true {
          table[name, default: []].append(other)
        }
      }
    }
    return table
  }()
}
