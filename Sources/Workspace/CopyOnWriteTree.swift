import Glibc
import Paths
import Sandbox

/// One copy-on-write tree of a workspace: the checkout itself, or the git directory of a linked worktree.
struct CopyOnWriteTree: Sendable {
  /// Where it is seen, outside and inside.
  let mountPoint: [UInt8]
  /// Holds `upper` and `work`, or `copy`.
  let place: [UInt8]
  /// What lies below, top first; the last is what is copied on write.
  let lowers: [[UInt8]]
  /// True for a plain copy.
  let isCopy: Bool
  /// All layers, its own first; of a copy only that.
  let merged: MergedTree
  /// What lies below.
  let base: MergedTree
  let editor: LayerEditor
  /// True when its own layer has just been made, empty.
  let isNew: Bool

  /// The path of its own layer.
  var own: [UInt8] { place + Array((isCopy ? "/copy" : "/upper").utf8) }
  var work: [UInt8] { place + Array("/work".utf8) }

  /// How the sandbox mounts it.
  var mount: WorkspaceMount {
    isCopy
      ? .copy(directory: own, mountPoint: mountPoint)
      : .overlay(lowers: lowers, upper: own, work: work, mountPoint: mountPoint)
  }

  /// Opens the tree, and makes its directories when they are not there.
  init(
    _ storage: RunStorage, mountPoint: [UInt8], place: [UInt8], lowers: [[UInt8]], isCopy: Bool = false
  ) throws(WorkspaceError) {
    self.mountPoint = mountPoint
    self.place = place
    self.lowers = lowers
    self.isCopy = isCopy
    let last = lowers.count - 1
    var layers: [Layer] = []
    for (index, lower) in lowers.enumerated() { layers.append(try Layer(lower, isOwn: index < last)) }
    base = MergedTree(layers: layers)

    let directory = try Descriptor.directory(place)
    let own = Array((isCopy ? "copy" : "upper").utf8)
    let rootStatus = try layers[0].root.status()
    isNew = try directory.makeDirectory(own, permissions: rootStatus.permissions & 0o777 | 0o700)
    if isNew {
      try LayerOwner.current.take(directory, own)
    }
    if !isCopy {
      let work = Array("work".utf8)
      if try directory.makeDirectory(work, permissions: 0o700) { try LayerOwner.current.take(directory, work) }
    }
    let top = try Layer(place + [0x2f] + own, isOwn: true)
    merged = MergedTree(layers: isCopy ? [top] : [top] + layers)
    editor = LayerEditor(tree: merged, scratch: storage.scratch, owner: .current, isOverlay: !isCopy)
  }
}
