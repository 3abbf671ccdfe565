/* SPDX-License-Identifier: GPL-2.0-only */
/* In which language the program speaks. */
#ifndef TCPTRACE_LANGUAGE_H
#define TCPTRACE_LANGUAGE_H

/* From then on tr() speaks it. lang: "zh", "en", or NULL: as the environment says. */
void language_use(const char *lang);
/* setlocale() for the encoding alone, also where the locale that LANG names was never generated. */
void language_encoding(void);

#endif
