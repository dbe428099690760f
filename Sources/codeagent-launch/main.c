// The launcher: sets up one sandboxed command.
//
// The agent starts it with the plan on descriptor 3 and a status socket on 4. The first stage enters a mount namespace,
// builds the view that the command will see, and starts bubblewrap as the root of a process tree of its own; what
// bubblewrap starts inside all its namespaces is the second stage (`--inner`): process 1 of the sandbox, which confines
// and starts the command, watches it and reports how it ended.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "container.h"
#include "inner.h"
#include "kernel.h"
#include "namespaces.h"
#include "plan.h"
#include "probe.h"
#include "report.h"
#include "view.h"

struct settings {
  const char *bubblewrap;
  uid_t payload;
  gid_t payload_group;
  bool is_container;
};

static void join_cgroup(const char *path) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0 || write(file, "0", 1) != 1) report_fatal(FAIL_SET_UP, errno, "%s cannot be joined", path);
  close(file);
}

static struct settings read_settings(struct plan plan) {
  struct settings settings = {0};
  const char *key;
  while ((key = plan_word(&plan))) {
    if (strcmp(key, "bwrap") == 0)
      settings.bubblewrap = plan_need(&plan);
    else if (strcmp(key, "uid") == 0)
      settings.payload = (uid_t)plan_number(&plan);
    else if (strcmp(key, "gid") == 0)
      settings.payload_group = (gid_t)plan_number(&plan);
    else if (strcmp(key, "level") == 0)
      settings.is_container = strcmp(plan_need(&plan), "container") == 0;
    else if (strcmp(key, "cgroup") == 0)
      join_cgroup(plan_need(&plan));
    else
      plan_skip(&plan, key);
  }
  if (!settings.bubblewrap && !settings.is_container) report_fatal(FAIL_SET_UP, 0, "the plan names no bubblewrap");
  if (settings.payload == 0 && is_host_root()) report_fatal(FAIL_SET_UP, 0, "the plan lets a command run as root");
  return settings;
}

// Runs in the launcher's own memory while the launcher waits (as vfork does), as process 1 of a process namespace: when
// it dies, the kernel kills every process below it, whatever state set-up was in.
static int become_bubblewrap(void *given) {
  const struct settings *settings = given;
  // bubblewrap looks its child up in /proc by the number that it has here. Where the mount is refused, bubblewrap's own
  // is, too, and it says so.
  (void)mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
  if (settings->payload != 0) become(settings->payload, settings->payload_group);
  // Changing the user forgets it.
  die_with_agent();
  report('P', "");
  char *arguments[] = {
      "bwrap", "--unshare-user", "--uid", "1000", "--gid", "1000", "--unshare-ipc", "--unshare-pid", "--unshare-net",
      "--unshare-uts", "--unshare-cgroup-try", "--hostname", "sandbox", "--new-session", "--die-with-parent",
      "--as-pid-1", "--cap-drop", "ALL", "--dev-bind", VIEW_ROOT, "/", "--proc", "/proc", "--ro-bind-try",
      "/mask/file", "/proc/keys", "--chdir", "/", "--",
      VIEW_LAUNCHER, "--inner", NULL};
  char *environment[] = {NULL};
  execve(settings->bubblewrap, arguments, environment);
  report_fatal(FAIL_UNAVAILABLE, errno, "%s cannot be run", settings->bubblewrap);
}

int main(int count, char **arguments) {
  if (count == 2 && strcmp(arguments[1], "--inner") == 0) inner_main();
  if (count >= 2 && strcmp(arguments[1], "--probe") == 0) probe_main(count, arguments);
  // Without the agent's two descriptors there is nothing to do.
  if (count != 1 || fcntl(PLAN_FD, F_GETFD) < 0 || fcntl(STATUS_FD, F_GETFD) < 0) {
    fprintf(stderr, "codeagent-launch: started by codeagent only\n");
    return 125;
  }
  die_with_agent();
  struct plan plan = plan_open();
  struct settings settings = read_settings(plan);
  if (settings.is_container) container_main(settings.payload, settings.payload_group);
  enter_namespaces(settings.payload);
  view_build(plan, settings.payload, settings.payload_group);
  if (unshare(CLONE_NEWPID) != 0) report_fatal(FAIL_UNAVAILABLE, errno, "the kernel refuses a process namespace");
  // So that /dev/stdout can be opened inside: a pipe belongs to its maker.
  if (settings.payload != 0 && fchown(STDOUT_FILENO, settings.payload, settings.payload_group) != 0)
    report_fatal(FAIL_SET_UP, errno, "the output cannot be given to the payload's user");
  // A child of the agent itself, which waits for it; this process has done its work.
  static char stack[64 << 10] __attribute__((aligned(16)));
  int tree = clone(
      become_bubblewrap, stack + sizeof stack, CLONE_PARENT | CLONE_VM | CLONE_VFORK | SIGCHLD, &settings);
  if (tree < 0) report_fatal(FAIL_UNAVAILABLE, errno, "no process can be started");
  _exit(0);
}
