// SPDX-License-Identifier: GPL-2.0-only
/*
 * A reader of the kernel's BTF (include/uapi/linux/btf.h). libbpf could do it, but it
 * searches 100,000 types for each of our 45: half of the time that a start took.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "btf.h"

struct btf_index {
	const char *data;
	size_t size;
	bool mapped;			/* else malloc'd */
	const char *str;
	uint32_t str_len;
	const struct btf_type **types;	/* by id; 0 is void */
	uint32_t ntypes;
};

/* Read: 4 ms, where sysfs cannot be mapped (before 6.16, 60b6ed01e8ea). */
static int read_all(struct btf_index *b, int fd)
{
	size_t len = 0;
	char *buf = malloc(b->size);

	if (!buf)
		return -ENOMEM;
	b->data = buf;
	while (len < b->size) {
		ssize_t n = read(fd, buf + len, b->size - len);

		if (n <= 0)
			return n < 0 ? -errno : -EINVAL;
		len += n;
	}
	return 0;
}

static int get_data(struct btf_index *b)
{
	int err = 0, fd = open("/sys/kernel/btf/vmlinux", O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		err = -errno;
	} else {
		void *p = mmap(NULL, st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);

		b->size = st.st_size;
		b->mapped = p != MAP_FAILED;
		if (b->mapped)
			b->data = p;
		else
			err = read_all(b, fd);
	}
	close(fd);
	return err;
}

/* Bytes after struct btf_type, by kind. -1: a kind newer than we are. */
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

/* Where each type begins. */
static int list_types(struct btf_index *b, const char *p, const char *end)
{
	b->types = malloc(((end - p) / sizeof(struct btf_type) + 1) * sizeof(*b->types));
	if (!b->types)
		return -ENOMEM;
	b->types[0] = NULL;
	for (b->ntypes = 1; p + sizeof(struct btf_type) <= end; b->ntypes++) {
		const struct btf_type *t = (const void *)p;
		int extra = extra_bytes(t);

		if (extra < 0 || end - p < (ptrdiff_t)sizeof(*t) + extra)
			break;
		b->types[b->ntypes] = t;
		p += sizeof(*t) + extra;
	}
	return 0;
}

int btf_index_open(struct btf_index **out)
{
	struct btf_index *b = calloc(1, sizeof(*b));
	const struct btf_header *h;
	int err;

	if (!b)
		return -ENOMEM;
	err = get_data(b);
	h = (const void *)b->data;
	if (!err && (b->size < sizeof(*h) || h->magic != BTF_MAGIC || h->hdr_len > b->size ||
		     (uint64_t)h->hdr_len + h->type_off + h->type_len > b->size ||
		     (uint64_t)h->hdr_len + h->str_off + h->str_len > b->size || !h->str_len ||
		     b->data[h->hdr_len + h->str_off + h->str_len - 1]))
		err = -EINVAL;
	if (!err) {
		const char *types = b->data + h->hdr_len + h->type_off;

		b->str = b->data + h->hdr_len + h->str_off;
		b->str_len = h->str_len;
		err = list_types(b, types, types + h->type_len);
	}
	if (err) {
		btf_index_close(b);
		return err;
	}
	*out = b;
	return 0;
}

void btf_index_close(struct btf_index *b)
{
	if (!b)
		return;
	free(b->types);
	if (b->mapped)
		munmap((void *)b->data, b->size);
	else
		free((void *)b->data);
	free(b);
}

static const char *name_of(const struct btf_index *b, uint32_t off)
{
	return off < b->str_len ? b->str + off : "";
}

/* One byte of the name decides most: 256 flags spare nearly all comparisons. */
static unsigned char fold(const char *s)
{
	return s[0] ? s[0] * 7 + s[1] * 31 + (s[1] ? s[2] : 0) : 0;
}

void btf_index_find(const struct btf_index *b, struct btf_name *names, unsigned int n)
{
	bool maybe[256] = { false };

	for (unsigned int i = 0; i < n; i++) {
		names[i].id = 0;
		maybe[fold(names[i].name)] = true;
	}
	for (uint32_t id = 1; id < b->ntypes; id++) {
		const struct btf_type *t = b->types[id];
		const char *name = name_of(b, t->name_off);

		if (!maybe[fold(name)])
			continue;
		for (unsigned int i = 0; i < n; i++)
			if (!names[i].id && BTF_INFO_KIND(t->info) == names[i].kind && !strcmp(names[i].name, name))
				names[i].id = id;
	}
}

uint32_t btf_index_member(const struct btf_index *b, const char *first, const char *name)
{
	for (uint32_t id = 1; id < b->ntypes; id++) {
		const struct btf_type *t = b->types[id];
		const struct btf_enum *member = (const void *)(t + 1);
		unsigned int n = BTF_INFO_KIND(t->info) == BTF_KIND_ENUM ? BTF_INFO_VLEN(t->info) : 0;

		if (!n || strcmp(name_of(b, member->name_off), first))
			continue;
		for (unsigned int i = 1; i < n; i++)
			if (!strcmp(name_of(b, member[i].name_off), name))
				return (uint32_t)member[i].val;
	}
	return 0;
}

unsigned int btf_index_arguments(const struct btf_index *b, uint32_t id)
{
	uint32_t proto = id ? b->types[id]->type : 0;

	return proto && proto < b->ntypes ? BTF_INFO_VLEN(b->types[proto]->info) : 0;
}

/* ---- a BTF of a few types ---- */

