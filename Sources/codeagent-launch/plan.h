// The plan: what the agent tells the launcher, as words that end in NUL, because paths are bytes. It comes in a memory
// file on descriptor PLAN_FD; both stages of the launcher read the same plan and take from it what concerns them.
#ifndef PLAN_H
#define PLAN_H

#include <stddef.h>
#include <stdbool.h>

enum {
  PLAN_FD = 3,
  // A sequenced-packet socket to the agent, see report.h.
  STATUS_FD = 4,
};

// Reads a plan word by word.
struct plan {
  const char *next;
  const char *end;
};

// Maps the plan into memory. Ends the launcher with a report when it cannot be read.
struct plan plan_open(void);

// The next word, or NULL at the end.
const char *plan_word(struct plan *plan);

// The next word, which must be there: anything else is a fault of the agent, reported as such.
const char *plan_need(struct plan *plan);

// The next word as a number.
unsigned long long plan_number(struct plan *plan);

// Moves over one entry's values; `key` was read already.
void plan_skip(struct plan *plan, const char *key);

#endif
