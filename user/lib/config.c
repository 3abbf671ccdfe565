// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <zlib.h>

#include "config.h"

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

char *kernel_config(const char **source)
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

bool kernel_config_has(const char *config, const char *option)
{
	size_t n = strlen(option);

	for (const char *p = config; (p = strstr(p, option)); p += n)
		if ((p == config || p[-1] == '\n') && p[n] == '=' && (p[n + 1] == 'y' || p[n + 1] == 'm'))
			return true;
	return false;
}
