#define _GNU_SOURCE
#include "LinuxProcesses.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t linux_spawn(const char *path, const int *descriptors, int count) {
  char *const arguments[] = {(char *)path, NULL};
  return linux_spawn_command(path, arguments, descriptors, count);
}

pid_t linux_spawn_command(const char *path, char *const arguments[], const int *descriptors, int count) {
  enum { MOST = 16 };
  int copies[MOST], copied = 0, error = EINVAL;
  pid_t process = -1;
  if (count > MOST) goto end;
  // Above all targets, so that no target overwrites a source that is still to come.
  for (; copied < count; copied++) {
    copies[copied] = fcntl(descriptors[copied], F_DUPFD_CLOEXEC, MOST);
    if (copies[copied] < 0) {
      error = errno;
      goto end;
    }
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  if ((error = posix_spawn_file_actions_init(&actions)) != 0) goto end;
  if ((error = posix_spawnattr_init(&attributes)) != 0) {
    posix_spawn_file_actions_destroy(&actions);
    goto end;
  }
  for (int i = 0; i < count && error == 0; i++) error = posix_spawn_file_actions_adddup2(&actions, copies[i], i);
  if (error == 0) error = posix_spawn_file_actions_addclosefrom_np(&actions, count);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  char *const environment[] = {NULL};
  if (error == 0) error = posix_spawn(&process, path, &actions, &attributes, arguments, environment);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
end:
  while (copied > 0) close(copies[--copied]);
  if (error != 0) {
    errno = error;
    return -1;
  }
  return process;
}

int linux_process_limit(pid_t process, uint64_t cpu_seconds, uint64_t memory) {
  const struct rlimit cpu = {cpu_seconds, cpu_seconds}, room = {memory, memory}, none = {0, 0};
  return prlimit(process, RLIMIT_CPU, &cpu, NULL) | prlimit(process, RLIMIT_AS, &room, NULL) |
      prlimit(process, RLIMIT_CORE, &none, NULL) | prlimit(process, RLIMIT_FSIZE, &none, NULL);
}

int linux_process_open(pid_t process) { return (int)syscall(SYS_pidfd_open, process, 0); }

pid_t linux_process_reap(pid_t process, int *status, int64_t *cpu_microseconds, int64_t *peak_bytes) {
  struct rusage usage;
  pid_t got;
  do {
    got = wait4(process, status, WNOHANG | __WNOTHREAD, &usage);
  } while (got < 0 && errno == EINTR);
  if (got > 0) {
    *cpu_microseconds = (int64_t)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
        usage.ru_stime.tv_usec;
    *peak_bytes = (int64_t)usage.ru_maxrss << 10;
  }
  return got;
}

int linux_message_pair(int ends[2]) {
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) return -1;
  int on = 1;
  if (setsockopt(ends[0], SOL_SOCKET, SO_PASSCRED, &on, sizeof on) != 0 ||
      fcntl(ends[0], F_SETFL, O_NONBLOCK) != 0) {
    int error = errno;
    close(ends[0]);
    close(ends[1]);
    errno = error;
    return -1;
  }
  return 0;
}

ssize_t linux_message_receive(int socket, void *buffer, size_t size, pid_t *sender, int files[2]) {
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(sizeof(struct ucred)) + 64];
  } control;
  struct iovec part = {.iov_base = buffer, .iov_len = size};
  struct msghdr message = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t got;
  do {
    got = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (got < 0 && errno == EINTR);
  *sender = 0;
  files[0] = files[1] = -1;
  if (got <= 0) return got;
  for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part; part = CMSG_NXTHDR(&message, part)) {
    if (part->cmsg_level != SOL_SOCKET) continue;
    if (part->cmsg_type == SCM_RIGHTS) {
      // The buffer has room for no more than a few.
      size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
      for (size_t i = 0; i < count; i++) {
        int file;
        memcpy(&file, CMSG_DATA(part) + i * sizeof file, sizeof file);
        if (i < 2)
          files[i] = file;
        else
          close(file);
      }
    }
    if (part->cmsg_type != SCM_CREDENTIALS) continue;
    struct ucred credentials;
    memcpy(&credentials, CMSG_DATA(part), sizeof credentials);
    *sender = credentials.pid;
  }
  return got;
}

int linux_memory_file(const char *name, const void *bytes, size_t count) {
  int file = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
  if (file < 0) return -1;
  const char *next = bytes;
  while (count > 0) {
    ssize_t written = write(file, next, count);
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) goto failed;
    next += written;
    count -= (size_t)written;
  }
  if (lseek(file, 0, SEEK_SET) != 0) goto failed;
  if (fcntl(file, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) != 0) goto failed;
  return file;
failed:;
  int error = errno;
  close(file);
  errno = error;
  return -1;
}

int linux_pipe(int ends[2], int size) {
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  // Refused when the user has many large pipes already: the default will do.
  fcntl(ends[1], F_SETPIPE_SZ, size);
  if (fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0) return 0;
  int error = errno;
  close(ends[0]);
  close(ends[1]);
  errno = error;
  return -1;
}

int linux_event(void) { return eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK); }

int linux_accept(int listener) { return accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK); }

uint32_t linux_local_address(int file) {
  struct sockaddr_in address = {0};
  socklen_t size = sizeof address;
  if (getsockname(file, (struct sockaddr *)&address, &size) != 0 || address.sin_family != AF_INET) return 0;
  return ntohl(address.sin_addr.s_addr);
}

const void *linux_find(const void *bytes, size_t count, const void *text, size_t length) {
  return memmem(bytes, count, text, length);
}

void linux_block_signals(void) {
  sigset_t all;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, NULL);
}

void linux_thread_name(const char *name) { prctl(PR_SET_NAME, name, 0, 0, 0); }
