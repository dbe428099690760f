#include "report.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "plan.h"

static void send_all(const char *bytes, size_t count) {
  while (send(STATUS_FD, bytes, count, MSG_NOSIGNAL) < 0 && errno == EINTR) {
  }
}

void report_with(const char *bytes, size_t count, const int *files, size_t file_count) {
  union {
    struct cmsghdr header;
    char room[CMSG_SPACE(2 * sizeof(int))];
  } control;
  struct iovec part = {(void *)bytes, count};
  struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
  if (file_count > 0) {
    message.msg_control = &control;
    message.msg_controllen = CMSG_SPACE(file_count * sizeof(int));
    struct cmsghdr *header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(file_count * sizeof(int));
    memcpy(CMSG_DATA(header), files, file_count * sizeof(int));
  }
  while (sendmsg(STATUS_FD, &message, MSG_NOSIGNAL) < 0) {
    // Without the agent there is nobody to run for.
    if (errno != EINTR) _exit(125);
  }
}

void report(char kind, const char *word) {
  char message[64];
  int count = snprintf(message, sizeof message, "%c%s", kind, word);
  send_all(message, (size_t)count + (*word ? 1 : 0));
}

_Noreturn void report_fatal(const char *kind, int error, const char *format, ...) {
  char message[4096];
  int count = snprintf(message, sizeof message, "E%s%c%d%c", kind, 0, error, 0);
  va_list arguments;
  va_start(arguments, format);
  int text = vsnprintf(message + count, sizeof message - (size_t)count, format, arguments);
  va_end(arguments);
  count += text;
  if (count >= (int)sizeof message) count = sizeof message - 1;
  send_all(message, (size_t)count + 1);
  _exit(125);
}

bool agent_is_there(void) {
  char byte;
  ssize_t got = recv(STATUS_FD, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return got != 0;
}

void die_with_agent(void) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (!agent_is_there()) _exit(125);
}
