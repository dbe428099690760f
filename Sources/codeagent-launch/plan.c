#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "report.h"

struct plan plan_open(void) {
  struct stat status;
  if (fstat(PLAN_FD, &status) != 0) report_fatal(FAIL_SET_UP, errno, "the plan cannot be read");
  struct plan plan = {NULL, NULL};
  if (status.st_size == 0) return plan;
  void *start = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_PRIVATE, PLAN_FD, 0);
  if (start == MAP_FAILED) report_fatal(FAIL_SET_UP, errno, "the plan cannot be mapped");
  plan.next = start;
  plan.end = plan.next + status.st_size;
  if (plan.end[-1] != 0) report_fatal(FAIL_SET_UP, 0, "the plan is cut short");
  return plan;
}

const char *plan_word(struct plan *plan) {
  if (plan->next == plan->end) return NULL;
  const char *word = plan->next;
  plan->next = word + strlen(word) + 1;
  return word;
}

const char *plan_need(struct plan *plan) {
  const char *word = plan_word(plan);
  if (!word) report_fatal(FAIL_SET_UP, 0, "the plan is cut short");
  return word;
}

unsigned long long plan_number(struct plan *plan) {
  const char *word = plan_need(plan);
  char *end;
  errno = 0;
  unsigned long long number = strtoull(word, &end, 10);
  if (*word == 0 || *end != 0 || errno != 0) report_fatal(FAIL_SET_UP, 0, "the plan has no number where one belongs");
  return number;
}

void plan_skip(struct plan *plan, const char *key) {
  static const struct {
    const char *key;
    int values;
  } entries[] = {
      {"launcher", 1}, {"arg", 1},    {"env", 1},   {"cwd", 1},    {"uid", 1},  {"gid", 1},
      {"copy", 2},    {"ro", 1}, {"system", 1},       {"ro-at", 2},  {"rw-at", 2}, {"replace", 2}, {"mask", 1}, {"cgroup", 1},
      {"private-bytes", 1}, {"cpu", 1}, {"file", 1},  {"processes", 1}, {"memory", 1}, {"files", 1},
      {"watch", 1},   {"listen", 1}, {"level", 1},   {"private", 1},
  };
  int values = -1;
  if (strcmp(key, "overlay") == 0) {
    plan_need(plan);
    plan_need(plan);
    plan_need(plan);
    values = (int)plan_number(plan);
  }
  for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
    if (strcmp(key, entries[i].key) == 0) values = entries[i].values;
  if (values < 0) report_fatal(FAIL_SET_UP, 0, "the plan has an unknown entry: %s", key);
  while (values-- > 0) plan_need(plan);
}
