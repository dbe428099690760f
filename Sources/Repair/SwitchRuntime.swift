/// What is added to a file with many patches: it reads which of them is chosen when the program starts.
///
/// Programs also say how they were started, where ``programs`` names a directory, so that they can be started again for each
/// patch without the tool that built them; and they end by themselves after as many milliseconds as ``limit`` says.
enum SwitchRuntime {
  /// The variable with the directory that programs are noted in: `PID.cmd`, `.env` and `.status` as the kernel has them, and
  /// lines with the paths of the program and its directory in `.exe` and `.cwd`.
  static let programs = "CODEAGENT_PROGRAMS"
  /// The variable with the milliseconds that a program may take.
  static let limit = "CODEAGENT_LIMIT"
  private static let variable = MutantSchemata.variable

  /// The beginning of a file in C or C++. The file's own headers may declare the same functions otherwise, or not at all.
  static func c(_ number: Int) -> String {
    """
    #ifndef CODEAGENT_SWITCH_\(number)
    #define CODEAGENT_SWITCH_\(number)
    #ifdef __cplusplus
    extern "C" {
    #endif
    extern char *codeagent_getenv_\(number)(const char *) __asm__("getenv");
    extern int codeagent_open_\(number)(const char *, int, ...) __asm__("open");
    extern long codeagent_read_\(number)(int, void *, unsigned long) __asm__("read");
    extern long codeagent_write_\(number)(int, const void *, unsigned long) __asm__("write");
    extern int codeagent_close_\(number)(int) __asm__("close");
    extern long codeagent_readlink_\(number)(const char *, char *, unsigned long) __asm__("readlink");
    extern int codeagent_setitimer_\(number)(int, const long *, long *) __asm__("setitimer");
    #ifdef __cplusplus
    }
    #endif
    static int codeagent_switch_\(number);
    static char *codeagent_add_\(number)(char *at, const char *end, const char *text) {
    while (*text && at < end) *at++ = *text++;
    *at = 0;
    return at;
    }
    static void codeagent_note_\(number)(const char *directory, const char *suffix, const char *what, int isLink) {
    char name[1000] = "", bytes[4096] = "";
    char *at = codeagent_add_\(number)(codeagent_add_\(number)(name, name + 900, directory), name + 900, "/");
    long count = codeagent_readlink_\(number)("/proc/self", at, 40);
    int from, to;
    if (count <= 0) return;
    codeagent_add_\(number)(at + count, name + 999, suffix);
    to = codeagent_open_\(number)(name, 577, 420);
    if (to < 0) return;
    if (isLink) {
    count = codeagent_readlink_\(number)(what, bytes, 4095);
    if (count > 0) { bytes[count] = 10; count = codeagent_write_\(number)(to, bytes, (unsigned long)count + 1); }
    } else if ((from = codeagent_open_\(number)(what, 0)) >= 0) {
    while ((count = codeagent_read_\(number)(from, bytes, 4096)) > 0 && codeagent_write_\(number)(to, bytes, (unsigned long)count) > 0) {}
    codeagent_close_\(number)(from);
    }
    codeagent_close_\(number)(to);
    }
    static long codeagent_value_\(number)(const char *at) {
    long value = 0;
    while (at && *at >= '0' && *at <= '9') value = value * 10 + (*at++ - '0');
    return value;
    }
    static void __attribute__((constructor(101), used)) codeagent_choose_\(number)(void) {
    const char *directory = codeagent_getenv_\(number)("\(programs)");
    long limit = codeagent_value_\(number)(codeagent_getenv_\(number)("\(limit)"));
    long timer[4] = {0, 0, 0, 0};
    codeagent_switch_\(number) = (int)codeagent_value_\(number)(codeagent_getenv_\(number)("\(variable)"));
    timer[2] = limit / 1000;
    timer[3] = limit % 1000 * 1000;
    if (limit > 0) codeagent_setitimer_\(number)(0, timer, (long *)0);
    if (!directory || !*directory) return;
    codeagent_note_\(number)(directory, ".exe", "/proc/self/exe", 1);
    codeagent_note_\(number)(directory, ".cwd", "/proc/self/cwd", 1);
    codeagent_note_\(number)(directory, ".env", "/proc/self/environ", 0);
    codeagent_note_\(number)(directory, ".status", "/proc/self/status", 0);
    codeagent_note_\(number)(directory, ".cmd", "/proc/self/cmdline", 0);
    }
    #endif
    #line 1

    """
  }

