import CLibgit2
import Glibc

/// An open repository. Not `Sendable`: one instance a thread; give other threads its ``location`` and object ids.
///
/// Every call blocks, on disk at most: nothing here opens a connection, runs a hook, a filter program or any other
/// command, or reads configuration from outside the repository.
public final class Repository {
  /// Where it lies.
  public let location: RepositoryLocation

  let repository: Handle
  /// All objects: the repository's own and those of its alternates.
  let objects: Handle
  /// The repository's own objects alone, present once an alternate was added: libgit2 marks an object that it is asked
  /// to write and already has as fresh, which would touch the files of an alternate that is not ours to write.
  var ownObjects: Handle?

  private init(_ location: RepositoryLocation, _ repository: consuming Handle) throws(GitError) {
    self.location = location
    let pointer = repository.pointer
    objects = try Handle("cannot open the object store", free: git_odb_free) {
      git_repository_odb(&$0, pointer)
    }
    self.repository = repository
  }

  /// Finds the repository that holds an absolute path (a directory, or a file in one) by git's search upwards; nil when
  /// there is none.
  /// - Throws: ``GitError``: `notFound` when the path does not exist, `notARepository` when a `.git` file leads nowhere.
  public static func discover(from path: [UInt8]) throws(GitError) -> RepositoryLocation? {
    try RepositoryLocation.discover(from: path)
  }

  /// Opens what ``discover(from:)`` found.
  /// - Throws: ``GitError``: `untrustedOwner`, `unsupported` for SHA-256 and unknown extensions, `corrupt`, `io`.
  public static func open(_ location: RepositoryLocation) throws(GitError) -> Repository {
    try Library.start()
    try location.checkOwner()
    // As bare, so that `core.worktree` of the configuration cannot point the checkout elsewhere; the checkout is where
    // the search found `.git`.
    let flags =
      GIT_REPOSITORY_OPEN_NO_SEARCH.rawValue | GIT_REPOSITORY_OPEN_BARE.rawValue
      | GIT_REPOSITORY_OPEN_NO_DOTGIT.rawValue
    var pointer: OpaquePointer?
    let place = GitError.name(location.workTree ?? location.gitDirectory)
    try check(
      withPath(location.gitDirectory) { git_repository_open_ext(&pointer, $0, flags, nil) }, "cannot open \(place)")
    guard let pointer else { throw GitError(.corrupt, "cannot open \(place)") }
    let handle = Handle(pointer, free: git_repository_free)
    try checkFormat(pointer, place)
    if let workTree = location.workTree {
      try check(withPath(workTree) { git_repository_set_workdir(pointer, $0, 0) }, "cannot open \(place)")
    }
    return try Repository(location, handle)
  }

  /// Makes an empty bare repository that only the current user can enter: the private object store of a run.
  /// - Throws: ``GitError``: `conflict` when something is already there, `io`.
  public static func createBare(at path: [UInt8]) throws(GitError) -> Repository {
    try Library.start()
    let place = GitError.name(path)
    let made = try withPath(path) { mkdir($0, 0o700) == 0 ? 0 : errno }
    guard made == 0 else {
      throw GitError(made == EEXIST ? .conflict : .io, "cannot make \(place): \(String(cString: strerror(made)))")
    }
    var options = git_repository_init_options()
    try check(
      git_repository_init_options_init(&options, UInt32(GIT_REPOSITORY_INIT_OPTIONS_VERSION)), "cannot make \(place)")
    options.flags = GIT_REPOSITORY_INIT_BARE.rawValue | GIT_REPOSITORY_INIT_NO_REINIT.rawValue
    var pointer: OpaquePointer?
    try check(withPath(path) { git_repository_init_ext(&pointer, $0, &options) }, "cannot make \(place)")
    guard let pointer, let resolved = FileSystem.resolve(path) else { throw GitError(.io, "cannot make \(place)") }
    let location = RepositoryLocation(
      workTree: nil, gitDirectory: resolved, commonDirectory: resolved, isLinkedWorktree: false, isSubmodule: false)
    return try Repository(location, Handle(pointer, free: git_repository_free))
  }

  /// `objectformat` is admitted on opening and judged here, so that the refusal can say what it is about.
  private static func checkFormat(_ repository: OpaquePointer, _ place: String) throws(GitError) {
    let configuration = try Handle("cannot read the configuration of \(place)", free: git_config_free) {
      git_repository_config_snapshot(&$0, repository)
    }
    var value: UnsafePointer<CChar>?
    guard git_config_get_string(&value, configuration.pointer, "extensions.objectformat") == 0, let value else {
      return
    }
    let format = GitError.printable(String(cString: value))
    guard format == "sha1" else {
      throw GitError(
        .unsupported, "\(place) stores its objects under \(format) names; only SHA-1 repositories can be read")
    }
  }

  /// Lets this store read the objects of another, by its ``RepositoryLocation/objectsDirectory``, for the life of this
  /// instance. Nothing is ever written there.
  public func addAlternate(objectsDirectory: [UInt8]) throws(GitError) {
    if ownObjects == nil {
      let own = location.objectsDirectory
      var pointer: OpaquePointer?
      try check(withPath(own) { git_odb_open(&pointer, $0) }, "cannot open \(GitError.name(own))")
      ownObjects = pointer.map { Handle($0, free: git_odb_free) }
    }
    guard FileSystem.isDirectory(objectsDirectory) else {
      throw GitError(.notFound, "no object store at \(GitError.name(objectsDirectory))")
    }
    let all = objects.pointer
    try check(
      withPath(objectsDirectory) { git_odb_add_disk_alternate(all, $0) },
      "cannot read objects of \(GitError.name(objectsDirectory))")
  }
}
