// SPDX-License-Identifier: GPL-2.0-only
/* nothing OBJECT: attaches the programs of nothing.bpf.c (or of another one), says READY, holds them until its input ends */
#include <bpf/libbpf.h>
#include <stdio.h>

int main(int argc, char **argv)
{
	struct bpf_object *o = argc > 1 ? bpf_object__open_file(argv[1], NULL) : NULL;
	struct bpf_program *p;

	if (!o || bpf_object__load(o))
		return 1;
	bpf_object__for_each_program(p, o) {
		if (!bpf_program__attach(p))
			fprintf(stderr, "nothing: %s cannot be attached\n", bpf_program__name(p));
	}
	puts("READY");
	fflush(stdout);
	while (getchar() != EOF)
		;
	bpf_object__close(o);
	return 0;
}
