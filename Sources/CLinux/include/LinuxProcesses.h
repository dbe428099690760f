#ifndef LINUX_PROCESSES_H
#define LINUX_PROCESSES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// Process calls of Linux that Swift's Glibc module does not show. All of them return -1 and set errno on failure.

/// Starts `path` without arguments or environment. Its descriptors are copies of `descriptors`, numbered from 0, and no
/// others; signals have their default actions and none is blocked.
pid_t linux_spawn(const char *path, const int *descriptors, int count);

/// The same with arguments, of which the first is the program's name and the last is NULL.
pid_t linux_spawn_command(const char *path, char *const arguments[], const int *descriptors, int count);

/// prlimit(2): so much processor time and address space, no core, and no file written.
int linux_process_limit(pid_t process, uint64_t cpu_seconds, uint64_t memory);

/// pidfd_open(2).
int linux_process_open(pid_t process);

/// waitpid(2) for one child of the calling thread, without waiting; 0 while it runs. Its CPU time and that of the
/// processes below it that were waited for, and the largest resident set among them.
pid_t linux_process_reap(pid_t process, int *status, int64_t *cpu_microseconds, int64_t *peak_bytes);

/// A pair of connected sockets that keep messages apart. The first end does not block, and learns who sent a message.
int linux_message_pair(int ends[2]);

/// One message and the process that sent it, as its id is in the reader's namespace; 0 at the end of the stream. Of the
/// descriptors that came with it, two are taken over into `files`; what was not sent is -1 there.
ssize_t linux_message_receive(int socket, void *buffer, size_t size, pid_t *sender, int files[2]);

/// A file in memory that holds these bytes and can be changed no more.
int linux_memory_file(const char *name, const void *bytes, size_t count);

/// A pipe of which the reading end does not block, with a buffer of about `size` bytes where the system allows.
int linux_pipe(int ends[2], int size);

/// eventfd(2), not blocking.
int linux_event(void);

/// accept4(2): the next connection, not blocking.
int linux_accept(int listener);

/// The IPv4 address of the near end of a socket, in the machine's byte order; 0 when it has none.
uint32_t linux_local_address(int file);

/// memmem(3): where a text is first in some bytes; NULL when it is not.
const void *linux_find(const void *bytes, size_t count, const void *text, size_t length);

/// Blocks all signals for the calling thread.
void linux_block_signals(void);

/// Names the calling thread, for people who look at the process.
void linux_thread_name(const char *name);

#endif
