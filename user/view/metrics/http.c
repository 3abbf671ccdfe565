// SPDX-License-Identifier: GPL-2.0-only
/*
 * The thread that answers. It has finished pages, the sockets of at most CONNECTIONS clients, no capability, and system
 * calls for nothing else (lib/confine.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <arpa/inet.h>

#include "../../lib/confine.h"
#include "metrics.h"

#define CONNECTIONS	8u
#define IDLE_SECONDS	5u
#define REQUEST_BYTES	16384u		/* for the head of a request and what is sent of the answer */
#define SLEEP_MS	60000

struct http {
	struct MHD_Daemon *daemon;
	pthread_t thread;
	bool started;
	int wake_fd;			/* written to: end */
	uint16_t port;
	pthread_mutex_t lock;		/* of: */
	int page[PAGE_FORMATS];
	size_t size[PAGE_FORMATS];
	atomic_int confined;		/* 0: not yet; 1; -errno */
};

/* ---- answers ---- */

static enum MHD_Result reply(struct MHD_Connection *c, unsigned int status, struct MHD_Response *r, const char *type)
{
	enum MHD_Result result;

	if (!r)
		return MHD_NO;
	MHD_add_response_header(r, "Content-Type", type);
	MHD_add_response_header(r, "X-Content-Type-Options", "nosniff");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		MHD_add_response_header(r, "Allow", "GET, HEAD");
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result reply_text(struct MHD_Connection *c, unsigned int status, const char *text, const char *type)
{
	return reply(c, status, MHD_create_response_from_buffer(strlen(text), (void *)(uintptr_t)text,
								MHD_RESPMEM_PERSISTENT), type);
}

static bool accepts(struct MHD_Connection *c, const char *header, const char *word)
{
	const char *value = MHD_lookup_connection_value(c, MHD_HEADER_KIND, header);

	return value && strstr(value, word);
}

static int packed(const void *page, size_t size, unsigned char **out, size_t *n)
{
	z_stream z = { 0 };
	int err = deflateInit2(&z, 1, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);

	if (err != Z_OK)
		return -ENOMEM;
	*n = deflateBound(&z, size);
	*out = malloc(*n);
	z.next_in = (unsigned char *)(uintptr_t)page;
	z.avail_in = (unsigned int)size;
	z.next_out = *out;
	z.avail_out = (unsigned int)*n;
	err = *out ? deflate(&z, Z_FINISH) : Z_MEM_ERROR;
	*n = z.total_out;
	deflateEnd(&z);
	if (err != Z_STREAM_END)
		free(*out);
	return err == Z_STREAM_END ? 0 : -ENOMEM;
}

/* NULL: it cannot be packed. */
static struct MHD_Response *packed_page(int fd, size_t size)
{
	void *page = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	struct MHD_Response *r = NULL;
	unsigned char *small;
	size_t n;

	if (page == MAP_FAILED)
		return NULL;
	if (!packed(page, size, &small, &n))
		r = MHD_create_response_from_buffer(n, small, MHD_RESPMEM_MUST_FREE);
	munmap(page, size);
	if (r)
		MHD_add_response_header(r, "Content-Encoding", "gzip");
	return r;
}

static enum MHD_Result reply_page(struct http *h, struct MHD_Connection *c)
{
	bool open = accepts(c, "Accept", "application/openmetrics-text");
	enum page_format format = open ? PAGE_OPENMETRICS : PAGE_TEXT;
	struct MHD_Response *r = NULL;
	size_t size;
	int fd;

	pthread_mutex_lock(&h->lock);
	fd = h->page[format] < 0 ? -1 : dup(h->page[format]);
	size = h->size[format];
	pthread_mutex_unlock(&h->lock);
	if (fd < 0)
		return reply_text(c, MHD_HTTP_SERVICE_UNAVAILABLE, "no page yet\n", "text/plain");
	if (accepts(c, "Accept-Encoding", "gzip"))
		r = packed_page(fd, size);
	if (r)
		close(fd);
	else
		r = MHD_create_response_from_fd(size, fd);
	if (!r)
		close(fd);
	return reply(c, MHD_HTTP_OK, r, open ? "application/openmetrics-text; version=1.0.0; charset=utf-8" :
		     "text/plain; version=0.0.4; charset=utf-8");
}

static enum MHD_Result answer(void *ctx, struct MHD_Connection *c, const char *url, const char *method,
			      const char *version, const char *data, size_t *size, void **state)
{
	(void)version;
	(void)data;
	if (!*state) {			/* the head is here, what may follow is not */
		*state = ctx;
		return MHD_YES;
	}
	if (*size) {			/* thrown away */
		*size = 0;
		return MHD_YES;
	}
	if (strcmp(method, "GET") && strcmp(method, "HEAD"))
		return reply_text(c, MHD_HTTP_METHOD_NOT_ALLOWED, "only GET and HEAD\n", "text/plain");
	if (!strcmp(url, "/metrics"))
		return reply_page(ctx, c);
	if (!strcmp(url, "/-/healthy"))
		return reply_text(c, MHD_HTTP_OK, "ok\n", "text/plain");
	if (!strcmp(url, "/"))
		return reply_text(c, MHD_HTTP_OK, "<!doctype html><title>tcptrace</title><a href=\"/metrics\">metrics</a>\n",
				  "text/html; charset=utf-8");
	return reply_text(c, MHD_HTTP_NOT_FOUND, "there is /metrics\n", "text/plain");
}

static void say_nothing(void *ctx, const char *fmt, va_list ap)
{
	(void)ctx;
	(void)fmt;
	(void)ap;
}

/* ---- the thread ---- */

static void *http_thread(void *arg)
{
	struct http *h = arg;
	const union MHD_DaemonInfo *info = MHD_get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD);
	struct pollfd fds[] = { { .fd = info ? info->epoll_fd : -1, .events = POLLIN },
				{ .fd = h->wake_fd, .events = POLLIN } };
	int err = confine_capabilities(0);

