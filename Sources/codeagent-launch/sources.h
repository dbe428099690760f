// What the view takes from the host, opened before anything covers the host's own paths.
#ifndef SOURCES_H
#define SOURCES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "plan.h"

// One entry of the plan with what it takes from the host opened: sources are held by descriptor before anything covers
// the host's own paths.
struct entry {
  enum { TREE, LINK, OVERLAY, MASK } kind;
  const char *destination;
  // For TREE: the detached mount. -1 for none.
  int tree;
  // A TREE that stands in place of something and is left out where there is nothing.
  bool replaces;
  // For LINK: where it points.
  char *target;
  // For OVERLAY.
  int lowers[64];
  bool detached[64];
  int lower_count;
  int upper;
  int work;
};

// The plan's entries, in its order.
extern struct entry *entries;
extern size_t entry_count;

// The devices that every program may expect, each a detached mount.
enum { DEVICES = 6 };
extern const char *const device_names[DEVICES];
extern int device_trees[DEVICES];

// Opens everything. `user` and `group` are the payload's when started as root, else 0.
void open_sources(struct plan plan, uid_t user, gid_t group);

// When started as root, makes a directory the payload's. `path` is for messages.
void give_to_payload(int directory, const char *path);

#endif
