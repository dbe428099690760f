#define _GNU_SOURCE
#include "landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"
#include "report.h"

static uint64_t handled;

// The part of an access that applies to something that is not a directory.
static const uint64_t access_of_files =
    LANDLOCK_EXECUTE | LANDLOCK_WRITE_FILE | LANDLOCK_READ_FILE | LANDLOCK_TRUNCATE | LANDLOCK_IOCTL_DEVICE;

void landlock_allow(int rules, const char *path, uint64_t access) {
  int beneath = open(path, O_PATH | O_CLOEXEC);
  if (beneath < 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == EACCES) return;
    report_fatal(FAIL_SET_UP, errno, "%s cannot be opened", path);
  }
  struct stat status;
  if (fstat(beneath, &status) != 0) report_fatal(FAIL_SET_UP, errno, "%s", path);
  if (!S_ISDIR(status.st_mode)) access &= access_of_files;
  // struct landlock_path_beneath_attr
  struct __attribute__((packed)) {
    uint64_t allowed;
    int32_t beneath;
  } rule = {access & handled, beneath};
  if (syscall(SYS_landlock_add_rule, rules, 1, &rule, 0) != 0)
    report_fatal(FAIL_SET_UP, errno, "no Landlock rule for %s", path);
  close(beneath);
}

long landlock_version(void) { return syscall(SYS_landlock_create_ruleset, NULL, 0, 1); }

int landlock_begin(bool network) {
  long version = landlock_version();
  handled = LANDLOCK_MAKE_CHAR | LANDLOCK_MAKE_BLOCK | LANDLOCK_WRITE | LANDLOCK_DEVICES;
  if (version < 2) handled &= ~(uint64_t)LANDLOCK_REFER;
  if (version < 3) handled &= ~(uint64_t)LANDLOCK_TRUNCATE;
  if (version < 5) handled &= ~(uint64_t)LANDLOCK_IOCTL_DEVICE;
  // struct landlock_ruleset_attr. Fourth version: binding and connecting. Sixth: neither abstract sockets nor signals
  // reach out (LANDLOCK_SCOPE_*).
  struct {
    uint64_t files, network, scopes;
  } set = {handled, network ? 3 : 0, 3};
  size_t size = version >= 6 ? sizeof set : version >= 4 ? offsetof(__typeof__(set), scopes) : sizeof set.files;
  int rules = (int)syscall(SYS_landlock_create_ruleset, &set, size, 0);
  if (rules < 0) report_fatal(FAIL_SET_UP, errno, "no Landlock rules can be made");
  return rules;
}

void landlock_end(int rules) {
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (syscall(SYS_landlock_restrict_self, rules, 0) != 0)
    report_fatal(FAIL_SET_UP, errno, "Landlock rules cannot be applied");
  close(rules);
}
