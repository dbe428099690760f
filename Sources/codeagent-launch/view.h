// The file system that a command sees, put together below a directory that bubblewrap then makes its root.
#ifndef VIEW_H
#define VIEW_H

#include <sys/types.h>

#include "plan.h"

// Where bubblewrap finds the root of the view, once view_build has made its own directory the root of everything.
#define VIEW_ROOT "/view"
// Where the second stage finds the launcher inside.
#define VIEW_LAUNCHER "/run/codeagent/launch"
// The private home, as the synthetic /etc/passwd has it.
#define VIEW_HOME "/home/agent"

// Builds the view and leaves this process in a file system that holds the view, what bubblewrap needs to start, and
// nothing else: bubblewrap reads the list of all mounts many times. `payload` is the user that the payload becomes when started as root, else 0.
void view_build(struct plan plan, uid_t payload, gid_t payload_group);

#endif
