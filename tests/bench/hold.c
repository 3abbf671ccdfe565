// SPDX-License-Identifier: GPL-2.0-only
/*
 * hold - connections that stay open, and traffic on them
 *
 * hold open N [LISTENERS]   opens N connections of loopback, says READY, holds
 *                           them until its input ends
 * hold bulk SECONDS         one connection, 64 KiB writes: bytes a second
 * hold rr SECONDS           one connection, 64 bytes each way: turns a second
 */
#define _GNU_SOURCE
#include "../live/net.h"

#include <pthread.h>

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

/* The far end: takes it all, or sends as much back. */
static void *far_end(void *arg)
{
	int *fd = arg;
	ssize_t n;

	while ((n = read(fd[0], buf, sizeof(buf))) > 0)
		if (fd[1] && write(fd[0], buf, n) != n)
			break;
	return NULL;
}

static void traffic(bool rr, long seconds)
{
	int port = 0, on = listener(&port), far[2] = { 0, rr }, fd = connection(on, port, 0, &far[0]);
	uint64_t began = now_ns(), end = began + seconds * 1000000000ull, now, turns = 0, bytes = 0;
	static char mine[65536];
	pthread_t t;

	if (pthread_create(&t, NULL, far_end, far))
		die("pthread_create");
	do {
		ssize_t n = write(fd, mine, rr ? 64 : sizeof(mine));

		if (n < 0 || (rr && read(fd, mine, 64) != 64))
			die("traffic");
		bytes += n;
		turns++;
		now = now_ns();
	} while (now < end);
	printf("%.6g\n", (rr ? turns : bytes) * 1e9 / (now - began));
}

int main(int argc, char **argv)
{
	bring_lo_up();
	raise_file_limit();
	if (argc >= 3 && !strcmp(argv[1], "open"))
		hold(number("N", argv[2], 0, 1 << 20), argc > 3 ? number("LISTENERS", argv[3], 1, 1 << 16) : 1);
	else if (argc == 3 && (!strcmp(argv[1], "bulk") || !strcmp(argv[1], "rr")))
		traffic(argv[1][0] == 'r', number("SECONDS", argv[2], 1, 3600));
	else
		wrong_usage("hold open N [LISTENERS] | bulk SECONDS | rr SECONDS");
	return 0;
}
