/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of the command line call of each other: options_*.c. */
#ifndef TCPTRACE_OPTIONS_TAKE_H
#define TCPTRACE_OPTIONS_TAKE_H

#include "options.h"

/*
 * By the key of a row: 0; -EINVAL with a sentence in o->error; ARGP_ERR_UNKNOWN: not one of theirs. arg must last as
 * long as o.
 */
int options_take_filter(struct options *o, int key, char *arg);		/* options_filter.c */
int options_take_show(struct options *o, int key, char *arg);		/* options_show.c */
int options_take_where(struct options *o, int key, char *arg);		/* options_where.c */

int options_add_output(struct options *o, const char *name, const char *path);	/* --out, and its short forms */
int options_check(struct options *o);		/* what cannot work together: 0 or -EINVAL */

__attribute__((format(printf, 2, 3)))
int options_refuse(struct options *o, const char *fmt, ...);	/* -EINVAL, with the sentence in o->error */
/* Calls take() for each part between commas; "" and ",," are refused by it. */
int options_each_part(struct options *o, const char *list, int (*take)(struct options *, const char *, int), int key);
/* options_words.c */
int option_word_index(int key, const char *s);		/* -1: it is none */
void option_words(int key, const char *between, char *text, size_t size);	/* all of them */
int options_refuse_word(struct options *o, int key, const char *s);	/* as options_refuse(): which words there are */
int options_take_bit(struct options *o, int key, const char *s, unsigned int *bits);	/* that of the word s */

#endif
