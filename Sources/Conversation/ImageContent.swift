import FoundationEssentials

/// A picture.
public struct ImageContent: Sendable, Hashable {
  /// Its type: `image/png`, `image/jpeg`, `image/gif` or `image/webp`, which every provider that takes any takes.
  public var mediaType: String
  /// Its bytes in Base64.
  public var base64: String

  /// A picture.
  public init(mediaType: String, base64: String) {
    self.mediaType = mediaType
    self.base64 = base64
  }

  /// The most bytes of a picture that every provider takes: Amazon Bedrock's bound, the lowest.
  public static let mostBytes = 3_932_160

  /// A picture from a file's bytes; nil when their first ones are not those of a type that providers take, whatever the file is
  /// called.
  public init?(bytes: [UInt8]) {
    guard let type = Self.mediaType(of: bytes) else { return nil }
    mediaType = type
    base64 = Data(bytes).base64EncodedString()
  }

  /// How many bytes the picture has.
  public var byteCount: Int {
    base64.utf8.count / 4 * 3 - base64.utf8.suffix(2).count { $0 == UInt8(ascii: "=") }
  }

  private static func mediaType(of bytes: [UInt8]) -> String? {
    func has(_ magic: [UInt8], at offset: Int = 0) -> Bool { bytes.dropFirst(offset).starts(with: magic) }
    if has([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) { return "image/png" }
    if has([0xff, 0xd8, 0xff]) { return "image/jpeg" }
    if has(Array("GIF87a".utf8)) || has(Array("GIF89a".utf8)) { return "image/gif" }
    if has(Array("RIFF".utf8)), has(Array("WEBP".utf8), at: 8) { return "image/webp" }
    return nil
  }
}
