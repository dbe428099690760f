// Process 1 of the sandbox.
#ifndef INNER_H
#define INNER_H

// Starts the command, reaps what is orphaned, watches the tree, reports how the command ended, and ends; with it the
// kernel ends everything left.
_Noreturn void inner_main(void);

#endif
