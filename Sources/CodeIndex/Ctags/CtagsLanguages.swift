import IndexKernel

/// How Universal Ctags reads a language that our own scanner does not, and what is made of what it says.
struct CtagsLanguage: Sendable {
  /// The ending by which ctags knows the language. Files are handed over under names of ours, never under their own.
  let suffix: String
  /// What its kinds are to us; all others are left out.
  let kinds: [String: Declaration.Kind]
  /// How the last line is found where ctags gives none.
  let extent: Extent
  /// What parts a qualified name.
  let separator: String
  /// Names that it gives by mistake.
  var mistakes: Set<String> = []
  /// Several definitions of a name, one behind another, are one: functions are written as equations.
  var hasClauses = false
  /// How comments begin that fill a line.
  var comment = "#"

  /// How far a definition goes.
  enum Extent: Sendable, Hashable {
    /// To the `}` that stands where it began.
    case braces
    /// As long as lines stand further in than the first; these words go on with it though they do not.
    case layout(continuing: [String])
    /// To the next line that opens a parenthesis where it began.
    case parenthesis
    /// To `end` and the kind, in one word or two; with `bare` to `end` alone, too.
    case keyword(bare: Bool)
    /// To the end of an SQL statement.
    case statement
  }

  /// Options that teach ctags what it lacks. They are the same for all languages, so that one process reads them all.
  static let options = [
    "--langdef=CodeagentNim", "--map-CodeagentNim=+.codeagentnim",
    "--kinddef-CodeagentNim=f,function,functions",
    "--kinddef-CodeagentNim=m,macro,macros", "--kinddef-CodeagentNim=t,type,types",
    "--regex-CodeagentNim=/^[ \t]*(proc|func|method|iterator|converter)[ \t]+([A-Za-z][A-Za-z_0-9]*)/\\2/f/",
    "--regex-CodeagentNim=/^[ \t]*(template|macro)[ \t]+([A-Za-z][A-Za-z_0-9]*)/\\2/m/",
    "--regex-CodeagentNim=/^[ \t]+(type[ \t]+)?([A-Z][A-Za-z_0-9]*)[*]?(\\[[^]]*\\])?[ \t]*(\\{[^}]*\\})?[ \t]*="
      + "[ \t]*((ref|ptr)[ \t]+)?(object|enum|tuple|distinct|concept)/\\2/t/",
    "--kinddef-Clojure=m,macro,macros", "--kinddef-Clojure=t,type,types",
    "--kinddef-Clojure=p,protocol,protocols",
    "--regex-Clojure=/^[ \t]*\\((defn-|defmulti)[ \t]+(\\^[^ \t]+[ \t]+)?([^][ \t(){}\"]+)/\\3/f/",
    "--regex-Clojure=/^[ \t]*\\(defmacro[ \t]+(\\^[^ \t]+[ \t]+)?([^][ \t(){}\"]+)/\\2/m/",
    "--regex-Clojure=/^[ \t]*\\((defrecord|deftype)[ \t]+([^][ \t(){}\"]+)/\\2/t/",
    "--regex-Clojure=/^[ \t]*\\((defprotocol|definterface)[ \t]+([^][ \t(){}\"]+)/\\2/p/",
    "--regex-Haskell=/^class[ \t]+([^=]*=>[ \t]*)?([A-Z][A-Za-z0-9_']*)/\\2/t/",
    // Its own kind of modules knows the first part of their names only.
    "--kinddef-Haskell=n,namespace,namespaces",
    "--regex-Haskell=/^module[ \t]+([A-Z][A-Za-z0-9_'.]*)/\\1/n/", "--kinds-Fortran=+P", "--fields=NFKnesSE-PTr",
    "--extras=-F",
  ]

