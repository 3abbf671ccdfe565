// SPDX-License-Identifier: GPL-2.0-only
/*
 * Chooses the language from --lang and the environment, as gettext does, and looks
 * for its texts: beside the program in the build tree, beside it when installed,
 * and where the system has them.
 */
#include <locale.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "language.h"
#include "lib/tr.h"
#include "talk.h"
#include "terminal.h"

#define MO_FILE	"zh_CN/LC_MESSAGES/tcptrace.mo"

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

static int open_beside(struct mo **mo, const char *below)
{
	char exe[4096], path[4096 + 64];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	char *slash;

	if (n < 0)
		return -1;
	exe[n] = 0;
	slash = strrchr(exe, '/');
	if (!slash)
		return -1;
	*slash = 0;
	snprintf(path, sizeof(path), "%s/%s/" MO_FILE, exe, below);
	return mo_open(mo, path);
}

void language_use(const char *lang)
{
	struct mo *mo = NULL;

	if (lang ? strcmp(lang, "zh") : !wants_chinese())
		return;
	if (open_beside(&mo, "locale") && open_beside(&mo, "../share/locale") &&
	    mo_open(&mo, "/usr/share/locale/" MO_FILE)) {
		if (lang)
			talk("the Chinese texts (%s) are not installed; this is English", MO_FILE);
		return;
	}
	tr_use(mo);
}
