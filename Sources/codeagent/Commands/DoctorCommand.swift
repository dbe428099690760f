import ArgumentParser
import AuditTrail
import Glibc
import JSON
import Sandbox
import Workspace

/// `codeagent doctor`: tries every promise of the sandbox for real.
struct DoctorCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Try what runs need on this machine, and say what holds.",
    discussion: "Exit code 0 when a run can be sandboxed here, 6 when not.")

  @OptionGroup var output: OutputOptions
  @Flag(help: "Fail when any promise of the sandbox does not hold, the second layers included.") var enforce = false

  mutating func run() async throws {
    let assembly = try Assembly()
    let style = Style(hasColor: TerminalTraits.detect(Environment.current).hasColor)
    var checks: [SandboxCheck] = []
    do {
      checks = try await assembly.sandbox().probe()
    } catch let failure as any ReportableFailure {
      checks.append(SandboxCheck(name: "sandbox", ok: false, detail: failure.sentence))
    }
    checks += await levels()
    checks.append(record(assembly))
    checks.append(tool("ctags", "definitions in Perl, R, SQL and others in the index"))
    checks.append(tool("git", "nothing outside the sandbox; commands inside often want it"))
    for check in checks {
      if output.json {
        Output.write(
          JSONValue.object([
            "v": 1, "name": .string(check.name), "ok": .bool(check.ok), "required": .bool(isRequired(check)),
            "detail": .string(check.detail),
          ]).serialized + [0x0a])
      } else {
        let mark = check.ok ? style.good("✓") : isRequired(check) ? style.bad("✗") : style.warning("•")
        Output.write("  \(mark) \(check.name.padding(to: 26))\(Display.safe(check.detail))\n")
      }
    }
    let holds = !checks.contains { isRequired($0) && !$0.ok }
    if !output.json {
      Output.write(
        holds ? style.good("runs can be sandboxed here") + "\n" : style.bad("no run is possible here") + "\n")
    }
    if !holds { throw ExitStatus(code: 6) }
  }

  /// What only makes runs nicer is told, and does not fail the doctor.
  private func isRequired(_ check: SandboxCheck) -> Bool {
    !Self.tools.contains(check.name) && (enforce || !Self.secondLayers.contains(check.name))
  }

  /// Which levels work here, and what each lacks.
  private func levels() async -> [SandboxCheck] {
    var checks: [SandboxCheck] = []
    for level in SandboxLevel.allCases {
      let lacks = level.lacks.isEmpty ? "" : "; lacks: " + level.lacks.joined(separator: "; ")
      var check = SandboxCheck(name: "level \(level.rawValue)", ok: true, detail: "every promise holds" + lacks)
      do throws(SandboxError) {
        guard let launcher = Sandbox.locateLauncher() else { continue }
        _ = try await Sandbox(launcher: launcher, level: level).assure(watching: false)
      } catch {
        check.ok = false
        check.detail = error.message
      }
      checks.append(check)
    }
    return checks
  }

  private static let tools: Set<String> = ["ctags", "git", "level full", "level container"]
  private static let secondLayers: Set<String> = ["cgroup", "landlock", "exec watch"]

  private func record(_ assembly: Assembly) -> SandboxCheck {
    do {
      let store = try assembly.store()
      let count = try store.runs(limit: 1_000_000).count
      return SandboxCheck(name: "record", ok: true, detail: "writable; \(count) runs")
    } catch {
      return SandboxCheck(name: "record", ok: false, detail: "\(error)")
    }
  }

  private func tool(_ name: String, _ purpose: String) -> SandboxCheck {
    let found = ["/usr/bin/", "/usr/local/bin/", "/bin/"].map { $0 + name }.first { access($0, X_OK) == 0 }
    return SandboxCheck(name: name, ok: found != nil, detail: found ?? "missing: \(purpose)")
  }
}
