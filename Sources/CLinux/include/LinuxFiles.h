#ifndef LINUX_FILES_H
#define LINUX_FILES_H

#include <stdint.h>
#include <sys/types.h>

// File calls of Linux that Swift's Glibc module does not show: they are GNU extensions or raw system calls.
// All of them return -1 and set errno on failure, as the calls they stand for do.

/// O_PATH: a descriptor that names a file without opening it.
extern const int32_t linux_o_path;

/// openat2(2) with a set of RESOLVE_ flags; see the constants below.
int linux_openat2(int directory, const char *path, uint64_t flags, uint64_t mode, uint64_t resolve);
extern const uint64_t linux_resolve_beneath;
extern const uint64_t linux_resolve_no_symlinks;
extern const uint64_t linux_resolve_no_magiclinks;

/// renameat2(2). With `exchange` both names must exist and are swapped; with `no_replace` the new name must not exist.
int linux_rename(int from_directory, const char *from, int to_directory, const char *to);
int linux_rename_exchange(int from_directory, const char *from, int to_directory, const char *to);
int linux_rename_no_replace(int from_directory, const char *from, int to_directory, const char *to);

/// The time a file came into being, in nanoseconds since 1970; 0 when the filesystem does not keep it.
int64_t linux_birth_time(int directory, const char *path);

/// mknod(2) of overlayfs's whiteout: a character device 0/0, which needs no privilege since Linux 5.8.
int linux_make_whiteout(int directory, const char *path);

/// fgetxattr(2) and fsetxattr(2). On a descriptor opened with O_PATH they go through /proc/self/fd.
ssize_t linux_get_attribute(int file, const char *name, void *value, size_t size);
int linux_set_attribute(int file, const char *name, const void *value, size_t size);

/// Makes `to` share the blocks of `from` (FICLONE).
int linux_clone_file(int to, int from);

/// copy_file_range(2) at the files' own offsets.
ssize_t linux_copy_range(int from, int to, size_t count);

/// syncfs(2).
int linux_sync_filesystem(int file);

/// Opens again, with other flags, the file that a descriptor names.
int linux_reopen(int file, int flags);

#endif
