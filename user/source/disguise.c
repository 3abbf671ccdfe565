// SPDX-License-Identifier: GPL-2.0-only
/* SipHash-1-3 of one word: 64 bits for a few million addresses, so that two alike are not to be expected. */
#include <string.h>
#include <sys/random.h>

#include "../lib/clock.h"
#include "disguise.h"

void disguise_begin(struct disguise *d)
{
	memset(d, 0, sizeof(*d));
	if (getrandom(d->key, sizeof(d->key), GRND_NONBLOCK) != (ssize_t)sizeof(d->key)) {
		d->key[0] ^= clock_ns(CLOCK_REALTIME);		/* early at boot: better than a key that all know */
		d->key[1] ^= clock_ns(CLOCK_PROCESS_CPUTIME_ID) << 32;
	}
}

static __u64 rotate(__u64 x, unsigned int bits)
{
	return x << bits | x >> (64 - bits);
}

static void sip_round(__u64 *v)
{
	v[0] += v[1];
	v[1] = rotate(v[1], 13) ^ v[0];
	v[0] = rotate(v[0], 32);
	v[2] += v[3];
	v[3] = rotate(v[3], 16) ^ v[2];
	v[0] += v[3];
	v[3] = rotate(v[3], 21) ^ v[0];
	v[2] += v[1];
	v[1] = rotate(v[1], 17) ^ v[2];
	v[2] = rotate(v[2], 32);
}

static __u64 hash_of(const __u64 *key, __u64 word)
{
	__u64 v[4] = { key[0] ^ 0x736f6d6570736575ull, key[1] ^ 0x646f72616e646f6dull,
		       key[0] ^ 0x6c7967656e657261ull, key[1] ^ 0x7465646279746573ull };
	const __u64 words[] = { word, 8ull << 56 };	/* the second is the length */

	for (unsigned int i = 0; i < 2; i++) {
		v[3] ^= words[i];
		sip_round(v);
		v[0] ^= words[i];
	}
	v[2] ^= 0xff;
	sip_round(v);
	sip_round(v);
	sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

__u64 disguise_anew(struct disguise *d, struct disguised *cached, __u64 address)
{
	if (!address)		/* unknown, and nothing else is */
		return 0;
	cached->address = address;
	cached->hash = hash_of(d->key, address);
	cached->hash += !cached->hash;
	return cached->hash;
}
