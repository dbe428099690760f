// The system call filter, as a classic BPF program put together by the compiler.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "confine.h"
#include "report.h"

#if defined __x86_64__
#define OUR_ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined __aarch64__
#define OUR_ARCHITECTURE AUDIT_ARCH_AARCH64
#else
#error "no system call filter for this architecture"
#endif

#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif
#define NAMESPACE_FLAGS \
  (CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET)

// The same number on every architecture since Linux 5.1.
#define NR_OPEN_TREE 428
#define NR_MOVE_MOUNT 429
#define NR_FSOPEN 430
#define NR_FSCONFIG 431
#define NR_FSMOUNT 432
#define NR_FSPICK 433
#define NR_CLONE3 435
#define NR_MOUNT_SETATTR 442
#define NR_QUOTACTL_FD 443
#define NR_OPEN_TREE_ATTR 467
#define NR_PIDFD_GETFD 438
#define NR_PROCESS_MADVISE 440
#define NR_MEMFD_SECRET 447
#define NR_LSM_SET_SELF_ATTR 460
#define NR_IO_URING_SETUP 425
#define NR_IO_URING_ENTER 426
#define NR_IO_URING_REGISTER 427

// Instructions. Arguments are 64 bits wide, and both architectures little-endian: their low halves come first.
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_ARGUMENT(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define REFUSE(error) RETURN(SECCOMP_RET_ERRNO | (error))
// Does nothing, and the caller is told that it was done.
#define PRETEND RETURN(SECCOMP_RET_ERRNO | 0)
#define ALLOW RETURN(SECCOMP_RET_ALLOW)
#define KILL RETURN(SECCOMP_RET_KILL_PROCESS)

// A block that runs when what was loaded is `value` (has one of its bits, is at least it). It ends with a return, so that
// behind it the same word is still loaded.
#define LENGTH(...) (sizeof((struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter))
#define IF(test, value, ...) BPF_JUMP(BPF_JMP | test | BPF_K, value, 0, LENGTH(__VA_ARGS__)), __VA_ARGS__
#define WHEN(value, ...) IF(BPF_JEQ, value, __VA_ARGS__)
#define FORBID(call, error) WHEN(call, REFUSE(error))

// Process 1 of the sandbox watches the others; they must not take its means away.
#define SPARE_PROCESS_1(call) WHEN(call, LOAD_ARGUMENT(0), WHEN(1, REFUSE(EPERM)), ALLOW)

#define INTERNET_PROTOCOLS \
  LOAD_ARGUMENT(2), WHEN(0, ALLOW), WHEN(IPPROTO_TCP, ALLOW), WHEN(IPPROTO_UDP, ALLOW), WHEN(IPPROTO_ICMP, ALLOW), \
      WHEN(IPPROTO_ICMPV6, ALLOW), REFUSE(EPROTONOSUPPORT)

static struct sock_filter program[] = {
    // A call in another architecture's dialect (32-bit entry) would mean something else by its number.
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCHITECTURE, 1, 0),
    KILL,
    LOAD(nr),
#if defined __x86_64__
    // x32
    IF(BPF_JGE, 0x40000000, KILL),
#endif

    // clone: threads and processes, no namespaces.
    WHEN(SYS_clone, LOAD_ARGUMENT(0), IF(BPF_JSET, NAMESPACE_FLAGS, REFUSE(EPERM)), ALLOW),
    // Its flags lie in memory, where a filter cannot look; C libraries fall back to clone.
    FORBID(NR_CLONE3, ENOSYS),
    FORBID(SYS_unshare, EPERM),
    FORBID(SYS_setns, EPERM),

    // ioctl: nothing that types into a terminal or loads a line discipline.
    WHEN(
        SYS_ioctl, LOAD_ARGUMENT(1), WHEN(TIOCSTI, REFUSE(EPERM)), WHEN(TIOCLINUX, REFUSE(EPERM)),
        WHEN(TIOCSETD, REFUSE(EPERM)), ALLOW),

    // socket: local ones, the internet's usual protocols, and the kind of netlink that lists interfaces (NETLINK_ROUTE, 0).
    // Others would have the kernel load code that no build needs.
    WHEN(
        SYS_socket, LOAD_ARGUMENT(0), WHEN(AF_UNIX, ALLOW), WHEN(AF_INET, INTERNET_PROTOCOLS),
        WHEN(AF_INET6, INTERNET_PROTOCOLS), WHEN(AF_NETLINK, LOAD_ARGUMENT(2), WHEN(0, ALLOW), REFUSE(EAFNOSUPPORT)),
        REFUSE(EAFNOSUPPORT)),
    WHEN(SYS_socketpair, LOAD_ARGUMENT(0), WHEN(AF_UNIX, ALLOW), REFUSE(EAFNOSUPPORT)),

    // Limits. A core size of 1 keeps the kernel from starting the host's crash handler; a size of 0 would not, so lowering
    // it is not done.
    WHEN(
        SYS_prlimit64, LOAD_ARGUMENT(0), WHEN(1, REFUSE(EPERM)), LOAD_ARGUMENT(1),
        WHEN(RLIMIT_CORE, LOAD_ARGUMENT(2), IF(BPF_JGT, 0, PRETEND), ALLOW), ALLOW),
#if defined SYS_setrlimit
    WHEN(SYS_setrlimit, LOAD_ARGUMENT(0), WHEN(RLIMIT_CORE, PRETEND), ALLOW),
#endif
    SPARE_PROCESS_1(SYS_sched_setparam),
    SPARE_PROCESS_1(SYS_sched_setscheduler),
    SPARE_PROCESS_1(SYS_sched_setaffinity),
    SPARE_PROCESS_1(SYS_sched_setattr),
    // Of priorities, only single processes' (PRIO_PROCESS 0, IOPRIO_WHO_PROCESS 1): a group or a user has process 1 in it.
    WHEN(
        SYS_setpriority, LOAD_ARGUMENT(0), IF(BPF_JGT, 0, REFUSE(EPERM)), LOAD_ARGUMENT(1), WHEN(1, REFUSE(EPERM)),
        ALLOW),
    WHEN(
        SYS_ioprio_set, LOAD_ARGUMENT(0), IF(BPF_JGT, 1, REFUSE(EPERM)), LOAD_ARGUMENT(1), WHEN(1, REFUSE(EPERM)),
        ALLOW),

    // Devices: overlayfs takes one kind for a deletion. Of the types, character and block devices have this bit.
#if defined SYS_mknod
    WHEN(SYS_mknod, LOAD_ARGUMENT(1), IF(BPF_JSET, 0x2000, REFUSE(EPERM)), ALLOW),
#endif
    WHEN(SYS_mknodat, LOAD_ARGUMENT(2), IF(BPF_JSET, 0x2000, REFUSE(EPERM)), ALLOW),

    // personality: asking, Linux's own, and without randomised addresses, as debuggers want it.
    WHEN(
        SYS_personality, LOAD_ARGUMENT(0), WHEN(0, ALLOW), WHEN(0xffffffff, ALLOW), WHEN(ADDR_NO_RANDOMIZE, ALLOW),
        REFUSE(EPERM)),

    // Mounts.
    FORBID(SYS_mount, EPERM),
    FORBID(SYS_umount2, EPERM),
    FORBID(SYS_pivot_root, EPERM),
    FORBID(SYS_chroot, EPERM),
    FORBID(NR_OPEN_TREE, EPERM),
    FORBID(NR_OPEN_TREE_ATTR, EPERM),
    FORBID(NR_MOVE_MOUNT, EPERM),
    FORBID(NR_FSOPEN, EPERM),
    FORBID(NR_FSCONFIG, EPERM),
    FORBID(NR_FSMOUNT, EPERM),
    FORBID(NR_FSPICK, EPERM),
    FORBID(NR_MOUNT_SETATTR, EPERM),
    FORBID(SYS_swapon, EPERM),
    FORBID(SYS_swapoff, EPERM),
    FORBID(SYS_quotactl, EPERM),
    FORBID(NR_QUOTACTL_FD, EPERM),
    FORBID(SYS_open_by_handle_at, EPERM),
    FORBID(SYS_fanotify_init, EPERM),

    // Keys.
    FORBID(SYS_keyctl, EPERM),
    FORBID(SYS_add_key, EPERM),
    FORBID(SYS_request_key, EPERM),

    // Wide doors into the kernel that no build goes through.
    FORBID(SYS_bpf, EPERM),
    FORBID(SYS_perf_event_open, EPERM),
    FORBID(SYS_userfaultfd, EPERM),
    FORBID(NR_IO_URING_SETUP, EPERM),
    FORBID(NR_IO_URING_ENTER, EPERM),
    FORBID(NR_IO_URING_REGISTER, EPERM),
    FORBID(NR_MEMFD_SECRET, ENOSYS),
    FORBID(SYS_lookup_dcookie, ENOSYS),
    FORBID(SYS_nfsservctl, ENOSYS),
    FORBID(SYS_move_pages, EPERM),
    FORBID(SYS_migrate_pages, EPERM),
    FORBID(SYS_kcmp, EPERM),
    FORBID(NR_PIDFD_GETFD, EPERM),
    FORBID(NR_PROCESS_MADVISE, EPERM),
    FORBID(NR_LSM_SET_SELF_ATTR, EPERM),
    FORBID(SYS_vhangup, EPERM),
    FORBID(SYS_acct, EPERM),
    FORBID(SYS_syslog, EPERM),

    // The machine's.
    FORBID(SYS_kexec_load, EPERM),
    FORBID(SYS_kexec_file_load, EPERM),
    FORBID(SYS_init_module, EPERM),
    FORBID(SYS_finit_module, EPERM),
    FORBID(SYS_delete_module, EPERM),
    FORBID(SYS_reboot, EPERM),
    FORBID(SYS_settimeofday, EPERM),
    FORBID(SYS_clock_settime, EPERM),
    FORBID(SYS_adjtimex, EPERM),
    FORBID(SYS_clock_adjtime, EPERM),
#if defined __x86_64__
    FORBID(SYS_iopl, EPERM),
    FORBID(SYS_ioperm, EPERM),
    FORBID(SYS_modify_ldt, EPERM),
    FORBID(SYS_uselib, ENOSYS),
    FORBID(SYS_ustat, ENOSYS),
    FORBID(SYS_sysfs, ENOSYS),
    FORBID(SYS__sysctl, ENOSYS),
    FORBID(SYS_create_module, ENOSYS),
#endif
    ALLOW,
};

// Where programs are watched, nothing may hide from its tracer. Leak checkers do, while they trace.
static struct sock_filter tracing_program[] = {
    LOAD(nr),
    WHEN(SYS_clone, LOAD_ARGUMENT(0), IF(BPF_JSET, CLONE_UNTRACED, REFUSE(EPERM)), ALLOW),
    ALLOW,
};

static void install(struct sock_filter *filter, size_t length) {
  struct sock_fprog program = {.len = (unsigned short)length, .filter = filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "the kernel refuses a system call filter");
}

void confine_calls(bool is_watched) {
  if (is_watched) install(tracing_program, sizeof tracing_program / sizeof *tracing_program);
  install(program, sizeof program / sizeof *program);
}
