// The launcher: sets up one sandboxed command.
//
// The agent starts it with the plan on descriptor 3 and a status socket on 4. The first process enters a mount namespace,
// builds the view that the command will see, and makes the other namespaces; its child is process 1 of the sandbox, which
// leaves the host's file system, gives every privilege up, confines and starts the command, watches it and reports how it
// ended.
#define _GNU_SOURCE
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "container.h"
#include "enter.h"
#include "inner.h"
#include "kernel.h"
#include "namespaces.h"
#include "plan.h"
#include "probe.h"
#include "report.h"
#include "view.h"

struct settings {
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
    if (strcmp(key, "uid") == 0)
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
  if (settings.payload == 0 && is_host_root()) report_fatal(FAIL_SET_UP, 0, "the plan lets a command run as root");
  return settings;
}

// Process 1: when it dies, the kernel kills every process of the sandbox, whatever state set-up was in.
static _Noreturn void become_process_1(const struct settings *settings) {
  die_with_agent();
  report('P', "");
  enter_sandbox(settings->payload, settings->payload_group);
  // Changing the user forgets it.
  die_with_agent();
  inner_main();
}

int main(int count, char **arguments) {
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
  enter_own_namespaces();
  // So that /dev/stdout can be opened inside: a pipe belongs to its maker.
  if (settings.payload != 0 && fchown(STDOUT_FILENO, settings.payload, settings.payload_group) != 0)
    report_fatal(FAIL_SET_UP, errno, "the output cannot be given to the payload's user");
  // A child of the agent itself, which waits for it; this process has done its work.
  pid_t tree = (pid_t)syscall(SYS_clone, CLONE_PARENT | SIGCHLD, 0, 0, 0, 0);
  if (tree < 0) report_fatal(FAIL_UNAVAILABLE, errno, "no process can be started");
  if (tree == 0) become_process_1(&settings);
  _exit(0);
}
