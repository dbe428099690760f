// What the launcher tells the agent, one message a packet on STATUS_FD. The kernel adds the sender's process id.
//
//   P                      the root of the process tree: process 1 of the sandbox, still in set-up
//   I                      process 1 of the sandbox is up
//   E kind NUL errno NUL text NUL   set-up failed, nothing of the command ran
//   O word NUL             the tree went over a limit (`memory`, `processes`) and is being killed
//   C number NUL parent NUL process NUL flags NUL image NUL given NUL directory NUL target NUL arguments
//                          a program was executed: the number of the exec and of the one that forked it (0: the launcher),
//                          flags `u` (its image cannot be seen) and `c` (arguments cut off), what the kernel resolved, what
//                          execve was given, the working directory, what a loader was told to load, the arguments, each with
//                          its NUL. When asked for: with the image's descriptor and the target's, and answered with one
//                          byte, `a` to allow, `w` to let it wait for `A number` or `D number`, anything else to kill
//   Z number NUL status NUL cpu NUL peak NUL
//                          its process ended: as wait(2) gives it, or `replaced` by the next exec; microseconds; bytes
//   L                      with a descriptor: the socket for the agent's broker to accept on
//   X status NUL           the command ended; `status` as wait(2) gives it
#ifndef REPORT_H
#define REPORT_H

#include <stdbool.h>
#include <stddef.h>

// Why set-up failed, as far as the agent tells reasons apart.
#define FAIL_UNAVAILABLE "unavailable"
#define FAIL_OVERLAY "overlay"
#define FAIL_SET_UP "set-up"
#define FAIL_DIRECTORY "directory"
#define FAIL_NOT_FOUND "not-found"
#define FAIL_NOT_EXECUTABLE "not-executable"

// Sends one of the messages that carry no more than a word.
void report(char kind, const char *word);

// Sends a whole message with at most two descriptors. Without the agent there is nobody to run for: ends the process.
void report_with(const char *bytes, size_t count, const int *files, size_t file_count);

// Reports a failure and ends the process. `error` is an errno value or 0.
_Noreturn void report_fatal(const char *kind, int error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

// Whether the agent still holds its end of the socket.
bool agent_is_there(void);

// Asks the kernel to kill this process when the agent dies, and ends it now if that has happened already.
void die_with_agent(void);

#endif
