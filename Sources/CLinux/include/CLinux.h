#ifndef CLINUX_H
#define CLINUX_H

#include "LinuxFiles.h"
#endif
