/// What terminals would not show: colours and cursor movements in recorded output.
enum TerminalText {
  /// The text without escape sequences; of a line that was overwritten, the last state.
  static func plain(_ bytes: [UInt8]) -> [UInt8] {
    guard bytes.contains(0x1b) || bytes.contains(0x0d) else { return bytes }
    var output: [UInt8] = []
    var lineStart = 0
    var index = 0
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      switch byte {
      case 0x1b where index < bytes.count && bytes[index] == UInt8(ascii: "["):
        index += 1
        while index < bytes.count, !(0x40...0x7e).contains(bytes[index]) { index += 1 }
        index += 1
      case 0x1b where index < bytes.count && bytes[index] == UInt8(ascii: "]"):
        while index < bytes.count, bytes[index] != 0x07, bytes[index] != 0x1b { index += 1 }
        if index < bytes.count, bytes[index] == 0x1b { index += 1 }
        index += 1
      case 0x0d where index < bytes.count && bytes[index] != 0x0a: output.removeSubrange(lineStart...)
      case 0x0d: break
      case 0x0a:
        output.append(byte)
        lineStart = output.count
      default: output.append(byte)
      }
    }
    return output
  }
}
