import Testing
import TransparencyLog

@Suite struct SignedNoteTests {
  let seed = [UInt8](0..<32)
  let vkey = "codeagent.example/audit+ed272787+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4"
  let note = """
    codeagent.example/audit
    7
    3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=

    \u{2014} codeagent.example/audit 7Scnh+CC2nMOpqPms0dzIqFw4W9+HGp8KS5ErdDVf8I0VoGaZ6gC2btS6oaHSYIUovQZWSgxR+CHu4Fc9c8GthaHPgY=

    """
  let root = "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c"

  @Test func keyTextOfTheVector() throws {
    let key = try NoteSigningKey(name: "codeagent.example/audit", seed: seed)
    #expect(key.verificationKey.text == vkey)
    #expect(NoteVerificationKey(vkey) == key.verificationKey)
    #expect(key.seed == seed)
  }

  @Test func theVectorVerifies() throws {
    let read = try #require(SignedNote(parsing: Array(note.utf8)))
    let key = try #require(NoteVerificationKey(vkey))
    #expect(read.verify(with: [key]) == [key])
    let checkpoint = try #require(Checkpoint(parsing: read.text))
    #expect(checkpoint == Checkpoint(origin: "codeagent.example/audit", size: 7, root: try #require(.init(hex: root))))
    #expect(checkpoint.text == read.text)
    #expect(read.bytes == Array(note.utf8))
  }

  @Test func signingGivesTheVectorsText() throws {
    let key = try NoteSigningKey(name: "codeagent.example/audit", seed: seed)
    let checkpoint = Checkpoint(origin: key.name, size: 7, root: try #require(.init(hex: root)))
    var made = try #require(SignedNote(text: checkpoint.text))
    try made.sign(with: key)
    // Ed25519 signatures may be randomised; the text and the key id are the vector's.
    #expect(made.verify(with: [key.verificationKey]) == [key.verificationKey])
    #expect(made.signatures.first?.keyID == 0xed27_2787)
    #expect(SignedNote(parsing: made.bytes) == made)
  }

  @Test func unknownKeysAreIgnoredAndFalseOnesCondemn() throws {
    let ours = try NoteSigningKey(name: "ours", seed: seed)
    let theirs = try NoteSigningKey(generating: "theirs")
    var signed = try #require(SignedNote(text: "text\n"))
    #expect(signed.verify(with: [ours.verificationKey]) == nil)
    try signed.sign(with: theirs)
    #expect(signed.verify(with: [ours.verificationKey]) == nil)
    try signed.sign(with: ours)
    #expect(signed.verify(with: [ours.verificationKey]) == [ours.verificationKey])
    for _ in 0..<20 { try signed.sign(with: NoteSigningKey(generating: "other")) }
    #expect(signed.verify(with: [ours.verificationKey]) == [ours.verificationKey])

    let text = String(decoding: signed.bytes, as: UTF8.self)
    let altered = try #require(SignedNote(parsing: Array(("another " + text).utf8)))
    #expect(altered.verify(with: [ours.verificationKey]) == nil)
    #expect(altered.verify(with: [ours.verificationKey, theirs.verificationKey]) == nil)
  }

  @Test func everyFlippedByteIsNoticed() throws {
    let key = try #require(NoteVerificationKey(vkey))
    let bytes = Array(note.utf8)
    for index in bytes.indices {
      for bit in [UInt8(1), 0x20, 0x80] {
        var changed = bytes
        changed[index] ^= bit
        #expect(SignedNote(parsing: changed)?.verify(with: [key]) == nil)
      }
    }
    for count in 0..<bytes.count {
      #expect(SignedNote(parsing: Array(bytes[..<count]))?.verify(with: [key]) == nil)
    }
  }

  @Test(arguments: ["", "text", "tab\t\n", "bell\u{7}\n", "del\u{7f}\n"])
  func textsThatNoNoteCarries(text: String) { #expect(SignedNote(text: text) == nil) }

  @Test(arguments: ["", "a b", "a+b", "a\u{a0}b", "a\nb"])
  func namesThatNoKeyHas(name: String) {
    #expect(throws: NoteKeyError.invalidName) { try NoteSigningKey(name: name, seed: seed) }
  }

  @Test(arguments: [
    "", "a+b", "name+ed272787+AQ==", "name+00000000+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
    "codeagent.example/audit+ED272787+AQOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
    "codeagent.example/audit+ed272787+BAOhB7/zzhC+HXDdGOdLwJln5NYwm6UNXx3chmQSVTG4",
  ])
  func keyTextsThatAreRefused(text: String) { #expect(NoteVerificationKey(text) == nil) }

  @Test(arguments: [
    "", "o\n", "o\n7\n", "o\n07\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\n",
    "o\n-1\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\n", "o\n7\nAAAA\n",
    "\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\n", "o\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=",
    "o\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\n\n",
  ])
  func checkpointsThatAreRefused(text: String) { #expect(Checkpoint(parsing: text) == nil) }

  @Test func extensionLinesAreReadPast() throws {
    let text = "o\n7\n3bib5AOAnjJXUNPSY814kpwpQreUKjS3fhIslZSnTIw=\nextension\n"
    #expect(try #require(Checkpoint(parsing: text)).size == 7)
  }
}
