/* SPDX-License-Identifier: GPL-2.0-only */
/* A file of the tree as bytes of the program, named from the directory where make runs. */
#ifndef TCPTRACE_EMBED_H
#define TCPTRACE_EMBED_H

/* Defines symbol[] and symbol_end; a NUL stands at symbol_end, so that a text is a string. */
#define EMBED(symbol, path)						\
	__asm__(".section .rodata\n"					\
		".globl " #symbol ", " #symbol "_end\n"			\
		#symbol ":\n"						\
		".incbin \"" path "\"\n"					\
		#symbol "_end: .byte 0\n"				\
		".previous\n");						\
	extern const char symbol[], symbol##_end[]

#endif
