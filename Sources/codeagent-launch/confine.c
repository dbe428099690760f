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
  unsigned long long processes = limits->processes + limits->processes / 4 + 8;
  if (limits->processes) limit(RLIMIT_NPROC, processes, processes, "processes");
}

// MARK: Landlock (Documentation/userspace-api/landlock.rst)

enum {
  ACCESS_EXECUTE = 1 << 0,
  ACCESS_WRITE_FILE = 1 << 1,
  ACCESS_READ_FILE = 1 << 2,
  ACCESS_READ_DIR = 1 << 3,
  ACCESS_REMOVE_DIR = 1 << 4,
  ACCESS_REMOVE_FILE = 1 << 5,
  ACCESS_MAKE_CHAR = 1 << 6,
  ACCESS_MAKE_DIR = 1 << 7,
  ACCESS_MAKE_REG = 1 << 8,
  ACCESS_MAKE_SOCK = 1 << 9,
  ACCESS_MAKE_FIFO = 1 << 10,
  ACCESS_MAKE_BLOCK = 1 << 11,
  ACCESS_MAKE_SYM = 1 << 12,
  // Second version of the interface.
  ACCESS_REFER = 1 << 13,
  // Third.
  ACCESS_TRUNCATE = 1 << 14,
  // Fifth.
  ACCESS_IOCTL_DEVICE = 1 << 15,

  ACCESS_READ = ACCESS_EXECUTE | ACCESS_READ_FILE | ACCESS_READ_DIR,
  // Devices are nobody's to make; the kernel refuses them anyway.
  ACCESS_WRITE = ACCESS_READ | ACCESS_WRITE_FILE | ACCESS_REMOVE_DIR | ACCESS_REMOVE_FILE | ACCESS_MAKE_DIR |
      ACCESS_MAKE_REG | ACCESS_MAKE_SOCK | ACCESS_MAKE_FIFO | ACCESS_MAKE_SYM | ACCESS_REFER | ACCESS_TRUNCATE,
  ACCESS_DEVICES = ACCESS_READ_FILE | ACCESS_READ_DIR | ACCESS_WRITE_FILE | ACCESS_TRUNCATE | ACCESS_IOCTL_DEVICE,
  // Processes name their threads and set their memory killer's score there; its dangerous files belong to root.
  ACCESS_PROCESSES = ACCESS_READ | ACCESS_WRITE_FILE | ACCESS_TRUNCATE,
};

static uint64_t handled;

// The part of an access that applies to something that is not a directory.
static const uint64_t access_of_files =
    ACCESS_EXECUTE | ACCESS_WRITE_FILE | ACCESS_READ_FILE | ACCESS_TRUNCATE | ACCESS_IOCTL_DEVICE;

static void allow(int rules, const char *path, uint64_t access) {
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

void confine_files(struct plan plan) {
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
  // The second layer is absent where the kernel has none; the agent's doctor says so.
  if (version < 1) return;
  handled = ACCESS_MAKE_CHAR | ACCESS_MAKE_BLOCK | ACCESS_WRITE | ACCESS_DEVICES;
  if (version < 2) handled &= ~(uint64_t)ACCESS_REFER;
  if (version < 3) handled &= ~(uint64_t)ACCESS_TRUNCATE;
  if (version < 5) handled &= ~(uint64_t)ACCESS_IOCTL_DEVICE;
  // struct landlock_ruleset_attr. Sixth version: neither abstract sockets nor signals reach out (LANDLOCK_SCOPE_*).
  struct {
    uint64_t files, network, scopes;
  } set = {handled, 0, 3};
  int rules = (int)syscall(SYS_landlock_create_ruleset, &set, version >= 6 ? sizeof set : sizeof set.files, 0);
  if (rules < 0) report_fatal(FAIL_SET_UP, errno, "no Landlock rules can be made");

  // Directories may be listed everywhere: the view decides what is in them.
  allow(rules, "/", ACCESS_READ_DIR);
  allow(rules, "/proc", ACCESS_PROCESSES);
  allow(rules, "/dev", ACCESS_DEVICES);
  static const char *const private[] = {"/dev/shm", "/tmp", "/var/tmp", "/run", VIEW_HOME};
  for (size_t i = 0; i < sizeof private / sizeof *private; i++) allow(rules, private[i], ACCESS_WRITE);
  const char *key;
  while ((key = plan_word(&plan))) {
    if (strcmp(key, "system") == 0 || strcmp(key, "ro") == 0) {
      allow(rules, plan_need(&plan), ACCESS_READ);
    } else if (strcmp(key, "ro-at") == 0) {
      plan_need(&plan);
      allow(rules, plan_need(&plan), ACCESS_READ);
    } else if (strcmp(key, "rw-at") == 0 || strcmp(key, "copy") == 0) {
      plan_need(&plan);
      allow(rules, plan_need(&plan), ACCESS_WRITE);
    } else if (strcmp(key, "overlay") == 0) {
      struct plan rest = plan;
      allow(rules, plan_need(&rest), ACCESS_WRITE);
      plan_skip(&plan, key);
    } else {
      plan_skip(&plan, key);
    }
  }
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (syscall(SYS_landlock_restrict_self, rules, 0) != 0)
    report_fatal(FAIL_SET_UP, errno, "Landlock rules cannot be applied");
  close(rules);
}
