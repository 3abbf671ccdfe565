/* SPDX-License-Identifier: GPL-2.0-only */
/* In which language --explain speaks. */
#ifndef TCPTRACE_LANGUAGE_H
#define TCPTRACE_LANGUAGE_H

#include "lib/mo.h"

/* lang: "zh", "en", or NULL: as the environment says. NULL: English. */
struct mo *language_open(const char *lang);
/* setlocale() for the encoding alone, also where the locale that LANG names was never generated. */
void language_encoding(void);

#endif