  /// What follows the package clause of a file in Go.
  static func goImports(_ number: Int) -> String {
    "; import (codeagentOS\(number) \"os\"; codeagentTime\(number) \"time\")"
  }

  /// The end of a file in Go. `go test` deletes its programs when they have run: a second name keeps them.
  static func go(_ number: Int) -> String {
    """

    var codeagentSwitch\(number) = func() int {
    value := func(name string) int {
    value := 0
    for _, digit := range codeagentOS\(number).Getenv(name) { value = value*10 + int(digit-'0') }
    return value
    }
    if limit := value("\(limit)"); limit > 0 {
    codeagentTime\(number).AfterFunc(codeagentTime\(number).Duration(limit)*codeagentTime\(number).Millisecond, func() { codeagentOS\(number).Exit(124) })
    }
    if directory := codeagentOS\(number).Getenv("\(programs)"); directory != "" {
    pid, _ := codeagentOS\(number).Readlink("/proc/self")
    program, _ := codeagentOS\(number).Readlink("/proc/self/exe")
    kept := directory + "/" + pid + ".program"
    _ = codeagentOS\(number).Link(program, kept)
    if _, err := codeagentOS\(number).Stat(kept); err == nil { program = kept }
    _ = codeagentOS\(number).WriteFile(directory+"/"+pid+".exe", []byte(program+"\\n"), 0o644)
    if here, err := codeagentOS\(number).Getwd(); err == nil {
    _ = codeagentOS\(number).WriteFile(directory+"/"+pid+".cwd", []byte(here+"\\n"), 0o644)
    }
    for suffix, from := range map[string]string{".env": "environ", ".status": "status", ".cmd": "cmdline"} {
    if bytes, err := codeagentOS\(number).ReadFile("/proc/self/" + from); err == nil {
    _ = codeagentOS\(number).WriteFile(directory+"/"+pid+suffix, bytes, 0o644)
    }
    }
    }
    return value("\(variable)")
    }()

    """
  }

  /// The end of a file in Java.
  static func java(_ number: Int) -> String {
    """

    final class CodeagentSwitch\(number) {
    static final int CHOSEN = chosen();
    private static int value(String name) { String text = System.getenv(name); return text == null || text.isEmpty() ? 0 : Integer.parseInt(text); }
    private static void note(String directory) throws java.io.IOException {
    String pid = java.nio.file.Files.readSymbolicLink(java.nio.file.Paths.get("/proc/self")).toString();
    for (String[] pair : new String[][] {{".env", "environ"}, {".status", "status"}, {".cmd", "cmdline"}}) {
    java.nio.file.Files.write(java.nio.file.Paths.get(directory, pid + pair[0]), java.nio.file.Files.readAllBytes(java.nio.file.Paths.get("/proc/self/" + pair[1])));
    }
    for (String[] pair : new String[][] {{".exe", "exe"}, {".cwd", "cwd"}}) {
    String path = java.nio.file.Files.readSymbolicLink(java.nio.file.Paths.get("/proc/self/" + pair[1])) + "\\n";
    java.nio.file.Files.write(java.nio.file.Paths.get(directory, pid + pair[0]), path.getBytes());
    }
    }
    private static int chosen() {
    int limit = value("\(limit)");
    if (limit > 0) {
    Thread timer = new Thread(() -> {
    try { Thread.sleep(limit); } catch (InterruptedException stopped) { return; }
    Runtime.getRuntime().halt(124);
    });
    timer.setDaemon(true);
    timer.start();
    }
    String directory = System.getenv("\(programs)");
    if (directory != null && !directory.isEmpty()) {
    try { note(directory); } catch (java.io.IOException ignored) { return value("\(variable)"); }
    }
    return value("\(variable)");
    }
    private CodeagentSwitch\(number)() {}
    }

    """
  }

