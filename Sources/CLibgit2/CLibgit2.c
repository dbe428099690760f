#include "CLibgit2.h"

/// Repository extensions that are admitted beside the ones libgit2 knows. Each changes where configuration or missing
/// objects are looked for, not how objects are stored; `objectformat` is admitted so that its value can be judged.
static const char *const admitted_extensions[] = {
    "noop", "worktreeconfig", "partialclone", "preciousobjects", "relativeworktrees", "objectformat",
};

int codeagent_libgit2_start(void) {
  int result = git_libgit2_init();
  if (result < 0) return result;

  // No configuration from outside the repository: nothing of HOME or /etc changes what is read.
  const int levels[] = {GIT_CONFIG_LEVEL_PROGRAMDATA, GIT_CONFIG_LEVEL_SYSTEM, GIT_CONFIG_LEVEL_XDG,
                        GIT_CONFIG_LEVEL_GLOBAL};
  for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
    result = git_libgit2_opts(GIT_OPT_SET_SEARCH_PATH, levels[i], "");
    if (result < 0) return result;
  }
  result = git_libgit2_opts(GIT_OPT_SET_TEMPLATE_PATH, "");
  if (result < 0) return result;

  // Hashing every object again halves the speed of bulk reads; pack and zlib checksums remain.
  result = git_libgit2_opts(GIT_OPT_ENABLE_STRICT_HASH_VERIFICATION, 0);
  if (result < 0) return result;

  // Who owns a repository is checked by `Repository.open`, which can say what it found.
  result = git_libgit2_opts(GIT_OPT_SET_OWNER_VALIDATION, 0);
  if (result < 0) return result;

  return git_libgit2_opts(GIT_OPT_SET_EXTENSIONS, (const char **)admitted_extensions,
                          sizeof admitted_extensions / sizeof *admitted_extensions);
}
