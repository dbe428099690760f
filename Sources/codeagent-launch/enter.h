// The last of set-up: process 1 of the sandbox takes its place in namespaces of its own and gives every privilege up.
#ifndef ENTER_H
#define ENTER_H

#include <sys/types.h>

// Makes the process, network, IPC, name and control group namespaces of the sandbox; the next child is its process 1. They
// belong to the set-up's user namespace, not to the payload's: nothing inside has any right over them.
void enter_own_namespaces(void);

// Turns process 1 into an unprivileged user of a user namespace of its own, in the view that view_build has put together.
// When this returns, the process has no capability and cannot get any, and the host's file system is out of reach.
void enter_sandbox(uid_t payload, gid_t payload_group);

#endif
