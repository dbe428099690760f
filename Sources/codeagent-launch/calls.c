// The system call filter, as a classic BPF program put together by the compiler.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
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
#define NR_IO_URING_SETUP 425
#define NR_IO_URING_ENTER 426
#define NR_IO_URING_REGISTER 427

// Low and high halves of an argument; both architectures are little-endian.
#define LOAD(field) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define LOAD_ARGUMENT(n) BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[n]))
#define RETURN(value) BPF_STMT(BPF_RET | BPF_K, value)
#define REFUSE(error) RETURN(SECCOMP_RET_ERRNO | (error))
#define ALLOW RETURN(SECCOMP_RET_ALLOW)
// Two instructions for one call: compare, refuse.
#define FORBID(call, error) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, 1), REFUSE(error)
#define UNLESS_CALL(call, skip) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, call, 0, skip)
#define IF_EQUAL_ALLOW(value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1), ALLOW
#define IF_EQUAL_REFUSE(value, error) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, value, 0, 1), REFUSE(error)

static struct sock_filter program[] = {
    // A call in another architecture's dialect (32-bit entry) would mean something else by its number.
    LOAD(arch),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, OUR_ARCHITECTURE, 1, 0),
    RETURN(SECCOMP_RET_KILL_PROCESS),
    LOAD(nr),
#if defined __x86_64__
    // x32
    BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1),
    RETURN(SECCOMP_RET_KILL_PROCESS),
#endif

    // clone: threads and processes, no namespaces.
    UNLESS_CALL(SYS_clone, 4),
    LOAD_ARGUMENT(0),
    BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, NAMESPACE_FLAGS, 0, 1),
    REFUSE(EPERM),
    ALLOW,
    // Its flags lie in memory, where a filter cannot look; C libraries fall back to clone.
    FORBID(NR_CLONE3, ENOSYS),
    FORBID(SYS_unshare, EPERM),
    FORBID(SYS_setns, EPERM),

    // ioctl: nothing that types into a terminal or loads a line discipline.
    UNLESS_CALL(SYS_ioctl, 8),
    LOAD_ARGUMENT(1),
    IF_EQUAL_REFUSE(TIOCSTI, EPERM),
    IF_EQUAL_REFUSE(TIOCLINUX, EPERM),
    IF_EQUAL_REFUSE(TIOCSETD, EPERM),
    ALLOW,

    // socket: local ones, the internet's, and the kind of netlink that lists interfaces.
    UNLESS_CALL(SYS_socket, 12),
    LOAD_ARGUMENT(0),
    IF_EQUAL_ALLOW(AF_UNIX),
    IF_EQUAL_ALLOW(AF_INET),
    IF_EQUAL_ALLOW(AF_INET6),
    BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_NETLINK, 0, 3),
    LOAD_ARGUMENT(2),
    // NETLINK_ROUTE
    IF_EQUAL_ALLOW(0),
    REFUSE(EAFNOSUPPORT),
    UNLESS_CALL(SYS_socketpair, 4),
    LOAD_ARGUMENT(0),
    IF_EQUAL_ALLOW(AF_UNIX),
    REFUSE(EAFNOSUPPORT),

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
#endif
    ALLOW,
};

void confine_calls(void) {
  struct sock_fprog filter = {.len = sizeof program / sizeof *program, .filter = program};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter, 0, 0) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "the kernel refuses a system call filter");
}
