#define _GNU_SOURCE
#include "privileges.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "report.h"

void drop_bounding_set(void) {
  for (int capability = 0; capability < 64; capability++)
    if (prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) != 0 && errno == EINVAL) break;
  prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0);
}

void forget_capabilities(void) {
  struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  struct __user_cap_data_struct none[2] = {{0}}, left[2] = {{0}};
  if (syscall(SYS_capset, &header, none) != 0 || syscall(SYS_capget, &header, left) != 0)
    report_fatal(FAIL_UNAVAILABLE, errno, "capabilities cannot be dropped");
  bool is_empty = (left[0].effective | left[0].permitted | left[0].inheritable | left[1].effective |
                   left[1].permitted | left[1].inheritable) == 0;
  // Where the set is not this process's to empty, there is nothing that an executable could give from it.
  if (!is_empty) report_fatal(FAIL_UNAVAILABLE, 0, "capabilities cannot be dropped for good");
}
