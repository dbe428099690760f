#define _GNU_SOURCE
#include "sources.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "kernel.h"
#include "namespaces.h"
#include "report.h"
#include "view.h"

struct entry *entries;
size_t entry_count;
static size_t entry_room;
static uid_t payload;
static gid_t payload_group;

static struct entry *new_entry(int kind, const char *destination) {
  if (entry_count == entry_room) {
    entry_room = entry_room ? entry_room * 2 : 64;
    entries = realloc(entries, entry_room * sizeof *entries);
    if (!entries) report_fatal(FAIL_SET_UP, ENOMEM, "no memory for the view");
  }
  struct entry *entry = &entries[entry_count++];
  memset(entry, 0, sizeof *entry);
  entry->kind = kind;
  entry->destination = destination;
  entry->tree = -1;
  return entry;
}

// When started as root, makes a directory the payload's.
void give_to_payload(int directory, const char *path) {
  if (payload == 0 || fchownat(directory, "", payload, payload_group, AT_EMPTY_PATH) == 0) return;
  // A user namespace that does not know that user: a container that maps root and nobody else.
  if (errno == EINVAL) report_fatal(FAIL_UNAVAILABLE, errno, "there is no user %u to run commands as", payload);
  report_fatal(FAIL_SET_UP, errno, "%s cannot be given to the payload's user", path);
}

// Shows `owner`'s files as the payload's in a detached mount. False with errno set when the kernel refuses.
static bool show_as_payload(int tree, unsigned flags, uint64_t also, const struct stat *status) {
  int namespace = id_map_namespace(status->st_uid, status->st_gid, payload, payload_group);
  if (namespace < 0) return false;
  struct mount_attributes attributes = {.set = ATTRIBUTE_ID_MAP | also, .user_namespace = (uint64_t)namespace};
  return kernel_mount_setattr(tree, flags, &attributes) == 0;
}

// Opens a host path without following a link at its end. -1 with errno set when that fails.
static int open_path(const char *path, struct stat *status) {
  int file = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (file >= 0 && fstat(file, status) != 0) report_fatal(FAIL_SET_UP, errno, "%s", path);
  return file;
}

// A detached copy of a host tree with everything mounted below it. Takes `file` over.
static int clone_tree(int file, const char *path) {
  int tree = kernel_open_tree(file, "", TREE_CLONE | TREE_CLOEXEC | TREE_RECURSIVE | AT_EMPTY_PATH);
  if (tree < 0) report_fatal(FAIL_SET_UP, errno, "%s cannot be mounted again", path);
  close(file);
  return tree;
}

static void make_read_only(int tree, const char *path, const struct stat *status, bool as_payload) {
  const uint64_t flags = ATTRIBUTE_READ_ONLY | ATTRIBUTE_NO_SETUID | ATTRIBUTE_NO_DEVICES;
  // A toolchain of root's may be readable to root alone; where it cannot be id-mapped, what others may read must do.
  if (as_payload && payload != 0 && status->st_uid != payload && show_as_payload(tree, TREE_RECURSIVE, flags, status))
    return;
  struct mount_attributes attributes = {.set = flags};
  if (kernel_mount_setattr(tree, TREE_RECURSIVE, &attributes) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "%s cannot be made read-only", path);
}

static void open_read_only(const char *path, const char *destination, bool as_payload, bool needed, bool replaces) {
  struct stat status;
  int file = open_path(path, &status);
  if (file < 0) {
    // A system directory that this system lacks, a toolchain that went away.
    if (!needed && (errno == ENOENT || errno == ENOTDIR || errno == EACCES)) return;
    report_fatal(FAIL_SET_UP, errno, "%s cannot be opened", path);
  }
  if (S_ISLNK(status.st_mode)) {
    if (needed) report_fatal(FAIL_SET_UP, ELOOP, "%s is a symbolic link", path);
    struct entry *entry = new_entry(LINK, destination);
    entry->target = calloc(1, 4097);
    if (!entry->target || readlinkat(file, "", entry->target, 4096) <= 0)
      report_fatal(FAIL_SET_UP, errno, "%s cannot be read", path);
    close(file);
    return;
  }
  int tree = clone_tree(file, path);
  make_read_only(tree, path, &status, as_payload);
  struct entry *entry = new_entry(TREE, destination);
  entry->tree = tree;
  entry->replaces = replaces;
}

