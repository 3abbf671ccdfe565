// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread that answers: finished pages, to CLIENTS at once, one request each, within PATIENCE_NS. It has no
 * capability, and system calls for nothing else (lib/confine.h). It is 200 lines because the libraries that do it bring
 * a TLS library into a program that traces the kernel, and cannot be linked statically.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "../../lib/clock.h"
#include "../../lib/confine.h"
#include "../../lib/tr.h"
#include "metrics.h"
#include "request.h"

#define CLIENTS		8u
#define PATIENCE_NS	5000000000ull
#define TURN_MS		100	/* who waits may take the place of one that was here for so long */
#define FIRST_MS	5	/* between two looks for the first page */
#define HEAD_MAX	8192u		/* of a request */
#define STALE_NS	30000000000ull	/* a page so old: whoever makes them (every 10 s where nothing happens) hangs */

struct body {
	const void *at;
	size_t n;
	bool mapped, made;		/* who gives it back: munmap(), free(), nobody */
};

struct client {
	int fd;				/* -1: none */
	uint64_t since_ns;
	bool answered;			/* what it still says is thrown away */
	size_t n, head_n, done;		/* of head, of the answer's head, of the answer */
	char head[HEAD_MAX];		/* the request's, and then the answer's */
	struct body body;
};

struct http {
	int fd, wake_fd;		/* wake_fd is written to: end */
	pthread_t thread;
	bool started;
	atomic_int confined;		/* 0: not yet; 1; -errno */
	struct client client[CLIENTS];
	pthread_mutex_t lock;		/* of: */
	int page[PAGE_FORMATS];
	size_t size[PAGE_FORMATS];
	uint64_t made_ns;		/* when; 0: none yet */
};

/* ---- answers ---- */

static void body_free(struct body *b)
{
	if (b->mapped)
		munmap((void *)(uintptr_t)b->at, b->n);
	if (b->made)
		free((void *)(uintptr_t)b->at);
	*b = (struct body){ 0 };
}

