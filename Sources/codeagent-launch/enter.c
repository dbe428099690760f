#define _GNU_SOURCE
#include "enter.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "kernel.h"
#include "namespaces.h"
#include "privileges.h"
#include "report.h"
#include "view.h"

// What the payload is called inside, as the synthetic /etc/passwd has it.
enum { PAYLOAD_INSIDE = 1000 };

void enter_own_namespaces(void) {
  if (unshare(CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "the kernel refuses namespaces");
  // A kernel built without control groups has none to hide.
  if (unshare(CLONE_NEWCGROUP) != 0 && errno != EINVAL)
    report_fatal(FAIL_UNAVAILABLE, errno, "the kernel refuses a control group namespace");
}

// The kernel gives the interface its addresses when it is brought up.
static void bring_loopback_up(void) {
  struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
  int any = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (any < 0 || ioctl(any, SIOCSIFFLAGS, &request) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "no loopback of the sandbox's own");
  close(any);
}

// Covers a part of /proc by itself, read-only. What is not there need not be covered.
static void make_read_only(const char *path) {
  int tree = kernel_open_tree(AT_FDCWD, path, TREE_CLONE | TREE_CLOEXEC);
  if (tree < 0 && errno == ENOENT) return;
  int at = open(path, O_PATH | O_CLOEXEC);
  struct mount_attributes attributes = {
      .set = ATTRIBUTE_READ_ONLY | ATTRIBUTE_NO_SETUID | ATTRIBUTE_NO_DEVICES | ATTRIBUTE_NO_EXECUTION};
  if (tree < 0 || at < 0 || kernel_mount_setattr(tree, 0, &attributes) != 0 || kernel_move_mount(tree, at) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "%s cannot be made read-only", path);
  close(tree);
  close(at);
}

static void mount_kernel_file_systems(void) {
  // The kernel wants to see the host's own for this one, where it does not trust who asks: before that is left.
  if (mount("proc", VIEW_STAGE "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "no /proc of the sandbox's own");
  static const char *const settings[] = {"sys", "sysrq-trigger", "irq", "bus", "fs", "acpi", "scsi"};
  char path[64];
  for (size_t i = 0; i < sizeof settings / sizeof *settings; i++) {
    snprintf(path, sizeof path, VIEW_STAGE "/proc/%s", settings[i]);
    make_read_only(path);
  }
  static const char *const secrets[] = {"keys", "kcore", "kallsyms", "timer_list", "sched_debug", "latency_stats"};
  for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
    snprintf(path, sizeof path, VIEW_STAGE "/proc/%s", secrets[i]);
    view_mask(path);
  }
  // Message queues work without it; this is how they are listed. Some kernels have none.
  (void)mount("mqueue", VIEW_STAGE "/dev/mqueue", "mqueue", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL);
}

// Makes the view the root of everything and lets go of the host's file system.
static void leave_host(void) {
  if (chdir(VIEW_STAGE) != 0 || syscall(SYS_pivot_root, ".", ".") != 0 || umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "the host's file system cannot be left");
}

static void write_map(const char *path, unsigned inside, unsigned outside) {
  char text[32];
  int count = snprintf(text, sizeof text, "%u %u 1\n", inside, outside);
  int file = open(path, O_WRONLY | O_CLOEXEC);
  if (file < 0 || write(file, text, (size_t)count) != count)
    report_fatal(FAIL_UNAVAILABLE, errno, "%s cannot be written", path);
  close(file);
}

// A user namespace in which the payload is nobody in particular. The kernel counts processes by it.
static void enter_user_namespace(void) {
  uid_t user = geteuid();
  gid_t group = getegid();
  if (unshare(CLONE_NEWUSER) != 0) report_fatal(FAIL_UNAVAILABLE, errno, "the kernel refuses user namespaces");
  // A process that has changed its user is closed to itself.
  prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
  int groups = open("/proc/self/setgroups", O_WRONLY | O_CLOEXEC);
  if (groups < 0 || write(groups, "deny", 4) != 4)
    report_fatal(FAIL_UNAVAILABLE, errno, "/proc/self/setgroups cannot be written");
  close(groups);
  write_map("/proc/self/uid_map", PAYLOAD_INSIDE, user);
  write_map("/proc/self/gid_map", PAYLOAD_INSIDE, group);
}

void enter_sandbox(uid_t payload, gid_t payload_group) {
  bring_loopback_up();
  static const char name[] = "sandbox", domain[] = "(none)";
  if (sethostname(name, sizeof name - 1) != 0 || setdomainname(domain, sizeof domain - 1) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "the sandbox cannot be given a name");
  mount_kernel_file_systems();
  leave_host();
  // No controlling terminal.
  setsid();
  drop_bounding_set();
  if (payload != 0) become(payload, payload_group);
  enter_user_namespace();
  // In a user namespace of its own, a process begins with every capability there.
  drop_bounding_set();
  forget_capabilities();
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) report_fatal(FAIL_UNAVAILABLE, errno, "privileges cannot be given up");
}
