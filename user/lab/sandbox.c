// SPDX-License-Identifier: GPL-2.0-only
/*
 * The stage of `lab play`: a server that does nothing by itself, and clients and strangers
 * who come when they are asked to. Commands are the keys of the board.
 */
#include <errno.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "sandbox.h"
#include "traffic.h"
#include "tun.h"

#define FLOOD		20
#define SOCKETS_MAX	400

struct sandbox {
	struct stage *s;
	struct wire *wire;
	int listener;			/* -1: it was killed */
	uint16_t next;			/* port of a client */
	unsigned int stranger;		/* the next of them */
	int open[SOCKETS_MAX];		/* of clients, and accepted ones */
	unsigned int nopen;
	bool holding;
};

__attribute__((format(printf, 2, 3)))
static void say(struct sandbox *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(b->s->board->said, sizeof(b->s->board->said), tr(fmt), ap);
	va_end(ap);
}

/* The oldest gives way. */
static void keep(struct sandbox *b, int fd)
{
	if (b->nopen == SOCKETS_MAX) {
		close(b->open[0]);
		memmove(b->open, b->open + 1, --b->nopen * sizeof(b->open[0]));
	}
	b->open[b->nopen++] = fd;
}

static void client(struct sandbox *b)
{
	int fd = tcp_client(b->s, WIRE_CLIENT, b->next, WIRE_SERVER, SANDBOX_PORT);

	keep(b, fd);
	say(b, N_("client :%u called connect()"), b->next);
	b->next = b->next == 49999 ? 40001 : b->next + 1;
}

static void take(struct sandbox *b)
{
	struct call c = { .fd = b->listener };

	if (b->listener < 0) {
		say(b, N_("there is no listener: a digit makes one"));
		return;
	}
	call_accept(&c);
	if (c.err) {
		say(b, N_("accept() failed: %s"), strerror(c.err));
		return;
	}
	keep(b, c.ret);
	say(b, N_("accept() returned fd %d"), c.ret);
}

static void hold(struct sandbox *b)
{
	b->holding = !b->holding;
	if (b->holding)
		wire_hold_all(b->wire);
	else
		wire_release(b->wire);
	say(b, b->holding ? N_("third packets are held on the wire") : N_("held packets go on"));
}

static void flood(struct sandbox *b)
{
	for (unsigned int i = 0; i < FLOOD; i++) {
		stranger_syn(b->wire, b->stranger, SANDBOX_PORT);
		b->stranger = (b->stranger + 1) % WIRE_STRANGERS;
	}
	say(b, N_("%d strangers sent a SYN and will never send the third packet"), FLOOD);
}

static void listen_again(struct sandbox *b, int backlog)
{
	if (b->listener < 0)
		b->listener = tcp_listen(b->s, WIRE_SERVER, SANDBOX_PORT, backlog);
	else if (listen(b->listener, backlog))
		stage_fail(b->s, N_("cannot listen on port %u"), SANDBOX_PORT);
	say(b, "listen(fd, %d)", backlog);
}

static void kill_server(struct sandbox *b)
{
	if (b->listener >= 0)
		close(b->listener);
	b->listener = -1;
	say(b, N_("the listener was closed, with all that waited; a digit makes another"));
}

static void cookies(struct sandbox *b)
{
	b->s->board->cookies = !b->s->board->cookies;
	sysctl_set(b->s, "ipv4/tcp_syncookies", b->s->board->cookies);
	say(b, b->s->board->cookies ? N_("SYN cookies are on") : N_("SYN cookies are off"));
}

static void obey(struct sandbox *b, uint32_t command)
{
	switch (command) {
	case 'c': client(b); break;
	case 'a': take(b); break;
	case 'h': hold(b); break;
	case 'f': flood(b); break;
	case 'k': kill_server(b); break;
	case 's': cookies(b); break;
	}
	if (command >= '0' && command <= '9')
		listen_again(b, (int)command - '0');
}

void sandbox(struct stage *s)
{
	struct sandbox b = { .s = s, .next = 40001, .stranger = 1 };
	uint32_t command;

	b.wire = wire_open(s, 0);
	s->board->cookies = 1;
	sysctl_set(s, "ipv4/tcp_syncookies", 1);
	b.listener = tcp_listen(s, WIRE_SERVER, SANDBOX_PORT, SANDBOX_BACKLOG);
	for (;;) {
		command = __atomic_load_n(&s->board->command, __ATOMIC_ACQUIRE);
		if (command) {
			obey(&b, command);
			__atomic_store_n(&s->board->command, 0, __ATOMIC_RELEASE);
		}
		s->board->held = wire_held(b.wire);
		sleep_us(2000);
	}
}
