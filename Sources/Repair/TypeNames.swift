/// Names that stand for types and packages in compiled languages: no variable's place is theirs, and a patch that puts them
/// there does not compile.
struct TypeNames {
  private let language: Language
  private var packages: Set<String> = []

  init(_ file: SourceFile) {
    language = file.language
    guard language == .go else { return }
    for token in file.tokens.indices where file.tokens[token].kind == .string {
      // Packages are imported by paths, of which the last component is mostly their name.
      let path = file.texts[token].dropFirst().dropLast()
      guard let name = path.split(separator: "/").last.map(String.init) else { continue }
      if token > 0, file.texts[token - 1] == "import" || isInImport(token, file) { packages.insert(name) }
    }
  }

  private func isInImport(_ token: Int, _ file: SourceFile) -> Bool {
    var open = token - 1
    while open > 0, file.tokens[open].kind == .string || file.isName(open) || file.texts[open] == ";" { open -= 1 }
    return open > 0 && file.texts[open] == "(" && file.texts[open - 1] == "import"
  }

  func contains(_ name: String) -> Bool {
    switch language {
    case .go: return packages.contains(name) || Self.go.contains(name)
    case .rust: return Self.rust.contains(name) || isCapitalised(name) && name != "None" && name != "Self"
    case .c, .cpp: return name.hasSuffix("_t") || ["bool", "FILE", "string", "vector", "std"].contains(name)
    case .java, .swift: return isCapitalised(name)
    default: return false
    }
  }

  /// Types are written so by convention; constants have no small letter.
  private func isCapitalised(_ name: String) -> Bool {
    guard let first = name.utf8.first, (0x41...0x5a).contains(first) else { return false }
    return name.utf8.contains { (0x61...0x7a).contains($0) }
  }

  private static let go: Set<String> = [
    "bool", "byte", "complex128", "complex64", "error", "float32", "float64", "int", "int16", "int32", "int64", "int8",
    "rune", "string", "uint", "uint16", "uint32", "uint64", "uint8", "uintptr", "any",
  ]
  private static let rust: Set<String> = [
    "bool", "char", "f32", "f64", "i128", "i16", "i32", "i64", "i8", "isize", "str", "u128", "u16", "u32", "u64", "u8",
    "usize", "std", "core",
  ]
}