static void open_read_write(const char *path, const char *destination) {
  struct stat status;
  int file = open_path(path, &status);
  if (file < 0) report_fatal(FAIL_SET_UP, errno, "%s cannot be opened", path);
  if (S_ISLNK(status.st_mode)) report_fatal(FAIL_SET_UP, ELOOP, "%s is a symbolic link", path);
  int tree = clone_tree(file, path);
  if (status.st_uid == 0) give_to_payload(tree, path);
  struct mount_attributes attributes = {.set = ATTRIBUTE_NO_SETUID | ATTRIBUTE_NO_DEVICES};
  if (kernel_mount_setattr(tree, TREE_RECURSIVE, &attributes) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "%s cannot be mounted without devices", path);
  new_entry(TREE, destination)->tree = tree;
}

static int open_directory(const char *path, struct stat *status) {
  int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
  if (directory < 0 || fstat(directory, status) != 0) report_fatal(FAIL_SET_UP, errno, "%s cannot be opened", path);
  return directory;
}

static void open_overlay(struct plan *plan) {
  struct entry *entry = new_entry(OVERLAY, plan_need(plan));
  struct stat status;
  const char *upper = plan_need(plan);
  const char *work = plan_need(plan);
  entry->upper = open_directory(upper, &status);
  if (status.st_uid == 0) give_to_payload(entry->upper, upper);
  entry->work = open_directory(work, &status);
  unsigned long long count = plan_number(plan);
  if (count == 0 || count > sizeof entry->lowers / sizeof *entry->lowers)
    report_fatal(FAIL_SET_UP, 0, "an overlay of %llu layers", count);
  while (count-- > 0) {
    const char *lower = plan_need(plan);
    int directory = open_directory(lower, &status);
    if (payload != 0 && status.st_uid != payload) {
      int tree = kernel_open_tree(directory, "", TREE_CLONE | TREE_CLOEXEC | AT_EMPTY_PATH);
      if (tree < 0) report_fatal(FAIL_OVERLAY, errno, "%s cannot be mounted again", lower);
      if (!show_as_payload(tree, 0, 0, &status))
        report_fatal(FAIL_OVERLAY, errno, "the file system of %s cannot be id-mapped", lower);
      close(directory);
      directory = tree;
      entry->detached[entry->lower_count] = true;
    }
    entry->lowers[entry->lower_count++] = directory;
  }
}

static void open_mask(const char *destination) { new_entry(MASK, destination); }

const char *const device_names[DEVICES] = {"null", "zero", "full", "random", "urandom", "tty"};
int device_trees[DEVICES];

static void open_devices(void) {
  char path[32];
  for (size_t i = 0; i < DEVICES; i++) {
    snprintf(path, sizeof path, "/dev/%s", device_names[i]);
    device_trees[i] = kernel_open_tree(AT_FDCWD, path, TREE_CLONE | TREE_CLOEXEC);
    if (device_trees[i] < 0) report_fatal(FAIL_UNAVAILABLE, errno, "%s cannot be opened", path);
  }
}

void open_sources(struct plan plan, uid_t user, gid_t group) {
  payload = user;
  payload_group = group;
  open_devices();
  const char *key;
  while ((key = plan_word(&plan))) {
    if (strcmp(key, "system") == 0) {
      const char *path = plan_need(&plan);
      open_read_only(path, path, false, false, false);
    } else if (strcmp(key, "ro") == 0) {
      const char *path = plan_need(&plan);
      open_read_only(path, path, true, false, false);
    } else if (strcmp(key, "ro-at") == 0) {
      const char *path = plan_need(&plan);
      open_read_only(path, plan_need(&plan), true, true, false);
    } else if (strcmp(key, "replace") == 0) {
      const char *path = plan_need(&plan);
      open_read_only(path, plan_need(&plan), true, true, true);
    } else if (strcmp(key, "rw-at") == 0 || strcmp(key, "copy") == 0) {
      const char *path = plan_need(&plan);
      open_read_write(path, plan_need(&plan));
    } else if (strcmp(key, "launcher") == 0) {
      open_read_only(plan_need(&plan), VIEW_LAUNCHER, false, true, false);
    } else if (strcmp(key, "overlay") == 0) {
      open_overlay(&plan);
    } else if (strcmp(key, "mask") == 0) {
      open_mask(plan_need(&plan));
    } else {
      plan_skip(&plan, key);
    }
  }
}
