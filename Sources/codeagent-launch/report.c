#include "report.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plan.h"

static void send_all(const char *bytes, size_t count) {
  while (send(STATUS_FD, bytes, count, MSG_NOSIGNAL) < 0 && errno == EINTR) {
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
