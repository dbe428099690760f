import AuditTrail
import Git
import Glibc
import Sandbox

/// What a run relies on, for its record: versions of libraries, digests of the programs that hold commands.
enum Versions {
  static func known(sandbox: Sandbox) -> [String: String] {
    var versions = ["codeagent": Codeagent.version, "libgit2": Library.version, "sqlite": AuditStore.engineVersion]
    var system = utsname()
    if uname(&system) == 0 {
      versions["kernel"] = withUnsafeBytes(of: &system.release) { bytes in
        String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
      }
    }
    for (name, path) in sandbox.programs {
      guard let bytes = try? ByteInput.read(String(decoding: path, as: UTF8.self)) else { continue }
      versions[name] = "sha256:\(ContentDigest.sha256(bytes))"
    }
    return versions
  }
}