struct bytes {
	char *p;
	size_t len, room;
	bool failed;
};

static size_t append(struct bytes *b, const void *p, size_t n)
{
	size_t at = b->len;

	if (b->len + n > b->room) {
		size_t room = 2 * (b->len + n);
		char *more = realloc(b->p, room);

		if (!more) {
			b->failed = true;
			return 0;
		}
		b->p = more;
		b->room = room;
	}
	memcpy(b->p + at, p, n);
	b->len += n;
	return at;
}

struct subset {
	const struct btf_index *of;
	uint32_t *new_id;		/* by id in the kernel's; 0: left out */
	uint32_t *taken;		/* ids in the kernel's, in the order of the new ones */
	uint32_t n;
	struct bytes types, str;
};

/* The new number of a type, which is written later. */
static uint32_t take(struct subset *s, uint32_t id)
{
	if (!id || id >= s->of->ntypes)
		return 0;
	if (!s->new_id[id]) {
		s->taken[s->n++] = id;
		s->new_id[id] = s->n;
	}
	return s->new_id[id];
}

static uint32_t take_name(struct subset *s, uint32_t off)
{
	const char *name = name_of(s->of, off);

	return *name ? append(&s->str, name, strlen(name) + 1) : 0;
}

/* The numbers and names in what follows struct btf_type: which are of types, says the kind. */
static void rewrite_rest(struct subset *s, struct btf_type *t)
{
	unsigned int vlen = BTF_INFO_VLEN(t->info);
	struct btf_array *array = (void *)(t + 1);
	struct btf_member *member = (void *)(t + 1);
	struct btf_enum64 *value64 = (void *)(t + 1);
	struct btf_enum *value = (void *)(t + 1);

	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_ARRAY:
		array->type = take(s, array->type);
		array->index_type = take(s, array->index_type);
		break;
	case BTF_KIND_STRUCT: case BTF_KIND_UNION:
		for (unsigned int i = 0; i < vlen; i++) {
			member[i].name_off = take_name(s, member[i].name_off);
			member[i].type = take(s, member[i].type);
		}
		break;
	case BTF_KIND_ENUM:
		for (unsigned int i = 0; i < vlen; i++)
			value[i].name_off = take_name(s, value[i].name_off);
		break;
	case BTF_KIND_ENUM64:
		for (unsigned int i = 0; i < vlen; i++)
			value64[i].name_off = take_name(s, value64[i].name_off);
	}
}

/* One type, with the new numbers. What a pointer points to is a question of its own. */
static int write_type(struct subset *s, uint32_t id)
{
	const struct btf_type *from = s->of->types[id];
	size_t size = sizeof(*from) + extra_bytes(from);
	struct btf_type *t = malloc(size);

	if (!t)
		return -ENOMEM;
	memcpy(t, from, size);
	t->name_off = take_name(s, t->name_off);
	switch (BTF_INFO_KIND(t->info)) {
	case BTF_KIND_PTR:
		t->type = 0;
		break;
	case BTF_KIND_TYPEDEF: case BTF_KIND_VOLATILE: case BTF_KIND_CONST: case BTF_KIND_RESTRICT:
	case BTF_KIND_TYPE_TAG:
		t->type = take(s, t->type);
		break;
	default:
		rewrite_rest(s, t);
	}
	append(&s->types, t, size);
	free(t);
	return s->types.failed || s->str.failed ? -ENOMEM : 0;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static int fill_subset(struct subset *s, const char *const *names, unsigned int n)
{
	bool maybe[256] = { false };
	int err = 0;

	for (unsigned int i = 0; i < n; i++)
		maybe[fold(names[i])] = true;
	for (uint32_t id = 1; id < s->of->ntypes; id++) {
		const struct btf_type *t = s->of->types[id];
		const char *name = name_of(s->of, t->name_off);
		uint32_t kind = BTF_INFO_KIND(t->info);

		if ((kind == BTF_KIND_STRUCT || kind == BTF_KIND_ENUM || kind == BTF_KIND_ENUM64) &&
		    maybe[fold(name)] && bsearch(&name, names, n, sizeof(*names), compare_names))
			take(s, id);
	}
	append(&s->str, "", 1);
	for (uint32_t i = 0; i < s->n && !err; i++)	/* n grows by what they are made of */
		err = write_type(s, s->taken[i]);
	return err;
}

static int write_subset(const struct subset *s)
{
	const struct btf_header h = {
		.magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h),
		.type_len = s->types.len, .str_off = s->types.len, .str_len = s->str.len,
	};
	int fd = memfd_create("btf", MFD_CLOEXEC);

	if (fd < 0)
		return -errno;
	if (write(fd, &h, sizeof(h)) == sizeof(h) &&
	    write(fd, s->types.p, s->types.len) == (ssize_t)s->types.len &&
	    write(fd, s->str.p, s->str.len) == (ssize_t)s->str.len)
		return fd;
	close(fd);
	return -EIO;
}

int btf_index_subset(const struct btf_index *b, const char *const *names, unsigned int n)
{
	struct subset s = { .of = b };
	int ret = -ENOMEM;

	s.new_id = calloc(b->ntypes, sizeof(*s.new_id));
	s.taken = malloc(b->ntypes * sizeof(*s.taken));
	if (s.new_id && s.taken)
		ret = fill_subset(&s, names, n);
	if (!ret)
		ret = write_subset(&s);
	free(s.new_id);
	free(s.taken);
	free(s.types.p);
	free(s.str.p);
	return ret;
}
