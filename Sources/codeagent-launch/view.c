#define _GNU_SOURCE
#include "view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "kernel.h"
#include "report.h"
#include "sources.h"

// Where this process puts the view together, in its own mount namespace: any directory that every system has.
#define STAGE "/tmp"

// The root of the view, and whether commands run as somebody else than this process's user.
static int root;
static bool as_other_user;

static int resolve(const char *path) {
  struct open_instructions how = {
      .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_WITHIN_ROOT | RESOLVE_WITHOUT_MAGIC_LINKS};
  return kernel_openat2(root, path, &how);
}

// The place of `path` in the view, made where it does not exist. Symbolic links lead where they lead inside the view,
// never out of it.
static int place(const char *path, bool directory) {
  int found = resolve(path);
  if (found >= 0) return found;
  if (errno != ENOENT) report_fatal(FAIL_SET_UP, errno, "%s cannot be reached in the view", path);
  size_t length = strlen(path);
  while (length > 1 && path[length - 1] == '/') length--;
  size_t parent = length;
  while (parent > 0 && path[parent - 1] != '/') parent--;
  char name[256], *above = strndup(path, parent);
  if (!above || length - parent >= sizeof name || length == parent)
    report_fatal(FAIL_SET_UP, ENAMETOOLONG, "%s cannot be made in the view", path);
  memcpy(name, path + parent, length - parent);
  name[length - parent] = 0;
  int holder = parent > 1 ? place(above, true) : resolve("/");
  free(above);
  if (holder < 0) report_fatal(FAIL_SET_UP, errno, "%s cannot be reached in the view", path);
  int made = directory ? mkdirat(holder, name, 0755) : mknodat(holder, name, S_IFREG | 0644, 0);
  if (made != 0 && errno != EEXIST) report_fatal(FAIL_SET_UP, errno, "%s cannot be made in the view", path);
  close(holder);
  found = resolve(path);
  if (found < 0) report_fatal(FAIL_SET_UP, errno, "%s cannot be reached in the view", path);
  return found;
}

static void attach(int tree, int at, const char *path) {
  if (kernel_move_mount(tree, at) != 0) report_fatal(FAIL_SET_UP, errno, "nothing can be mounted at %s", path);
  close(tree);
  close(at);
}

#define MASKED (ATTRIBUTE_READ_ONLY | ATTRIBUTE_NO_SETUID | ATTRIBUTE_NO_DEVICES)

// A detached mount of something in the launcher's own temporary file system.
static int own_tree(const char *path, uint64_t flags) {
  int tree = kernel_open_tree(AT_FDCWD, path, TREE_CLONE | TREE_CLOEXEC);
  if (tree < 0) report_fatal(FAIL_SET_UP, errno, "%s cannot be opened", path);
  struct mount_attributes attributes = {.set = flags};
  if (flags && kernel_mount_setattr(tree, 0, &attributes) != 0)
    report_fatal(FAIL_SET_UP, errno, "%s cannot be made read-only", path);
  return tree;
}

// Mounts a directory of it into the view.
static void attach_own(const char *path, const char *destination, uint64_t flags, bool directory) {
  attach(own_tree(path, flags), place(destination, directory), destination);
}

static void make_directory(const char *path, mode_t mode, bool payloads) {
  // The mode is taken as it is: make_skeleton has cleared the mask.
  if (mkdir(path, mode) != 0) report_fatal(FAIL_SET_UP, errno, "%s", path);
  if (!payloads) return;
  int directory = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
  give_to_payload(directory, path);
  close(directory);
}

static void make_file(const char *path, const char *text, mode_t mode) {
  int file = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
  if (file < 0 || write(file, text, strlen(text)) != (ssize_t)strlen(text)) report_fatal(FAIL_SET_UP, errno, "%s", path);
  close(file);
}

