/* SPDX-License-Identifier: GPL-2.0-only */
/* The configuration that the running kernel was built with. */
#ifndef TCPTRACE_CONFIG_H
#define TCPTRACE_CONFIG_H

#include <stdbool.h>

/* The whole text, to be freed, and the file it is from; NULL: this kernel does not tell. */
char *kernel_config(const char **source);
/* Is the option y or m? */
bool kernel_config_has(const char *config, const char *option);

#endif
