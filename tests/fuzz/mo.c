// SPDX-License-Identifier: GPL-2.0-only
/* The reader of translations: what it takes for whole must be readable everywhere. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../../user/lib/mo.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const words[] = { "", "a", "SYN", "The kernel", "\xff\xff" };
	void *copy = malloc(size);	/* aligned, and of this size: a byte more is seen */
	struct mo *mo;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (!mo_open(&mo, copy, size)) {
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
			if (strlen(mo_text(mo, words[i])) > size + 16)
				abort();
		mo_close(mo);
	}
	free(copy);
	return 0;
}
