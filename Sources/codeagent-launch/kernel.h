// System calls and constants that the C library of a still supported distribution may lack.
#ifndef KERNEL_H
#define KERNEL_H

#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SYS_open_tree
#define SYS_open_tree 428
#define SYS_move_mount 429
#endif
#ifndef SYS_openat2
#define SYS_openat2 437
#endif
#ifndef SYS_close_range
#define SYS_close_range 436
#endif
#ifndef SYS_mount_setattr
#define SYS_mount_setattr 442
#endif
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

enum {
  TREE_CLONE = 1,
  TREE_CLOEXEC = O_CLOEXEC,
  // AT_RECURSIVE
  TREE_RECURSIVE = 0x8000,
  // MOVE_MOUNT_F_EMPTY_PATH, MOVE_MOUNT_T_EMPTY_PATH
  MOVE_FROM_DESCRIPTOR = 0x4,
  MOVE_TO_DESCRIPTOR = 0x40,
  // MOUNT_ATTR_*
  ATTRIBUTE_READ_ONLY = 0x1,
  ATTRIBUTE_NO_SETUID = 0x2,
  ATTRIBUTE_NO_DEVICES = 0x4,
  ATTRIBUTE_NO_EXECUTION = 0x8,
  ATTRIBUTE_ID_MAP = 0x100000,
  // RESOLVE_*
  RESOLVE_WITHOUT_MAGIC_LINKS = 0x02,
  RESOLVE_WITHIN_ROOT = 0x10,
};

// struct mount_attr
struct mount_attributes {
  uint64_t set;
  uint64_t clear;
  uint64_t propagation;
  uint64_t user_namespace;
};

// struct open_how
struct open_instructions {
  uint64_t flags;
  uint64_t mode;
  uint64_t resolve;
};

static inline int kernel_open_tree(int directory, const char *path, unsigned flags) {
  return (int)syscall(SYS_open_tree, directory, path, flags);
}

static inline int kernel_move_mount(int from, int to) {
  return (int)syscall(SYS_move_mount, from, "", to, "", MOVE_FROM_DESCRIPTOR | MOVE_TO_DESCRIPTOR);
}

static inline int kernel_mount_setattr(int mount, unsigned flags, struct mount_attributes *attributes) {
  return (int)syscall(SYS_mount_setattr, mount, "", flags | AT_EMPTY_PATH, attributes, sizeof *attributes);
}

static inline int kernel_openat2(int directory, const char *path, struct open_instructions *how) {
  return (int)syscall(SYS_openat2, directory, path, how, sizeof *how);
}

#endif
