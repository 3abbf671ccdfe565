/* SPDX-License-Identifier: GPL-2.0-only */
/* What a shell may complete after "tcptrace", made of the tables that the program itself reads. */
#ifndef TCPTRACE_COMPLETION_H
#define TCPTRACE_COMPLETION_H

#include <stdbool.h>
#include <stdio.h>

#include "options.h"

/* Prints the script for "bash", "zsh" or "fish"; false: there is none for this shell. */
bool completion_print(FILE *f, const struct command *commands, const char *shell);

#endif
