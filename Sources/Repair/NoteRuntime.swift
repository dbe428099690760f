/// What is added to a file so that the calls in it note which parts run, and for which test: lines of `FILE PART SIZE TEST` in
/// a common file.
///
/// A test is known by its name where it tells it (``LineNotes/test`` in Go, Swift and Java, the thread in Rust), else by what had
/// been printed when the part ran: the size of the file that output goes to.
struct NoteRuntime {
  let language: Language
  /// The file's number.
  let number: Int

  /// What calls begin with.
  var prefix: String {
    switch language {
    case .c, .cpp: "codeagent_\(number)_"
    case .go: "codeagent\(number)"
    case .java, .swift: "Codeagent\(number)."
    default: "codeagent_"
    }
  }

  func call(_ part: Int, isFirst: Bool) -> String {
    switch language {
    case .c, .cpp: "\(prefix)\(isFirst ? "enter" : "note")(\(part)); "
    case .java: "\(prefix)note(\(part), \(isFirst)); "
    default: "\(prefix)note(\(part)); "
    }
  }

  /// The beginning of a file.
  func prelude(parts: Int) -> String {
    guard language == .c || language == .cpp else { return "" }
    return """
      #ifndef CODEAGENT_NOTE_\(number)
      #define CODEAGENT_NOTE_\(number)
      #ifdef __cplusplus
      extern "C" {
      #endif
      extern char *\(prefix)getenv(const char *) __asm__("getenv");
      extern int \(prefix)open(const char *, int, ...) __asm__("open");
      extern long \(prefix)write(int, const void *, unsigned long) __asm__("write");
      extern long \(prefix)lseek(int, long, int) __asm__("lseek");
      extern int \(prefix)setvbuf(void *, char *, int, unsigned long) __asm__("setvbuf");
      extern void *\(prefix)stdout __asm__("stdout");
      #ifdef __cplusplus
      }
      #endif
      static unsigned char \(prefix)seen[\(max(1, parts))];
      static long \(prefix)size;
      static int \(prefix)events = -1, \(prefix)output = -1;
      static void __attribute__((unused)) \(prefix)note(int part) {
      char text[80] = "", *at = text + 80;
      long values[3] = {0, 0, 0};
      int i;
      if (\(prefix)events < 0 || \(prefix)seen[part]) return;
      \(prefix)seen[part] = 1;
      values[0] = \(prefix)size; values[1] = part; values[2] = \(number);
      *--at = 10;
      for (i = 0; i < 3; i++) {
      long value = values[i];
      *--at = ' ';
      do *--at = (char)('0' + value % 10); while (value /= 10);
      }
      if (\(prefix)write(\(prefix)events, at, (unsigned long)(text + 80 - at)) < 0) \(prefix)events = -1;
      }
      static void __attribute__((unused)) \(prefix)enter(int part) {
      long size = \(prefix)output < 0 ? 0 : \(prefix)lseek(\(prefix)output, 0, 2);
      if (size > 0 && size != \(prefix)size) {
      int i;
      for (i = 0; i < \(parts); i++) \(prefix)seen[i] = 0;
      \(prefix)size = size;
      }
      \(prefix)note(part);
      }
      static void __attribute__((constructor(101), used)) \(prefix)begin(void) {
      const char *events = \(prefix)getenv("\(LineNotes.events)"), *output = \(prefix)getenv("\(LineNotes.output)");
      if (events) \(prefix)events = \(prefix)open(events, 525377, 420);
      if (output) \(prefix)output = \(prefix)open(output, 524288);
      if (events) \(prefix)setvbuf(\(prefix)stdout, (char *)0, 1, 0);
      }
      #endif
      #line 1

      """
  }

  /// What follows the package clause of a file in Go.
  var imports: String {
    """
    ; import (codeagentOS\(number) "os"; codeagentSync\(number) "sync"; codeagentText\(number) "strconv")
    """
  }

  /// The end of a file.
  func epilogue(parts: Int) -> String {
    switch language {
    case .go: go(max(1, parts))
    case .java: java(max(1, parts))
    case .rust: rust(max(1, parts))
    case .swift: swift(max(1, parts))
    default: ""
    }
  }

  private func go(_ parts: Int) -> String {
    """

    var (
    \(prefix)lock codeagentSync\(number).Mutex
    \(prefix)last string
    \(prefix)seen [\(parts)]bool
    )
    func \(prefix)note(part int) {
    \(prefix)lock.Lock()
    defer \(prefix)lock.Unlock()
    if test := codeagentOS\(number).Getenv("\(LineNotes.test)"); test != \(prefix)last {
    \(prefix)last = test
    \(prefix)seen = [\(parts)]bool{}
    }
    if \(prefix)seen[part] { return }
    \(prefix)seen[part] = true
    file, err := codeagentOS\(number).OpenFile(codeagentOS\(number).Getenv("\(LineNotes.events)"), codeagentOS\(number).O_WRONLY|codeagentOS\(number).O_APPEND|codeagentOS\(number).O_CREATE, 0o644)
    if err != nil { return }
    _, _ = file.WriteString("\(number) " + codeagentText\(number).Itoa(part) + " 0 " + \(prefix)last + "\\n")
    _ = file.Close()
    }
    func \(prefix)test(name string) { _ = codeagentOS\(number).Setenv("\(LineNotes.test)", name) }

    """
  }

