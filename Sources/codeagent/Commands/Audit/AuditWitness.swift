import ArgumentParser
import AuditTrail
import Glibc
import TransparencyLog

/// `codeagent audit witness`: a second host that remembers how far a record has come.
struct AuditWitness: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "witness", abstract: "Have another host sign the record's checkpoints, or be that host.",
    discussion: """
      On the second host, with the key that `codeagent audit key` shows on the first:
        codeagent audit witness serve --listen 10.0.0.7:8347 --log 'codeagent/5f…'
      It shows its own key. On the first, in ~/.config/codeagent/config.toml:
        [audit]
        witnesses = ["http://10.0.0.7:8347 witness+12345678+BA…"]
      From then on every run's end is cosigned, and `audit verify` compares the record with what the \
      witness holds.
      """,
    subcommands: [Serve.self, Ask.self], defaultSubcommand: Ask.self)

  /// Has the newest checkpoint signed.
  struct Ask: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "ask", abstract: "Have the record as it is signed by the configured witnesses, or by one.")

    @Option(help: "`URL VKEY` of one witness; the configured ones when not given.") var witness: String?

    mutating func run() async throws {
      let assembly = try Assembly()
      let store = try assembly.store()
      var witnesses = assembly.settings.audit.witnesses
      if let witness {
        guard let address = AuditSettings.WitnessAddress(witness) else {
          throw UsageFailure("`\(witness)` is no witness", advice: "write its URL, a space, and its key")
        }
        witnesses = [address]
      }
      guard !witnesses.isEmpty else {
        throw UsageFailure("no witness is configured", advice: "codeagent audit witness --help shows how")
      }
      let checkpoint = try store.signCheckpoint()
      var hasFailed = false
      for address in witnesses {
        do {
          let note = try await WitnessClient(address).submit(checkpoint, of: store)
          try store.recordAnchor(note, kind: "witness", place: address.url)
          Output.write(note.bytes)
        } catch {
          hasFailed = true
          Output.error(
            "codeagent: the witness \(Display.safe(address.key.name)) did not sign: \(Display.safe("\(error)"))")
        }
      }
      if hasFailed { throw ExitStatus(code: 8) }
    }
  }

  /// Is the second host.
  struct Serve: ParsableCommand {
    static let configuration = CommandConfiguration(
      commandName: "serve", abstract: "Remember and cosign the checkpoints of given records, over HTTP.")

    @Option(help: "ADDRESS:PORT to listen on.") var listen = "127.0.0.1:8347"
    @Option(help: "The key of a record that is witnessed, or a file with it (may be repeated).") var log: [String]
    @Option(help: "The name that stands beside signatures.") var name = "witness"
    @Option(help: "Where the key and what was seen are kept.") var directory: String?

    func run() throws {
      let logs = try log.map { try AuditInput.key($0) }
      let place = try directory ?? Directories.state(Environment.current) + "/witness"
      guard place.hasPrefix("/") else { throw UsageFailure("--directory takes an absolute path") }
      try Directories.make(Array(place.utf8))
      let key = try signingKey(place + "/witness.key")
      guard let colon = listen.lastIndex(of: ":"), let port = UInt16(listen[listen.index(after: colon)...]) else {
        throw UsageFailure("--listen takes ADDRESS:PORT")
      }
      let address = listen[..<colon].filter { $0 != "[" && $0 != "]" }
      let service = WitnessService(Witness(key: key, logs: logs), directory: place)
      let server = try WitnessServer(service, address: address, port: port)
      Output.write("witness of \(Display.count(logs.count, "record")) on http://\(listen[..<colon]):\(server.port)\n")
      Output.write("key  \(key.verificationKey.text)\n")
      server.run()
    }

    private func signingKey(_ file: String) throws -> NoteSigningKey {
      if access(file, F_OK) == 0 { return try NoteSigningKey(privateText: try TextInput.read(file)) }
      let key = try NoteSigningKey(generating: name, type: .cosignature)
      let descriptor = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
      let bytes = Array((key.privateText + "\n").utf8)
      guard descriptor >= 0, write(descriptor, bytes, bytes.count) == bytes.count, fsync(descriptor) == 0 else {
        throw UsageFailure("\(file) cannot be written: \(String(cString: strerror(errno)))")
      }
      close(descriptor)
      return key
    }
  }
}

extension NoteKeyError: ReportableFailure {
  var sentence: String { description }
  var advice: String? { nil }
  var code: Int32 { 2 }
}
