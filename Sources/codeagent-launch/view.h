// The file system that a command sees, put together below a directory that process 1 then makes its root.
#ifndef VIEW_H
#define VIEW_H

#include <sys/types.h>

#include "plan.h"

// Where the view is put together, in the launcher's own mount namespace.
#define VIEW_STAGE "/tmp/view"
// Where the launcher is seen inside, for its probes.
#define VIEW_LAUNCHER "/run/codeagent/launch"
// The private home, as the synthetic /etc/passwd has it.
#define VIEW_HOME "/home/agent"

// Builds the view. `payload` is the user that the payload becomes when started as root, else 0.
void view_build(struct plan plan, uid_t payload, gid_t payload_group);

// Covers a path by something empty and unreadable of its kind; nothing where there is nothing.
void view_mask(const char *path);

#endif