static void mount_overlay(struct entry *entry) {
  char options[4096], lower[64];
  int count = snprintf(options, sizeof options, "lowerdir=");
  for (int i = 0; i < entry->lower_count; i++) {
    int source = entry->lowers[i];
    if (entry->detached[i]) {
      // Only an attached mount can be a layer.
      snprintf(lower, sizeof lower, STAGE "/layers/%d", source);
      make_directory(lower, 0700, false);
      int at = open(lower, O_PATH | O_DIRECTORY | O_CLOEXEC);
      if (at < 0) report_fatal(FAIL_SET_UP, errno, "%s", lower);
      attach(source, at, lower);
      count += snprintf(options + count, sizeof options - (size_t)count, "%s%s", i ? ":" : "", lower);
      continue;
    }
    // By descriptor: a path could hold the characters that separate options, and be exchanged meanwhile.
    count += snprintf(options + count, sizeof options - (size_t)count, "%s/proc/self/fd/%d", i ? ":" : "", source);
  }
  // The upper directory is read from outside, so it has to hold whole files and directories. Nothing is synced to disk
  // when the mount ends: what must last is taken into snapshots.
  snprintf(
      options + count, sizeof options - (size_t)count,
      ",upperdir=/proc/self/fd/%d,workdir=/proc/self/fd/%d,index=off,redirect_dir=nofollow,metacopy=off,volatile%s",
      entry->upper, entry->work, !as_other_user ? ",userxattr" : "");
  int at = place(entry->destination, true);
  char target[64];
  snprintf(target, sizeof target, "/proc/self/fd/%d", at);
  if (mount("overlay", target, "overlay", MS_NOSUID | MS_NODEV, options) != 0)
    report_fatal(FAIL_OVERLAY, errno, "an overlay of %s is refused", entry->destination);
  close(at);
}

static void mount_mask(const char *destination) {
  int at = resolve(destination);
  if (at < 0) return;
  struct stat status;
  if (fstat(at, &status) != 0) report_fatal(FAIL_SET_UP, errno, "%s", destination);
  close(at);
  bool directory = S_ISDIR(status.st_mode);
  attach_own(
      directory ? STAGE "/mask/directory" : STAGE "/mask/file", destination, MASKED, directory);
}

static void mount_link(const struct entry *entry) {
  int there = resolve(entry->destination);
  if (there >= 0) {
    close(there);
    return;
  }
  const char *slash = strrchr(entry->destination, '/');
  char *above = strndup(entry->destination, (size_t)(slash - entry->destination));
  if (!above) report_fatal(FAIL_SET_UP, ENOMEM, "no memory for the view");
  int holder = *above ? place(above, true) : resolve("/");
  free(above);
  if (symlinkat(entry->target, holder, slash + 1) != 0 && errno != EEXIST && errno != EROFS)
    report_fatal(FAIL_SET_UP, errno, "%s cannot be made in the view", entry->destination);
  close(holder);
}

static void mount_entries(void) {
  for (size_t i = 0; i < entry_count; i++) {
    struct entry *entry = &entries[i];
    switch (entry->kind) {
      case LINK:
        mount_link(entry);
        break;
      case OVERLAY:
        mount_overlay(entry);
        break;
      case MASK:
        mount_mask(entry->destination);
        break;
      case TREE: {
        struct stat status;
        if (fstat(entry->tree, &status) != 0) report_fatal(FAIL_SET_UP, errno, "%s", entry->destination);
        int at = entry->replaces ? resolve(entry->destination) : place(entry->destination, S_ISDIR(status.st_mode));
        if (at < 0) {
          close(entry->tree);
          break;
        }
        attach(entry->tree, at, entry->destination);
        break;
      }
    }
  }
}

// The devices that every program may expect, terminals of the sandbox's own, and shared memory.
static void make_devices(void) {
  static const char *const links[][2] = {
      {"fd", "/proc/self/fd"},         {"stdin", "/proc/self/fd/0"}, {"stdout", "/proc/self/fd/1"},
      {"stderr", "/proc/self/fd/2"}, {"ptmx", "pts/ptmx"}};
  char path[64];
  make_directory(STAGE "/view/dev", 0755, false);
  make_directory(STAGE "/view/dev/pts", 0755, false);
  make_directory(STAGE "/view/dev/shm", 0755, false);
  make_directory(STAGE "/view/dev/mqueue", 0755, false);
  for (size_t i = 0; i < DEVICES; i++) {
    snprintf(path, sizeof path, STAGE "/view/dev/%s", device_names[i]);
    make_file(path, "", 0644);
    attach(device_trees[i], resolve(path + strlen(STAGE "/view")), path);
  }
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
    snprintf(path, sizeof path, STAGE "/view/dev/%s", links[i][0]);
    if (symlink(links[i][1], path) != 0) report_fatal(FAIL_SET_UP, errno, "%s", path);
  }
  if (mount("devpts", STAGE "/view/dev/pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620") != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "no terminals of the sandbox's own");
  attach_own(STAGE "/private/shm", "/dev/shm", 0, true);
}

