// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/tcp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "../lib/readfile.h"
#include "traffic.h"

#define SYN_RECV	3	/* netinet/tcp.h has it, which goes with no linux/tcp.h */

struct sockaddr_in address_of(const char *addr, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };

	inet_pton(AF_INET, addr, &a.sin_addr);
	return a;
}

int tcp_socket(struct stage *s, bool nonblock)
{
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | (nonblock ? SOCK_NONBLOCK : 0), 0);

	if (fd < 0)
		stage_fail(s, N_("socket(): %s"), strerror(errno));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return fd;
}

int tcp_bind(int fd, const char *addr, uint16_t port)
{
	struct sockaddr_in a = address_of(addr, port);

	return bind(fd, (struct sockaddr *)&a, sizeof(a)) ? errno : 0;
}

uint16_t local_port(int fd)
{
	struct sockaddr_in a = { 0 };
	socklen_t len = sizeof(a);

	getsockname(fd, (struct sockaddr *)&a, &len);
	return ntohs(a.sin_port);
}

int tcp_listen(struct stage *s, const char *addr, uint16_t port, int backlog)
{
	int fd, err;

	fd = tcp_socket(s, true);
	err = tcp_bind(fd, addr, port);
	if (err)
		stage_fail(s, N_("bind(%s:%u): %s"), addr, port, strerror(err));
	if (listen(fd, backlog))
		stage_fail(s, N_("listen(%u): %s"), port, strerror(errno));
	return fd;
}

int tcp_client(struct stage *s, const char *from, uint16_t port, const char *addr, uint16_t to)
{
	struct call c = { .addr = addr, .port = to };
	int err;

	c.fd = tcp_socket(s, true);
	err = tcp_bind(c.fd, from, port);
	if (err)
		stage_fail(s, N_("bind(%s:%u): %s"), from, port, strerror(err));
	call_connect(&c);
	if (c.err && c.err != EINPROGRESS)
		stage_fail(s, N_("connect(%s:%u): %s"), addr, to, strerror(c.err));
	return c.fd;
}

static void ended(struct call *c)
{
	c->err = c->ret < 0 ? errno : 0;
	c->ended = now_ns();
}

void call_connect(void *arg)
{
	struct call *c = arg;
	struct sockaddr_in a = address_of(c->addr, c->port);

	c->began = now_ns();
	c->ret = connect(c->fd, (struct sockaddr *)&a, sizeof(a));
	ended(c);
}

void call_accept(void *arg)
{
	struct call *c = arg;

	c->began = now_ns();
	c->ret = accept(c->fd, NULL, NULL);
	ended(c);
}

void must_accept(struct stage *s, int listener, struct call *c)
{
	c->fd = listener;
	call_accept(c);
	if (c->err)
		stage_fail(s, N_("accept(): %s"), strerror(c->err));
}

/* ---- actors ---- */

struct actor {
	struct stage *s;
	const char *name;
	pthread_mutex_t lock;
	pthread_cond_t change;
	void (*job)(void *arg);		/* NULL: none */
	void *arg;
	pid_t tid;
	bool began;			/* the job at hand is being done */
};

static void *actor_thread(void *arg)
{
	struct actor *a = arg;

	role(a->name);
	pthread_mutex_lock(&a->lock);
	a->tid = (pid_t)syscall(SYS_gettid);
	for (;;) {
		while (!a->job)
			pthread_cond_wait(&a->change, &a->lock);
		a->began = true;
		pthread_mutex_unlock(&a->lock);
		a->job(a->arg);
		pthread_mutex_lock(&a->lock);
		a->job = NULL;
		a->began = false;
	}
	return NULL;
}

struct actor *actor_new(struct stage *s, const char *name)
{
	struct actor *a = calloc(1, sizeof(*a));
	pthread_t thread;

	if (!a)
		stage_fail(s, N_("out of memory"));
	a->s = s;
	a->name = name;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->change, NULL);
	if (pthread_create(&thread, NULL, actor_thread, a))
		stage_fail(s, N_("cannot start a thread"));
	return a;
}

void actor_do(struct actor *a, void (*job)(void *arg), void *arg)
{
	pthread_mutex_lock(&a->lock);
	a->arg = arg;
	a->job = job;
	pthread_cond_signal(&a->change);
	pthread_mutex_unlock(&a->lock);
}

static bool done(void *arg)
{
	struct actor *a = arg;
	bool is;

	pthread_mutex_lock(&a->lock);
	is = !a->job;
	pthread_mutex_unlock(&a->lock);
	return is;
}

bool actor_done(struct actor *a)
{
	return done(a);
}