  private func java(_ parts: Int) -> String {
    """

    final class Codeagent\(number) {
    private static boolean[] seen = new boolean[\(parts)];
    private static String last = "";
    private static long size;
    private static final java.io.File OUTPUT = new java.io.File(String.valueOf(System.getenv("\(LineNotes.output)")));
    static synchronized void note(int part, boolean isFirst) {
    if (isFirst) {
    String test = System.getProperty("\(LineNotes.test)", "");
    long now = OUTPUT.length();
    if (now != size || !test.equals(last)) { seen = new boolean[\(parts)]; size = now; last = test; }
    }
    if (seen[part]) return;
    seen[part] = true;
    try (java.io.FileWriter writer = new java.io.FileWriter(String.valueOf(System.getenv("\(LineNotes.events)")), true)) {
    writer.write("\(number) " + part + " " + size + " " + last + "\\n");
    } catch (java.io.IOException ignored) { seen[part] = true; }
    }
    static void test(String name) { System.setProperty("\(LineNotes.test)", name); }
    private Codeagent\(number)() {}
    }

    """
  }

  private func rust(_ parts: Int) -> String {
    """

    #[doc(hidden)] #[allow(warnings)] fn codeagent_note(part: usize) {
    static LAST: ::std::sync::Mutex<::std::string::String> = ::std::sync::Mutex::new(::std::string::String::new());
    ::std::thread_local! { static SEEN: ::std::cell::RefCell<[bool; \(parts)]> = ::std::cell::RefCell::new([false; \(parts)]); }
    let is_new = SEEN.try_with(|seen| seen.try_borrow_mut().map(|mut seen| !::std::mem::replace(&mut seen[part], true)).unwrap_or(false)).unwrap_or(false);
    if !is_new { return; }
    let Ok(mut last) = LAST.lock() else { return };
    if let Some(name) = ::std::thread::current().name() { *last = ::std::string::String::from(name); }
    let Ok(path) = ::std::env::var("\(LineNotes.events)") else { return };
    if let Ok(mut file) = ::std::fs::OpenOptions::new().append(true).create(true).open(path) {
    let _ = ::std::io::Write::write_all(&mut file, ::std::format!("\(number) {part} 0 {last}\\n").as_bytes());
    }
    }

    """
  }

  private func swift(_ parts: Int) -> String {
    """

    @_silgen_name("getenv") private func codeagentGetenv\(number)(_ name: UnsafePointer<CChar>) -> UnsafeMutablePointer<CChar>?
    @_silgen_name("setenv") private func codeagentSetenv\(number)(_ name: UnsafePointer<CChar>, _ value: UnsafePointer<CChar>, _ replaces: Int32) -> Int32
    @_silgen_name("fopen") private func codeagentOpen\(number)(_ name: UnsafePointer<CChar>, _ mode: UnsafePointer<CChar>) -> UnsafeMutableRawPointer?
    @_silgen_name("fputs") private func codeagentPut\(number)(_ text: UnsafePointer<CChar>, _ file: UnsafeMutableRawPointer) -> Int32
    @_silgen_name("fclose") private func codeagentClose\(number)(_ file: UnsafeMutableRawPointer) -> Int32
    private enum Codeagent\(number) {
      nonisolated(unsafe) private static let seen: UnsafeMutablePointer<UInt64> = {
        let seen = UnsafeMutablePointer<UInt64>.allocate(capacity: \(parts + 1))
        seen.initialize(repeating: 0, count: \(parts + 1))
        return seen
      }()
      static func note(_ part: Int) {
        let test = codeagentGetenv\(number)("\(LineNotes.test)")
        var hash: UInt64 = 5381
        if let test {
          var at = test
          while at.pointee != 0 {
            hash = hash &* 33 &+ UInt64(UInt8(bitPattern: at.pointee))
            at += 1
          }
        }
        if seen[\(parts)] != hash {
          seen.update(repeating: 0, count: \(parts))
          seen[\(parts)] = hash
        }
        if seen[part] != 0 { return }
        seen[part] = 1
        guard let name = codeagentGetenv\(number)("\(LineNotes.events)"), let file = codeagentOpen\(number)(name, "a") else { return }
        _ = codeagentPut\(number)("\(number) \\(part) 0 \\(test.map { String(cString: $0) } ?? "")\\n", file)
        _ = codeagentClose\(number)(file)
      }
      static func test(_ name: String) { _ = codeagentSetenv\(number)("\(LineNotes.test)", name, 1) }
    }

    """
  }
}
