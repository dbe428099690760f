#define _GNU_SOURCE
#include "inner.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "confine.h"
#include "container.h"
#include "execs.h"
#include "kernel.h"
#include "plan.h"
#include "report.h"
#include "watch.h"

struct command {
  char **arguments;
  char **environment;
  const char *directory;
  struct limits limits;
  enum exec_watch watch;
  // Where the agent's broker listens; 0 for not at all.
  unsigned short port;
  // Not in namespaces of its own.
  bool is_container;
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
    else if (strcmp(key, "watch") == 0)
      command.watch = strcmp(plan_need(&plan), "ask") == 0 ? WATCH_ASK : WATCH_RECORD;
    else if (strcmp(key, "listen") == 0)
      command.port = (unsigned short)plan_number(&plan);
    else if (strcmp(key, "level") == 0)
      command.is_container = strcmp(plan_need(&plan), "container") == 0;
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
  // Where there is no process namespace, being traced is what the tree dies by.
  if (command.is_container && command.watch == WATCH_OFF) command.watch = WATCH_HOLD;
  if (command.is_container) command.limits.other_processes = watch_count_user();
  return command;
}

// A socket that listens in this network namespace, handed to the agent, who is outside of it. There is no other interface
// than loopback, and every address of it counts: what is connected to tells the agent what is wanted.
static void hand_listener_out(unsigned short port) {
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr = {htonl(INADDR_ANY)}};
  setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof address) != 0 || listen(listener, 128) != 0)
    report_fatal(FAIL_SET_UP, errno, "nothing can listen in the sandbox");
  report_with("L", 1, &listener, 1);
  close(listener);
}

// An empty input is the host's null device, which no rule of the view names: programs that open theirs again would be
// refused. The view's own does the same.
static void open_empty_input(void) {
  struct stat status;
  if (fstat(STDIN_FILENO, &status) != 0 || !S_ISCHR(status.st_mode)) return;
  int own = open("/dev/null", O_RDONLY | O_CLOEXEC);
  if (own >= 0) dup2(own, STDIN_FILENO);
}

// The child's part: from here on it only becomes more confined.
static _Noreturn void start(const struct command *command, const sigset_t *blocked, struct plan plan, int gate) {
  if (command->watch != WATCH_OFF) {
    // So that it can be traced; there is nothing else inside yet that could. Its parent closes the gate when it does.
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
    char byte = 0;
    if (write(gate, &byte, 1) != 1) _exit(125);
    while (read(gate, &byte, 1) < 0 && errno == EINTR) {
    }
    close(gate);
  }
  for (int signal = 1; signal < NSIG; signal++) {
    struct sigaction action = {.sa_handler = SIG_DFL};
    sigaction(signal, &action, NULL);
  }
  sigprocmask(SIG_UNBLOCK, blocked, NULL);
  umask(022);
  open_empty_input();
  if (chdir(command->directory) != 0)
    report_fatal(FAIL_DIRECTORY, errno, "%s cannot be entered", command->directory);
  confine_limits(&command->limits);
  if (command->is_container) {
    container_confine_files(plan);
    container_confine_calls();
  } else {
    confine_files(plan);
  }
  confine_calls(command->watch != WATCH_OFF);
  environ = command->environment;
  // A shell's rules: the program is searched on PATH, and a script without an interpreter line is the shell's.
  execvpe(command->arguments[0], command->arguments, command->environment);
  report_fatal(
      errno == ENOENT || errno == ENOTDIR ? FAIL_NOT_FOUND : FAIL_NOT_EXECUTABLE, errno, "%s", command->arguments[0]);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

// Nothing is left when the agent learns that the command has ended. In namespaces, the kernel sees to that.
static _Noreturn void end(struct watch *watch) {
  if (watch->is_container) execs_kill_all();
  _exit(0);
}

static _Noreturn void end_overrun(const char *limit, struct watch *watch) {
  report('O', limit);
  end(watch);
}

static _Noreturn void end_command(int status, struct watch *watch) {
  // A command that could not start one process more has often ended before the watch came to see it.
  if (status != 0 && watch_is_full(watch)) end_overrun("processes", watch);
  char word[16];
  snprintf(word, sizeof word, "%d", status);
  report('X', word);
  end(watch);
}

_Noreturn void inner_main(void) {
  report('I', "");
  // What set-up had open leads to the host.
  if (syscall(SYS_close_range, STATUS_FD + 1, ~0u, 0) != 0) report_fatal(FAIL_UNAVAILABLE, errno, "the kernel is too old");
  // The kernel's memory killer should take a command before the agent or the user's desktop.
  int score = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
  if (score >= 0 && write(score, "700", 3) != 3) close(score), score = -1;
  // Only process 1 holds the socket and the plan: nothing inside may look into it or trace it.
  prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
  fcntl(PLAN_FD, F_SETFD, FD_CLOEXEC);
  fcntl(STATUS_FD, F_SETFD, FD_CLOEXEC);
  confine_keyring();

  struct plan plan = plan_open();
  struct command command = read_command(plan);
  struct watch watch = watch_open(&command.limits, command.is_container);
  sigset_t child_signal;
  sigemptyset(&child_signal);
  sigaddset(&child_signal, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_signal, NULL);

  if (command.port != 0) hand_listener_out(command.port);
  int gates[2] = {-1, -1};
  if (command.watch != WATCH_OFF && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gates) != 0)
    report_fatal(FAIL_SET_UP, errno, "no sockets can be made");
  pid_t child = fork();
  if (child < 0) report_fatal(FAIL_SET_UP, errno, "no process can be started");
  if (child == 0) {
    close(gates[0]);
    start(&command, &child_signal, plan, gates[1]);
  }
  if (command.watch != WATCH_OFF) {
    char byte;
    close(gates[1]);
    while (read(gates[0], &byte, 1) < 0 && errno == EINTR) {
    }
    execs_seize(child, command.watch);
    close(gates[0]);
  }

  // But rather any process of the command than this one, which has to tell how it ended.
  if (score >= 0 && write(score, "0", 1) == 1) close(score);
  // Its output is the command's business alone: no descriptor here may keep the pipe open.
  for (int descriptor = 0; descriptor < PLAN_FD; descriptor++) close(descriptor);

  double next = now() + 0.1;
  for (;;) {
    int status, reaped = 0;
    pid_t ended;
    // Not for ever: a storm of processes must not keep the watch from looking.
    struct rusage usage;
    while (reaped < 100 && (ended = wait4(-1, &status, WNOHANG | __WALL, &usage)) > 0) {
      reaped++;
      if (WIFSTOPPED(status)) {
        execs_stopped(ended, status);
        continue;
      }
      execs_ended(ended, status, &usage);
      if (ended == child) end_command(status, &watch);
    }
    bool is_waiting = execs_decided();
    double left = next - now();
    if (left <= 0) {
      const char *overrun = watch_tree(&watch, &left);
      if (overrun) end_overrun(overrun, &watch);
      next = now() + left;
    }
    if (reaped == 100) continue;
    if (is_waiting && left > 0.05) left = 0.05;
    struct timespec pause = {(time_t)left, (long)((left - (double)(time_t)left) * 1e9)};
    sigtimedwait(&child_signal, NULL, &pause);
  }
}
