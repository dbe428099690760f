// The level for containers that refuse namespaces: the command runs in a plain copy, as a traced child of a supervisor
// that is its subreaper, under Landlock, the system call filter and limits. Being traced is what makes death total: when
// the supervisor goes, the kernel kills whatever it traces.
#ifndef CONTAINER_H
#define CONTAINER_H

#include <sys/types.h>

#include "plan.h"

// Becomes the supervisor in a new process that the agent waits for, and runs the plan's command. Does not return.
_Noreturn void container_main(uid_t payload, gid_t payload_group);

// What the command's process gives up beyond what it does at the other level.
void container_confine_files(struct plan plan);
void container_confine_calls(void);

#endif
