import GRDB
import Glibc
import JSON
import Synchronization
public import TransparencyLog

/// A key that signs, or signed, this record.
public struct RecordSigner: Sendable, Hashable {
  /// The key.
  public let key: NoteVerificationKey
  /// The number of events when it was taken into use.
  public let since: Int
  /// The note, signed by the key before and by this one, that hands the record on; nil for the first key.
  public let rotation: SignedNote?
}

/// What a note of rotation says: from which key to which, and how long the log was.
struct KeyRotation {
  static let header = "codeagent-key-rotation v1"

  var origin: String
  var old: NoteVerificationKey
  var new: NoteVerificationKey
  var size: Int

  var text: String { "\(KeyRotation.header)\n\(origin)\n\(old.text)\n\(new.text)\n\(size)\n" }

  init(origin: String, old: NoteVerificationKey, new: NoteVerificationKey, size: Int) {
    self.origin = origin
    self.old = old
    self.new = new
    self.size = size
  }

  init?(parsing text: String) {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    guard lines.count == 6, lines[0] == KeyRotation.header, let old = NoteVerificationKey(lines[2]),
      let new = NoteVerificationKey(lines[3]), let size = Int(lines[4])
    else { return nil }
    self.init(origin: lines[1], old: old, new: new, size: size)
  }
}

extension AuditStore {
  /// The keys of this record, the first one first.
  public func signers() throws(AuditError) -> [RecordSigner] { try read { try Self.signers($0) } }

  static func signers(_ db: Database) throws -> [RecordSigner] {
    try Row.fetchAll(db, sql: "SELECT vkey, since, rotation FROM signer ORDER BY number").compactMap { row in
      try NoteVerificationKey(row.at(0)).map { key in
        RecordSigner(
          key: key, since: try row.at(1),
          rotation: (try row.atIfPresent(2) as Blob.Data?).flatMap { SignedNote(parsing: [UInt8]($0)) })
      }
    }
  }

  /// The key that signs: the one that was given, or that of the directory.
  /// - Throws: ``AuditError`` when it cannot be read or made, or when the record is in the hands of another key.
  public func loadKey() throws(AuditError) -> NoteSigningKey {
    try prepareKey()
    guard let key = signingKey.withLock({ $0 }) else { throw AuditError(.unwritable, "there is no key to sign with") }
    return key
  }

  /// Loads the key before anything is written. The record remembers it from its first use on; another one takes over only
  /// where the present one, which lies in the directory, signs that.
  func prepareKey() throws(AuditError) {
    if signingKey.withLock({ $0 != nil }) { return }
    let key: NoteSigningKey
    if let given = options.key {
      guard given.verificationKey.type == .ed25519 else {
        throw AuditError(.unwritable, "the key \(given.name) is one of a witness", hint: "give a note key of type 1")
      }
      key = given
    } else {
      key = try directory.key(named: origin)
    }
    try prepare(key)
  }

  private func prepare(_ key: NoteSigningKey) throws(AuditError) {
    let signers = try signers()
    if options.key == nil, let last = signers.last, last.key != key.verificationKey,
      let next = try directory.existingKey(StoreDirectory.nextKeyName), next.verificationKey == last.key
    {
      // A rotation was cut off after the record had changed hands.
      try directory.promoteNextKey()
      signingKey.withLock { $0 = next }
      return
    }
    if signers.isEmpty {
      try commit { db, edge in
        try db.execute(
          sql: "INSERT OR IGNORE INTO signer (vkey, since) VALUES (?, ?)",
          arguments: [key.verificationKey.text, edge.size])
      }
    } else if signers.last?.key != key.verificationKey {
      guard let old = try directory.existingKey(), old.verificationKey == signers.last?.key,
        !signers.contains(where: { $0.key == key.verificationKey })
      else {
        throw AuditError(
          .unwritable,
          "the record in \(directory.name) is signed by the key \(signers.last?.key.keyIDText ?? ""), not by "
            + key.verificationKey.keyIDText,
          hint: "give that key, or begin another record with XDG_STATE_HOME")
      }
      try handOver(from: old, to: key)
    }
    signingKey.withLock { $0 = key }
  }

  /// Replaces the key in the directory by a new one, and records that under both keys.
  /// - Returns: the new key.
  public func rotateKey() throws(AuditError) -> NoteVerificationKey {
    try prepareToWrite()
    guard options.key == nil, let old = signingKey.withLock({ $0 }) else {
      throw AuditError(
        .unwritable, "the key was given from outside",
        hint: "replace it there: the record's own key hands over by itself")
    }
    let new = try AuditError.signing { () throws(NoteKeyError) in try NoteSigningKey(generating: origin) }
    // The new key is on disk before the record depends on it, and the old one until the record does not.
    try directory.write(key: new, as: StoreDirectory.nextKeyName)
    try handOver(from: old, to: new)
    try directory.promoteNextKey()
    signingKey.withLock { $0 = new }
    _ = try signCheckpoint()
    return new.verificationKey
  }

