#define _GNU_SOURCE
#include "execs.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plan.h"
#include "report.h"

// What a message holds at most; the rest of the arguments is cut off and marked.
enum { MESSAGE = 48 << 10, PATH_ROOM = 4200, TASKS = 1 << 22 };

// For each task id, the number of the exec whose program it runs, with OWN when the task itself executed it; TRACED
// alone before the first. Pages that no id falls on cost nothing.
static uint32_t *image_of;
#define OWN 0x80000000u
#define TRACED 0x40000000u
#define NUMBER 0x3fffffffu

static uint32_t execs;
static enum exec_watch mode;

void execs_seize(pid_t child, enum exec_watch watch) {
  mode = watch;
  image_of = mmap(
      NULL, TASKS * sizeof *image_of, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (image_of == MAP_FAILED) report_fatal(FAIL_SET_UP, errno, "no memory for the watch of programs");
  const long options = PTRACE_O_TRACEEXEC | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
      PTRACE_O_EXITKILL;
  if (ptrace(PTRACE_SEIZE, child, 0, options) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "the kernel refuses to watch programs (kernel.yama.ptrace_scope)");
  if (child < TASKS) image_of[child] = TRACED;
}

static bool is_known(pid_t task) { return task > 0 && task < TASKS; }

static pid_t parent_of(pid_t task) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/%d/stat", task);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return 0;
  ssize_t count = read(file, text, sizeof text - 1);
  close(file);
  if (count <= 0) return 0;
  text[count] = 0;
  char *field = strrchr(text, ')');
  return field && strlen(field) > 4 ? (pid_t)atoi(field + 4) : 0;
}

// MARK: What was executed

static size_t read_link(pid_t task, const char *name, char *to) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/%s", task, name);
  ssize_t count = readlink(path, to, PATH_ROOM - 1);
  if (count < 0) count = 0;
  to[count] = 0;
  return (size_t)count;
}

// The path that was given to execve, which for a script is the script's: the kernel leaves it for the new program in its
// auxiliary vector (getauxval(3), AT_EXECFN).
static void read_given_path(pid_t task, char *to) {
  char path[64];
  unsigned long vector[128];
  *to = 0;
  snprintf(path, sizeof path, "/proc/%d/auxv", task);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  if (file < 0) return;
  ssize_t count = read(file, vector, sizeof vector);
  close(file);
  for (ssize_t i = 0; i + 1 < count / (ssize_t)sizeof *vector; i += 2) {
    if (vector[i] != 31) continue;
    struct iovec here = {to, PATH_ROOM - 1}, there = {(void *)vector[i + 1], PATH_ROOM - 1};
    ssize_t got = process_vm_readv(task, &here, 1, &there, 1, 0);
    to[got > 0 ? got : 0] = 0;
    return;
  }
}

static size_t read_arguments(pid_t task, char *to, size_t room, bool *cut) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/cmdline", task);
  int file = open(path, O_RDONLY | O_CLOEXEC);
  size_t count = 0;
  ssize_t got;
  while (file >= 0 && count < room && (got = read(file, to + count, room - count)) > 0) count += (size_t)got;
  char more;
  *cut = file >= 0 && count == room && read(file, &more, 1) == 1;
  if (file >= 0) close(file);
  return count;
}

// Whether an image names no interpreter, as dynamic loaders and static programs do.
static bool is_without_interpreter(int image) {
  _Alignas(8) char head[4096];
  ssize_t count = pread(image, head, sizeof head, 0);
  const Elf64_Ehdr *header = (const void *)head;
  if (count < (ssize_t)sizeof *header || memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return false;
  if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_phentsize != sizeof(Elf64_Phdr)) return true;
  for (unsigned i = 0; i < header->e_phnum; i++) {
    Elf64_Phdr segment;
    uint64_t at = header->e_phoff + (uint64_t)i * sizeof segment;
    if (at + sizeof segment > (uint64_t)count) return true;
    memcpy(&segment, head + at, sizeof segment);
    if (segment.p_type == PT_INTERP) return false;
  }
  return true;
}

// The program that a dynamic loader was told to load: its first argument that is no option (ld.so(8)).
static const char *loader_target(const char *arguments, size_t count) {
  static const char *const with_value[] = {
      "--library-path", "--preload", "--audit", "--argv0", "--inhibit-rpath", "--glibc-hwcaps-prepend",
      "--glibc-hwcaps-mask"};
  const char *end = arguments + count;
  bool is_value = true;
  for (const char *word = arguments; word < end; word += strnlen(word, (size_t)(end - word)) + 1) {
    if (is_value) {
      is_value = false;
      continue;
    }
    if (strncmp(word, "--", 2) != 0) return word;
    for (size_t i = 0; i < sizeof with_value / sizeof *with_value; i++)
      if (strcmp(word, with_value[i]) == 0) is_value = true;
  }
  return "";
}

