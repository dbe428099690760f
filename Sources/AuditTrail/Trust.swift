import TransparencyLog

/// Which keys may have signed this record, and how long.
struct Trust {
  /// The keys, the oldest first.
  private(set) var keys: [NoteVerificationKey] = []
  /// For keys that handed the record on, its length then: they sign nothing longer.
  private var retired: [NoteVerificationKey: Int] = [:]

  /// - Parameter given: the keys that an auditor trusts from elsewhere; with none, the record's first key is believed.
  init(_ signers: [RecordSigner], given: [NoteVerificationKey], origin: String) {
    let given = given.filter { $0.type == .ed25519 }
    keys = given.isEmpty ? signers.prefix(1).map(\.key) : given
    // Both keys sign a rotation, so trust goes along the chain in either direction.
    var isGrowing = true
    while isGrowing {
      isGrowing = false
      for signer in signers {
        guard let note = signer.rotation, let rotation = KeyRotation(parsing: note.text), rotation.origin == origin,
          rotation.new == signer.key, keys.contains(rotation.old) != keys.contains(rotation.new),
          note.verify(with: [rotation.old, rotation.new])?.count == 2
        else { continue }
        keys.append(keys.contains(rotation.old) ? rotation.new : rotation.old)
        isGrowing = true
      }
    }
    for signer in signers {
      guard let note = signer.rotation, let rotation = KeyRotation(parsing: note.text), keys.contains(rotation.old),
        note.verify(with: [rotation.old, rotation.new])?.count == 2
      else { continue }
      retired[rotation.old] = min(retired[rotation.old] ?? .max, rotation.size)
    }
  }

  /// What a note claims of the log, when a trusted key signed it; nil otherwise.
  func claim(of note: SignedNote) -> Checkpoint? {
    guard let claim = Checkpoint(parsing: note.text), let signers = note.verify(with: keys) else { return nil }
    return signers.contains { claim.size <= retired[$0] ?? .max } ? claim : nil
  }
}