/* In its place; false: it stays as it is. */
static bool body_pack(struct body *b)
{
	z_stream z = { 0 };
	unsigned char *small;
	size_t n;
	int err;

	if (deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return false;
	n = deflateBound(&z, b->n);
	small = malloc(n);
	z.next_in = (unsigned char *)(uintptr_t)b->at;
	z.avail_in = (unsigned int)b->n;
	z.next_out = small;
	z.avail_out = (unsigned int)n;
	err = small ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
	n = z.total_out;
	deflateEnd(&z);
	if (err != Z_STREAM_END) {
		free(small);
		return false;
	}
	body_free(b);
	*b = (struct body){ .at = small, .n = n, .made = true };
	return true;
}

static bool body_page(struct http *h, struct body *b, enum page_format format)
{
	void *at = MAP_FAILED;

	pthread_mutex_lock(&h->lock);
	if (h->page[format] >= 0)
		at = mmap(NULL, h->size[format], PROT_READ, MAP_SHARED, h->page[format], 0);
	if (at != MAP_FAILED)
		*b = (struct body){ .at = at, .n = h->size[format], .mapped = true };
	pthread_mutex_unlock(&h->lock);
	return at != MAP_FAILED;
}

static void reply(struct client *c, const char *status, const char *type, const char *more, bool head)
{
	int n = snprintf(c->head, sizeof(c->head),
			 "HTTP/1.1 %s\r\nContent-Type: %s; charset=utf-8\r\nContent-Length: %zu\r\n%s"
			 "X-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n", status, type, c->body.n, more);

	c->head_n = (size_t)n;
	c->done = 0;
	if (head)
		body_free(&c->body);
}

static void reply_text(struct client *c, const char *status, const char *type, const char *text, bool head)
{
	c->body = (struct body){ .at = text, .n = strlen(text) };
	reply(c, status, type, *status == '4' && status[2] == '5' ? "Allow: GET, HEAD\r\n" : "", head);
}

static void reply_page(struct http *h, struct client *c, const struct http_request *r)
{
	bool packed;

	if (!body_page(h, &c->body, r->openmetrics ? PAGE_OPENMETRICS : PAGE_TEXT)) {
		reply_text(c, "503 Service Unavailable", "text/plain", "no page yet\n", r->head);
		return;
	}
	packed = r->gzip && body_pack(&c->body);
	reply(c, "200 OK", r->openmetrics ? "application/openmetrics-text; version=1.0.0" : "text/plain; version=0.0.4",
	      packed ? "Content-Encoding: gzip\r\n" : "", r->head);
}

static uint64_t page_made_ns(struct http *h)
{
	uint64_t made_ns;

	pthread_mutex_lock(&h->lock);
	made_ns = h->made_ns;
	pthread_mutex_unlock(&h->lock);
	return made_ns;
}

static void answer(struct http *h, struct client *c, size_t n)
{
	struct http_request r;

	c->answered = true;
	if (!n)
		reply_text(c, "431 Request Header Fields Too Large", "text/plain", "too long\n", false);
	else if (!http_parse(c->head, n, &r))
		reply_text(c, "400 Bad Request", "text/plain", "that is no HTTP\n", false);
	else if (!r.get && !r.head)
		reply_text(c, "405 Method Not Allowed", "text/plain", "only GET and HEAD\n", false);
	else if (r.path == HTTP_METRICS)
		reply_page(h, c, &r);
	else if (r.path == HTTP_HEALTHY && clock_ns(CLOCK_MONOTONIC) - page_made_ns(h) >= STALE_NS)
		reply_text(c, "503 Service Unavailable", "text/plain", "no page within 30 s\n", r.head);
	else if (r.path == HTTP_HEALTHY)
		reply_text(c, "200 OK", "text/plain", "ok\n", r.head);
	else if (r.path == HTTP_ROOT)
		reply_text(c, "200 OK", "text/html", "<!doctype html><title>tcptrace</title><a href=\"/metrics\">metrics</a>\n",
			   r.head);
	else
		reply_text(c, "404 Not Found", "text/plain", "there is /metrics\n", r.head);
}

/* ---- clients ---- */

static void client_close(struct client *c)
{
	body_free(&c->body);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
}

/* One that is free, else of who has been here for longest: silent ones keep nobody out. NULL: each is in its turn. */
static struct client *client_place(struct http *h)
{
	struct client *oldest = h->client;

	for (struct client *c = h->client; c < h->client + CLIENTS; c++) {
		if (c->fd < 0)
			return c;
		oldest = c->since_ns < oldest->since_ns ? c : oldest;
	}
	return clock_ns(CLOCK_MONOTONIC) - oldest->since_ns > TURN_MS * 1000000ull ? oldest : NULL;
}

static void client_open(struct http *h, struct client *c)
{
	int fd = accept4(h->fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0) {		/* no descriptor: poll() would be back at once */
		if (errno != EAGAIN)
			usleep(TURN_MS * 1000);
		return;
	}
	client_close(c);
	c->fd = fd;
	c->since_ns = clock_ns(CLOCK_MONOTONIC);
	c->answered = false;
	c->n = c->head_n = c->done = 0;
}

/* False: it is over. */
static bool client_read(struct http *h, struct client *c)
{
	char waste[1024];
	ssize_t n;
	size_t end;

	if (c->answered) {
		n = recv(c->fd, waste, sizeof(waste), 0);
		return n > 0 || (n < 0 && errno == EAGAIN);
	}
	n = recv(c->fd, c->head + c->n, sizeof(c->head) - c->n, 0);
	if (n <= 0)
		return n < 0 && errno == EAGAIN;
	c->n += (size_t)n;
	end = http_head_end(c->head, c->n);
	if (end || c->n == sizeof(c->head))
		answer(h, c, end);
	return true;
}

static bool client_write(struct client *c)
{
	bool in_head = c->done < c->head_n;
	const char *at = in_head ? c->head + c->done : (const char *)c->body.at + (c->done - c->head_n);
	size_t left = in_head ? c->head_n - c->done : c->body.n - (c->done - c->head_n);
	ssize_t n = send(c->fd, at, left, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN;
	c->done += (size_t)n;
	/* not close() yet: it would reset the connection where something is unread, and the answer with it */
	if (c->done == c->head_n + c->body.n)
		shutdown(c->fd, SHUT_WR);
	return true;
}

static bool has_to_say(const struct client *c)
{
	return c->answered && c->done < c->head_n + c->body.n;
}

static bool client_go(struct http *h, struct client *c, short events)
{
	if (clock_ns(CLOCK_MONOTONIC) - c->since_ns > PATIENCE_NS)
		return false;
	if (events & (POLLIN | POLLHUP | POLLERR) && !client_read(h, c))
		return false;
	return !(events & POLLOUT) || !has_to_say(c) || client_write(c);
}

/* ---- the thread ---- */

/* Sleeps for ever while nobody is connected; who comes before the first page waits for it. False: to end. */
static bool serve(struct http *h)
{
	struct pollfd fds[2 + CLIENTS] = { { .fd = h->wake_fd, .events = POLLIN }, { .fd = -1, .events = POLLIN } };
	bool ready = page_made_ns(h) != 0;
	struct client *place = ready ? client_place(h) : NULL;
	unsigned int n = 0;

	for (unsigned int i = 0; i < CLIENTS; i++) {
		fds[2 + i].fd = h->client[i].fd;
		/* one or the other: who has closed his side is answered all the same */
		fds[2 + i].events = has_to_say(&h->client[i]) ? POLLOUT : POLLIN;
		n += h->client[i].fd >= 0;
	}
	if (place)
		fds[1].fd = h->fd;
	if (poll(fds, 2 + CLIENTS, !ready ? FIRST_MS : !place ? TURN_MS : n ? 1000 : -1) < 0 && errno != EINTR)
		return false;
	for (unsigned int i = 0; i < CLIENTS; i++) {
		if (h->client[i].fd >= 0 && !client_go(h, &h->client[i], fds[2 + i].revents))
			client_close(&h->client[i]);
	}
	if (fds[1].revents & POLLIN)
		client_open(h, place);
	return !fds[0].revents;
}

static void *http_thread(void *arg)
{
	struct http *h = arg;
	int err = confine_capabilities(0);

	if (!err)
		err = confine_calls(CONFINE_HTTP);
	atomic_store(&h->confined, err ? err : 1);
	while (!err && serve(h))
		;
	return NULL;
}

int http_start(struct http *h, const char **why)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);		/* signals are for the loop */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&h->thread, NULL, http_thread, h);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err) {
		*why = _("no thread can be started");
		return -err;
	}
	h->started = true;
	while (!(err = atomic_load(&h->confined)))
		usleep(200);
	*why = _("who answers cannot be confined: this kernel has no seccomp filters; --textfile FILE needs none");
	return err < 0 ? err : 0;
}

