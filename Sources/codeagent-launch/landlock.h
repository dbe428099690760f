// Landlock rule sets (Documentation/userspace-api/landlock.rst), with rights masked to what the running kernel knows.
#ifndef LANDLOCK_H
#define LANDLOCK_H

#include <stdbool.h>
#include <stdint.h>

enum {
  LANDLOCK_EXECUTE = 1 << 0,
  LANDLOCK_WRITE_FILE = 1 << 1,
  LANDLOCK_READ_FILE = 1 << 2,
  LANDLOCK_READ_DIR = 1 << 3,
  LANDLOCK_REMOVE_DIR = 1 << 4,
  LANDLOCK_REMOVE_FILE = 1 << 5,
  LANDLOCK_MAKE_CHAR = 1 << 6,
  LANDLOCK_MAKE_DIR = 1 << 7,
  LANDLOCK_MAKE_REG = 1 << 8,
  LANDLOCK_MAKE_SOCK = 1 << 9,
  LANDLOCK_MAKE_FIFO = 1 << 10,
  LANDLOCK_MAKE_BLOCK = 1 << 11,
  LANDLOCK_MAKE_SYM = 1 << 12,
  // Second version of the interface.
  LANDLOCK_REFER = 1 << 13,
  // Third.
  LANDLOCK_TRUNCATE = 1 << 14,
  // Fifth.
  LANDLOCK_IOCTL_DEVICE = 1 << 15,

  LANDLOCK_READ = LANDLOCK_EXECUTE | LANDLOCK_READ_FILE | LANDLOCK_READ_DIR,
  // Devices are nobody's to make; the kernel refuses them anyway.
  LANDLOCK_WRITE = LANDLOCK_READ | LANDLOCK_WRITE_FILE | LANDLOCK_REMOVE_DIR | LANDLOCK_REMOVE_FILE |
      LANDLOCK_MAKE_DIR | LANDLOCK_MAKE_REG | LANDLOCK_MAKE_SOCK | LANDLOCK_MAKE_FIFO | LANDLOCK_MAKE_SYM |
      LANDLOCK_REFER | LANDLOCK_TRUNCATE,
  LANDLOCK_DEVICES =
      LANDLOCK_READ_FILE | LANDLOCK_READ_DIR | LANDLOCK_WRITE_FILE | LANDLOCK_TRUNCATE | LANDLOCK_IOCTL_DEVICE,
  // Processes name their threads and set their memory killer's score there; its dangerous files belong to root.
  LANDLOCK_PROCESSES = LANDLOCK_READ | LANDLOCK_WRITE_FILE | LANDLOCK_TRUNCATE,
};

// The version of the interface; below 1 for none.
long landlock_version(void);

// A new set of rules that allows nothing. With `network`, TCP is refused, too.
int landlock_begin(bool network);

// Allows something beneath a path. A path that is not there allows nothing.
void landlock_allow(int rules, const char *path, uint64_t access);

// Puts the rules in force for this process and its children, for good.
void landlock_end(int rules);

#endif
