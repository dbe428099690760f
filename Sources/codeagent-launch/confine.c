#define _GNU_SOURCE
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"
#include "landlock.h"
#include "report.h"
#include "view.h"

void confine_keyring(void) {
  // KEYCTL_JOIN_SESSION_KEYRING with no name: a new, empty, anonymous one. A kernel without keyrings has none to hide.
  syscall(SYS_keyctl, 1, NULL);
}

static void limit(int resource, unsigned long long soft, unsigned long long hard, const char *name) {
  struct rlimit now;
  if (getrlimit(resource, &now) != 0) report_fatal(FAIL_SET_UP, errno, "limit %s", name);
  // Never above what the user has.
  struct rlimit wanted = {.rlim_cur = soft, .rlim_max = hard};
  if (now.rlim_max != RLIM_INFINITY && wanted.rlim_max > now.rlim_max) wanted.rlim_max = now.rlim_max;
  if (wanted.rlim_cur > wanted.rlim_max) wanted.rlim_cur = wanted.rlim_max;
  if (setrlimit(resource, &wanted) != 0) report_fatal(FAIL_SET_UP, errno, "limit %s", name);
}

void confine_limits(const struct limits *limits) {
  // No core file, and no crash handler of the host's: for one that is a pipe, 1 means none and 0 does not (core(5)).
  limit(RLIMIT_CORE, 1, 1, "core");
  if (limits->cpu_seconds) limit(RLIMIT_CPU, limits->cpu_seconds, limits->cpu_seconds + 5, "cpu");
  if (limits->file_bytes) limit(RLIMIT_FSIZE, limits->file_bytes, limits->file_bytes, "file size");
  if (limits->open_files) limit(RLIMIT_NOFILE, 4096, limits->open_files, "open files");
  // Counted in this user namespace (Linux 5.14 and later), so it is the tree's own number. Some way above the limit:
  // the watch has to see that it was passed. On an older kernel it counts the user's processes everywhere.
  unsigned long long processes = limits->processes + limits->processes / 4 + 8 + limits->other_processes;
  if (limits->processes) limit(RLIMIT_NPROC, processes, processes, "processes");
}

void confine_files(struct plan plan) {
  // The second layer is absent where the kernel has none; the agent's doctor says so.
  if (landlock_version() < 1) return;
  int rules = landlock_begin(false);

  // Directories may be listed everywhere: the view decides what is in them.
  landlock_allow(rules, "/", LANDLOCK_READ_DIR);
  landlock_allow(rules, "/proc", LANDLOCK_PROCESSES);
  landlock_allow(rules, "/dev", LANDLOCK_DEVICES);
  static const char *const private[] = {"/dev/shm", "/dev/mqueue", "/tmp", "/var/tmp", "/run", VIEW_HOME};
  for (size_t i = 0; i < sizeof private / sizeof *private; i++) landlock_allow(rules, private[i], LANDLOCK_WRITE);
  const char *key;
  while ((key = plan_word(&plan))) {
    if (strcmp(key, "system") == 0 || strcmp(key, "ro") == 0) {
      landlock_allow(rules, plan_need(&plan), LANDLOCK_READ);
    } else if (strcmp(key, "ro-at") == 0) {
      plan_need(&plan);
      landlock_allow(rules, plan_need(&plan), LANDLOCK_READ);
    } else if (strcmp(key, "rw-at") == 0 || strcmp(key, "copy") == 0) {
      plan_need(&plan);
      landlock_allow(rules, plan_need(&plan), LANDLOCK_WRITE);
    } else if (strcmp(key, "overlay") == 0) {
      struct plan rest = plan;
      landlock_allow(rules, plan_need(&rest), LANDLOCK_WRITE);
      plan_skip(&plan, key);
    } else {
      plan_skip(&plan, key);
    }
  }
  landlock_end(rules);
}
