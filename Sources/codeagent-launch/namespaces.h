// The namespaces around a sandbox, and who the payload is in them.
#ifndef NAMESPACES_H
#define NAMESPACES_H

#include <stdbool.h>
#include <sys/types.h>

// Whether this process is root, and not only what an ordinary user is called in a user namespace of his own.
bool is_host_root(void);

// Enters a mount namespace of our own in which this process may mount. Started by an ordinary user, it is a user
// namespace's, too, in which that user is 0. As root (`payload` is not 0), none is needed.
void enter_namespaces(uid_t payload);

// A descriptor of a user namespace for an id-mapped mount that shows `owner` as `payload` and nobody as root. -1 with
// errno set when the kernel refuses. Descriptors are kept for the next call with the same owner.
int id_map_namespace(uid_t owner, gid_t group, uid_t payload, gid_t payload_group);

// Gives up root for good: groups, group, user.
void become(uid_t uid, gid_t gid);

#endif
