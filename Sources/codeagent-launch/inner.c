#define _GNU_SOURCE
#include "inner.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "confine.h"
#include "kernel.h"
#include "plan.h"
#include "report.h"
#include "watch.h"

struct command {
  char **arguments;
  char **environment;
  const char *directory;
  struct limits limits;
};

static void push(char ***list, size_t *count, const char *word) {
  if ((*count & (*count + 1)) == 0 || *count == 0) {
    *list = realloc(*list, (*count * 2 + 2) * sizeof **list);
    if (!*list) report_fatal(FAIL_SET_UP, ENOMEM, "no memory for the command");
  }
  (*list)[(*count)++] = (char *)word;
}

static struct command read_command(struct plan plan) {
  struct command command = {0};
  size_t arguments = 0, environment = 0;
  const char *key;
  while ((key = plan_word(&plan))) {
    if (strcmp(key, "arg") == 0)
      push(&command.arguments, &arguments, plan_need(&plan));
    else if (strcmp(key, "env") == 0)
      push(&command.environment, &environment, plan_need(&plan));
    else if (strcmp(key, "cwd") == 0)
      command.directory = plan_need(&plan);
    else if (strcmp(key, "cpu") == 0)
      command.limits.cpu_seconds = plan_number(&plan);
    else if (strcmp(key, "file") == 0)
      command.limits.file_bytes = plan_number(&plan);
    else if (strcmp(key, "files") == 0)
      command.limits.open_files = plan_number(&plan);
    else if (strcmp(key, "processes") == 0)
      command.limits.processes = plan_number(&plan);
    else if (strcmp(key, "memory") == 0)
      command.limits.memory_bytes = plan_number(&plan);
    else
      plan_skip(&plan, key);
  }
  if (arguments == 0 || !command.directory) report_fatal(FAIL_SET_UP, 0, "the plan names no command");
  push(&command.arguments, &arguments, NULL);
  push(&command.environment, &environment, NULL);
  return command;
}

// The child's part: from here on it only becomes more confined.
static _Noreturn void start(const struct command *command, const sigset_t *blocked, struct plan plan) {
  for (int signal = 1; signal < NSIG; signal++) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(signal, &action, NULL);
  }
  sigprocmask(SIG_UNBLOCK, blocked, NULL);
  umask(022);
  if (chdir(command->directory) != 0)
    report_fatal(FAIL_DIRECTORY, errno, "%s cannot be entered", command->directory);
  confine_limits(&command->limits);
  confine_files(plan);
  confine_calls();
  environ = command->environment;
  // A shell's rules: the program is searched on PATH, and a script without an interpreter line is the shell's.
  execvpe(command->arguments[0], command->arguments, command->environment);
  report_fatal(
      errno == ENOENT || errno == ENOTDIR ? FAIL_NOT_FOUND : FAIL_NOT_EXECUTABLE, errno, "%s", command->arguments[0]);
}

_Noreturn void inner_main(void) {
  report('I', "");
  // The kernel's memory killer should take a command before the agent or the user's desktop.
  int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score >= 0) {
    if (write(score, "700", 3) < 0) {
    }
    close(score);
  }
  // Only process 1 holds the socket and the plan: nothing inside may look into it or trace it.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  syscall(SYS_close_range, STATUS_FD + 1, ~0u, 0);
  fcntl(PLAN_FD, F_SETFD, FD_CLOEXEC);
  fcntl(STATUS_FD, F_SETFD, FD_CLOEXEC);
  confine_keyring();

  struct plan plan = plan_open();
  struct command command = read_command(plan);
  struct watch watch = watch_open(&command.limits);
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_signal, NULL);

  pid_t child = fork();
  if (child < 0) report_fatal(FAIL_SET_UP, errno, "no process can be started");
  if (child == 0) start(&command, &child_signal, plan);

  // Its output is the command's business alone: no descriptor here may keep the pipe open.
  for (int descriptor = 0; descriptor < PLAN_FD; descriptor++) close(descriptor);

  struct timespec interval = {0, 100000000};
  for (;;) {
    int status;
    pid_t ended;
    while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
      if (ended != child) continue;
      char word[16];
      snprintf(word, sizeof word, "%d", status);
      report('X', word);
      _exit(0);
    }
    int got = sigtimedwait(&child_signal, NULL, &interval);
    if (got < 0 && errno == EAGAIN) {
      const char *overrun = watch_tree(&watch, &interval);
      if (overrun) {
        report('O', overrun);
        _exit(0);
      }
    }
  }
}
