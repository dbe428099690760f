#define _GNU_SOURCE
#include "watch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>
#include <unistd.h>

#include "execs.h"
#include "report.h"

static unsigned long long machine_shared(void);

struct watch watch_open(const struct limits *limits, bool is_container) {
  struct watch watch = {
      .processes = opendir("/proc"), .page_bytes = sysconf(_SC_PAGESIZE), .limits = limits, .is_container = is_container};
  if (!watch.processes) report_fatal(FAIL_SET_UP, errno, "/proc cannot be read");
  watch.shared_at_start = machine_shared();
  return watch;
}

static ssize_t read_file(int directory, const char *process, const char *name, char *buffer, size_t size) {
  char path[288];
  snprintf(path, sizeof path, "%s/%s", process, name);
  int file = openat(directory, path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return -1;
  ssize_t count = read(file, buffer, size - 1);
  close(file);
  if (count >= 0) buffer[count] = 0;
  return count;
}

// Threads and resident pages out of /proc/PID/stat: fields 20 and 24 (proc(5)). The name in field 2 may hold anything,
// so fields are counted from its last parenthesis.
static bool read_stat(int directory, const char *process, unsigned long long *threads, unsigned long long *pages) {
  char text[1024];
  if (read_file(directory, process, "stat", text, sizeof text) <= 0) return false;
  char *field = strrchr(text, ')');
  if (!field) return false;
  for (int number = 2; number < 24; number++) {
    field = strchr(field + 1, ' ');
    if (!field) return false;
    if (number + 1 == 20) *threads = strtoull(field, NULL, 10);
    if (number + 1 == 24) *pages = strtoull(field, NULL, 10);
  }
  return true;
}

// A number in kibibytes behind a name in one of /proc's texts; 0 when it is not there.
static unsigned long long kibibytes(const char *text, const char *name) {
  const char *line = strstr(text, name);
  return line ? strtoull(line + strlen(name), NULL, 10) << 10 : 0;
}

// A process's fair share of its memory, in bytes: pages shared by n processes count 1/n each. Without what lies in
// memory file systems, which is counted by itself. Falls back to what is not shared where the kernel does not tell (a
// process that made itself unreadable).
static unsigned long long proportional(int directory, const char *process, long page_bytes) {
  char text[2048];
  if (read_file(directory, process, "smaps_rollup", text, sizeof text) > 0) {
    if (strstr(text, "\nPss_Anon:")) return kibibytes(text, "\nPss_Anon:") + kibibytes(text, "\nPss_File:");
    return kibibytes(text, "\nPss:");
  }
  if (read_file(directory, process, "statm", text, sizeof text) <= 0) return 0;
  char *next;
  strtoull(text, &next, 10);
  unsigned long long resident = strtoull(next, &next, 10), shared = strtoull(next, &next, 10);
  return resident > shared ? (resident - shared) * (unsigned long long)page_bytes : 0;
}

// MARK: Memory that no process need map: private file systems, memory files, System V segments

// What the whole machine has of it.
static unsigned long long machine_shared(void) {
  char text[4096];
  if (read_file(AT_FDCWD, "/proc", "meminfo", text, sizeof text) <= 0) return 0;
  return kibibytes(text, "\nShmem:");
}

static unsigned long long segments(void) {
  char line[512];
  unsigned long long sum = 0;
  FILE *file = fopen("/proc/sysvipc/shm", "re");
  while (file && fgets(line, sizeof line, file)) {
    unsigned long long resident;
    if (sscanf(line, "%*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %llu", &resident) == 1) sum += resident;
  }
  if (file) fclose(file);
  return sum;
}

// What the sockets of this network namespace hold by default when they are full: it is no process's, and the kernel tells of
// no other measure.
static unsigned long long socket_buffers(void) {
  enum { HELD = 212992 };
  char text[1024];
  if (read_file(AT_FDCWD, "/proc/self", "net/sockstat", text, sizeof text) <= 0) return 0;
  const char *used = strstr(text, "sockets: used ");
  return used ? strtoull(used + strlen("sockets: used "), NULL, 10) * HELD : 0;
}

// Bytes of memory files that some process has open. False when a process does not let itself be looked into.
static bool add_memory_files(int directory, const char *process, unsigned long long *sum) {
  static struct {
    dev_t device;
    ino_t inode;
  } seen[1024];
  static size_t count;
  if (!process) {
    count = 0;
    return true;
  }
  char path[288], target[32];
  snprintf(path, sizeof path, "%s/fd", process);
  int place = openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR *files = place >= 0 ? fdopendir(place) : NULL;
  if (!files) return errno == ENOENT || errno == ESRCH;
  struct dirent *entry;
  while ((entry = readdir(files))) {
    struct stat status;
    ssize_t length = readlinkat(place, entry->d_name, target, sizeof target - 1);
    if (length < 7 || memcmp(target, "/memfd:", 7) != 0 || fstatat(place, entry->d_name, &status, 0) != 0) continue;
    bool known = false;
    for (size_t i = 0; i < count && !known; i++)
      known = seen[i].device == status.st_dev && seen[i].inode == status.st_ino;
    if (known) continue;
    if (count < sizeof seen / sizeof *seen) {
      seen[count].device = status.st_dev;
      seen[count++].inode = status.st_ino;
    }
    *sum += (unsigned long long)status.st_blocks * 512;
  }
  closedir(files);
  return true;
}

// Processor time of this thread: on a machine that is busy with what is watched, waiting must not count as watching.
static double seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

// Whether an entry of /proc is a process of the tree.
static bool is_of_tree(const struct watch *watch, const char *name) {
  if (name[0] < '1' || name[0] > '9') return false;
  return watch->is_container ? execs_is_traced(atoi(name)) : strcmp(name, "1") != 0;
}

// Adds up tasks and resident bytes of all processes but this one.
static void sum(struct watch *watch, unsigned long long *tasks, unsigned long long *resident) {
  *tasks = *resident = 0;
  struct dirent *entry;
  rewinddir(watch->processes);
  while ((entry = readdir(watch->processes))) {
    unsigned long long threads = 0, pages = 0;
    if (!is_of_tree(watch, entry->d_name)) continue;
    if (!read_stat(dirfd(watch->processes), entry->d_name, &threads, &pages)) continue;
    *tasks += threads;
    *resident += pages * (unsigned long long)watch->page_bytes;
  }
}

unsigned long long watch_count_user(void) {
  unsigned long long count = 0;
  DIR *processes = opendir("/proc");
  struct dirent *entry;
  while (processes && (entry = readdir(processes))) {
    struct stat status;
    unsigned long long threads = 0, pages;
    if (entry->d_name[0] < '1' || entry->d_name[0] > '9') continue;
    // What made itself unreadable is shown as root's: counted, too, so that the limit is rather too high.
    if (fstatat(dirfd(processes), entry->d_name, &status, 0) != 0) continue;
    if (status.st_uid != geteuid() && status.st_uid != 0) continue;
    if (read_stat(dirfd(processes), entry->d_name, &threads, &pages)) count += threads;
  }
  if (processes) closedir(processes);
  return count;
}

bool watch_is_full(struct watch *watch) {
  unsigned long long tasks, resident;
  sum(watch, &tasks, &resident);
  return tasks >= watch->limits->processes;
}

const char *watch_tree(struct watch *watch, double *pause) {
  double start = seconds();
  unsigned long long tasks, resident;
  // A watch that cannot look must not go on.
  if (!read_stat(dirfd(watch->processes), "self", &tasks, &resident)) return "processes";
  sum(watch, &tasks, &resident);
  if (tasks >= watch->limits->processes) return "processes";
  unsigned long long shared = machine_shared();
  shared = shared > watch->shared_at_start ? shared - watch->shared_at_start : 0;
  unsigned long long sockets = watch->is_container ? 0 : socket_buffers();
  if (resident + shared + sockets > watch->limits->memory_bytes) {
    // Forked processes share pages that were counted once each, and others on this machine use shared memory, too: look
    // closely before judging.
    unsigned long long share = 0, files = watch->is_container ? 0 : segments();
    struct statvfs own;
    if (!watch->is_container && statvfs("/tmp", &own) == 0) files += (unsigned long long)(own.f_blocks - own.f_bfree) * own.f_frsize;
    bool is_hidden = false;
    struct dirent *entry;
    int directory = dirfd(watch->processes);
    add_memory_files(directory, NULL, &files);
    rewinddir(watch->processes);
    while ((entry = readdir(watch->processes))) {
      if (!is_of_tree(watch, entry->d_name)) continue;
      share += proportional(directory, entry->d_name, watch->page_bytes);
      if (!add_memory_files(directory, entry->d_name, &files)) is_hidden = true;
    }
    // What cannot be looked into could hold all that the machine has more of.
    if (is_hidden && shared > files) files = shared;
    if (share + files + sockets > watch->limits->memory_bytes) return "memory";
  }
  // At most one part in twenty of a processor for watching.
  *pause = (seconds() - start) * 20;
  if (*pause < 0.1) *pause = 0.1;
  if (*pause > 2) *pause = 2;
  return NULL;
}
