public import Access
import Conversation
import Git
import Glibc
import Paths
public import Workspace

/// Looks at every file of a checkout before a run begins: which of them its commands must not see, and which labels the
/// others bring.
///
/// Names are enough for most rules. Where a label hangs on what files hold, tracked files are known by their blob ids, so
/// that each content is looked into once; every other file is read. What cannot be read, or is too large, counts as holding
/// whatever a rule looks for. `.git` is not walked; its own content is shown cleaned by the workspace.
public struct CheckoutScan {
  /// The largest file that is looked into.
  public static let mostBytes = 16 << 20

  private static let mostChanges = 100_000
  private let location: CheckoutLocation
  private let labels: FileLabels
  private let needsSizes: Bool
  private let store: LabelStore?
  private let blobs: [RepoPath: ObjectID]
  private var judge: ViewJudge

  /// The mask of a checkout.
  /// - Parameters:
  ///   - model: the run's own model; nil for none.
  ///   - cache: a directory that keeps what is known of contents between runs; nil to keep nothing.
  public static func mask(
    of location: CheckoutLocation, by authorizer: any Authorizer, principal: Principal, context: AccessContext,
    model: Resource.Model?, cache: [UInt8]?
  ) -> ViewMask {
    var scan = CheckoutScan(location, authorizer, principal, context, model, cache)
    scan.walk()
    scan.store?.save()
    return scan.judge.result
  }

  private init(
    _ location: CheckoutLocation, _ authorizer: any Authorizer, _ principal: Principal, _ context: AccessContext,
    _ model: Resource.Model?, _ cache: [UInt8]?
  ) {
    self.location = location
    labels = authorizer.fileLabels
    needsSizes = !authorizer.readsFollowFromLabels
    judge = ViewJudge(
      authorizer, principal: principal, context: context, repository: location.repositoryName,
      model: model)
    // A few names are quicker read than asked git about.
    guard labels.looksIntoAllFiles else {
      store = nil
      blobs = [:]
      return
    }
    let name = labels.testsDigest
    let store = cache.flatMap { LabelStore(directory: $0, named: name) }
    self.store = store
    blobs = store == nil ? [:] : Self.cleanBlobs(location)
  }

  /// The blobs of files that are as the git index says.
  private static func cleanBlobs(_ location: CheckoutLocation) -> [RepoPath: ObjectID] {
    guard let place = location.repository, let repository = try? Repository.open(place),
      let files = try? repository.checkoutFiles(limit: mostChanges), files.isWhole
    else { return [:] }
    var blobs: [RepoPath: ObjectID] = [:]
    for entry in files.clean where entry.mode == .regular || entry.mode == .executable {
      blobs[entry.path] = entry.id
    }
    return blobs
  }

  private mutating func walk() {
    var open: [RepoPath] = [.root]
    while let directory = open.popLast() {
      for (name, kind) in Self.entries(of: cString(directory)) {
        guard let path = directory.appending(name) else { continue }
        // What is neither a file nor read as one holds nothing that a test could find.
        var findings = FileLabels.Findings(made: .max, found: 0)
        if kind == DT_REG { findings = findingsOf(path) }
        var size: Int?
        if needsSizes, kind == DT_REG {
          var status = stat()
          if lstat(cString(path), &status) == 0 { size = Int(status.st_size) }
        }
        let isHidden = judge.isHidden(path, labels: labels.labels(of: path, findings: findings), size: size)
        if kind == DT_DIR, !isHidden { open.append(path) }
      }
    }
  }

  private func findingsOf(_ path: RepoPath) -> FileLabels.Findings {
    let wanted = labels.testsFor(path)
    if wanted == 0 { return .none }
    let blob = blobs[path]
    if let blob, let known = store?[blob], known.made & wanted == wanted { return known }
    guard let content = content(of: path) else { return .none }
    let findings = labels.look(into: content, for: wanted)
    if let blob { store?.add(blob, findings) }
    return findings
  }

  private func content(of path: RepoPath) -> [UInt8]? {
    let descriptor = Glibc.open(cString(path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= Self.mostBytes else {
      return nil
    }
    let length = Int(status.st_size)
    var isWhole = false
    let bytes = [UInt8](unsafeUninitializedCapacity: length) { buffer, count in
      while count < length {
        let read = Glibc.read(descriptor, buffer.baseAddress.map { $0 + count }, length - count)
        if read < 0, errno == EINTR { continue }
        if read <= 0 { break }
        count += read
      }
      isWhole = count == length
    }
    return isWhole ? bytes : nil
  }

  /// Names and kinds in a directory, in byte order, without git's own.
  private static func entries(of directory: [CChar]) -> [(name: [UInt8], kind: Int)] {
    guard let stream = opendir(directory) else { return [] }
    defer { closedir(stream) }
    var entries: [(name: [UInt8], kind: Int)] = []
    while let entry = readdir(stream) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) || name.elementsEqual(".git".utf8) { continue }
      var kind = Int(entry.pointee.d_type)
      if kind == DT_UNKNOWN {
        var status = stat()
        if fstatat(dirfd(stream), name.map { CChar(bitPattern: $0) } + [0], &status, AT_SYMLINK_NOFOLLOW) == 0 {
          kind =
            switch status.st_mode & S_IFMT {
            case S_IFDIR: DT_DIR
            case S_IFREG: DT_REG
            default: DT_UNKNOWN
            }
        }
      }
      entries.append((name, kind))
    }
    return entries.sorted { $0.name.lexicographicallyPrecedes($1.name) }
  }

  private func cString(_ path: RepoPath) -> [CChar] {
    (location.root + (path.isRoot ? [] : [UInt8(ascii: "/")] + path.bytes)).map { CChar(bitPattern: $0) } + [0]
  }
}

extension CheckoutLocation {
  /// The checkout's directory as text: the repository's name for policy.
  var repositoryName: String { Quoting.quote(root.split(separator: UInt8(ascii: "/")).last.map { Array($0) } ?? []) }
}

extension Resource.Model {
  /// A model as policy sees it.
  init(_ identity: ModelIdentity, region: String? = nil) {
    self.init(
      provider: identity.provider, name: identity.name, endpoint: identity.endpoint,
      isLocal: identity.endpoint == nil, region: region)
  }
}
