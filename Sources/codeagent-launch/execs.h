// Sees every program that the tree executes, after the kernel resolved it and before its first instruction, by ptrace(2)
// exec events: process 1 of the sandbox traces the command and all that it starts. No system call is traced.
#ifndef EXECS_H
#define EXECS_H

#include <stdbool.h>
#include <sys/resource.h>
#include <sys/types.h>

// How much is watched.
enum exec_watch {
  WATCH_OFF,
  // Nothing is told; what is traced dies with its tracer.
  WATCH_HOLD,
  // Every exec is told to the agent.
  WATCH_RECORD,
  // The agent is also asked, and what it denies is killed.
  WATCH_ASK,
};

// Begins to trace a child that waits and has executed nothing. Ends the launcher with a report where the kernel refuses.
void execs_seize(pid_t child, enum exec_watch watch);

// Takes in a stop that wait4(2) told of, and lets the task go on.
void execs_stopped(pid_t task, int status);

// Takes in decisions about programs that wait for them; whether any did.
bool execs_decided(void);

// Takes in the end of a task.
void execs_ended(pid_t task, int status, const struct rusage *usage);

// Whether a task is known to be traced.
bool execs_is_traced(pid_t task);

// Kills everything that is traced and waits until it is gone.
void execs_kill_all(void);

#endif
