#define _GNU_SOURCE
#include "container.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "inner.h"
#include "kernel.h"
#include "landlock.h"
#include "namespaces.h"
#include "privileges.h"
#include "report.h"

// Being called root in a container's user namespace comes with every capability there.
static void forget_root(void) {
  forget_capabilities();
  // What an executable of root's would be given: nothing.
  if (geteuid() == 0 && prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0) != 0)
    report_fatal(FAIL_UNAVAILABLE, 0, "capabilities cannot be dropped for good");
}

_Noreturn void container_main(uid_t payload, gid_t payload_group) {
  if (payload != 0 && fchown(STDOUT_FILENO, payload, payload_group) != 0)
    report_fatal(FAIL_SET_UP, errno, "the output cannot be given to the payload's user");
  drop_bounding_set();
  if (payload != 0) become(payload, payload_group);
  forget_root();
  // A child of the agent itself, which waits for it; this process has done its work.
  pid_t supervisor = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
  if (supervisor < 0) report_fatal(FAIL_UNAVAILABLE, errno, "no process can be started");
  if (supervisor > 0) _exit(0);
  die_with_agent();
  report('P', "");
  // No controlling terminal.
  setsid();
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "the kernel is too old");
  inner_main();
}

// Whether the payload is a user of its own, whom the kernel keeps from the agent's processes.
static bool is_own_user_apart(struct plan plan) {
  const char *key;
  while ((key = plan_word(&plan))) {
    if (strcmp(key, "uid") == 0) return true;
    plan_skip(&plan, key);
  }
  return false;
}

void container_confine_files(struct plan plan) {
  long version = landlock_version();
  // Network rules came with the fourth version; the sixth keeps signals from processes of the same user.
  long needed = is_own_user_apart(plan) ? 4 : 6;
  if (version < needed)
    report_fatal(FAIL_UNAVAILABLE, 0, "Landlock is of version %ld here, and %ld is needed", version, needed);
  int rules = landlock_begin(true);
  static const char *const devices[] = {"/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom"};
  for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) landlock_allow(rules, devices[i], LANDLOCK_DEVICES);
  landlock_allow(rules, "/proc", LANDLOCK_PROCESSES);
  const char *key;
  while ((key = plan_word(&plan))) {
    if (strcmp(key, "system") == 0 || strcmp(key, "ro") == 0) {
      landlock_allow(rules, plan_need(&plan), LANDLOCK_READ);
    } else if (strcmp(key, "ro-at") == 0) {
      landlock_allow(rules, plan_need(&plan), LANDLOCK_READ);
      plan_need(&plan);
    } else if (strcmp(key, "rw-at") == 0 || strcmp(key, "copy") == 0) {
      landlock_allow(rules, plan_need(&plan), LANDLOCK_WRITE);
      plan_need(&plan);
    } else if (strcmp(key, "private") == 0) {
      landlock_allow(rules, plan_need(&plan), LANDLOCK_WRITE);
    } else {
      plan_skip(&plan, key);
    }
  }
  landlock_end(rules);
}

#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define REFUSE(error) BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (error))
#define ALLOW BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
#define FORBID(call, error) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), REFUSE(error)
// Only upon itself: others of the same user are in reach here.
#define ONLY_ITSELF(call, argument)                                                                       \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 4), LOAD(args[argument]), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), \
      ALLOW, REFUSE(EPERM)

// Beneath the filter of every level, which has judged the architecture already.
static struct sock_filter program[] = {
    LOAD(nr),
    // Pairs of local sockets are all that there is.
    FORBID(SYS_socket, EACCES),
    ONLY_ITSELF(SYS_prlimit64, 0),
    ONLY_ITSELF(SYS_sched_setparam, 0),
    ONLY_ITSELF(SYS_sched_setscheduler, 0),
    ONLY_ITSELF(SYS_sched_setaffinity, 0),
    ONLY_ITSELF(SYS_sched_setattr, 0),
    ONLY_ITSELF(SYS_setpriority, 1),
    ONLY_ITSELF(SYS_ioprio_set, 1),
    // The container's own, shared with everybody in it.
    FORBID(SYS_shmget, EPERM),
    FORBID(SYS_shmat, EPERM),
    FORBID(SYS_msgget, EPERM),
    FORBID(SYS_semget, EPERM),
    FORBID(SYS_mq_open, EPERM),
    FORBID(SYS_mq_unlink, EPERM),
    ALLOW,
};

void container_confine_calls(void) {
  struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
  if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "the kernel refuses a system call filter");
}
