// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reader of the kernel's BTF that only looks names up. libbpf could do it, but
 * copies and checks 100,000 types first, 20 ms of our start-up.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "btf.h"

struct btf_index {
	char *data;
	size_t size;
	const struct btf_header *h;
};

/* sysfs cannot be mapped before 6.16; reading 5 MB takes 1 ms. */
static int read_all(const char *path, char **out, size_t *size)
{
	struct stat st;
	size_t len = 0;
	char *buf;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) || !(buf = malloc(st.st_size + 1))) {
		close(fd);
		return -ENOMEM;
	}
	while (len < (size_t)st.st_size) {
		ssize_t n = read(fd, buf + len, st.st_size - len);

		if (n <= 0)
			break;
		len += n;
	}
	close(fd);
	*out = buf;
	*size = len;
	return 0;
}

int btf_index_open(struct btf_index **out)
{
	struct btf_index *b = calloc(1, sizeof(*b));
	int err;

	if (!b)
		return -ENOMEM;
	err = read_all("/sys/kernel/btf/vmlinux", &b->data, &b->size);
	if (err) {
		free(b);
		return err;
	}
	b->h = (const void *)b->data;
	if (b->size < sizeof(*b->h) || b->h->magic != BTF_MAGIC || b->h->hdr_len > b->size ||
	    (uint64_t)b->h->hdr_len + b->h->type_off + b->h->type_len > b->size ||
	    (uint64_t)b->h->hdr_len + b->h->str_off + b->h->str_len > b->size) {
		btf_index_close(b);
		return -EINVAL;
	}
	b->data[b->size - 1] = 0;	/* the last string ends here anyhow */
	*out = b;
	return 0;
}

void btf_index_close(struct btf_index *b)
{
	if (!b)
		return;
	free(b->data);
	free(b);
}

/* Bytes behind struct btf_type, by kind: include/uapi/linux/btf.h. -1: a kind newer than we are. */
static int extra_bytes(const struct btf_type *t)
{
	unsigned int vlen = BTF_INFO_VLEN(t->info);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_PTR: case BTF_KIND_FWD: case BTF_KIND_TYPEDEF: case BTF_KIND_VOLATILE:
	case BTF_KIND_CONST: case BTF_KIND_RESTRICT: case BTF_KIND_FUNC: case BTF_KIND_FLOAT:
	case BTF_KIND_TYPE_TAG:
		return 0;
	case BTF_KIND_INT:
	case BTF_KIND_VAR:
	case BTF_KIND_DECL_TAG:
		return 4;
	case BTF_KIND_ARRAY:
		return sizeof(struct btf_array);
	case BTF_KIND_STRUCT: case BTF_KIND_UNION:
		return vlen * sizeof(struct btf_member);
	case BTF_KIND_ENUM:
		return vlen * sizeof(struct btf_enum);
	case BTF_KIND_FUNC_PROTO:
		return vlen * sizeof(struct btf_param);
	case BTF_KIND_DATASEC:
		return vlen * sizeof(struct btf_var_secinfo);
	case BTF_KIND_ENUM64:
		return vlen * sizeof(struct btf_enum64);
	}
	return -1;
}

/* One byte of the name decides most: 256 flags spare nearly all comparisons. */
static unsigned char fold(const char *s)
{
	return s[0] ? s[0] * 7 + s[1] * 31 + (s[1] ? s[2] : 0) : 0;
}

void btf_index_find(const struct btf_index *b, const char *const *names, uint32_t *ids, unsigned int n)
{
	const char *p = b->data + b->h->hdr_len + b->h->type_off, *end = p + b->h->type_len;
	const char *str = b->data + b->h->hdr_len + b->h->str_off;
	bool maybe[256] = { false };

	for (unsigned int i = 0; i < n; i++) {
		ids[i] = 0;
		maybe[fold(names[i])] = true;
	}
	for (uint32_t id = 1; p + sizeof(struct btf_type) <= end; id++) {
		const struct btf_type *t = (const void *)p;
		unsigned int kind = BTF_INFO_KIND(t->info);
		int extra = extra_bytes(t);

		if (extra < 0)
			return;
		p += sizeof(*t) + extra;
		if ((kind != BTF_KIND_FUNC && kind != BTF_KIND_TYPEDEF) || t->name_off >= b->h->str_len ||
		    !maybe[fold(str + t->name_off)])
			continue;
		for (unsigned int i = 0; i < n; i++)
			if (!ids[i] && !strcmp(names[i], str + t->name_off))
				ids[i] = id;
	}
}