  private func handOver(from old: NoteSigningKey, to new: NoteSigningKey) throws(AuditError) {
    _ = try commitCheckpoint(with: old)
    let size = try head().size
    let text = KeyRotation(origin: origin, old: old.verificationKey, new: new.verificationKey, size: size).text
    guard var note = SignedNote(text: text) else { throw AuditError(.damaged, "the record has no usable name") }
    note = try AuditError.signing { () throws(NoteKeyError) in
      var signed = note
      try signed.sign(with: old)
      try signed.sign(with: new)
      return signed
    }
    let bytes = note.bytes
    try commit { db, edge in
      try db.execute(
        sql: "INSERT INTO signer (vkey, since, rotation) VALUES (?, ?, ?)",
        arguments: [new.verificationKey.text, size, Blob.data(bytes)])
    }
    signingKey.withLock { $0 = new }
    try noteOfRecord(
      "record.key-rotated",
      [
        "old": .string(old.verificationKey.text), "new": .string(new.verificationKey.text),
        "note": .string(String(decoding: bytes, as: UTF8.self)),
      ])
  }

  private func commitCheckpoint(with key: NoteSigningKey) throws(AuditError) -> Int {
    try commit { [origin] db, edge in
      if edge.size > 0 { try Checkpoints.sign(db, edge, origin: origin, key: key) }
      return edge.size
    }
  }
}

extension AuditError {
  /// What a failure to sign means for the record.
  static func signing<Value>(_ body: () throws(NoteKeyError) -> Value) throws(AuditError) -> Value {
    do throws(NoteKeyError) {
      return try body()
    } catch {
      throw AuditError(.unwritable, "the record cannot be signed: \(error)")
    }
  }
}

extension StoreDirectory {
  static let keyName = "checkpoint.key"
  static let nextKeyName = "checkpoint.key.next"

  /// The record's own key, made when there is none.
  func key(named name: String) throws(AuditError) -> NoteSigningKey {
    if let key = try existingKey() { return key }
    let key = try AuditError.signing { () throws(NoteKeyError) in try NoteSigningKey(generating: name) }
    try write(key: key, as: StoreDirectory.keyName)
    // Another process may have been faster: what the file holds counts.
    guard let stored = try existingKey() else {
      throw AuditError(.unwritable, "the key of the record in \(self.name) cannot be kept")
    }
    return stored
  }

  /// The record's own key, if there is one.
  func existingKey(_ file: String = keyName) throws(AuditError) -> NoteSigningKey? {
    let file = openat(descriptor, file, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
    guard file >= 0 else {
      if errno == ENOENT { return nil }
      throw .system(errno, "signed", name)
    }
    defer { close(file) }
    var status = stat()
    guard fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
      throw AuditError(.unwritable, "\(name)/\(StoreDirectory.keyName) is not a regular file")
    }
    guard status.st_mode & 0o077 == 0 else {
      throw AuditError(
        .unwritable, "\(name)/\(StoreDirectory.keyName) can be read by others: what it signs proves nothing",
        hint: "chmod 600 it if nobody has read it; else make another with `codeagent audit key --rotate`")
    }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(file, &buffer, buffer.count)
    guard count > 0, let key = try? NoteSigningKey(privateText: String(decoding: buffer[..<count], as: UTF8.self))
    else {
      throw AuditError(
        .unwritable, "\(name)/\(StoreDirectory.keyName) holds no key", hint: "put the key back, or begin another record"
      )
    }
    return key
  }

  /// Writes a key, whole or not at all; a file that is there stays.
  func write(key: NoteSigningKey, as target: String) throws(AuditError) {
    let temporary = "\(target).\(getpid()).\(UInt32.random(in: 0...UInt32.max))"
    let file = openat(descriptor, temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard file >= 0 else { throw .system(errno, "signed", name) }
    defer { unlinkat(descriptor, temporary, 0) }
    let bytes = Array((key.privateText + "\n").utf8)
    let count = bytes.withUnsafeBytes { Glibc.write(file, $0.baseAddress, $0.count) }
    let code = count == bytes.count && fsync(file) == 0 ? 0 : max(errno, ENOSPC)
    close(file)
    guard code == 0 else { throw .system(code, "signed", name) }
    if target != StoreDirectory.keyName { unlinkat(descriptor, target, 0) }
    guard linkat(descriptor, temporary, descriptor, target, 0) == 0 || errno == EEXIST else {
      throw .system(errno, "signed", name)
    }
    try sync()
  }

  /// Puts the next key in the place of the present one.
  func promoteNextKey() throws(AuditError) {
    guard renameat(descriptor, StoreDirectory.nextKeyName, descriptor, StoreDirectory.keyName) == 0 else {
      throw .system(errno, "signed", name)
    }
    try sync()
  }
}
