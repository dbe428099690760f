/// Reads what stands before an opening brace.
struct HeaderReader {
  let text: UnsafeBufferPointer<UInt8>
  let tokens: Tokens
  let partner: [Int32]
  let syntax: Syntax

  struct Result {
    var kind: Declaration.Kind
    var isType: Bool
    /// The token with the name; nil for a block that only groups declarations (`extern "C"`).
    var name: Int?
    var nameText: [UInt8]?
    var signature: [UInt8]?
    var scope: [UInt8]?
  }

  /// True for a brace inside a type, such as `): { a: number } {` or `interface{} {`.
  func isLiteral(_ items: [Int], inGroup: Bool) -> Bool {
    guard let last = items.last else { return false }
    switch syntax.family {
    case .script:
      guard items.contains(where: { isWord($0, "function") || isGroup($0) }) else { return false }
      return [UInt8(ascii: ":"), UInt8(ascii: "|"), UInt8(ascii: "&"), UInt8(ascii: "<")].contains(tokens[last].kind)
        && !items.contains { isWord($0, "case") || isWord($0, "default") }
    case .go:
      return (isWord(last, "interface") || isWord(last, "struct"))
        && (items.count == 1 || items.contains { isWord($0, "func") || isWord($0, "map") } || inGroup)
    default: return false
    }
  }

  /// A function that is an expression: `fun area() = a * b` (Kotlin, Scala), `int Area() => a * b;` (C#, Dart).
  func expression(_ items: [Int]) -> Result? {
    if syntax.family == .kotlin {
      guard let mark = items.firstIndex(where: { tokens[$0].kind == UInt8(ascii: "=") }) else { return nil }
      let head = Array(items[..<mark])
      if let place = head.firstIndex(where: { isWord($0, "fun") || isWord($0, "def") }) {
        return place + 1 < head.count ? keyword(head, functions: ["fun", "def"]) : nil
      }
      // `get() = …` of a property.
      guard head.count == 2, isWord(head[0], "get") || isWord(head[0], "set"), isGroup(head[1]) else { return nil }
      return Result(kind: .property, isType: false, name: head[0])
    }
    guard let mark = items.firstIndex(where: { tokens[$0].kind == Token.arrow }), mark > 1 else { return nil }
    let head = Array(items[..<mark])
    guard !head.contains(where: { tokens[$0].kind == UInt8(ascii: "=") || isWord($0, "case") || isWord($0, "return") })
    else { return nil }
    if head.contains(where: isGroup) { return cFunction(head) }
    guard syntax.family == .cSharp || head.contains(where: { isWord($0, "get") }), let name = head.last,
      tokens[name].kind == Token.word
    else { return nil }
    return Result(kind: .property, isType: false, name: name)
  }

  /// Without `template <…>` and macro calls on lines of their own before it.
  private func core(_ items: [Int]) -> [Int] {
    guard syntax.family == .cPlus else { return items }
    var start = 0
    while start < items.count {
      if isWord(items[start], "template") {
        let next = afterGenerics(items, start + 1)
        guard next > start + 1, next < items.count else { break }
        start = next
      } else if start + 2 < items.count, tokens[items[start]].kind == Token.word, isGroup(items[start + 1]),
        tokens[items[start + 2]].kind == Token.word, partner[items[start + 1]] > 0,
        tokens[items[start + 2]].line > tokens[Int(partner[items[start + 1]])].line,
        !["const", "noexcept", "override", "final", "try", "requires"].contains(where: { word in
          bytes(items[start + 2]).elementsEqual(word.utf8)
        })
      {
        start += 2
      } else {
        break
      }
    }
    return start == 0 ? items : Array(items[start...])
  }

  func read(_ items: [Int], inside: BracedScanner.Frame.Kind) -> Result? {
    guard !items.isEmpty else { return nil }
    switch syntax.family {
    case .go: return go(items)
    case .rust: return keyword(items, functions: ["fn"]) ?? rustType(items)
    case .swift: return swift(items)
    case .kotlin: return keyword(items, functions: ["fun", "def"]) ?? type(items)
    case .php: return keyword(items, functions: ["function"]) ?? type(items)
    case .script: return script(items, inside)
    case .shell: return shell(items)
    default:
      let core = core(items)
      return core.isEmpty ? nil : cLike(core, inside)
    }
  }

  // MARK: Parts

  func isWord(_ index: Int, _ word: StaticString) -> Bool { tokens[index].spells(word, in: text) }
  func isGroup(_ index: Int) -> Bool { tokens[index].kind == UInt8(ascii: "(") }

