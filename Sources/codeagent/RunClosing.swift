import Agent
import AuditTrail
import Git
import JSON
import Paths
import TransparencyLog
import Workspace

/// What happens to the record when a run has ended: its checkpoint goes to those who keep it, and its receipt beside the patch
/// and onto the commit.
struct RunClosing: Sendable {
  let assembly: Assembly
  let store: AuditStore

  /// Puts everything where it belongs. What fails is said, and changes nothing of the run's outcome.
  func close(_ result: RunResult, patchFile: String?, root: [UInt8]?) async {
    guard let run = RunID(result.run) else { return }
    do {
      let checkpoint = try store.signCheckpoint()
      let receipt = try? store.receipt(of: run, version: Codeagent.version)
      if let patchFile, patchFile != "-", let receipt {
        try PatchFile.write(receipt.json.canonical + [0x0a], to: patchFile + ".intoto.json")
      }
      let places = AnchorPlaces(assembly, store)
      if let root, let commit = try RecordedRun(run, in: store).commit.flatMap({ ObjectID(hex: $0) }) {
        try places.note(checkpoint, receipt: receipt, on: commit, in: root)
      }
      let (_, failed) = await places.publish(checkpoint)
      for sentence in failed { warn(sentence) }
      if assembly.isCI { Output.error(NoteCollection.line(checkpoint.note)) }
    } catch {
      warn((error as? any ReportableFailure)?.sentence ?? "\(error)")
    }
  }

  private func warn(_ sentence: String) { Output.error("codeagent: the record: \(Display.safe(sentence))") }
}
