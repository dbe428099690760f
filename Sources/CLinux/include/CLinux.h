#ifndef CLINUX_H
#define CLINUX_H

#include "LinuxFiles.h"
#include "LinuxProcesses.h"
#endif