  private func bytes(_ index: Int) -> [UInt8] { Array(text[Int(tokens[index].start)..<Int(tokens[index].end)]) }

  private func signature(_ group: Int) -> [UInt8]? {
    let close = Int(partner[group])
    guard close > group else { return nil }
    return DeclarationScanner.oneLine(text, Int(tokens[group].start), Int(tokens[close].end))
  }

  private func isControl(_ index: Int) -> Bool { Words.control.contains { isWord(index, $0) } }

  /// A keyword followed by a name: `fn name(…)`, `fun <T> Type.name(…)`, `function &name(…)`.
  private func keyword(_ items: [Int], functions: [StaticString]) -> Result? {
    guard let place = items.lastIndex(where: { item in functions.contains { isWord(item, $0) } }) else { return nil }
    if place + 1 < items.count, isWord(items[place + 1], "interface") { return nil }
    guard let group = items[place...].firstIndex(where: isGroup) else {
      // Scala: `def name: Type = {`.
      guard place + 1 < items.count, tokens[items[place + 1]].kind == Token.word else { return nil }
      return Result(kind: .function, isType: false, name: items[place + 1])
    }
    guard
      let name = items[place..<group].last(where: { tokens[$0].kind == Token.word }), name != items[place],
      !items[place..<group].contains(where: { tokens[$0].kind == UInt8(ascii: "=") })
    else {
      // Generic parameters stand before the group in Rust: `fn name<T: Into<X>>(…)`: the word behind the keyword.
      return nil
    }
    let first = items[place + 1]
    let chosen = syntax.family == .kotlin || tokens[first].kind != Token.word ? name : first
    return Result(kind: .function, isType: false, name: chosen, signature: signature(items[group]))
  }

  private static let types: [(StaticString, Declaration.Kind)] = [
    ("class", .class), ("struct", .struct), ("enum", .enum), ("interface", .interface), ("protocol", .interface),
    ("trait", .interface), ("extension", .extension), ("actor", .class), ("namespace", .namespace),
    ("module", .namespace), ("mod", .namespace), ("object", .class), ("union", .struct), ("record", .class),
    ("type", .type),
  ]

  /// `class Name …`.
  private func type(_ items: [Int]) -> Result? {
    for (place, item) in items.enumerated().reversed() where tokens[item].kind == Token.word {
      guard let (_, kind) = Self.types.first(where: { isWord(item, $0.0) }), place + 1 < items.count else { continue }
      // `x.class`, `T: class`.
      if place > 0, tokens[items[place - 1]].kind == UInt8(ascii: ".") { continue }
      var next = place + 1
      while next < items.count, isWord(items[next], "class") || isWord(items[next], "struct") || isGroup(items[next]) {
        next += 1
      }
      guard next < items.count, tokens[items[next]].kind == Token.word else { continue }
      // A dotted or qualified name: the last part; `struct EXPORT Name`: the last word before `:` or the end.
      var name = next
      while name + 1 < items.count {
        let kind = tokens[items[name + 1]].kind
        if kind == UInt8(ascii: ".") || kind == Token.path, name + 2 < items.count,
          tokens[items[name + 2]].kind == Token.word
        {
          name += 2
        } else if kind == Token.word, syntax.family == .c || syntax.family == .cPlus,
          !isWord(items[name + 1], "final")
        {
          name += 1
        } else {
          break
        }
      }
      return Result(kind: kind, isType: true, name: items[name])
    }
    return nil
  }

  private func rustType(_ items: [Int]) -> Result? {
    if let place = items.firstIndex(where: { isWord($0, "impl") }) {
      let rest = items[(place + 1)...]
      let begin = rest.firstIndex { isWord($0, "for") }.map { $0 + 1 } ?? afterGenerics(items, place + 1)
      let end = rest.firstIndex { isWord($0, "where") } ?? items.count
      guard begin < end else { return nil }
      // The last part of the path before its own generic arguments.
      var name: Int?
      for item in items[begin..<end] {
        if tokens[item].kind == Token.word { name = item } else if tokens[item].kind != Token.path { break }
      }
      guard let name else { return nil }
      return Result(kind: .extension, isType: true, name: name)
    }
    return type(items)
  }

  private func afterGenerics(_ items: [Int], _ start: Int) -> Int {
    guard start < items.count, tokens[items[start]].kind == UInt8(ascii: "<") else { return start }
    var depth = 0
    for place in start..<items.count {
      if tokens[items[place]].kind == UInt8(ascii: "<") { depth += 1 }
      if tokens[items[place]].kind == UInt8(ascii: ">") {
        depth -= 1
        if depth == 0 { return place + 1 }
      }
    }
    return items.count
  }

