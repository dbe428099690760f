// What the launcher tells the agent, one message a packet on STATUS_FD. The kernel adds the sender's process id.
//
//   P                      the root of the process tree, about to become bubblewrap
//   I                      process 1 of the sandbox is up
//   E kind NUL errno NUL text NUL   set-up failed, nothing of the command ran
//   O word NUL             the tree went over a limit (`memory`, `processes`) and is being killed
//   X status NUL           the command ended; `status` as wait(2) gives it
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>

// Why set-up failed, as far as the agent tells reasons apart.
#define FAIL_UNAVAILABLE "unavailable"
#define FAIL_OVERLAY "overlay"
#define FAIL_SET_UP "set-up"
#define FAIL_DIRECTORY "directory"
#define FAIL_NOT_FOUND "not-found"
#define FAIL_NOT_EXECUTABLE "not-executable"

// Sends one of the messages that carry no more than a word.
void report(char kind, const char *word);

// Reports a failure and ends the process. `error` is an errno value or 0.
_Noreturn void report_fatal(const char *kind, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Whether the agent still holds its end of the socket.
bool agent_is_there(void);

// Asks the kernel to kill this process when the agent dies, and ends it now if that has happened already.
void die_with_agent(void);

#endif
