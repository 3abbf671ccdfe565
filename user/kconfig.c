// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kconfig.h"
#include "lib/config.h"
#include "lib/embed.h"

/* Kconfig.notes itself, so that the table has one home. */
EMBED(kconfig_notes, "Kconfig.notes");

int kconfig_each(const char **source, void (*fn)(void *ctx, const struct kconfig_note *note), void *ctx)
{
	char *config = kernel_config(source), *notes, *line, *rest;

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
			.without = word + strspn(word, "\t "), .set = kernel_config_has(config, option),
		};
		fn(ctx, &note);
	}
	free(notes);
	free(config);
	return 0;
}
