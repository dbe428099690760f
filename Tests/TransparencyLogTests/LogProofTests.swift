import Testing
import TransparencyLog

/// Proofs as text, private keys as text, notes in longer texts, and witnesses.
@Suite struct LogProofTests {
  private func tree(_ size: Int) -> MemoryTree {
    var tree = MemoryTree()
    for index in 0..<size { tree.append(.leaf([UInt8(index & 255), UInt8(index >> 8)])) }
    return tree
  }

  private func checkpoint(_ tree: MemoryTree, _ key: NoteSigningKey, origin: String = "log") throws -> SignedNote {
    var note = try #require(SignedNote(text: Checkpoint(origin: origin, size: tree.size, root: tree.root).text))
    try note.sign(with: key)
    return note
  }

  @Test func everyProofIsReadBackAndHolds() throws {
    let key = try NoteSigningKey(generating: "log")
    for size in [1, 2, 3, 7, 8, 33] {
      let tree = tree(size)
      let note = try checkpoint(tree, key)
      for index in 0..<size {
        let path = try #require(tree.inclusionProof(index: index, size: size))
        let proof = LogProof(index: index, path: path, checkpoint: note, extra: index == 0 ? [] : [1, 2])
        let read = try #require(LogProof(parsing: Array(proof.text.utf8)))
        #expect(read == proof)
        #expect(read.verify(.leaf([UInt8(index), 0]), keys: [key.verificationKey])?.size == size)
        #expect(read.verify(.leaf([UInt8(index), 1]), keys: [key.verificationKey]) == nil)
        #expect(
          read.verify(.leaf([UInt8(index), 0]), keys: [try NoteSigningKey(generating: "log").verificationKey]) == nil)
      }
    }
  }

  @Test func malformedProofsAreRefused() throws {
    let key = try NoteSigningKey(generating: "log")
    let tree = tree(5)
    let text = LogProof(
      index: 3, path: try #require(tree.inclusionProof(index: 3, size: 5)), checkpoint: try checkpoint(tree, key)
    ).text
    for (old, new) in [
      ("@v1", "@v2"), ("index 3", "index -3"), ("index 3", "index 03"), ("index 3", "index"), ("index 3\n", ""),
      ("\n\n", "\n"), ("index 3\n", "index 3\nAAAA\n"), ("index 3", "extra ?\nindex 3"), ("\n", "\r\n"),
    ] {
      let changed = text.split(separator: old, maxSplits: 1, omittingEmptySubsequences: false).joined(separator: new)
      #expect(LogProof(parsing: Array(changed.utf8)) == nil, "\(old.count) \(new.count)")
    }
    #expect(LogProof(parsing: []) == nil)
    #expect(LogProof(parsing: [0x0a, 0x0a]) == nil)
  }

  @Test func privateKeysAsText() throws {
    let key = try NoteSigningKey(name: "codeagent.example/audit", seed: [UInt8](0..<32))
    let text = key.privateText
    #expect(text.hasPrefix("PRIVATE+KEY+codeagent.example/audit+ed272787+"))
    let read = try NoteSigningKey(privateText: " \(text)\n")
    #expect(read.verificationKey == key.verificationKey)
    #expect(read.seed == key.seed)
    for bad in [
      "", "PRIVATE+KEY+a+b", text.replacing("ed272787", with: "ed272788"), String(text.dropLast(4)), "X" + text,
    ] {
      #expect(throws: NoteKeyError.self) { try NoteSigningKey(privateText: bad) }
    }
  }

  @Test func notesAreFoundInLongerTexts() throws {
    let key = try NoteSigningKey(generating: "log")
    let notes = try [1, 2, 3].map { try checkpoint(tree($0), key) }
    var file: [UInt8] = []
    for note in notes { file += note.bytes + [0x0a] }
    #expect(NoteCollection.notes(in: file) == notes)
    #expect(NoteCollection.notes(in: Array(notes.map(\.bytes).joined())) == notes)
    let log = "12:00 noise\n12:01 \(NoteCollection.line(notes[1])) \nmore\n\n\u{2014} x\n"
    #expect(NoteCollection.notes(in: Array(log.utf8)) == [notes[1]])
    #expect(NoteCollection.notes(in: Array("\n\n\n\u{2014} a b\n".utf8)).isEmpty)
  }

  // MARK: Witnesses

  @Test func aWitnessSignsWhatGoesOn() throws {
    let log = try NoteSigningKey(generating: "log")
    let witness = Witness(
      key: try NoteSigningKey(generating: "witness", type: .cosignature), logs: [log.verificationKey])
    var memory: Witness.Memory?
    var old = 0
    for size in [3, 3, 7, 20] {
      let tree = tree(size)
      let request = WitnessRequest(
        oldSize: old, proof: try #require(tree.consistencyProof(from: old, to: size)),
        checkpoint: try checkpoint(tree, log))
      #expect(WitnessRequest(parsing: request.bytes) == request)
      guard case .cosigned(let line) = try witness.answer(request, memory: &memory, time: 1_700_000_000 + UInt64(size))
      else {
        Issue.record("not cosigned at \(size)")
        continue
      }
      var note = request.checkpoint
      note.add([try #require(SignedNote.Signature(line: Substring(line.line)))])
      #expect(note.verify(with: [witness.key.verificationKey]) == [witness.key.verificationKey])
      #expect(note.verify(with: [log.verificationKey, witness.key.verificationKey])?.count == 2)
      #expect(note.time(by: witness.key.verificationKey) == 1_700_000_000 + UInt64(size))
      old = size
    }
  }

  @Test func aWitnessRefusesAnotherHistory() throws {
    let log = try NoteSigningKey(generating: "log")
    let witness = Witness(
      key: try NoteSigningKey(generating: "witness", type: .cosignature), logs: [log.verificationKey])
    var memory: Witness.Memory?
    func ask(_ tree: MemoryTree, from old: Int, key: NoteSigningKey = log, proof: [MerkleHash]? = nil) throws
      -> WitnessAnswer
    {
      try witness.answer(
        WitnessRequest(
          oldSize: old, proof: proof ?? tree.consistencyProof(from: old, to: tree.size) ?? [],
          checkpoint: checkpoint(tree, key)), memory: &memory, time: 1)
    }
    #expect(try ask(tree(5), from: 2) == .conflict(size: 0))
    #expect(try ask(tree(5), from: 0).status == 200)
    let seen = memory
    #expect(try ask(tree(9), from: 4) == .conflict(size: 5))
    var fork = MemoryTree()
    for index in 0..<9 { fork.append(.leaf([9, UInt8(index)])) }
    #expect(try ask(fork, from: 5) == .inconsistent)
    #expect(try ask(tree(9), from: 5, proof: []) == .inconsistent)
    #expect(try ask(tree(4), from: 5) == .malformed)
    #expect(try ask(tree(9), from: 5, key: NoteSigningKey(generating: "log")) == .unknownKey)
    #expect(memory == seen)
    let closed = Witness(key: witness.key, logs: [])
    var nothing: Witness.Memory?
    #expect(
      try closed.answer(
        WitnessRequest(oldSize: 0, proof: [], checkpoint: checkpoint(tree(1), log)), memory: &nothing, time: 1)
        == .unknownLog)
    for bad in ["", "old 1", "old -1\n\nx", "old 01\n\n", "new 1\n\n"] {
      #expect(WitnessRequest(parsing: Array(bad.utf8)) == nil)
    }
  }

  // MARK: Against a naive tree

  /// RFC 6962, section 2.1, word for word.
  private static func naiveRoot(_ leaves: ArraySlice<MerkleHash>) -> MerkleHash {
    if leaves.isEmpty { return .emptyRoot }
    if leaves.count == 1 { return leaves[leaves.startIndex] }
    var split = 1
    while split * 2 < leaves.count { split *= 2 }
    let middle = leaves.startIndex + split
    return .node(naiveRoot(leaves[..<middle]), naiveRoot(leaves[middle...]))
  }

  @Test func allSizesToThreeHundred() throws {
    let leaves = (0..<300).map { MerkleHash.leaf([UInt8($0 & 255), UInt8($0 >> 8)]) }
    let tree = tree(300)
    let roots = (0...300).map { Self.naiveRoot(leaves[..<$0]) }
    for size in 0...300 { #expect(tree.root(ofSize: size) == roots[size]) }
    var isSound = true
    for size in 1...300 {
      // Every leaf of some sizes, some leaves of every size; a proof for the neighbour never holds.
      for index in 0..<size where size % 37 == 0 || index % 11 == size % 11 || index == size - 1 {
        let proof = try #require(tree.inclusionProof(index: index, size: size))
        isSound =
          isSound
          && MerkleProofs.verifyInclusion(of: leaves[index], index: index, size: size, proof: proof, root: roots[size])
          && (size == 1
            || !MerkleProofs.verifyInclusion(
              of: leaves[index], index: (index + 1) % size, size: size, proof: proof, root: roots[size]))
      }
      for old in 0...size where size % 37 == 0 || old % 11 == size % 11 || old == size - 1 {
        let proof = try #require(tree.consistencyProof(from: old, to: size))
        isSound =
          isSound
          && MerkleProofs.verifyConsistency(
            from: old, oldRoot: roots[old], to: size, newRoot: roots[size], proof: proof)
      }
    }
    #expect(isSound)
  }
}
