/// Why a command could not be run in the sandbox. Nothing of the command ran then.
public struct SandboxError: Error, Sendable, Hashable, CustomStringConvertible {
  /// What went wrong.
  public var kind: Kind
  /// What happened and where, as a sentence without its full stop.
  public var message: String
  /// What to do about it, where that is known.
  public var hint: String?

  /// What went wrong.
  public enum Kind: String, Sendable, Hashable {
    /// This system offers no sandbox: a kernel or a container that refuses namespaces.
    case unavailable
    /// `codeagent-launch` is not where it belongs.
    case launcherMissing
    /// The kernel refuses this overlay; a ``WorkspaceMount/copy(directory:mountPoint:)`` would do.
    case overlayRefused
    /// A path or value of the command cannot be used.
    case invalidCommand
    /// The working directory does not exist in the view, or cannot be entered.
    case workingDirectory
    /// No such program in the view. A shell would exit with 127.
    case commandNotFound
    /// The program is there and cannot be executed. A shell would exit with 126.
    case commandNotExecutable
    /// Anything else that failed before the command ran.
    case setUpFailed
  }

  /// An error with its text.
  public init(_ kind: Kind, _ message: String, hint: String? = nil) {
    self.kind = kind
    self.message = message
    self.hint = hint
  }

  /// Message and hint.
  public var description: String { hint.map { "\(message): \($0)" } ?? message }
}

extension SandboxError {
  /// What stands in the way of namespaces on this system, as far as the kernel's settings tell.
  static var unavailableHint: String {
    let setting = { (name: String) in smallFile("/proc/sys/\(name)").split(separator: "\n").first.map(String.init) }
    if setting("user/max_user_namespaces") == "0" {
      return "user namespaces are switched off: sysctl user.max_user_namespaces=15000"
    }
    if setting("kernel/unprivileged_userns_clone") == "0" {
      return "user namespaces are root's alone here: sysctl kernel.unprivileged_userns_clone=1"
    }
    if setting("kernel/apparmor_restrict_unprivileged_userns") == "1" {
      return "AppArmor restricts user namespaces: give codeagent-launch a profile that has 'userns', or "
        + "sysctl kernel.apparmor_restrict_unprivileged_userns=0"
    }
    return "a container may have to be started with rights to make namespaces and mounts; codeagent doctor tells more"
  }
}
