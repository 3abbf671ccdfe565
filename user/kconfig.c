// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <zlib.h>

#include "kconfig.h"

/* Kconfig.notes itself, so that the table has one home. */
__asm__(".section .rodata\n"
	"kconfig_notes: .incbin \"Kconfig.notes\"\n"
	".byte 0\n"
	".previous\n");
extern const char kconfig_notes[];

/* gzopen reads plain files too. The whole text, malloc'd, or NULL. */
static char *read_config(const char *path)
{
	size_t size = 1 << 20, len = 0;
	char *text = NULL, *more;
	gzFile f = gzopen(path, "rb");
	int n = 1;

	while (f && n > 0) {
		more = realloc(text, size);
		if (!more)
			break;
		text = more;
		n = gzread(f, text + len, size - len - 1);
		if (n > 0)
			len += n;
		if (len + 1 == size)
			size *= 2;
	}
	if (f)
		gzclose(f);
	if (text)
		text[len] = 0;
	return text;
}

static char *find_config(const char **source)
{
	static char path[sizeof(((struct utsname *)0)->release) + 16];
	struct utsname u;
	char *text = read_config("/proc/config.gz");

	*source = "/proc/config.gz";
	if (text || uname(&u))
		return text;
	snprintf(path, sizeof(path), "/boot/config-%s", u.release);
	*source = path;
	return read_config(path);
}

static bool is_set(const char *config, const char *option)
{
	size_t n = strlen(option);

	for (const char *p = config; (p = strstr(p, option)); p += n)
		if ((p == config || p[-1] == '\n') && p[n] == '=' && (p[n + 1] == 'y' || p[n + 1] == 'm'))
			return true;
	return false;
}

int kconfig_is_set(const char *option)
{
	const char *source;
	char *config = find_config(&source);
	int set = config ? is_set(config, option) : -ENOENT;

	free(config);
	return set;
}

int kconfig_each(const char **source, void (*fn)(void *ctx, const struct kconfig_note *note), void *ctx)
{
	char *config = find_config(source), *notes, *line, *rest;

	if (!config)
		return -ENOENT;
	notes = strdup(kconfig_notes);
	for (line = strtok_r(notes, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		char *word, *option = strtok_r(line, "\t ", &word), *need = strtok_r(NULL, "\t ", &word);
		struct kconfig_note note;

		if (!option || *option == '#' || !need)
			continue;
		note = (struct kconfig_note) {
			.option = option, .must = !strcmp(need, "must"),
			.without = word + strspn(word, "\t "), .set = is_set(config, option),
		};
		fn(ctx, &note);
	}
	free(notes);
	free(config);
	return 0;
}
