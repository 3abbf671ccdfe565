// SPDX-License-Identifier: GPL-2.0-only
/*
 * both - both ends of connections in one process
 *
 * both open N [LISTENERS]   opens N connections of loopback, says READY, holds
 *                           them until its input ends
 * both connect ROUNDS       opens and closes connections
 * both bulk ROUNDS          one connection, 64 KiB from one end to the other
 * both rr ROUNDS            one connection, 64 bytes there and back
 *
 * both call ROUNDS          a system call that does nothing
 *
 * The last four print the ns that one of them takes, and the mean: one thread does
 * both ends on one CPU, the last, so nothing hangs on who runs when. The least of
 * many short rounds is what it costs when nobody comes between, to half a per cent;
 * in the mean is what others did on this CPU, as a tracer where there is one CPU.
 */
#define _GNU_SOURCE
#include "../live/net.h"

#include <sched.h>
#include <sys/syscall.h>

#define PER_ADDRESS	8192
#define PER_PROCESS	8192

static char buf[65536];

/* What net.h says when time is up: nothing here. */
static void report(void)
{
}

static int listener(int *port)
{
	union address a = address_parse("0.0.0.0", *port, false);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t len = address_len(&a);

	if (fd < 0 || bind(fd, &a.sa, len) || listen(fd, 4096))
		die("listen");
	getsockname(fd, &a.sa, &len);
	*port = ntohs(a.v4.sin_port);
	return fd;
}

static int connection(int on, int port, long i, int *accepted)
{
	union address a = address_parse("127.0.0.1", port, false);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	address_add(&a, i / PER_ADDRESS);
	if (fd < 0 || connect(fd, &a.sa, address_len(&a)))
		die("connection %ld", i);
	*accepted = accept4(on, NULL, NULL, SOCK_CLOEXEC);
	if (*accepted < 0)
		die("accept");
	return fd;
}

static void open_all(long n)
{
	int port = 0, accepted, on = listener(&port);

	for (long i = 0; i < n; i++)
		connection(on, port, i, &accepted);
}

/* In several processes: a process may not have files without end. */
static void hold(long n, long listeners)
{
	int done[2], port, children = 0;
	char c;

	for (long i = 1; i < listeners; i++) {
		port = 0;
		listener(&port);
	}
	if (pipe(done))
		die("pipe");
	for (; n > 0; n -= PER_PROCESS, children++) {
		if (fork())
			continue;
		open_all(n < PER_PROCESS ? n : PER_PROCESS);
		if (write(done[1], "", 1) != 1)
			die("write");
		while (read(STDIN_FILENO, &c, 1) > 0)
			;
		_exit(0);
	}
	while (children--)
		if (read(done[0], &c, 1) != 1)
			die("a child is gone");
	puts("READY");
	fflush(stdout);
	while (read(STDIN_FILENO, &c, 1) > 0)
		;
}

/* ---- one thread ---- */

static void pass(int from, int to, ssize_t size)
{
	if (write(from, buf, size) != size)
		die("write");
	for (ssize_t n; size; size -= n) {
		n = read(to, buf, size);
		if (n <= 0)
			die("read");
	}
}

static void connect_once(int on, int port, const int *open)
{
	static long n;
	int accepted, fd = connection(on, port, n++, &accepted);

	(void)open;
	close(fd);
	close(accepted);
}

static void bulk_once(int on, int port, const int *open)
{
	(void)on, (void)port;
	pass(open[0], open[1], sizeof(buf));
}

static void rr_once(int on, int port, const int *open)
{
	(void)on, (void)port;
	pass(open[0], open[1], 64);
	pass(open[1], open[0], 64);
}

/* What every system call of the machine pays. */
static void call_once(int on, int port, const int *open)
{
	(void)on, (void)port, (void)open;
	syscall(SYS_getppid);
}

static const struct kind {
	const char *name;
	void (*once)(int on, int port, const int *open);
	int times;		/* in a round: 2 ms and less, so that some have the CPU to themselves */
} kinds[] = {
	{ "connect", connect_once, 50 },
	{ "bulk", bulk_once, 50 },
	{ "rr", rr_once, 100 },
	{ "call", call_once, 1000 },
};

static void on_last_cpu(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("sched_setaffinity");
}

static void measure(const struct kind *k, long rounds)
{
	int port = 0, on = listener(&port), open[2];
	uint64_t least = UINT64_MAX, all;

	open[0] = connection(on, port, 0, &open[1]);
	on_last_cpu();
	all = now_ns();
	for (long i = 0; i < rounds; i++) {
		uint64_t began = now_ns(), took;

		for (int n = 0; n < k->times; n++)
			k->once(on, port, open);
		took = now_ns() - began;
		least = took < least ? took : least;
	}
	all = now_ns() - all;
	printf("%.1f %.1f\n", (double)least / k->times, (double)all / k->times / rounds);
}

static const struct kind *kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return &kinds[i];
	return NULL;
}

int main(int argc, char **argv)
{
	const struct kind *k = argc == 3 ? kind_of(argv[1]) : NULL;

	bring_lo_up();
	raise_file_limit();
	if (k)
		measure(k, number("ROUNDS", argv[2], 1, 1 << 20));
	else if (argc >= 3 && !strcmp(argv[1], "open"))
		hold(number("N", argv[2], 0, 1 << 20), argc > 3 ? number("LISTENERS", argv[3], 1, 1 << 16) : 1);
	else
		wrong_usage("both open N [LISTENERS] | connect ROUNDS | bulk ROUNDS | rr ROUNDS | call ROUNDS");
	return 0;
}
