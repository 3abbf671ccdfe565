// SPDX-License-Identifier: GPL-2.0-only
/*
 * recordings/NAME.lab as bytes of the program. Which there are, the Makefile lists in
 * build/recorded_labs.h; tests/live/labs --record makes them anew.
 */
#include <string.h>

#include "recorded_labs.h"
#include "recordings.h"

#define INCLUDE(name, symbol)							\
	__asm__(".section .rodata\n"						\
		".globl recording_" #symbol ", recording_" #symbol "_end\n"	\
		"recording_" #symbol ":\n"					\
		".incbin \"user/lab/recordings/" name ".lab\"\n"		\
		"recording_" #symbol "_end:\n"					\
		".previous\n");							\
	extern const char recording_##symbol[], recording_##symbol##_end[];
RECORDINGS(INCLUDE)
#undef INCLUDE

#define ROW(name, symbol) { name, recording_##symbol, recording_##symbol##_end },
static const struct recording recordings[] = { RECORDINGS(ROW) };
#undef ROW

const struct recording *recording_of(const char *name)
{
	for (size_t i = 0; i < sizeof(recordings) / sizeof(recordings[0]); i++) {
		if (!strcmp(recordings[i].name, name))
			return &recordings[i];
	}
	return NULL;
}