  // MARK: Languages

  private func go(_ items: [Int]) -> Result? {
    if let place = items.lastIndex(where: { isWord($0, "func") }) {
      guard place == 0 else { return nil }
      var next = place + 1
      var scope: [UInt8]?
      if next < items.count, isGroup(items[next]) {
        let close = Int(partner[items[next]])
        if close > 0 {
          // The receiver's type: the last word outside type parameters.
          var depth = 0
          for index in items[next]..<close {
            if tokens[index].kind == UInt8(ascii: "[") { depth += 1 }
            if tokens[index].kind == UInt8(ascii: "]") { depth -= 1 }
            if depth == 0, tokens[index].kind == Token.word { scope = bytes(index) }
          }
        }
        next += 1
      }
      guard next < items.count, tokens[items[next]].kind == Token.word else { return nil }
      let group = items[next...].first(where: isGroup)
      return Result(
        kind: .function, isType: false, name: items[next], signature: group.flatMap(signature), scope: scope)
    }
    guard let last = items.last, isWord(last, "struct") || isWord(last, "interface"),
      let name = items.dropLast().first(where: { tokens[$0].kind == Token.word && !isWord($0, "type") })
    else {
      return nil
    }
    return Result(kind: isWord(last, "struct") ? .struct : .interface, isType: true, name: name)
  }

  private func swift(_ items: [Int]) -> Result? {
    if let place = items.lastIndex(where: {
      isWord($0, "func") || isWord($0, "init") || isWord($0, "subscript") || isWord($0, "deinit")
    }) {
      let item = items[place]
      let isMember = place > 0 && [UInt8(ascii: "."), UInt8(ascii: "=")].contains(tokens[items[place - 1]].kind)
      if !isMember {
        let group = items[place...].first(where: isGroup)
        if isWord(item, "func") {
          guard place + 1 < items.count else { return nil }
          let name = items[place + 1]
          var nameText: [UInt8]?
          if tokens[name].kind != Token.word {
            // An operator: everything up to the parameters.
            guard let group, group > name else { return nil }
            nameText = Array(text[Int(tokens[name].start)..<Int(tokens[group].start)]).filter { $0 > 0x20 }
            if tokens[name].kind == UInt8(ascii: "`"), place + 2 < items.count {
              return Result(
                kind: .function, isType: false, name: items[place + 2],
                signature: group.description.isEmpty ? nil : signature(group))
            }
          }
          return Result(
            kind: .function, isType: false, name: name, nameText: nameText, signature: group.flatMap(signature))
        }
        if isWord(item, "deinit") || group != nil {
          return Result(kind: .function, isType: false, name: item, signature: group.flatMap(signature))
        }
      }
    }
    if let place = items.lastIndex(where: { isWord($0, "var") || isWord($0, "let") }), place + 1 < items.count {
      let rest = items[(place + 1)...]
      guard rest.contains(where: { tokens[$0].kind == UInt8(ascii: ":") }),
        !rest.contains(where: { tokens[$0].kind == UInt8(ascii: "=") }), tokens[items[place + 1]].kind == Token.word,
        !items.contains(where: { isControl($0) })
      else { return nil }
      return Result(kind: .property, isType: false, name: items[place + 1])
    }
    guard
      !items.contains(where: { tokens[$0].kind == UInt8(ascii: "=") }) || items.contains(where: { isWord($0, "where") })
    else { return nil }
    return type(items)
  }

  private func script(_ items: [Int], _ inside: BracedScanner.Frame.Kind) -> Result? {
    if let place = items.lastIndex(where: { isWord($0, "function") }) {
      let group = items[place...].first(where: isGroup)
      if let name = items[(place + 1)...].first(where: { tokens[$0].kind == Token.word }),
        group.map({ name < $0 }) ?? false
      {
        return Result(kind: .function, isType: false, name: name, signature: group.flatMap(signature))
      }
      guard let name = assigned(items[..<place]) else { return nil }
      return Result(kind: .function, isType: false, name: name, signature: group.flatMap(signature))
    }
    if let last = items.last, tokens[last].kind == Token.arrow {
      guard let name = assigned(items.dropLast()) else { return nil }
      let group = items.last(where: isGroup)
      return Result(kind: .function, isType: false, name: name, signature: group.flatMap(signature))
    }
    if let result = type(items), !items.contains(where: { tokens[$0].kind == UInt8(ascii: "=") || isGroup($0) }) {
      return result
    }
    // A method: `name(…) {`, perhaps with `: Type` behind.
    guard inside == .type || inside == .block, let place = items.firstIndex(where: isGroup), place > 0,
      tokens[items[place - 1]].kind == Token.word || tokens[items[place - 1]].kind == UInt8(ascii: ">"),
      !items[..<place].contains(where: { tokens[$0].kind == UInt8(ascii: "=") || tokens[$0].kind == UInt8(ascii: ".") }
      ),
      let name = items[..<place].last(where: { tokens[$0].kind == Token.word }), !isControl(name),
      !items[..<place].contains(where: { isControl($0) && !isWord($0, "async") })
    else { return nil }
    if place + 1 < items.count, tokens[items[place + 1]].kind != UInt8(ascii: ":") { return nil }
    return Result(kind: .function, isType: false, name: name, signature: signature(items[place]))
  }

