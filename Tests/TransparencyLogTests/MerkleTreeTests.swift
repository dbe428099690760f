import Testing
import TransparencyLog

/// RFC 6962's definitions, written down literally: slow, and independent of what is tested.
enum NaiveTree {
  static func root(_ leaves: ArraySlice<MerkleHash>) -> MerkleHash {
    guard let first = leaves.first else { return .emptyRoot }
    guard leaves.count > 1 else { return first }
    let middle = leaves.startIndex + split(leaves.count)
    return .node(root(leaves[..<middle]), root(leaves[middle...]))
  }

  static func path(_ index: Int, _ leaves: ArraySlice<MerkleHash>) -> [MerkleHash] {
    guard leaves.count > 1 else { return [] }
    let k = split(leaves.count)
    let middle = leaves.startIndex + k
    return index < k
      ? path(index, leaves[..<middle]) + [root(leaves[middle...])]
      : path(index - k, leaves[middle...]) + [root(leaves[..<middle])]
  }

  static func proof(_ old: Int, _ leaves: ArraySlice<MerkleHash>) -> [MerkleHash] { subproof(old, leaves, true) }

  private static func subproof(_ m: Int, _ leaves: ArraySlice<MerkleHash>, _ known: Bool) -> [MerkleHash] {
    if m == leaves.count { return known ? [] : [root(leaves)] }
    let k = split(leaves.count)
    let middle = leaves.startIndex + k
    return m <= k
      ? subproof(m, leaves[..<middle], known) + [root(leaves[middle...])]
      : subproof(m - k, leaves[middle...], false) + [root(leaves[..<middle])]
  }

  private static func split(_ count: Int) -> Int {
    var k = 1
    while k * 2 < count { k *= 2 }
    return k
  }
}

