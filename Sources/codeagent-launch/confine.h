// What the command's process gives up before it becomes the command.
#ifndef CONFINE_H
#define CONFINE_H

#include <stdbool.h>

#include "plan.h"

struct limits {
  unsigned long long cpu_seconds;
  unsigned long long file_bytes;
  unsigned long long open_files;
  // Processes and threads of the tree.
  unsigned long long processes;
  // Those of the same user that are not of the tree, where the kernel counts them together.
  unsigned long long other_processes;
  // Resident memory of the tree.
  unsigned long long memory_bytes;
};

// A session keyring that holds nothing.
void confine_keyring(void);

// Resource limits of setrlimit(2).
void confine_limits(const struct limits *limits);

// Landlock, beneath the view: reading where the plan binds something, writing in the workspace and private directories.
void confine_files(struct plan plan);

// No new privileges, and the system call filter; where programs are watched, without what hides from a tracer.
void confine_calls(bool is_watched);

#endif
