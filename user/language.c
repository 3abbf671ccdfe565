// SPDX-License-Identifier: GPL-2.0-only
/* Chooses the language from --lang and the environment, as gettext does. The texts are part of the program. */
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "language.h"
#include "lib/tr.h"
#include "terminal.h"

__asm__(".section .rodata\n"
	".balign 8\n"
	"zh_texts: .incbin \"zh_CN.mo\"\n"
	"zh_texts_end:\n"
	".previous\n");
extern const char zh_texts[], zh_texts_end[];

static const char *from_environment(const char *const *names)
{
	const char *value;

	for (; *names; names++) {
		value = getenv(*names);
		if (value && value[0])
			return value;
	}
	return "C";
}

void language_encoding(void)
{
	static const char *const names[] = { "LC_ALL", "LC_CTYPE", "LANG", NULL };
	const char *dot;

	if (setlocale(LC_CTYPE, ""))
		return;
	dot = strchr(from_environment(names), '.');
	if (dot && (!strcasecmp(dot, ".UTF-8") || !strcasecmp(dot, ".UTF8")))
		setlocale(LC_CTYPE, "C.UTF-8");
}

/* Simplified Chinese is what we have; zh_TW and zh_HK read another script. */
static bool is_chinese(const char *lang)
{
	return !strncmp(lang, "zh", 2) && !strchr("abcdefghijklmnopqrstuvwxyz", lang[2] ? lang[2] : '_') &&
	       strncmp(lang, "zh_TW", 5) && strncmp(lang, "zh_HK", 5) && strncmp(lang, "zh_MO", 5);
}

/*
 * LANGUAGE counts only where there is a language at all, and its first one decides. The texts
 * are in UTF-8: on a terminal of another encoding they would be nonsense.
 */
static bool wants_chinese(void)
{
	static const char *const names[] = { "LC_ALL", "LC_MESSAGES", "LANG", NULL };
	const char *locale = from_environment(names), *language = getenv("LANGUAGE");

	if (!strcmp(locale, "C") || !strcmp(locale, "POSIX") || !strncmp(locale, "C.", 2) || !terminal_utf8())
		return false;
	return is_chinese(language && language[0] ? language : locale);
}

void language_use(const char *lang)
{
	struct mo *mo = NULL;

	if ((lang ? strcmp(lang, "zh") : !wants_chinese()) || !mo_open(&mo, zh_texts, (size_t)(zh_texts_end - zh_texts)))
		tr_use(mo);
}
