#define _GNU_SOURCE
#include "namespaces.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "kernel.h"
#include "report.h"

static bool write_file(const char *path, const char *text) {
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0) return false;
  ssize_t count = write(file, text, strlen(text));
  int error = errno;
  close(file);
  errno = error;
  return count == (ssize_t)strlen(text);
}

bool is_host_root(void) {
  if (geteuid() != 0) return false;
  FILE *map = fopen("/proc/self/uid_map", "re");
  unsigned inside, outside;
  bool known = map && fscanf(map, "%u %u", &inside, &outside) == 2;
  if (map) fclose(map);
  // When in doubt, yes: root's commands are handed to somebody else.
  return !known || inside != 0 || outside == 0;
}

void enter_namespaces(uid_t payload) {
  if (payload == 0) {
    uid_t uid = geteuid();
    gid_t gid = getegid();
    if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
      report_fatal(FAIL_UNAVAILABLE, errno, "the kernel refuses user namespaces");
    char map[64];
    if (!write_file("/proc/self/setgroups", "deny"))
      report_fatal(FAIL_UNAVAILABLE, errno, "/proc/self/setgroups cannot be written");
    snprintf(map, sizeof map, "0 %u 1\n", uid);
    if (!write_file("/proc/self/uid_map", map))
      report_fatal(FAIL_UNAVAILABLE, errno, "/proc/self/uid_map cannot be written");
    snprintf(map, sizeof map, "0 %u 1\n", gid);
    if (!write_file("/proc/self/gid_map", map))
      report_fatal(FAIL_UNAVAILABLE, errno, "/proc/self/gid_map cannot be written");
  } else if (unshare(CLONE_NEWNS) != 0) {
    report_fatal(FAIL_UNAVAILABLE, errno, "the kernel refuses a mount namespace");
  }
  // Mounts made here stay here; those made outside must not come in while the view is built.
  if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "mounts cannot be made private");
}

// A map of all ids that shows `owner` as `payload`. Root's own id is shown as nothing that exists where it is not the
// owner's, and so is the payload's: nothing on disk may look like root's that is not.
static void id_map(char *text, size_t size, unsigned owner, unsigned payload) {
  const unsigned long long end = 4294967295ull;
  unsigned low = owner < payload ? owner : payload, high = owner < payload ? payload : owner;
  int count = snprintf(text, size, "%u %u 1\n", owner, payload);
  // Identity for what is left, in up to three pieces. The last id of all is where the payload's own goes.
  if (low > 0) count += snprintf(text + count, size - (size_t)count, "0 0 %u\n", low);
  if (high > low + 1)
    count += snprintf(text + count, size - (size_t)count, "%u %u %u\n", low + 1, low + 1, high - low - 1);
  count += snprintf(text + count, size - (size_t)count, "%u %u %llu\n", high + 1, high + 1, end - high - 2);
  snprintf(text + count, size - (size_t)count, "%u %llu 1\n", payload, end - 1);
}

int id_map_namespace(uid_t owner, gid_t group, uid_t payload, gid_t payload_group) {
  static struct {
    uid_t owner;
    gid_t group;
    int namespace;
  } known[16];
  static size_t count;
  for (size_t i = 0; i < count; i++)
    if (known[i].owner == owner && known[i].group == group) return known[i].namespace;

  // A namespace lives while a process is in it; this one only waits until the descriptor is open.
  pid_t child = (pid_t)syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);
  if (child < 0) return -1;
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    for (;;) pause();
  }
  char path[64], map[256];
  int namespace = -1;
  snprintf(path, sizeof path, "/proc/%d/uid_map", child);
  id_map(map, sizeof map, owner, payload);
  bool mapped = write_file(path, map);
  if (mapped) {
    snprintf(path, sizeof path, "/proc/%d/gid_map", child);
    id_map(map, sizeof map, group, payload_group);
    mapped = write_file(path, map);
  }
  if (mapped) {
    snprintf(path, sizeof path, "/proc/%d/ns/user", child);
    namespace = open(path, O_RDONLY | O_CLOEXEC);
  }
  int error = errno;
  kill(child, SIGKILL);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
  }
  if (namespace >= 0 && count < sizeof known / sizeof *known) {
    known[count].owner = owner;
    known[count].group = group;
    known[count++].namespace = namespace;
  }
  errno = error;
  return namespace;
}

void become(uid_t uid, gid_t gid) {
  if (setgroups(0, NULL) != 0 || setresgid(gid, gid, gid) != 0 || setresuid(uid, uid, uid) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "user %u cannot be taken on", uid);
  // Belt and braces: a launcher that could come back must not go on.
  if (setuid(0) == 0 || geteuid() == 0) report_fatal(FAIL_UNAVAILABLE, 0, "root could be taken on again");
}