static void make_skeleton(unsigned long long private_bytes) {
  char options[128];
  snprintf(options, sizeof options, "mode=0755,size=%llu,nr_inodes=1048576", private_bytes);
  if (mount("tmpfs", STAGE, "tmpfs", MS_NOSUID | MS_NODEV, options) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "no temporary file system can be mounted");
  umask(0);
  make_directory(STAGE "/view", 0755, false);
  // A mount of its own, so that it can be made read-only when all is in place.
  int tree = kernel_open_tree(AT_FDCWD, STAGE "/view", TREE_CLONE | TREE_CLOEXEC);
  if (tree < 0) report_fatal(FAIL_SET_UP, errno, "the view cannot be mounted");
  attach(tree, open(STAGE "/view", O_PATH | O_DIRECTORY | O_CLOEXEC), "the view");
  root = open(STAGE "/view", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) report_fatal(FAIL_SET_UP, errno, "the view cannot be opened");
  make_directory(STAGE "/layers", 0700, false);
  make_directory(STAGE "/mask", 0755, false);
  make_directory(STAGE "/mask/directory", 0555, false);
  make_file(STAGE "/mask/file", "", 0);
  make_directory(STAGE "/private", 0755, false);
  make_directory(STAGE "/private/tmp", 01777, false);
  make_directory(STAGE "/private/var-tmp", 01777, false);
  make_directory(STAGE "/private/shm", 01777, false);
  make_directory(STAGE "/private/run", 0755, true);
  make_directory(STAGE "/private/home", 0700, true);
  // Commits need an author, and the user's own configuration is not here. The repository's comes before this.
  make_file(
      STAGE "/private/home/.gitconfig", "[user]\n\tname = agent\n\temail = agent@sandbox.invalid\n", 0644);
  make_directory(STAGE "/view/proc", 0555, false);
  make_devices();
  attach_own(STAGE "/private/tmp", "/tmp", 0, true);
  attach_own(STAGE "/private/var-tmp", "/var/tmp", 0, true);
  attach_own(STAGE "/private/run", "/run", 0, true);
  attach_own(STAGE "/private/home", VIEW_HOME, 0, true);
}

// Whether the system's git configuration could hold a credential or name a program. What cannot be read does.
static bool is_git_configuration_private(void) {
  static const char *const words[] = {"@", "header", "helper", "token", "password", "command", "fsmonitor", "!"};
  int there = resolve("/etc/gitconfig");
  if (there < 0) return false;
  char path[64], text[16384];
  snprintf(path, sizeof path, "/proc/self/fd/%d", there);
  int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  close(there);
  ssize_t count = file >= 0 ? read(file, text, sizeof text - 1) : -1;
  close(file);
  if (count < 0 || count == sizeof text - 1) return true;
  text[count] = 0;
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (strcasestr(text, words[i])) return true;
  return false;
}

// Accounts and hosts as they are inside.
static void cover_accounts(void) {
  const struct {
    const char *own, *destination, *text;
  } files[] = {
      {STAGE "/accounts/passwd", "/etc/passwd",
       "root:x:0:0:root:/:/usr/sbin/nologin\nagent:x:1000:1000:agent:" VIEW_HOME
       ":/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin\n"},
      {STAGE "/accounts/group", "/etc/group", "root:x:0:\ntty:x:5:\nagent:x:1000:\nnogroup:x:65534:\n"},
      {STAGE "/accounts/gitconfig", is_git_configuration_private() ? "/etc/gitconfig" : NULL, ""},
      {STAGE "/accounts/hosts", "/etc/hosts", "127.0.0.1 localhost sandbox\n::1 localhost ip6-localhost ip6-loopback\n"},
  };
  make_directory(STAGE "/accounts", 0755, false);
  for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
    if (!files[i].destination) continue;
    make_file(files[i].own, files[i].text, 0644);
    int there = resolve(files[i].destination);
    if (there < 0) continue;
    close(there);
    attach_own(files[i].own, files[i].destination, ATTRIBUTE_READ_ONLY, false);
  }
}

void view_build(struct plan plan, uid_t payload, gid_t payload_group) {
  as_other_user = payload != 0;
  unsigned long long private_bytes = 1ull << 30;
  const char *key;
  struct plan reader = plan;
  while ((key = plan_word(&reader))) {
    if (strcmp(key, "private-bytes") == 0)
      private_bytes = plan_number(&reader);
    else
      plan_skip(&reader, key);
  }
  open_sources(plan, payload, payload_group);
  make_skeleton(private_bytes);
  mount_entries();
  cover_accounts();
  struct mount_attributes attributes = {.set = ATTRIBUTE_READ_ONLY};
  if (kernel_mount_setattr(root, 0, &attributes) != 0) report_fatal(FAIL_SET_UP, errno, "the view cannot be made read-only");
}

void view_mask(const char *path) {
  struct stat status;
  int at = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
  if (at < 0 && errno == ENOENT) return;
  if (at < 0 || fstat(at, &status) != 0) report_fatal(FAIL_SET_UP, errno, "%s", path);
  attach(own_tree(S_ISDIR(status.st_mode) ? STAGE "/mask/directory" : STAGE "/mask/file", MASKED), at, path);
}
