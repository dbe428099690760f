// The file system that a command sees, put together below a directory that bubblewrap then makes its root.
#ifndef VIEW_H
#define VIEW_H

#include <sys/types.h>

#include "plan.h"

// Where the root of the view and its private `/dev/shm` lie, in this process's mount namespace.
#define VIEW_ROOT "/tmp/root"
#define VIEW_SHARED_MEMORY "/tmp/private/shm"
// Where the second stage finds the launcher inside.
#define VIEW_LAUNCHER "/run/codeagent/launch"
// The private home, as the synthetic /etc/passwd has it.
#define VIEW_HOME "/home/agent"

// Builds the view. `payload` is the user that the payload becomes when started as root, else 0.
void view_build(struct plan plan, uid_t payload, gid_t payload_group);

#endif
