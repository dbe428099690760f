import IndexKernel
import Paths

/// A programming language, as told by a file's name.
struct Language: Sendable, Hashable {
  /// Its name in lower case, such as `swift`; empty when unknown.
  let name: String
  let syntax: Syntax
  /// True for programs, false for prose, data and markup.
  let isCode: Bool
  /// Its definitions are found by Universal Ctags; see ``CtagsLanguage``.
  var isReadByCtags = false

  static let unknown = Language(name: "", syntax: Syntax(.plain), isCode: false)

  /// The names of all languages.
  static let names = Set(bySuffix.values.map(\.name) + byName.values.map(\.name))

  /// The language of a path, by its extension or name.
  static func of(_ path: RepoPath) -> Language {
    let name = path.name
    guard let dot = name.lastIndex(of: UInt8(ascii: ".")), dot > 0 else {
      return byName[String(decoding: name, as: UTF8.self)] ?? unknown
    }
    let suffix = String(decoding: name[(dot + 1)...], as: UTF8.self).lowercased()
    return bySuffix[suffix] ?? unknown
  }

  /// Whether code in another language can use what is declared in this one.
  func isReachable(from other: Language) -> Bool {
    name == other.name || Self.mixed.contains { $0.contains(name) && $0.contains(other.name) }
  }

  /// Languages that call one another.
  private static let mixed: [Set<String>] = [
    ["c", "c++", "swift", "zig", "rust"], ["java", "kotlin", "scala"], ["javascript", "typescript"],
  ]

  private static let bySuffix: [String: Language] = {
    var table: [String: Language] = [:]
    func add(_ name: String, _ family: Syntax.Family, _ suffixes: String, isCode: Bool = true) {
      for suffix in suffixes.split(separator: " ") {
        table[String(suffix)] = Language(
          name: name, syntax: Syntax(family), isCode: isCode, isReadByCtags: CtagsLanguage.all[name] != nil)
      }
    }
    add("python", .python, "py pyi pyx pxd")
    add("c", .c, "c")
    // May be of either language; C is read well enough as C++.
    add("c", .cPlus, "h")
    add("c++", .cPlus, "cc cpp cxx c++ hh hpp hxx inl ipp cu m mm")
    add("java", .java, "java")
    add("c#", .cSharp, "cs")
    add("go", .go, "go")
    add("rust", .rust, "rs")
    add("swift", .swift, "swift")
    add("javascript", .script, "js jsx mjs cjs vue svelte")
    add("typescript", .script, "ts tsx mts cts")
    add("kotlin", .kotlin, "kt kts")
    add("scala", .kotlin, "scala sc groovy gradle")
    add("dart", .java, "dart")
    add("zig", .rust, "zig")
    add("php", .php, "php phtml")
    add("ruby", .ruby, "rb rake gemspec")
    add("lua", .ends, "lua")
    add("elixir", .elixir, "ex exs")
    add("julia", .ends, "jl")
    add("shell", .shell, "sh bash zsh ksh")
    add("perl", .plain, "pl pm")
    add("r", .plain, "r")
    add("haskell", .plain, "hs")
    add("ocaml", .plain, "ml mli")
    add("clojure", .plain, "clj cljs cljc")
    add("erlang", .plain, "erl hrl")
    add("fortran", .plain, "f90 f f95 f03 f08 f77 for")
    add("sql", .plain, "sql")
    add("protobuf", .plain, "proto")
    add("tcl", .plain, "tcl")
    add("viml", .plain, "vim")
    add("awk", .plain, "awk")
    add("elisp", .plain, "el")
    add("nim", .plain, "nim")
    add("verilog", .plain, "v")
    add("systemverilog", .plain, "sv svh")
    add("vhdl", .plain, "vhd vhdl")
    add("cmake", .plain, "cmake")
    // Assembler: its labels are no functions that a name tells apart.
    add("other", .plain, "asm s")
    add("markup", .plain, "md markdown rst adoc txt html htm xml tex org", isCode: false)
    add("data", .plain, "json yaml yml toml ini cfg conf csv tsv lock svg css scss less properties", isCode: false)
    return table
  }()

  private static let byName: [String: Language] = [
    "Makefile": Language(name: "other", syntax: Syntax(.plain), isCode: true),
    "Dockerfile": Language(name: "other", syntax: Syntax(.plain), isCode: true),
    "Rakefile": Language(name: "ruby", syntax: Syntax(.ruby), isCode: true),
  ]
}
