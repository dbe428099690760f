#define _GNU_SOURCE
#include "probe.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sched.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "kernel.h"
#include "view.h"

static void tell(const char *name, bool holds, const char *format, ...) {
  va_list arguments;
  va_start(arguments, format);
  printf("%s\t%s\t", name, holds ? "ok" : "no");
  vprintf(format, arguments);
  putchar('\n');
  va_end(arguments);
}

// The first of some paths that `flags` can open, or NULL.
static const char *opened(const char *const *paths, size_t count, int flags) {
  for (size_t i = 0; i < count; i++) {
    int file = open(paths[i], flags | O_CLOEXEC, 0600);
    if (file < 0) continue;
    close(file);
    return paths[i];
  }
  return NULL;
}
#define OPENED(flags, ...) \
  opened((const char *const[]){__VA_ARGS__}, sizeof((const char *[]){__VA_ARGS__}) / sizeof(char *), flags)

static void try_files(const char *home) {
  const char *path = OPENED(
      O_WRONLY | O_CREAT, "/codeagent-probe", "/usr/codeagent-probe", "/etc/codeagent-probe", "/etc/passwd",
      "/usr/bin/env", "/dev/codeagent-probe", VIEW_LAUNCHER);
  tell("writes outside", !path, path ? "%s could be written" : "refused in /, /usr, /etc and /dev", path);
  // Somebody's whole HOME: what the view needs of it is bound in pieces.
  char hidden[4096];
  snprintf(hidden, sizeof hidden, "%s/.ssh", home);
  path = OPENED(O_RDONLY, hidden, "/etc/shadow", "/var/run/docker.sock", "/proc/1/environ", "/proc/kcore");
  tell("secrets", !path, path ? "%s could be read" : "%s and others cannot be read", path ? path : hidden);
  path = OPENED(
      O_WRONLY, "/proc/sys/kernel/hostname", "/proc/sys/vm/drop_caches", "/proc/sys/kernel/core_pattern",
      "/proc/sysrq-trigger", "/sys/kernel/uevent_helper");
  tell("kernel settings", !path, path ? "%s could be written" : "/proc/sys, /proc/sysrq-trigger and /sys are not writable", path);
  // Without Landlock, anybody may make this one kind of device; its rules never allow it.
  bool made = mknod("/tmp/codeagent-probe-device", S_IFCHR, 0) == 0;
  if (made) unlink("/tmp/codeagent-probe-device");
  long version = syscall(SYS_landlock_create_ruleset, NULL, 0, 1);
  tell("landlock", !made, version > 0 ? "version %ld of the interface" : "not offered by this kernel", version);
}

static int connection(const char *address, uint16_t port) {
  int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct timeval patience = {.tv_sec = 1};
  setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
  inet_pton(AF_INET, address, &to.sin_addr);
  int result = connect(descriptor, (struct sockaddr *)&to, sizeof to);
  int error = errno;
  close(descriptor);
  return result == 0 ? 0 : error;
}

static void try_network(uint16_t port) {
  int host = connection("127.0.0.1", port), outside = connection("192.0.2.1", 80);
  bool off = host == ECONNREFUSED && (outside == ENETUNREACH || outside == EHOSTUNREACH);
  tell(
      "network", off, off ? "the host's ports and other hosts cannot be reached" : "127.0.0.1: %s, 192.0.2.1: %s",
      strerror(host), strerror(outside));
  int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof own;
  bool works = bind(listener, (struct sockaddr *)&own, size) == 0 && listen(listener, 1) == 0 &&
      getsockname(listener, (struct sockaddr *)&own, &size) == 0 && connect(client, (struct sockaddr *)&own, size) == 0;
  tell("loopback", works, works ? "a connection inside works" : "%s", strerror(errno));
}

// Without a network namespace, there are no sockets at all.
static void try_sockets(void) {
  static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};
  int made = -1;
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    if (socket(families[i], SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0 || socket(families[i], SOCK_DGRAM | SOCK_CLOEXEC, 0) >= 0)
      made = families[i];
  int pair[2];
  bool works = socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0;
  tell("network", made < 0 && works, made < 0 ? "no socket can be made" : "a socket of family %d could be made", made);
  pid_t agent = getppid();
  for (int tries = 0; tries < 2 && agent > 1; tries++) {
    // Its parent is the supervisor, and there is the agent above that.
    char path[64], text[256] = "";
    bool reached = kill(agent, 0) == 0;
    snprintf(path, sizeof path, "/proc/%d/environ", agent);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file >= 0) reached = true, close(file);
    tell("other processes", !reached, reached ? "process %d is in reach" : "neither signalled nor looked into", agent);
    snprintf(path, sizeof path, "/proc/%d/stat", agent);
    file = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t got = file >= 0 ? read(file, text, sizeof text - 1) : -1;
    close(file);
    char *field = got > 0 ? strrchr(text, ')') : NULL;
    agent = field && strlen(field) > 4 ? (pid_t)atoi(field + 4) : 0;
  }
}