static int open_image(pid_t task) {
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/exe", task);
  return open(path, O_RDONLY | O_CLOEXEC);
}

static int open_target(pid_t task, const char *target) {
  if (!*target) return -1;
  char path[64];
  snprintf(path, sizeof path, "/proc/%d/cwd", task);
  int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  int file = openat(directory, target, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
  if (directory >= 0) close(directory);
  struct stat status;
  if (file >= 0 && (fstat(file, &status) != 0 || !S_ISREG(status.st_mode))) {
    close(file);
    return -1;
  }
  return file;
}

// MARK: Telling

// Programs that wait, stopped, for somebody to decide about them.
static struct held {
  pid_t task;
  uint32_t number;
} held[64];

static void take_decision(const char *answer) {
  uint32_t number = (uint32_t)strtoul(answer + 1, NULL, 10);
  for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
    if (held[i].task == 0 || held[i].number != number) continue;
    if (*answer != 'A') kill(held[i].task, SIGKILL);
    ptrace(PTRACE_CONT, held[i].task, 0, 0);
    held[i].task = 0;
    return;
  }
}

// The next answer of the agent's; false when there is none yet and none is waited for.
static bool next_answer(char *answer, size_t room, int flags) {
  ssize_t got;
  while ((got = recv(STATUS_FD, answer, room - 1, flags)) < 0 && errno == EINTR) {
  }
  if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return false;
  if (got <= 0) _exit(125);
  answer[got] = 0;
  return true;
}

bool execs_decided(void) {
  bool is_waiting = false;
  for (size_t i = 0; i < sizeof held / sizeof *held; i++) is_waiting |= held[i].task != 0;
  char answer[32];
  while (is_waiting && next_answer(answer, sizeof answer, MSG_DONTWAIT)) take_decision(answer);
  return is_waiting;
}

// What is to become of a program: `a` for going on, `w` for waiting, anything else for death.
static char verdict(void) {
  char answer[32];
  while (next_answer(answer, sizeof answer, 0)) {
    // Decisions about others may come in between.
    if (*answer != 'A' && *answer != 'D') return *answer;
    take_decision(answer);
  }
  return 'd';
}

static bool hold(pid_t task, uint32_t number) {
  for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
    if (held[i].task != 0) continue;
    held[i] = (struct held){task, number};
    return true;
  }
  return false;
}

// Whether the task may be continued: not when it has to wait.
static bool tell_exec(pid_t task) {
  static char message[MESSAGE], image[PATH_ROOM], given[PATH_ROOM], directory[PATH_ROOM], arguments[MESSAGE / 2];
  uint32_t before = is_known(task) ? image_of[task] : 0, parent = before & NUMBER;
  if ((before & NUMBER) == 0) {
    // The event of the fork is still to come.
    pid_t maker = parent_of(task);
    if (is_known(maker)) parent = image_of[maker] & NUMBER;
  }
  uint32_t number = ++execs;
  if (is_known(task)) image_of[task] = (number & NUMBER) | OWN | TRACED;

  bool cut;
  size_t argument_bytes = read_arguments(task, arguments, sizeof arguments - 1, &cut);
  arguments[argument_bytes] = 0;
  bool is_seen = read_link(task, "exe", image) > 0;
  read_link(task, "cwd", directory);
  read_given_path(task, given);
  int files[2], file_count = 0;
  const char *target = "";
  if (mode == WATCH_ASK) {
    int file = open_image(task);
    if (file < 0) is_seen = false;
    if (file >= 0) {
      files[file_count++] = file;
      if (is_without_interpreter(file)) target = loader_target(arguments, argument_bytes);
      int other = open_target(task, target);
      if (other >= 0) files[file_count++] = other;
    }
  }
  int count = snprintf(
      message, sizeof message, "C%u%c%u%c%d%c%s%s%c%s%c%s%c%s%c%.*s%c", number, 0, parent, 0, task, 0, is_seen ? "" : "u",
      cut ? "c" : "", 0, image, 0, given, 0, directory, 0, PATH_ROOM, target, 0);
  memcpy(message + count, arguments, argument_bytes);
  report_with(message, (size_t)count + argument_bytes, files, (size_t)file_count);
  while (file_count > 0) close(files[--file_count]);
  if (mode != WATCH_ASK) return true;
  char answer = verdict();
  if (answer == 'a') return true;
  if (answer == 'w' && hold(task, number)) return false;
  // Killed while it is stopped, it never returns from execve.
  kill(task, SIGKILL);
  return true;
}

