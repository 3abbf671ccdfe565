// SPDX-License-Identifier: GPL-2.0-only
/* The small BTF against the kernel's own, by libbpf: the same members at the same places. */
#include <bpf/btf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "source/bpf/btf.h"

static const char *const names[] = { "bpf_func_id", "inet_connection_sock", "no_such_type", "sock", "tcp_request_sock" };
#define NAMES	(sizeof(names) / sizeof(*names))

static struct btf_index *index_or_skip(void)
{
	struct btf_index *b;

	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		print_message("this kernel has no BTF\n");
		skip();
	}
	assert_int_equal(btf_index_open(&b), 0);
	return b;
}

static void found(void **state)
{
	struct btf_name wanted[] = {
		{ "sock", BTF_KIND_STRUCT, 0 }, { "tcp_v4_rcv", BTF_KIND_FUNC, 0 },
		{ "btf_trace_inet_sock_set_state", BTF_KIND_TYPEDEF, 0 }, { "sock", BTF_KIND_TYPEDEF, 7 },
	};
	struct btf_index *b = index_or_skip();
	struct btf *full = btf__load_vmlinux_btf();

	(void)state;
	btf_index_find(b, wanted, 4);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(wanted[i].id, btf__find_by_name_kind(full, wanted[i].name, wanted[i].kind));
	assert_int_equal(wanted[3].id, 0);
	btf__free(full);
	btf_index_close(b);
}

/* Such an enum has no name; its members are not where /proc/net/netstat names them. */
static void place_of(void **state)
{
	struct btf_index *b = index_or_skip();
	uint32_t overflows = btf_index_member(b, "LINUX_MIB_NUM", "LINUX_MIB_LISTENOVERFLOWS");

	assert_int_equal(btf_index_member(b, "LINUX_MIB_NUM", "LINUX_MIB_SYNCOOKIESSENT"), 1);
	assert_int_equal(btf_index_member(b, "LINUX_MIB_NUM", "LINUX_MIB_LISTENDROPS"), overflows + 1);
	assert_true(btf_index_member(b, "LINUX_MIB_NUM", "LINUX_MIB_TCPREQQFULLDROP") > overflows);
	assert_int_equal(btf_index_member(b, "LINUX_MIB_NUM", "LINUX_MIB_NONE"), 0);
	assert_int_equal(btf_index_member(b, "nothing", "LINUX_MIB_LISTENDROPS"), 0);
	(void)state;
	btf_index_close(b);
}

/* All members, by name, type and place; what they contain, but for what a pointer points to. */
static void same_type(const struct btf *a, uint32_t ia, const struct btf *b, uint32_t ib, int depth)
{
	const struct btf_type *ta = btf__type_by_id(a, ia), *tb = btf__type_by_id(b, ib);

	assert_int_equal(ta->info, tb->info);
	assert_string_equal(btf__name_by_offset(a, ta->name_off), btf__name_by_offset(b, tb->name_off));
	if (btf_is_mod(ta) || btf_is_typedef(ta) || btf_is_type_tag(ta)) {
		same_type(a, ta->type, b, tb->type, depth);
	} else if (btf_is_array(ta)) {
		assert_int_equal(btf_array(ta)->nelems, btf_array(tb)->nelems);
		same_type(a, btf_array(ta)->type, b, btf_array(tb)->type, depth);
	} else if (!btf_is_ptr(ta)) {
		assert_int_equal(ta->size, tb->size);
	}
	if (!btf_is_composite(ta) || depth > 5)
		return;
	for (int i = 0; i < btf_vlen(ta); i++) {
		const struct btf_member *ma = btf_members(ta) + i, *mb = btf_members(tb) + i;

		assert_int_equal(ma->offset, mb->offset);
		assert_string_equal(btf__name_by_offset(a, ma->name_off), btf__name_by_offset(b, mb->name_off));
		same_type(a, ma->type, b, mb->type, depth + 1);
	}
}

static void subset(void **state)
{
	struct btf_index *b = index_or_skip();
	struct btf *full = btf__load_vmlinux_btf(), *small;
	int fd = btf_index_subset(b, names, NAMES);
	char path[32];

	(void)state;
	assert_true(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	small = btf__parse(path, NULL);
	assert_non_null(small);
	assert_true(btf__type_cnt(small) > 100 && btf__type_cnt(small) < btf__type_cnt(full) / 5);
	assert_true(btf__find_by_name(small, "no_such_type") < 0);
	assert_true(btf__find_by_name_kind(small, "task_struct", BTF_KIND_STRUCT) < 0);	/* only pointed to */
	for (unsigned int i = 0; i < NAMES; i++) {
		int ia = btf__find_by_name(full, names[i]), ib = btf__find_by_name(small, names[i]);

		if (ia > 0 || ib > 0)
			same_type(full, (uint32_t)ia, small, (uint32_t)ib, 0);
	}
	btf__free(small);
	btf__free(full);
	close(fd);
	btf_index_close(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(found), cmocka_unit_test(place_of), cmocka_unit_test(subset) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
