// Sums up what the tree uses, from inside: /proc shows here exactly the processes of this sandbox.
#ifndef WATCH_H
#define WATCH_H

#include <dirent.h>

#include "confine.h"

struct watch {
  DIR *processes;
  long page_bytes;
  const struct limits *limits;
  // Others' processes are in /proc, too: only those that are traced count.
  bool is_container;
  // Bytes of shared memory on the machine when the watch began.
  unsigned long long shared_at_start;
};

struct watch watch_open(const struct limits *limits, bool is_container);

// Looks once. The name of the limit that was passed, or NULL. Sets how many seconds to wait before looking
// again: a large tree is looked at less often.
const char *watch_tree(struct watch *watch, double *pause);

// How many processes and threads this process's user has, here and elsewhere.
unsigned long long watch_count_user(void);

// Whether the tree has as many processes and threads as it may.
bool watch_is_full(struct watch *watch);

#endif
