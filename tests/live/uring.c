// SPDX-License-Identifier: GPL-2.0-only
/*
 * uring PORT N - a server whose connections have no descriptor: a multishot accept by io_uring into slots of its ring
 * uring -c PORT N - a client whose calls all are those of the thread that the kernel gave to its ring (SQPOLL)
 *
 * The server: READY when it listens, ACCEPTED when it has N connections; ends at a line from standard input, and leaves the
 * rest to the kernel, whose worker closes what the ring holds. The client: CONNECTED, and ends. SKIP where the kernel has no
 * such accept or socket() (5.19).
 */
#define _GNU_SOURCE
#include "net.h"

#include <linux/io_uring.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#define SLOTS	64u			/* and completions: a multishot accept ends where there is no room for one */

static void report(void)
{
}

struct ring {
	int fd;
	unsigned char *rings;			/* both, and their heads and tails */
	struct io_uring_sqe *sqes;
	struct io_uring_params p;
};

static unsigned int *at(const struct ring *r, unsigned int offset)
{
	return (unsigned int *)(r->rings + offset);
}

static bool set_up(struct ring *r)
{
	int slots[SLOTS];
	size_t size;

	r->fd = syscall(SYS_io_uring_setup, SLOTS, &r->p);
	if (r->fd < 0 || !(r->p.features & IORING_FEAT_SINGLE_MMAP))
		return false;
	size = r->p.cq_off.cqes + r->p.cq_entries * sizeof(struct io_uring_cqe);
	r->rings = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd, IORING_OFF_SQ_RING);
	r->sqes = mmap(NULL, r->p.sq_entries * sizeof(*r->sqes), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, r->fd,
		       IORING_OFF_SQES);
	if (r->rings == MAP_FAILED || r->sqes == MAP_FAILED)
		die("mmap");
	memset(slots, 0xff, sizeof(slots));
	return !syscall(SYS_io_uring_register, r->fd, IORING_REGISTER_FILES, slots, SLOTS);
}

static void ask(struct ring *r, struct io_uring_sqe what)
{
	unsigned int *tail = at(r, r->p.sq_off.tail), slot = *tail & *at(r, r->p.sq_off.ring_mask);

	r->sqes[slot] = what;
	at(r, r->p.sq_off.array)[slot] = slot;
	__atomic_store_n(tail, *tail + 1, __ATOMIC_RELEASE);
}

/* The result of the next completion. */
static int wait_for_one(struct ring *r, unsigned int submit)
{
	const struct io_uring_cqe *cqes = (const void *)(r->rings + r->p.cq_off.cqes);
	unsigned int *head = at(r, r->p.cq_off.head), *tail = at(r, r->p.cq_off.tail);
	int res;

	unsigned int flags = IORING_ENTER_GETEVENTS | (r->p.flags & IORING_SETUP_SQPOLL ? IORING_ENTER_SQ_WAKEUP : 0);

	do {
		if (syscall(SYS_io_uring_enter, r->fd, submit, 1, flags, NULL, 0) < 0 && errno != EINTR)
			die("io_uring_enter");
		submit = 0;
	} while (*head == __atomic_load_n(tail, __ATOMIC_ACQUIRE));
	res = cqes[*head & *at(r, r->p.cq_off.ring_mask)].res;
	__atomic_store_n(head, *head + 1, __ATOMIC_RELEASE);
	return res;
}

static int skip(int res)
{
	dprintf(STDOUT_FILENO, "SKIP %d\n", res);
	return 0;
}

static int clients(int port, long n)
{
	struct ring r = { .p.flags = IORING_SETUP_SQPOLL, .p.sq_thread_idle = 1000 };
	union address to = address_parse("127.0.0.1", port, false);

	if (!set_up(&r))
		return skip(-errno);
	for (long i = 0; i < n; i++) {
		int res;

		ask(&r, (struct io_uring_sqe) { .opcode = IORING_OP_SOCKET, .fd = AF_INET, .off = SOCK_STREAM });
		res = wait_for_one(&r, 1);
		if (res < 0)
			return skip(res);
		ask(&r, (struct io_uring_sqe) {
			.opcode = IORING_OP_CONNECT, .fd = res, .addr = (uintptr_t)&to, .off = address_len(&to),
		});
		res = wait_for_one(&r, 1);
		if (res < 0)
			return skip(res);
	}
	dprintf(STDOUT_FILENO, "CONNECTED\n");
	return 0;
}

static int server(int port, long n)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int listener = socket(AF_INET6, SOCK_STREAM, 0), on = 1;
	struct ring r = { .fd = -1 };
	char end;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(listener, (struct sockaddr *)&any, sizeof(any)) || listen(listener, 16))
		die("listen");
	if (!set_up(&r))
		return skip(-errno);
	ask(&r, (struct io_uring_sqe) {
		.opcode = IORING_OP_ACCEPT, .fd = listener, .ioprio = IORING_ACCEPT_MULTISHOT,
		.file_index = IORING_FILE_INDEX_ALLOC,
	});
	say_ready();
	for (long i = 0; i < n; i++) {
		int res = wait_for_one(&r, !i);

		if (res < 0)
			return skip(res);
	}
	dprintf(STDOUT_FILENO, "ACCEPTED\n");
	return read(STDIN_FILENO, &end, 1) < 0;
}

int main(int argc, char **argv)
{
	bool connects = argc == 4 && !strcmp(argv[1], "-c");
	int port;

	if (argc != 3 && !connects)
		wrong_usage("usage: uring [-c] PORT N");
	port = number("PORT", argv[argc - 2], 1, 65535);
	limit_time(60);
	return (connects ? clients : server)(port, number("N", argv[argc - 1], 1, SLOTS));
}
