import Agent
import Glibc
import JSON

/// Runs the work of `fix` and `resume`, shows it in the form that was asked for, and turns its end into an exit code.
final class Reporter: Sendable {
  private let console: ConsoleView?
  private let stream: JSONStream?
  private let traits: TerminalTraits

  init(json: Bool) {
    traits = TerminalTraits.detect(Environment.current)
    stream = json ? JSONStream() : nil
    console = json ? nil : ConsoleView(traits: traits)
  }

  /// Hand this to a run.
  var observe: @Sendable (RunNotice) -> Void {
    { [self] notice in
      stream?.show(notice)
      console?.show(notice)
    }
  }

  /// Does the work, shows its end, and throws the exit status.
  func run(
    _ work: @escaping @Sendable () async throws -> (RunResult, [UInt8]?), deliverPatch: ([UInt8]) throws -> Void
  ) async throws {
    let task = Task { try await work() }
    Signals.onStop { task.cancel() }
    let animation = console.map { console in Task { await console.animate() } }
    let outcome = await task.result
    animation?.cancel()
    await animation?.value
    switch outcome {
    case .success(let (result, patch)):
      if let patch {
        do {
          try deliverPatch(patch)
        } catch let failure as any ReportableFailure {
          show(result)
          Exit.say(failure)
          throw ExitStatus(code: 7)
        }
      }
      show(result)
      throw ExitStatus(code: result.outcome.exitCode)
    case .failure(let error):
      throw ExitStatus(code: report(error))
    }
  }

  private func show(_ result: RunResult) {
    observe(.ended(result))
    // A patch on standard output must stay a patch.
    if console != nil { Output.write(Summary.render(result, style: Style(hasColor: traits.hasColor))) }
  }

  /// Says why there is no result; returns the exit code.
  private func report(_ error: any Error) -> Int32 {
    if let signal = Signals.received {
      stream?.emit(
        "run.ended",
        [
          "outcome": "interrupted", "exit_code": .int(Int64(128 + signal)),
          "reason": "stopped by a signal; `codeagent runs list` shows how to go on",
        ])
      if stream == nil { Output.error("codeagent: stopped; go on with `codeagent runs resume last`") }
      return 128 + signal
    }
    if let failure = error as? any ReportableFailure {
      stream?.fail(failure)
      Exit.say(failure)
      return failure.code
    }
    let failure = UnexpectedFailure(sentence: "something unexpected stopped the run: \(error)")
    stream?.fail(failure)
    Exit.say(failure)
    return failure.code
  }
}

/// An error that no room described: reported plainly, as not fixed.
struct UnexpectedFailure: ReportableFailure {
  var sentence: String
  var advice: String? { "the record holds what happened until then: codeagent audit log last" }
  var code: Int32 { 1 }
}

/// The process's environment.
enum Environment {
  /// All variables; of a repeated name the first holds.
  static let current: [String: String] = {
    var variables: [String: String] = [:]
    var entry = environ
    while let pointer = entry.pointee {
      let text = String(cString: pointer)
      if let sign = text.firstIndex(of: "="), variables[String(text[..<sign])] == nil {
        variables[String(text[..<sign])] = String(text[text.index(after: sign)...])
      }
      entry += 1
    }
    return variables
  }()
}
