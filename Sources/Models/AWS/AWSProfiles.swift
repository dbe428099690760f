import Glibc

/// The profiles of Amazon's shared files, `~/.aws/config` and `~/.aws/credentials`.
struct AWSProfiles: Sendable {
  /// Members by section of the configuration file: `default`, `profile NAME`, `sso-session NAME`.
  private let configuration: [String: [String: String]]
  /// Members by profile of the credentials file.
  private let secrets: [String: [String: String]]

  /// Reads the files that an environment names, or those in the home directory. A file that is not there is empty.
  init(environment: [String: String], home: String?) {
    func file(_ variable: String, _ usual: String) -> [String: [String: String]] {
      guard let path = environment[variable].flatMap({ $0.isEmpty ? nil : $0 }) ?? home.map({ $0 + "/.aws/" + usual })
      else { return [:] }
      return Self.parse(TextFile.read(path, limit: 1 << 20) ?? "")
    }
    configuration = file("AWS_CONFIG_FILE", "config")
    secrets = file("AWS_SHARED_CREDENTIALS_FILE", "credentials")
  }

  /// What the configuration file says of a profile; nil when neither file has it.
  func profile(_ name: String) -> [String: String]? {
    let section = configuration["profile \(name)"] ?? (name == "default" ? configuration["default"] : nil)
    return section ?? (secrets[name] == nil ? nil : [:])
  }

  /// What the credentials file says of a profile.
  func secrets(_ name: String) -> [String: String] { secrets[name] ?? [:] }

  /// A section that several profiles share to sign on with.
  func session(_ name: String) -> [String: String]? { configuration["sso-session \(name)"] }

  /// Reads the files' form: sections in brackets, `name = value`, comments behind `#` and `;`. Nested members, which are
  /// indented, belong to settings of no interest here.
  static func parse(_ text: String) -> [String: [String: String]] {
    var sections: [String: [String: String]] = [:]
    var section: String?
    for line in text.split(whereSeparator: \.isNewline) {
      if line.first == " " || line.first == "\t" { continue }
      let trimmed = Secret(String(line)).value
      if trimmed.isEmpty || trimmed.hasPrefix("#") || trimmed.hasPrefix(";") { continue }
      if trimmed.hasPrefix("[") {
        let name = trimmed.dropFirst().prefix { $0 != "]" }
        section = name.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        if let section, sections[section] == nil { sections[section] = [:] }
        continue
      }
      guard let section, let equals = trimmed.firstIndex(of: "=") else { continue }
      let name = Secret(String(trimmed[..<equals])).value.lowercased()
      var value = trimmed[trimmed.index(after: equals)...]
      if let comment = value.firstRange(of: " #") ?? value.firstRange(of: " ;") { value = value[..<comment.lowerBound] }
      sections[section]?[name] = Secret(String(value)).value
    }
    return sections
  }
}

/// Small files of text.
enum TextFile {
  /// The file's text; nil when it is not there, larger than `limit` bytes, or no UTF-8.
  static func read(_ path: String, limit: Int) -> String? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      guard count >= 0, bytes.count + count <= limit else { return nil }
      if count == 0 { return String(validating: bytes, as: UTF8.self) }
      bytes += buffer[..<count]
    }
  }

  /// Puts a text in a file's place, readable by its owner alone; false when that cannot be done.
  @discardableResult
  static func replace(_ path: String, with bytes: [UInt8]) -> Bool {
    let temporary = "\(path).\(getpid())"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0o600)
    guard descriptor >= 0 else { return false }
    let isWhole = bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) } == bytes.count
    close(descriptor)
    if isWhole, rename(temporary, path) == 0 { return true }
    unlink(temporary)
    return false
  }
}