  /// The end of a file in Rust.
  static let rust = """

    #[doc(hidden)] #[allow(warnings)] fn codeagent_switch() -> u32 {
    static CHOSEN: ::std::sync::OnceLock<u32> = ::std::sync::OnceLock::new();
    fn value(name: &str) -> u64 { ::std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok()).unwrap_or(0) }
    *CHOSEN.get_or_init(|| {
    if let Ok(directory) = ::std::env::var("\(programs)") {
    let start = ::std::format!("{directory}/{}", ::std::process::id());
    for (suffix, name) in [("env", "environ"), ("status", "status"), ("cmd", "cmdline")] {
    if let Ok(bytes) = ::std::fs::read(::std::format!("/proc/self/{name}")) { let _ = ::std::fs::write(::std::format!("{start}.{suffix}"), bytes); }
    }
    for name in ["exe", "cwd"] {
    if let Ok(path) = ::std::fs::read_link(::std::format!("/proc/self/{name}")) { let _ = ::std::fs::write(::std::format!("{start}.{name}"), ::std::format!("{}\\n", path.display())); }
    }
    }
    let limit = value("\(limit)");
    if limit > 0 {
    ::std::thread::spawn(move || { ::std::thread::sleep(::std::time::Duration::from_millis(limit)); ::std::process::exit(124) });
    }
    value("\(variable)") as u32
    })
    }

    """

  /// The end of a file in Swift.
  static func swift(_ number: Int) -> String {
    """

    @_silgen_name("getenv") private func codeagentGetenv\(number)(_ name: UnsafePointer<CChar>) -> UnsafeMutablePointer<CChar>?
    @_silgen_name("fopen") private func codeagentOpen\(number)(_ name: UnsafePointer<CChar>, _ mode: UnsafePointer<CChar>) -> UnsafeMutableRawPointer?
    @_silgen_name("fread") private func codeagentRead\(number)(_ to: UnsafeMutableRawPointer, _ size: Int, _ count: Int, _ file: UnsafeMutableRawPointer) -> Int
    @_silgen_name("fwrite") private func codeagentWrite\(number)(_ from: UnsafeRawPointer, _ size: Int, _ count: Int, _ file: UnsafeMutableRawPointer) -> Int
    @_silgen_name("fclose") private func codeagentClose\(number)(_ file: UnsafeMutableRawPointer) -> Int32
    @_silgen_name("readlink") private func codeagentLink\(number)(_ name: UnsafePointer<CChar>, _ to: UnsafeMutableRawPointer, _ count: Int) -> Int
    @_silgen_name("setitimer") private func codeagentTimer\(number)(_ which: Int32, _ timer: UnsafeRawPointer, _ old: UnsafeRawPointer?) -> Int32
    private enum CodeagentSwitch\(number) {
      static let chosen = choose()
      private static func value(_ name: String) -> Int { codeagentGetenv\(number)(name).flatMap { Int(String(cString: $0)) } ?? 0 }
      private static func link(_ name: String) -> [UInt8] {
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = codeagentLink\(number)(name, &bytes, 4096)
        return [UInt8](bytes.prefix(max(0, count)))
      }
      private static func write(_ name: String, _ bytes: [UInt8]) {
        guard let file = codeagentOpen\(number)(name, "w") else { return }
        _ = codeagentWrite\(number)(bytes, 1, bytes.count, file)
        _ = codeagentClose\(number)(file)
      }
      private static func read(_ name: String) -> [UInt8] {
        guard let file = codeagentOpen\(number)(name, "r") else { return [] }
        var all: [UInt8] = []
        var bytes = [UInt8](repeating: 0, count: 4096)
        while true {
          let count = codeagentRead\(number)(&bytes, 1, 4096, file)
          if count <= 0 { break }
          all += bytes.prefix(count)
        }
        _ = codeagentClose\(number)(file)
        return all
      }
      private static func choose() -> Int {
        let limit = value("\(limit)")
        if limit > 0 { _ = codeagentTimer\(number)(0, [0, 0, limit / 1000, limit % 1000 * 1000], nil) }
        if let directory = codeagentGetenv\(number)("\(programs)") {
          let start = String(cString: directory) + "/" + String(decoding: link("/proc/self"), as: UTF8.self)
          write(start + ".exe", link("/proc/self/exe") + [10])
          write(start + ".cwd", link("/proc/self/cwd") + [10])
          write(start + ".env", read("/proc/self/environ"))
          write(start + ".status", read("/proc/self/status"))
          write(start + ".cmd", read("/proc/self/cmdline"))
        }
        return value("\(variable)")
      }
    }

    """
  }
}
