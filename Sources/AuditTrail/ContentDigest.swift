import Crypto

/// Digests of what anybody may know, such as the prompts that ship. What is secret or can be guessed gets a commitment under
/// a key instead: it is content.
public enum ContentDigest {
  /// SHA-256 in lower-case hexadecimal.
  public static func sha256(_ bytes: [UInt8]) -> String { Hash.hex(SHA256.hash(data: bytes)) }
}
