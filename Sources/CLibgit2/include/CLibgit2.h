#ifndef CLIBGIT2_H
#define CLIBGIT2_H

#include <git2.h>

/// Initialises libgit2 and sets the process-wide options that Swift cannot set itself (`git_libgit2_opts` is
/// variadic). Call once. Returns a negative libgit2 error code on failure.
int codeagent_libgit2_start(void);

#endif
