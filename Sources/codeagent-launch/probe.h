// Tries, from inside a sandbox, what a sandbox must not allow.
#ifndef PROBE_H
#define PROBE_H

// `--probe boundary PORT HOME` tries everything and prints one line a promise: name, `ok` or `no`, what was seen,
// separated by tabs. `--probe sleep|memory|processes|flood|daemon` goes over a limit until it is stopped.
_Noreturn void probe_main(int count, char **arguments);

#endif
