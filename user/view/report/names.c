// SPDX-License-Identifier: GPL-2.0-only
/* Addresses, or with --anonymous a letter for each: A ... Z, AA ... in the order in which they come up. */
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* What names no host in particular stays. */
static bool says_nothing(const uint8_t addr[16])
{
	static const uint8_t loopback[16] = { [15] = 1 };

	return addr_is_any(addr) || (addr_is_mapped(addr) ? addr[12] == 127 : !memcmp(addr, loopback, 16));
}

static char *put_letters(char *p, uint32_t n)
{
	if (n >= 26)
		p = put_letters(p, n / 26 - 1);
	*p++ = (char)('A' + n % 26);
	return p;
}

static uint32_t *slot(struct names *n, const uint8_t addr[16])
{
	uint64_t w[2];
	uint32_t i;

	memcpy(w, addr, 16);
	for (i = choose_spread(w[0] ^ choose_spread(w[1])) >> 32 & n->mask; n->table[i]; i = (i + 1) & n->mask) {
		if (!memcmp(n->addr[n->table[i] - 1], addr, 16))
			break;
	}
	return &n->table[i];
}

/* Twice as large, with the same letters. */
static bool grow(struct names *n)
{
	uint32_t mask = n->mask ? 2 * n->mask + 1 : 1023, i;
	uint8_t (*addr)[16] = realloc(n->addr, (mask / 2 + 1) * sizeof(*addr));
	uint32_t *table = calloc(mask + 1ull, sizeof(*table));

	if (addr)
		n->addr = addr;
	if (!addr || !table) {
		free(table);
		return false;
	}
	free(n->table);
	n->table = table;
	n->mask = mask;
	for (i = 0; i < n->n; i++)
		*slot(n, n->addr[i]) = i + 1;
	return true;
}

char *names_addr(struct names *n, char *p, const uint8_t addr[16])
{
	uint32_t *s;

	if (!n->anonymous || says_nothing(addr))
		return put_addr(p, addr);
	if ((!n->mask || n->n > n->mask / 2) && !grow(n))
		return put_mem(p, "?", 1);
	s = slot(n, addr);
	if (!*s) {
		memcpy(n->addr[n->n], addr, 16);
		*s = ++n->n;
	}
	return put_letters(p, *s - 1);
}

char *names_endpoint(struct names *n, char *p, const uint8_t addr[16], uint16_t port)
{
	if (!n->anonymous || says_nothing(addr))
		return put_endpoint(p, addr, port);
	p = names_addr(n, p, addr);
	*p++ = ':';
	return put_u64(p, port);
}

void names_free(struct names *n)
{
	free(n->addr);
	free(n->table);
}