/* ---- opening ---- */

#define SYSTEMD_FD	3	/* the first of them */

/* Has systemd opened sockets for us (tcptrace-metrics.socket)? */
static bool inherits(void)
{
	const char *pid = getenv("LISTEN_PID");

	return pid && getenv("LISTEN_FDS") && strtol(pid, NULL, 10) == getpid();
}

static int inherited_socket(void)
{
	socklen_t len = sizeof(int);
	int listens = 0;

	if (strcmp(getenv("LISTEN_FDS"), "1") || getsockopt(SYSTEMD_FD, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) || !listens)
		return -EINVAL;
	/* systemd hands blocking ones on, and poll() may have seen a client that is gone */
	if (fcntl(SYSTEMD_FD, F_SETFL, O_NONBLOCK) || fcntl(SYSTEMD_FD, F_SETFD, FD_CLOEXEC))
		return -errno;
	return SYSTEMD_FD;
}

static int bound_socket(const struct view_metrics *cfg)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(cfg->port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(cfg->port) };
	bool mapped = addr_is_mapped(cfg->addr), any = !memcmp(cfg->addr, &in6addr_any, 16);
	int fd, on = 1, off = 0, err = 0;

	memcpy(&six.sin6_addr, cfg->addr, 16);
	memcpy(&four.sin_addr, cfg->addr + 12, 4);
	fd = socket(mapped ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 && any) {		/* there is no IPv6 (ipv6.disable=1) */
		mapped = true;
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	}
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));	/* whatever net.ipv6.bindv6only is */
	if (mapped ? bind(fd, (void *)&four, sizeof(four)) : bind(fd, (void *)&six, sizeof(six)))
		err = -errno;
	if (!err && listen(fd, 64))
		err = -errno;
	if (err)
		close(fd);
	return err ? err : fd;
}

int http_open(struct http **out, const struct view_metrics *cfg, const char **why)
{
	struct http *h = calloc(1, sizeof(*h));

	*out = h;
	*why = _("out of memory");
	if (!h)
		return -ENOMEM;
	h->page[PAGE_TEXT] = h->page[PAGE_OPENMETRICS] = -1;
	for (unsigned int i = 0; i < CLIENTS; i++)
		h->client[i].fd = -1;
	pthread_mutex_init(&h->lock, NULL);
	h->wake_fd = eventfd(0, EFD_CLOEXEC);
	h->fd = inherits() ? inherited_socket() : bound_socket(cfg);
	*why = inherits() ? _("LISTEN_FDS: metrics answers at one socket that listens") : _("cannot listen at the address of --listen");
	return h->fd < 0 ? h->fd : h->wake_fd < 0 ? -EMFILE : 0;
}

int http_page(struct http *h, enum page_format format, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3), old, err;
	struct stat st;

	if (copy < 0)
		return -errno;
	if (fstat(copy, &st)) {
		err = -errno;
		close(copy);
		return err;
	}
	pthread_mutex_lock(&h->lock);
	old = h->page[format];
	h->page[format] = copy;
	if (format == PAGE_FORMATS - 1)		/* now there is each */
		h->made_ns = clock_ns(CLOCK_MONOTONIC);
	h->size[format] = (size_t)st.st_size;
	pthread_mutex_unlock(&h->lock);
	if (old >= 0)
		close(old);
	return 0;
}

void http_close(struct http *h)
{
	if (!h)
		return;
	if (h->started && !eventfd_write(h->wake_fd, 1))
		pthread_join(h->thread, NULL);
	for (unsigned int i = 0; i < CLIENTS; i++)
		client_close(&h->client[i]);
	for (int i = 0; i < PAGE_FORMATS; i++) {
		if (h->page[i] >= 0)
			close(h->page[i]);
	}
	if (h->fd >= 0)
		close(h->fd);
	if (h->wake_fd >= 0)
		close(h->wake_fd);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