void actor_wait(struct actor *a)
{
	wait_for(a->s, done, a, N_("a call to return"));
}

/* Once the job has begun, the first thing it can sleep in is its call. */
static bool asleep(void *arg)
{
	struct actor *a = arg;
	char path[64], line[256], *after;
	bool began;

	pthread_mutex_lock(&a->lock);
	began = a->began;
	pthread_mutex_unlock(&a->lock);
	if (!began)
		return false;
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", a->tid);
	read_file(path, line, sizeof(line));
	after = strrchr(line, ')');
	return after && after[1] == ' ' && after[2] == 'S';
}

void actor_wait_asleep(struct actor *a)
{
	wait_for(a->s, asleep, a, N_("a call to block"));
}

/* ---- waiting for the kernel ---- */

static struct tcp_info info_of(int fd)
{
	struct tcp_info info = { 0 };
	socklen_t len = sizeof(info);

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	return info;
}

int tcp_state_of(int fd)
{
	return info_of(fd).tcpi_state;
}

/* Of a listener, tcp_get_info() puts sk_ack_backlog and its limit here. */
unsigned int acceptq_len(int listener)
{
	return info_of(listener).tcpi_unacked;
}

unsigned int acceptq_limit(int listener)
{
	return info_of(listener).tcpi_sacked;
}

int64_t sk_drops(int fd)
{
	uint32_t meminfo[SK_MEMINFO_VARS];

	return socket_memory(fd, meminfo) ? -1 : (int64_t)meminfo[SK_MEMINFO_DROPS];
}

int socket_memory(int fd, uint32_t meminfo[SK_MEMINFO_VARS])
{
	socklen_t len = sizeof(*meminfo) * SK_MEMINFO_VARS;

	return getsockopt(fd, SOL_SOCKET, SO_MEMINFO, meminfo, &len) ? -errno : 0;
}

struct fd_wait {
	int fd, state;
	unsigned int n;
	const char *name;
	int64_t value;
};

static bool state_is(void *arg)
{
	struct fd_wait *w = arg;

	return tcp_state_of(w->fd) == w->state;
}

static bool acceptq_is(void *arg)
{
	struct fd_wait *w = arg;

	return acceptq_len(w->fd) == w->n;
}

static bool counter_is(void *arg)
{
	struct fd_wait *w = arg;

	return counter(w->name) >= w->value;
}

void wait_state(struct stage *s, int fd, int state)
{
	struct fd_wait w = { .fd = fd, .state = state };
	char what[64];

	snprintf(what, sizeof(what), _("a socket to reach state %d"), state);
	wait_for(s, state_is, &w, what);
}

void wait_acceptq(struct stage *s, int listener, unsigned int n)
{
	struct fd_wait w = { .fd = listener, .n = n };
	char what[64];

	snprintf(what, sizeof(what), _("%u connections in the accept queue"), n);
	wait_for(s, acceptq_is, &w, what);
}

static bool half_open_are(void *arg)
{
	struct fd_wait *w = arg;

	return sockets_in((uint16_t)w->state, SYN_RECV) == w->n;
}

void wait_half_open(struct stage *s, uint16_t port, unsigned int n)
{
	struct fd_wait w = { .state = port, .n = n };
	char what[64];

	snprintf(what, sizeof(what), _("%u half-open clients of port %u"), n, port);
	wait_for(s, half_open_are, &w, what);
}

void wait_counter(struct stage *s, const char *name, int64_t value)
{
	struct fd_wait w = { .name = name, .value = value };
	char what[64];

	snprintf(what, sizeof(what), _("%s to reach %lld"), name, (long long)value);
	wait_for(s, counter_is, &w, what);
}

struct proc_row proc_row(uint16_t lport, uint16_t rport)
{
	FILE *f = fopen("/proc/thread-self/net/tcp", "re");
	struct proc_row row = { 0 }, r;
	unsigned int l, p;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %*d: %*x:%x %*x:%x %x %x:%x %*x:%*x %*x %*u %*u %lu", &l, &p,
		  (unsigned int *)&r.state,
			   &r.send_q, &r.recv_q, &r.inode) == 6 && l == lport && p == rport)
			row = r;
	}
	if (f)
		fclose(f);
	return row;
}

unsigned int sockets_in(uint16_t lport, int state)
{
	FILE *f = fopen("/proc/thread-self/net/tcp", "re");
	unsigned int port, st, n = 0;
	char line[256];

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, " %*d: %*x:%x %*x:%*x %x", &port, &st) == 2)
			n += port == lport && (!state || (int)st == state);
	}
	if (f)
		fclose(f);
	return n;
}
