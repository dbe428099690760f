import FoundationEssentials
import GRDB
import TransparencyLog

/// Hashes and bytes in the form that the database takes and gives.
enum Blob {
  typealias Data = FoundationEssentials.Data

  static func data(_ hash: MerkleHash) -> Data { Data(hash.bytes) }

  static func data(_ bytes: [UInt8]) -> Data { Data(bytes) }

  /// The hash in a column; nil when it is not 32 bytes.
  static func hash(_ row: Row, _ index: Int) throws -> MerkleHash? {
    try row.withUnsafeData(atIndex: index) { data in data?.withUnsafeBytes { MerkleHash($0) } }
  }
}
