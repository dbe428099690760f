import IndexKernel

extension FileAnalysis {
  /// The stored form.
  func encoded() -> [UInt8] {
    var writer = ByteWriter()
    writer.write(Int(flags.rawValue))
    writer.write(lineCount)
    writer.write(declarations.count)
    for declaration in declarations {
      writer.write(Int(declaration.kind.rawValue))
      writer.write(declaration.line)
      writer.write(declaration.endLine - declaration.line)
      writer.write(declaration.name)
      writer.write(declaration.signature)
      writer.write(declaration.scope)
    }
    writer.write(units.count)
    for unit in units {
      writer.write(Int(unit.line))
      writer.write(Int(unit.endLine - unit.line))
      writer.write(Int(unit.declaration) + 1)
    }
    body.write(to: &writer)
    names.write(to: &writer)
    writer.write(words: trigrams.words)
    return writer.bytes
  }

  /// Reads the stored form; nil when it is none.
  static func decode(_ bytes: UnsafeRawBufferPointer) -> FileAnalysis? {
    var reader = ByteReader(bytes)
    let flags = Flags(rawValue: UInt8(reader.number(upTo: 255)))
    let lineCount = reader.number(upTo: 1 << 30)
    var declarations: [Declaration] = []
    for _ in 0..<reader.count() {
      guard let kind = Declaration.Kind(rawValue: UInt8(reader.number(upTo: 255))) else { return nil }
      let line = reader.number(upTo: 1 << 30)
      let length = reader.number(upTo: 1 << 30)
      declarations.append(
        Declaration(
          kind: kind, name: reader.text(), line: line, endLine: line + length, signature: reader.optionalText(),
          scope: reader.optionalText()))
    }
    var units: [Unit] = []
    for _ in 0..<reader.count() {
      let line = reader.number(upTo: 1 << 30)
      let length = reader.number(upTo: 1 << 30)
      let declaration = reader.number(upTo: declarations.count) - 1
      units.append(Unit(line: Int32(line), endLine: Int32(line + length), declaration: Int32(declaration)))
    }
    guard let body = TermTable(from: &reader), let names = TermTable(from: &reader),
      let trigrams = TrigramFilter(words: reader.words()), reader.isFinished
    else { return nil }
    return FileAnalysis(
      flags: flags, lineCount: lineCount, declarations: declarations, units: units, body: body, names: names,
      trigrams: trigrams)
  }
}
