import Agent
import ArgumentParser
import AuditTrail
import JSON
import TransparencyLog

/// `codeagent audit verify`: whether the record, or a receipt, is what it claims to be.
struct AuditVerify: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify", abstract: "Check that the record is whole: no event changed, missing, added or moved.",
    discussion: """
      Recomputes every hash, compares the log with its own signed checkpoints, and with those that others hold: \
      files that --checkpoint names (a CI log or `git log` output will do), the anchor file, the notes of delivered \
      commits, and the configured witnesses. Exit code 8 when anything does not fit.

      EXAMPLES
        codeagent audit verify
        codeagent audit verify --checkpoint ci.log --key "$(cat auditor.vkey)"
        git log | codeagent audit verify --checkpoint -
        codeagent audit verify --proof 12.proof --proof change.patch.intoto.json
        codeagent audit verify --receipt a.patch.intoto.json --patch a.patch --key K
      """)

  @Argument(help: "Only this run's chain; the whole record when not given.") var name: String?
  @Option(help: "A file with checkpoints that somebody else kept (may be repeated).") var checkpoint: [String] = []
  @Option(help: "A proof or receipt that somebody else kept: it narrows down what was changed (may be repeated).")
  var proof: [String] = []
  @Option(help: "A verification key that is believed, or a file with it (may be repeated).") var key: [String] = []
  @Option(help: "Check this receipt instead of the record.") var receipt: String?
  @Option(help: "With --receipt: the patch that it is said to be of.") var patch: String?
  @Flag(help: "Ask no witness and read no repository.") var offline = false
  @OptionGroup var output: OutputOptions

  mutating func run() async throws {
    let keys = try key.map { try AuditInput.key($0) }
    if let receipt { return try check(receipt, keys) }
    let assembly = try Assembly()
    let store = try assembly.store()
    if let name {
      let run = try store.run(matching: name)
      let report = try store.verify(run: run)
      show(report, store, "\(run.text): ")
      if !report.isWhole { throw ExitStatus(code: 8) }
      return
    }
    var anchors: [Anchor] = []
    for file in checkpoint {
      let found = try Anchor.read(file: file == "-" ? "/dev/stdin" : file)
      guard !found.isEmpty else {
        throw UsageFailure(
          "\(file) holds no checkpoint", advice: "give the file, the CI log or the commit's text that does")
      }
      anchors += found
    }
    var proofs: [HeldProof] = []
    for file in proof {
      let found = HeldProof.read(try ByteInput.read(file), from: Display.line(file, width: 200))
      guard !found.isEmpty else {
        throw UsageFailure("\(file) holds no proof", advice: "give what `audit prove` wrote, or a receipt")
      }
      proofs += found
    }
    let asked = anchors + proofs.map(\.anchor)
    let held = await AnchorPlaces(assembly, store).read(isOffline: offline)
    let report = try store.verify(anchors: anchors + held.anchors, proofs: proofs + held.proofs, keys: keys)
    show(report, store, "", held.unreachable)
    if !report.isWhole { throw ExitStatus(code: 8) }
    if !asked.isEmpty, !asked.contains(where: { Checkpoint(parsing: $0.note.text)?.origin == store.origin }) {
      Output.error("codeagent: what was given is of another record only; this one is \(store.origin)")
      throw ExitStatus(code: 8)
    }
  }

  private func show(
    _ report: VerificationReport, _ store: AuditStore, _ subject: String, _ unreachable: [String] = []
  ) {
    let now = UTCTime.now()
    let anchor = report.anchors.last
    if output.json {
      Output.write(
        JSONValue.object([
          "v": 1, "events": JSONValue(report.count), "whole": .bool(report.isWhole),
          "first_bad": JSONValue(report.firstBad?.description),
          "first_bad_event": report.firstBad.map {
            [
              "run": JSONValue($0.run?.text), "seq": $0.sequence.map { JSONValue($0) } ?? .null,
              "position": JSONValue($0.position), "reason": .string($0.reason.rawValue),
            ]
          } ?? .null, "origin": .string(store.origin),
          "contents": JSONValue(report.contents), "erased": JSONValue(report.erased),
          "checkpoints": JSONValue(report.checkpoints),
          "keys": .array(report.keys.map { .string($0.text) }),
          "anchor": anchor.map {
            [
              "events": JSONValue($0.size), "place": .string($0.place),
              "wall_ns": $0.time.map { .int($0) } ?? .null,
            ]
          } ?? .null,
          "unreachable": .array(unreachable.map { .string($0) }),
          "damage": .array(report.damage.map { .string($0) }), "head": JSONValue(report.head.map { "\($0)" }),
        ]).serialized + [0x0a])
      return
    }
    let style = Style(hasColor: TerminalTraits.detect(Environment.current).hasColor)
    func row(_ name: String, _ value: String) { Output.write("  " + style.faint(name.padding(to: 12)) + value + "\n") }
    if let bad = report.firstBad {
      Output.write(style.bad("✘ the record was changed") + "  \(subject)\(Display.safe(bad.description))\n")
    } else if let damage = report.damage.first {
      Output.write(style.bad("✘ the record is damaged") + "  \(Display.safe(damage))\n")
    } else {
      Output.write(style.good("✔ whole") + "  \(subject)\(report.count) events in order, nothing changed or missing\n")
    }
    if !subject.isEmpty {
      if let head = report.head { row("head", "\(head)") }
      return
    }
    row("contents", "\(report.contents) fit what was committed to, \(report.erased) erased")
    row(
      "signed",
      report.newestCheckpoint.map {
        "\(report.checkpoints) checkpoints fit; the newest is of \($0.size) events"
          + ($0.time.map { ", \(UTCTime.ago($0, now: now))" } ?? "")
      } ?? (report.firstBad == nil ? "no checkpoint yet" : "no checkpoint lies before that event"))
    if report.firstBad != nil, let damage = report.damage.first {
      row("file", "SQLite: \(Display.safe(damage))" + (report.damage.count > 1 ? " …" : ""))
    }
    for key in report.keys { row("key", Display.safe(key.text)) }
    for place in report.foreign { row("not ours", "\(Display.safe(place)) holds checkpoints of another record") }
    for place in unreachable { row("not asked", Display.safe(place)) }
    guard report.isWhole else { return }
    if let anchor {
      let holders = report.anchors.filter { $0.size == anchor.size }.suffix(4)
      for (index, holder) in holders.enumerated() {
        row(
          index == 0 ? "anchored" : "",
          "up to event \(holder.size) by \(Display.safe(holder.place))"
            + (holder.time.map { ", \(UTCTime.ago($0, now: now))" } ?? ""))
      }
      row("promise", "nothing up to event \(anchor.size) was changed since: somebody else holds the proof.")
      if report.count > anchor.size {
        row("", "The \(report.count - anchor.size) after it are as safe as this machine and its key.")
      }
    } else {
      row(
        "anchored",
        offline
          ? "by no file: repositories and witnesses were not asked (--offline)"
          : "nowhere: nobody else holds a checkpoint of this record")
      row(
        "promise",
        report.checkpoints > 0
          ? "nobody changed it without this machine's key. Someone with the key could have rewritten it all:"
          : "it fits together. Nothing is signed yet: someone who writes the file could have rewritten it all:")
      row("", "keep a checkpoint elsewhere (codeagent audit anchor).")
    }
  }

  private func check(_ file: String, _ keys: [NoteVerificationKey]) throws {
    let bytes = Array(try TextInput.read(file).utf8)
    let patchBytes = try patch.map { try ByteInput.read($0) }
    let style = Style(hasColor: TerminalTraits.detect(Environment.current).hasColor)
    do throws(ReceiptError) {
      let receipt = try ReceiptVerifier.check(bytes, patch: patchBytes, keys: keys)
      if output.json {
        Output.write(
          JSONValue.object([
            "v": 1, "valid": true, "run": .string(receipt.run), "outcome": .string(receipt.outcome),
            "patch_sha256": .string(receipt.patchDigest), "patch_checked": .bool(patchBytes != nil),
            "commit": JSONValue(receipt.commit), "origin": .string(receipt.checkpoint.origin),
            "log_size": JSONValue(receipt.checkpoint.size), "key": .string(receipt.key.text),
            "key_trusted": .bool(receipt.isKeyTrusted),
          ]).serialized + [0x0a])
        return
      }
      Output.write(style.good("✔ the receipt holds") + "  \(receipt.run) ended: \(Display.safe(receipt.outcome))\n")
      func row(_ name: String, _ value: String) {
        Output.write("  " + style.faint(name.padding(to: 12)) + value + "\n")
      }
      row("patch", receipt.patchDigest + (patchBytes == nil ? " (give it with --patch to compare)" : ", the one given"))
      if let commit = receipt.commit { row("commit", Display.safe(commit)) }
      row("log", "\(Display.safe(receipt.checkpoint.origin)), \(receipt.checkpoint.size) events")
      row("key", Display.safe(receipt.key.text))
      if !receipt.isKeyTrusted {
        row("promise", style.warning("none but that it fits together: say with --key whose key you believe"))
      }
    } catch {
      if output.json {
        Output.write(
          JSONValue.object(["v": 1, "valid": false, "reason": .string(error.description)]).serialized + [0x0a])
      } else {
        Output.write(style.bad("✘ the receipt does not hold") + "  \(Display.safe(error.description))\n")
      }
      throw ExitStatus(code: 8)
    }
  }
}
