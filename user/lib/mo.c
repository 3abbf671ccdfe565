// SPDX-License-Identifier: GPL-2.0-only
/*
 * gettext() itself cannot be used: it translates nothing in the locale C, and from
 * glibc 2.39 on nothing in C.UTF-8 either (sourceware bug 16621), whatever LANGUAGE
 * says; and a minimal Debian has no other locale. The files are gettext's all the
 * same: a header, two tables of length and offset, sorted by msgid.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mo.h"

#define MO_MAGIC	0x950412deu

struct mo_header {
	uint32_t magic, revision, count, msgids, texts;	/* the last two: offsets of the tables */
};

struct mo_string {
	uint32_t len, offset;
};

struct mo {
	size_t size;
	uint32_t count;
	const struct mo_string *msgids, *texts;
	const char *data;
};

static bool string_whole(const struct mo *mo, const struct mo_string *s)
{
	return s->offset < mo->size && s->len < mo->size - s->offset && !mo->data[s->offset + s->len];
}

/* After this nothing outside of data can be read. */
static bool check(struct mo *mo)
{
	struct mo_header h;
	uint64_t bytes;
	uint32_t i;

	if (mo->size < sizeof(h) || (uintptr_t)mo->data % _Alignof(struct mo_string))
		return false;
	memcpy(&h, mo->data, sizeof(h));
	bytes = (uint64_t)h.count * sizeof(struct mo_string);
	if (h.magic != MO_MAGIC || h.msgids % 4 || h.texts % 4 || h.msgids + bytes > mo->size ||
	    h.texts + bytes > mo->size)
		return false;
	mo->count = h.count;
	mo->msgids = (const struct mo_string *)(mo->data + h.msgids);
	mo->texts = (const struct mo_string *)(mo->data + h.texts);
	for (i = 0; i < mo->count; i++) {
		if (!string_whole(mo, &mo->msgids[i]) || !string_whole(mo, &mo->texts[i]))
			return false;
	}
	return true;
}

int mo_open(struct mo **out, const void *data, size_t size)
{
	struct mo *mo = malloc(sizeof(*mo));

	if (!mo)
		return -ENOMEM;
	*mo = (struct mo){ .data = data, .size = size };
	if (!check(mo)) {
		free(mo);
		return -EINVAL;
	}
	*out = mo;
	return 0;
}

const char *mo_text(const struct mo *mo, const char *msgid)
{
	uint32_t low = 0, high = mo ? mo->count : 0, middle;
	int cmp;

	while (low < high) {
		middle = low + (high - low) / 2;
		cmp = strcmp(msgid, mo->data + mo->msgids[middle].offset);
		if (!cmp)
			return mo->texts[middle].len ? mo->data + mo->texts[middle].offset : msgid;
		if (cmp < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return msgid;
}

void mo_close(struct mo *mo)
{
	free(mo);
}
