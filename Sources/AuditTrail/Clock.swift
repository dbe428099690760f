import Glibc

/// The clocks that events carry.
enum Clock {
  /// Nanoseconds since 1970, by the wall.
  static func wallTime() -> Int64 { read(CLOCK_REALTIME) }

  /// Nanoseconds since boot, sleep included: for durations, whatever happens to the wall clock.
  static func monotonic() -> Int64 { read(CLOCK_BOOTTIME) }

  /// Which boot of the machine this is; empty where the kernel does not say.
  static let bootID: String = SmallFile.text("/proc/sys/kernel/random/boot_id") ?? ""

  static func sleep(milliseconds: Int) { usleep(UInt32(milliseconds) * 1000) }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
  }
}

/// Files of `/proc`.
enum SmallFile {
  /// The first 4 KiB as text, without white space at the end.
  static func text(_ path: String) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(descriptor, &buffer, buffer.count)
    guard count > 0 else { return nil }
    var end = count
    while end > 0, buffer[end - 1] <= 0x20 { end -= 1 }
    return String(decoding: buffer[..<end], as: UTF8.self)
  }
}