@Suite struct MerkleTreeTests {
  /// The leaves and roots that Certificate Transparency implementations publish.
  @Test func publishedVectors() throws {
    let leaves: [[UInt8]] = [
      [], [0x00], [0x10], [0x20, 0x21], [0x30, 0x31], Array(0x40...0x43), Array(0x50...0x57), Array(0x60...0x6f),
    ]
    let roots = [
      "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
      "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
      "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
      "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
      "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
      "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
      "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
      "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    ]
    var range = CompactRange()
    #expect(range.root.hex == roots[0])
    for (leaf, root) in zip(leaves, roots.dropFirst()) {
      range.append(.leaf(leaf))
      #expect(range.root.hex == root)
    }
  }

  @Test func everySizeAgainstTheDefinition() throws {
    let leaves = (0..<300).map { MerkleHash.leaf([UInt8($0 & 255), UInt8($0 >> 8)]) }
    var tree = MemoryTree()
    let roots = (0...leaves.count).map { NaiveTree.root(leaves[..<$0]) }
    for (index, leaf) in leaves.enumerated() {
      #expect(tree.root == roots[index])
      tree.append(leaf)
    }
    for size in 0...leaves.count { #expect(tree.root(ofSize: size) == roots[size]) }
    for size in 1...leaves.count {
      // Every leaf of small trees, some of large ones: the edges and a stride that meets all shapes.
      for index in 0..<size where size < 70 || index % 23 == size % 23 || index > size - 3 {
        let proof = try #require(tree.inclusionProof(index: index, size: size))
        #expect(proof == NaiveTree.path(index, leaves[..<size]))
        #expect(
          MerkleProofs.verifyInclusion(
            of: leaves[index], index: index, size: size, proof: proof, root: roots[size]))
      }
      for old in 0...size where size < 70 || old % 23 == size % 23 || old > size - 3 {
        let proof = try #require(tree.consistencyProof(from: old, to: size))
        if old > 0 { #expect(proof == NaiveTree.proof(old, leaves[..<size])) }
        #expect(
          MerkleProofs.verifyConsistency(
            from: old, oldRoot: roots[old], to: size, newRoot: roots[size], proof: proof))
      }
    }
  }

  @Test func falseProofsAreRefused() throws {
    let leaves = (0..<64).map { MerkleHash.leaf([UInt8($0)]) }
    var tree = MemoryTree()
    for leaf in leaves { tree.append(leaf) }
    let other = MerkleHash.leaf([1, 2, 3])
    for size in 2...64 {
      let root = try #require(tree.root(ofSize: size))
      for index in 0..<size {
        let proof = try #require(tree.inclusionProof(index: index, size: size))
        func holds(
          _ leaf: MerkleHash = leaves[index], _ at: Int = index, _ proof: [MerkleHash] = proof,
          _ root: MerkleHash = root
        ) -> Bool {
          MerkleProofs.verifyInclusion(of: leaf, index: at, size: size, proof: proof, root: root)
        }
        #expect(holds())
        #expect(!holds(other))
        #expect(!holds(leaves[index], (index + 1) % size))
        #expect(!holds(leaves[index], size))
        #expect(!holds(leaves[index], -1))
        #expect(!holds(leaves[index], index, proof + [other]))
        #expect(!holds(leaves[index], index, Array(proof.dropLast())))
        #expect(!holds(leaves[index], index, proof, other))
        for step in proof.indices {
          var changed = proof
          changed[step] = other
          #expect(!holds(leaves[index], index, changed))
        }
      }
      for old in 1..<size {
        let oldRoot = try #require(tree.root(ofSize: old))
        let proof = try #require(tree.consistencyProof(from: old, to: size))
        func holds(
          _ oldRoot: MerkleHash = oldRoot, _ root: MerkleHash = root, _ proof: [MerkleHash] = proof
        ) -> Bool {
          MerkleProofs.verifyConsistency(from: old, oldRoot: oldRoot, to: size, newRoot: root, proof: proof)
        }
        #expect(holds())
        #expect(!holds(other))
        #expect(!holds(oldRoot, other))
        #expect(!holds(oldRoot, root, proof + [other]))
        #expect(!holds(oldRoot, root, Array(proof.dropLast())))
        for step in proof.indices {
          var changed = proof
          changed[step] = other
          #expect(!holds(oldRoot, root, changed))
        }
      }
    }
    let full = tree.root
    #expect(!MerkleProofs.verifyConsistency(from: 64, oldRoot: other, to: 64, newRoot: full, proof: []))
    #expect(!MerkleProofs.verifyConsistency(from: 65, oldRoot: other, to: 64, newRoot: full, proof: []))
    #expect(!MerkleProofs.verifyConsistency(from: 0, oldRoot: other, to: 64, newRoot: full, proof: []))
    #expect(MerkleProofs.verifyConsistency(from: 0, oldRoot: .emptyRoot, to: 64, newRoot: full, proof: []))
    #expect(tree.inclusionProof(index: 64, size: 64) == nil)
    #expect(tree.inclusionProof(index: 0, size: 65) == nil)
    #expect(tree.consistencyProof(from: 5, to: 4) == nil)
  }

  @Test func aRangeGoesOnFromStoredPeaks() throws {
    var whole = CompactRange()
    var stored: [NodePosition: MerkleHash] = [:]
    for index in 0..<200 {
      let leaf = MerkleHash.leaf([UInt8(index)])
      stored[NodePosition(level: 0, index: index)] = leaf
      for node in whole.append(leaf) { stored[node.position] = node.hash }
      let peaks = CompactRange.peakPositions(ofSize: index + 1).map { stored[$0] }
      #expect(peaks == whole.peaks)
      #expect(CompactRange(size: index + 1, peaks: peaks.compactMap { $0 }) == whole)
    }
    #expect(CompactRange(size: 3, peaks: []) == nil)
    #expect(NodePosition(level: 3, index: 2).leaves == 16..<24)
  }

  @Test func hashesReadAndWriteTheirText() throws {
    let hash = MerkleHash.leaf([1])
    #expect(MerkleHash(hex: hash.hex) == hash)
    #expect(MerkleHash(hash.bytes) == hash)
    #expect(MerkleHash(hex: String(hash.hex.dropLast())) == nil)
    #expect(MerkleHash(hex: "g" + hash.hex.dropFirst()) == nil)
    #expect(MerkleHash([1, 2, 3]) == nil)
    #expect(MerkleHash(hex: hash.hex.uppercased()) == hash)
  }
}