  /// By the name of ``Language``.
  static let all: [String: CtagsLanguage] = [
    "perl": CtagsLanguage(
      suffix: "pl",
      kinds: [
        "package": .namespace, "subroutine": .function, "class": .class, "method": .method,
        "role": .interface,
      ], extent: .braces, separator: "::"),
    "r": CtagsLanguage(
      suffix: "r",
      kinds: ["function": .function, "class": .class, "method": .method, "generic": .function],
      extent: .braces, separator: "::"),
    "haskell": CtagsLanguage(
      suffix: "hs", kinds: ["namespace": .namespace, "function": .function, "type": .type],
      extent: .layout(continuing: ["where", "then", "else", "|", ")", "]", "}"]), separator: ".",
      mistakes: [
        "class", "instance", "where", "deriving", "import", "infixl", "infixr", "infix", "type",
        "data", "newtype",
      ], hasClauses: true, comment: "--"),
    "ocaml": CtagsLanguage(
      suffix: "ml",
      kinds: [
        "module": .namespace, "function": .function, "method": .method, "class": .class,
        "type": .type,
        "Exception": .type, "val": .function,
      ],
      extent: .layout(continuing: [
        "|", "end", "done", "in", "with", "then", "else", ")", "]", "}", ";;",
      ]),
      separator: ".", comment: "(*"),
    "clojure": CtagsLanguage(
      suffix: "clj",
      kinds: [
        "function": .function, "namespace": .namespace, "macro": .macro, "type": .type,
        "protocol": .interface,
      ],
      extent: .parenthesis, separator: ".", comment: ";"),
    "elisp": CtagsLanguage(
      suffix: "el",
      kinds: [
        "function": .function, "inline": .function, "subst": .function, "macro": .macro,
        "variable": .other,
        "const": .other, "custom": .other, "derivedMode": .function, "minorMode": .function,
        "alias": .function,
        "error": .type,
      ], extent: .parenthesis, separator: "", comment: ";"),
    "erlang": CtagsLanguage(
      suffix: "erl",
      kinds: [
        "function": .function, "macro": .macro, "record": .struct, "type": .type,
        "module": .namespace,
      ],
      extent: .layout(continuing: ["end", ")", "]", "}"]), separator: "", hasClauses: true,
      comment: "%"),
    "fortran": CtagsLanguage(
      suffix: "f90",
      kinds: [
        "function": .function, "subroutine": .function, "module": .namespace,
        "submodule": .namespace,
        "program": .function, "type": .struct, "interface": .interface, "enum": .enum,
      ], extent: .keyword(bare: true), separator: "", comment: "!"),
    "sql": CtagsLanguage(
      suffix: "sql",
      kinds: [
        "function": .function, "procedure": .function, "trigger": .function, "event": .function,
        "package": .namespace, "table": .struct, "view": .type, "domain": .type, "subtype": .type,
      ], extent: .statement, separator: ".", comment: "--"),
    "protobuf": CtagsLanguage(
      suffix: "proto",
      kinds: [
        "package": .namespace, "message": .struct, "group": .struct, "enum": .enum,
        "service": .interface,
        "rpc": .method,
      ], extent: .braces, separator: ".", comment: "//"),
    "tcl": CtagsLanguage(
      suffix: "tcl",
      kinds: ["procedure": .function, "namespace": .namespace, "class": .class, "method": .method],
      extent: .braces, separator: "::"),
    "viml": CtagsLanguage(
      suffix: "vim", kinds: ["function": .function, "command": .macro],
      extent: .layout(continuing: ["end", "\\"]),
      separator: ":", comment: "\""),
    "awk": CtagsLanguage(
      suffix: "awk", kinds: ["function": .function], extent: .braces, separator: ""),
    "cmake": CtagsLanguage(
      suffix: "cmake", kinds: ["function": .function, "macro": .function, "project": .namespace],
      extent: .layout(continuing: [")", "endfunction", "endmacro"]), separator: ""),
    "verilog": CtagsLanguage(
      suffix: "v", kinds: ["module": .type, "function": .function, "task": .function],
      extent: .keyword(bare: false),
      separator: ".", comment: "//"),
    "systemverilog": CtagsLanguage(
      suffix: "sv",
      kinds: [
        "module": .type, "function": .function, "task": .function, "class": .class,
        "ifclass": .interface,
        "interface": .interface, "package": .namespace, "program": .type, "struct": .struct,
        "typedef": .type,
      ], extent: .keyword(bare: false), separator: ".", comment: "//"),
    "vhdl": CtagsLanguage(
      suffix: "vhd",
      kinds: [
        "entity": .interface, "architecture": .type, "package": .namespace, "function": .function,
        "procedure": .function, "process": .function, "record": .struct, "type": .type,
        "subtype": .type,
      ], extent: .keyword(bare: true), separator: ".", comment: "--"),
    "nim": CtagsLanguage(
      suffix: "codeagentnim", kinds: ["function": .function, "macro": .macro, "type": .type],
      extent: .layout(continuing: [")", "]", "}"]), separator: ""),
  ]
}

extension Language {
  /// What analyses are known by: those with definitions by ctags are others than those without. Changes whenever other
  /// definitions are made of what ctags says.
  func key(isRead: Bool) -> String { isRead && isReadByCtags ? name + " ctags-1" : name }

  /// The same, of a file that was read so.
  func key(_ reading: Ctags.Reading?) -> String {
    if case .absent = reading { key(isRead: false) } else { key(isRead: true) }
  }

  /// Whether a key is that of a file whose definitions ctags would have found.
  static func isUnread(key: String) -> Bool { CtagsLanguage.all[key] != nil }
}