	if (!err)
		err = confine_calls(CONFINE_HTTP);
	atomic_store(&h->confined, err ? err : 1);
	while (!err && !fds[1].revents) {
		MHD_UNSIGNED_LONG_LONG ms = SLEEP_MS;

		if (MHD_get_timeout(h->daemon, &ms) != MHD_YES || ms > SLEEP_MS)
			ms = SLEEP_MS;
		if (poll(fds, 2, (int)ms) < 0 && errno != EINTR)
			break;
		MHD_run(h->daemon);
	}
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
		*why = "no thread can be started";
		return -err;
	}
	h->started = true;
	while (!(err = atomic_load(&h->confined)))
		usleep(200);
	*why = "who answers cannot be confined: this kernel has no seccomp filters; --textfile FILE needs none";
	return err < 0 ? err : 0;
}

/* ---- opening ---- */

static int say(const char **why, const char *what, int err)
{
	*why = what;
	return err;
}

/* What systemd has opened for us (tcptrace-metrics.socket). */
static int inherited_socket(void)
{
	const char *pid = getenv("LISTEN_PID"), *n = getenv("LISTEN_FDS");

	return pid && n && strtol(pid, NULL, 10) == getpid() && !strcmp(n, "1") ? 3 : -1;
}

static int bound_socket(const struct view_metrics *cfg)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(cfg->port) };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_port = htons(cfg->port) };
	bool mapped = addr_is_mapped(cfg->addr);
	int fd, on = 1, err = 0;

	memcpy(&six.sin6_addr, cfg->addr, 16);
	memcpy(&four.sin_addr, cfg->addr + 12, 4);
	fd = socket(mapped ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (mapped ? bind(fd, (void *)&four, sizeof(four)) : bind(fd, (void *)&six, sizeof(six)))
		err = -errno;
	if (!err && listen(fd, 64))
		err = -errno;
	if (err)
		close(fd);
	return err ? err : fd;
}

static uint16_t port_of(int fd)
{
	struct sockaddr_in6 name;
	socklen_t n = sizeof(name);

	return getsockname(fd, (void *)&name, &n) ? 0 : ntohs(name.sin6_port);	/* at the same place for IPv4 */
}

int http_open(struct http **out, const struct view_metrics *cfg, const char **why)
{
	struct http *h = calloc(1, sizeof(*h));
	int fd;

	*out = h;
	if (!h)
		return say(why, "no memory", -ENOMEM);
	h->page[0] = h->page[1] = -1;
	pthread_mutex_init(&h->lock, NULL);
	h->wake_fd = eventfd(0, EFD_CLOEXEC);
	if (h->wake_fd < 0)
		return say(why, "no descriptor is left", -errno);
	fd = inherited_socket();
	if (fd < 0)
		fd = bound_socket(cfg);
	if (fd < 0)
		return say(why, "--listen: the address cannot be used", fd);
	h->port = port_of(fd);
	h->daemon = MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, answer, h,
				     MHD_OPTION_EXTERNAL_LOGGER, say_nothing, NULL,
				     MHD_OPTION_LISTEN_SOCKET, fd,
				     MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS,
				     MHD_OPTION_CONNECTION_TIMEOUT, IDLE_SECONDS,
				     MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)REQUEST_BYTES,
				     MHD_OPTION_END);
	if (h->daemon)
		return 0;
	close(fd);
	return say(why, "the server of metrics does not start", -EIO);
}

uint16_t http_port(const struct http *h)
{
	return h->port;
}

int http_page(struct http *h, enum page_format format, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3), old;
	struct stat st;

	if (copy < 0 || fstat(copy, &st))
		return -errno;
	pthread_mutex_lock(&h->lock);
	old = h->page[format];
	h->page[format] = copy;
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
	if (h->daemon)
		MHD_stop_daemon(h->daemon);
	for (int i = 0; i < PAGE_FORMATS; i++) {
		if (h->page[i] >= 0)
			close(h->page[i]);
	}
	if (h->wake_fd >= 0)
		close(h->wake_fd);
	pthread_mutex_destroy(&h->lock);
	free(h);
}
