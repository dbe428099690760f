#define _GNU_SOURCE
#include "LinuxFiles.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

const int32_t linux_o_path = O_PATH;
const uint64_t linux_resolve_beneath = RESOLVE_BENEATH;
const uint64_t linux_resolve_no_symlinks = RESOLVE_NO_SYMLINKS;
const uint64_t linux_resolve_no_magiclinks = RESOLVE_NO_MAGICLINKS;

int linux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve) {
  struct open_how how = {.flags = flags | O_CLOEXEC, .mode = mode, .resolve = resolve};
  return (int)syscall(SYS_openat2, directory, path, &how, sizeof how);
}

int linux_rename(int from_directory, const char *from, int to_directory, const char *to) {
  return renameat(from_directory, from, to_directory, to);
}

int linux_rename_exchange(int from_directory, const char *from, int to_directory, const char *to) {
  return renameat2(from_directory, from, to_directory, to, RENAME_EXCHANGE);
}

int linux_rename_no_replace(int from_directory, const char *from, int to_directory, const char *to) {
  return renameat2(from_directory, from, to_directory, to, RENAME_NOREPLACE);
}

int64_t linux_birth_time(int directory, const char *path) {
  struct statx status;
  int flags = AT_SYMLINK_NOFOLLOW | AT_EMPTY_PATH | AT_NO_AUTOMOUNT;
  if (statx(directory, path, flags, STATX_BTIME, &status) != 0) return -1;
  if (!(status.stx_mask & STATX_BTIME)) return 0;
  return (int64_t)status.stx_btime.tv_sec * 1000000000 + status.stx_btime.tv_nsec;
}

int linux_make_whiteout(int directory, const char *path) {
  return mknodat(directory, path, S_IFCHR, makedev(0, 0));
}

// The way to what an O_PATH descriptor names, for calls that take a path only.
static const char *descriptor_path(int file, char buffer[32]) {
  snprintf(buffer, 32, "/proc/self/fd/%d", file);
  return buffer;
}

ssize_t linux_get_attribute(int file, const char *name, void *value, size_t size) {
  char path[32];
  return getxattr(descriptor_path(file, path), name, value, size);
}

int linux_set_attribute(int file, const char *name, const void *value, size_t size) {
  char path[32];
  return setxattr(descriptor_path(file, path), name, value, size, 0);
}

int linux_clone_file(int to, int from) { return ioctl(to, FICLONE, from); }

ssize_t linux_copy_range(int from, int to, size_t count) {
  return copy_file_range(from, NULL, to, NULL, count, 0);
}

int linux_sync_filesystem(int file) { return syncfs(file); }

int linux_reopen(int file, int flags) {
  char path[32];
  return open(descriptor_path(file, path), flags | O_CLOEXEC | O_NOCTTY);
}
