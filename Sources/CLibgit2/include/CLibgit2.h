#ifndef CLibgit2_H
#define CLibgit2_H
#include <git2.h>
#endif
