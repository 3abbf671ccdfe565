// SPDX-License-Identifier: GPL-2.0-only
/* Paths of cgroups: what comes out fits, and goes through records unchanged. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/lib/cgroup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), out[PLACE_TEXT_MAX];	/* of this size: a byte more is seen */
	struct cgroup c;
	struct proc_place back;
	size_t n;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = 0;
	cgroup_of_process(text, &c);
	for (const char *s = c.pod_uid; *s; s++)
		if (!strchr("0123456789abcdef-", *s))
			abort();
	if (strchr(c.place.id, '/') || strchr(c.place.container, '/') || strchr(c.place.unit, '/'))
		abort();
	n = place_to_text(&c.place, out);
	if (n && (!place_of_text(&back, out, n) || strcmp(back.unit, c.place.unit) || strcmp(back.id, c.place.id)))
		abort();
	place_of_text(&back, (const char *)data, size);
	free(text);
	return 0;
}