  /// The name that an anonymous function gets: `name = …`, `name: …`, `const name: Type = …`, `a.b.name = …`.
  private func assigned(_ items: ArraySlice<Int>) -> Int? {
    guard
      let mark = items.firstIndex(where: {
        tokens[$0].kind == UInt8(ascii: "=") || tokens[$0].kind == UInt8(ascii: ":")
      }), mark > items.startIndex, tokens[items[mark - 1]].kind == Token.word, !isControl(items[mark - 1]),
      !isWord(items[mark - 1], "default")
    else { return nil }
    // `a = b(x => {` has a call between; such a header begins inside the group. `x = y ? …` is too rare to matter.
    return items[mark - 1]
  }

  private func shell(_ items: [Int]) -> Result? {
    guard let place = items.lastIndex(where: { tokens[$0].kind == Token.word }) else { return nil }
    let isCall = place + 1 < items.count && isGroup(items[place + 1]) && place + 2 == items.count
    let isKeyword = place > 0 && isWord(items[place - 1], "function")
    guard isCall || isKeyword else { return nil }
    return Result(kind: .function, isType: false, name: items[place])
  }

  private func cLike(_ items: [Int], _ inside: BracedScanner.Frame.Kind) -> Result? {
    if items.contains(where: { isWord($0, "extern") }), let last = items.last, tokens[last].kind == Token.string {
      return Result(kind: .namespace, isType: true, name: nil)
    }
    let isInCode = inside == .function || inside == .block || inside == .group
    if !isInCode, let function = cFunction(items) { return function }
    if items.contains(where: { tokens[$0].kind == UInt8(ascii: "=") || isWord($0, "new") || isControl($0) }) {
      return nil
    }
    if let result = type(items) { return result }
    if isWord(items[0], "namespace") { return Result(kind: .namespace, isType: true, name: nil) }
    return nil
  }

  private func cFunction(_ items: [Int]) -> Result? {
    for place in items.indices where place > 0 && isGroup(items[place]) {
      let before = items[place - 1]
      var nameText: [UInt8]?
      if tokens[before].kind != Token.word {
        // `operator==(…)`.
        guard let word = items[..<place].lastIndex(where: { isWord($0, "operator") }), place - word <= 4 else {
          continue
        }
        nameText = Array(text[Int(tokens[items[word]].start)..<Int(tokens[items[place]].start)]).filter { $0 > 0x20 }
      } else if isControl(before) {
        if isWord(before, "__attribute__") || isWord(before, "alignas") || isWord(before, "__declspec")
          || isWord(before, "decltype") || isWord(before, "throws")
        {
          continue
        }
        return nil
      }
      if items[..<place].contains(where: { tokens[$0].kind == UInt8(ascii: "=") || isWord($0, "new") }),
        nameText == nil
      {
        return nil
      }
      // An annotation or a macro with arguments, followed by the function itself.
      if place >= 2, tokens[items[place - 2]].kind == UInt8(ascii: "@") { continue }
      if items[(place + 1)...].contains(where: isGroup),
        let next = items.indices.first(where: { $0 > place + 1 && isGroup(items[$0]) }), next - place >= 3,
        tokens[items[next - 1]].kind == Token.word, !isControl(items[next - 1]),
        tokens[items[place + 1]].kind == Token.word, !isWord(items[place + 1], "const"),
        !isWord(items[place + 1], "noexcept"), !isWord(items[place + 1], "override"),
        !isWord(items[place + 1], "throws")
      {
        continue
      }
      var scope: [UInt8]?
      if place >= 3, tokens[items[place - 2]].kind == Token.path, tokens[items[place - 3]].kind == Token.word {
        scope = bytes(items[place - 3])
      }
      return Result(
        kind: .function, isType: false, name: before, nameText: nameText, signature: signature(items[place]),
        scope: scope)
    }
    return nil
  }
}