static void try_privileges(bool is_container) {
  char line[256], capabilities[64] = "", filter[16] = "";
  FILE *status = fopen("/proc/self/status", "re");
  bool no_new_privileges = false;
  while (status && fgets(line, sizeof line, status)) {
    sscanf(line, "CapEff: %63s", capabilities);
    sscanf(line, "Seccomp: %15s", filter);
    if (strcmp(line, "NoNewPrivs:\t1\n") == 0) no_new_privileges = true;
  }
  bool none = strspn(capabilities, "0") == strlen(capabilities) && *capabilities && (geteuid() != 0 || is_container);
  tell("privileges", none && no_new_privileges, "user %u, capabilities %s, %s", geteuid(), capabilities,
       no_new_privileges ? "none to be gained" : "more can be gained");

  bool namespaces = unshare(CLONE_NEWUSER) != 0 && errno == EPERM && mount("none", "/tmp", "tmpfs", 0, "") != 0;
  tell("namespaces", namespaces, namespaces ? "no further namespace, no mount" : "a namespace could be made");
  const char *allowed = NULL;
  if (syscall(SYS_bpf, 0, NULL, 0) >= 0 || errno != EPERM) allowed = "bpf";
  if (syscall(SYS_keyctl, 0, -3, 0) >= 0 || errno != EPERM) allowed = "keyctl";
  if (syscall(SYS_perf_event_open, NULL, 0, -1, -1, 0) >= 0 || errno != EPERM) allowed = "perf_event_open";
  if (syscall(SYS_userfaultfd, 0) >= 0 || errno != EPERM) allowed = "userfaultfd";
  if (syscall(425, 1, NULL) >= 0 || errno != EPERM) allowed = "io_uring_setup";
  if (syscall(435, NULL, 0) >= 0 || errno != ENOSYS) allowed = "clone3";
  if (ioctl(0, TIOCSTI, "") == 0 || errno != EPERM) allowed = "TIOCSTI";
  if (socket(AF_VSOCK, SOCK_STREAM, 0) >= 0 || errno != EAFNOSUPPORT) allowed = "AF_VSOCK";
  tell("system calls", !allowed && strcmp(filter, "2") == 0, allowed ? "%s is allowed" : "the filter is in force", allowed);
}

static void try_inheritance(char **environment, bool is_container) {
  int beyond = -1, variables = 0;
  DIR *descriptors = opendir("/proc/self/fd");
  struct dirent *entry;
  while (descriptors && (entry = readdir(descriptors))) {
    int number = atoi(entry->d_name);
    if (number > 2 && number != dirfd(descriptors)) beyond = number;
  }
  while (environment[variables]) variables++;
  tell("descriptors", descriptors && beyond < 0, beyond < 0 ? "none inherited" : "descriptor %d is open", beyond);
  tell("environment", variables <= 5, "%d variables", variables);
  // At the level for containers, others are visible, and out of reach.
  if (is_container) return;
  DIR *processes = opendir("/proc");
  int seen = 0;
  while (processes && (entry = readdir(processes)))
    if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9') seen++;
  tell("processes", seen == 2, "%d are visible", seen);
}

static _Noreturn void go_over(const char *what) {
  if (strcmp(what, "memory") == 0) {
    for (;;) {
      char *block = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
      if (block != MAP_FAILED) memset(block, 1, 1 << 20);
    }
  }
  if (strcmp(what, "flood") == 0) {
    static char line[65536];
    memset(line, 'x', sizeof line);
    for (;;)
      if (write(1, line, sizeof line) < 0) _exit(1);
  }
  if (strcmp(what, "processes") == 0) {
    for (;;)
      if (fork() < 0) usleep(10000);
  }
  if (strcmp(what, "daemon") == 0) {
    if (fork() != 0) _exit(0);
    setsid();
    if (fork() != 0) _exit(0);
  }
  for (;;) pause();
}

_Noreturn void probe_main(int count, char **arguments) {
  if (count < 3 || strcmp(arguments[2], "boundary") != 0) go_over(count < 3 ? "" : arguments[2]);
  if (count < 6) _exit(2);
  bool is_container = strcmp(arguments[5], "container") == 0;
  setvbuf(stdout, NULL, _IOFBF, 1 << 16);
  try_inheritance(environ, is_container);
  try_files(arguments[4]);
  if (is_container)
    try_sockets();
  else
    try_network((uint16_t)atoi(arguments[3]));
  try_privileges(is_container);
  // The workspace is the one place to write: the agent looks at what became of this.
  int file = open("made-inside", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
  bool works = file >= 0 && unlink("deleted-inside") == 0;
  tell("workspace", works, works ? "can be written" : "%s", strerror(errno));
  fflush(stdout);
  _exit(0);
}
