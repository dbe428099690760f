import CLibgit2

/// The type of tree objects, for tests that write malformed ones.
let treeType = GIT_OBJECT_TREE