static void tell_end(uint32_t number, const char *status, const struct rusage *usage) {
  char message[160];
  long long cpu = 0, peak = 0;
  if (usage) {
    cpu = (long long)(usage->ru_utime.tv_sec + usage->ru_stime.tv_sec) * 1000000 + usage->ru_utime.tv_usec +
        usage->ru_stime.tv_usec;
    peak = (long long)usage->ru_maxrss << 10;
  }
  int count = snprintf(message, sizeof message, "Z%u%c%s%c%lld%c%lld%c", number, 0, status, 0, cpu, 0, peak, 0);
  report_with(message, (size_t)count, NULL, 0);
}

// MARK: Events

void execs_stopped(pid_t task, int status) {
  int signal = WSTOPSIG(status);
  switch (status >> 16) {
    case PTRACE_EVENT_EXEC: {
      uint32_t before = is_known(task) ? image_of[task] : 0;
      if (mode == WATCH_HOLD) {
        if (is_known(task)) image_of[task] |= TRACED;
        signal = 0;
        break;
      }
      if (before & OWN) tell_end(before & NUMBER, "replaced", NULL);
      if (!tell_exec(task)) return;
      signal = 0;
      break;
    }
    case PTRACE_EVENT_FORK:
    case PTRACE_EVENT_VFORK:
    case PTRACE_EVENT_CLONE: {
      unsigned long made = 0;
      ptrace(PTRACE_GETEVENTMSG, task, 0, &made);
      if (is_known((pid_t)made) && is_known(task) && (image_of[made] & NUMBER) == 0) image_of[made] = (image_of[task] & NUMBER) | TRACED;
      signal = 0;
      break;
    }
    case PTRACE_EVENT_STOP:
      // A new task may stop before the event of its making is seen.
      if (is_known(task) && image_of[task] == 0) image_of[task] = TRACED;
      // Stopped as a whole by a signal: it stays so until it is continued by one.
      if (signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU) {
        ptrace(PTRACE_LISTEN, task, 0, 0);
        return;
      }
      signal = 0;
      break;
    case 0: break;
    default: signal = 0;
  }
  // It may have been killed meanwhile.
  ptrace(PTRACE_CONT, task, 0, signal);
}

void execs_ended(pid_t task, int status, const struct rusage *usage) {
  if (!image_of || !is_known(task)) return;
  uint32_t image = image_of[task];
  image_of[task] = 0;
  for (size_t i = 0; i < sizeof held / sizeof *held; i++)
    if (held[i].task == task) held[i].task = 0;
  if (!(image & OWN)) return;
  char word[16];
  snprintf(word, sizeof word, "%d", status);
  tell_end(image & NUMBER, word, usage);
}

bool execs_is_traced(pid_t task) { return image_of && is_known(task) && image_of[task] != 0; }

void execs_kill_all(void) {
  // New ones can be made until the last is dead; each is traced from its birth and stops there.
  for (;;) {
    DIR *processes = opendir("/proc");
    struct dirent *entry;
    while (processes && (entry = readdir(processes)))
      if (entry->d_name[0] >= '1' && entry->d_name[0] <= '9' && execs_is_traced(atoi(entry->d_name)))
        kill(atoi(entry->d_name), SIGKILL);
    if (processes) closedir(processes);
    int status;
    pid_t task;
    while ((task = waitpid(-1, &status, __WALL)) > 0) {
      if (!is_known(task)) continue;
      if (WIFSTOPPED(status)) {
        kill(task, SIGKILL);
        image_of[task] = TRACED;
        // A fork's event names a child that must die, too.
        unsigned long made = 0;
        if (status >> 16 && ptrace(PTRACE_GETEVENTMSG, task, 0, &made) == 0 && is_known((pid_t)made) &&
            status >> 16 != PTRACE_EVENT_EXEC && status >> 16 != PTRACE_EVENT_STOP)
          kill((pid_t)made, SIGKILL);
      } else {
        image_of[task] = 0;
      }
    }
    if (errno == ECHILD) return;
  }
}
