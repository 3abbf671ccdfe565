// SPDX-License-Identifier: GPL-2.0-only
/*
 * server - a test server with every knob
 *
 * It prints "port=N pid=N", READY once all listeners listen (and, with
 * "threads", once all threads sleep in accept), and its own counts at the end:
 * after --max connections, on SIGTERM or SIGINT, or when time is up.
 * A connection is read to its end and closed, unless an option says otherwise.
 */
#define _GNU_SOURCE
#include "net.h"

#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define MAX_LISTENERS	1024
#define MAX_WORKERS	1024

static struct {
	const char *bind, *device, *mode, *mode_arg;
	int port, backlog, listeners, stuck, forks, delay_ms, workers;
	int defer_accept, fastopen, echo;
	long max;
	bool v6, v6only, reuseport, linger0, close_first, keep, mptcp;
} opt = { .mode = "loop", .backlog = 128, .listeners = 1, .max = LONG_MAX };

/* Shared with the forked workers. */
static struct shared {
	long accepted, closed, errors, drain_max_us;
	struct { int id; long accepted; } worker[MAX_WORKERS];
	long by_listener[MAX_LISTENERS];
} *shared;

static int listener[MAX_LISTENERS];
static int listeners;
static volatile bool stop;
static pid_t main_pid;
static __thread int self;	/* the worker's number */

#define COUNT(what)	__atomic_add_fetch(&shared->what, 1, __ATOMIC_SEQ_CST)

static void report(void)
{
	char line[16384];
	int n, i;

	n = snprintf(line, sizeof(line), "accepted=%ld closed=%ld errors=%ld pid=%d port=%d",
		     shared->accepted, shared->closed, shared->errors, getpid(), opt.port);
	if (shared->drain_max_us)
		n += snprintf(line + n, sizeof(line) - n, " drain_max_us=%ld",
			      shared->drain_max_us);
	for (i = 0; opt.listeners > 1 && i < opt.listeners && n < 8000; i++)
		n += snprintf(line + n, sizeof(line) - n, "%s%ld",
			      i ? "," : " by_listener=", shared->by_listener[i]);
	for (i = 0; i < opt.workers && n < 16000; i++)
		n += snprintf(line + n, sizeof(line) - n, "%s%d:%ld", i ? "," : " by_worker=",
			      shared->worker[i].id, shared->worker[i].accepted);
	dprintf(STDOUT_FILENO, "%s\n", line);
}

/* It interrupts accept(), for good (SIGUSR1) or until that begins again (SIGUSR2). */
static void on_interrupt(int sig)
{
	(void)sig;
	dprintf(STDOUT_FILENO, "SIGNAL\n");
}

/* At once: a flag could be missed on the way into accept(). */
static void on_signal(int sig)
{
	(void)sig;
	if (getpid() == main_pid)
		report();
	_exit(EXIT_SUCCESS);
}

static bool all_done(void)
{
	return shared->accepted >= opt.max && (opt.keep || shared->closed >= shared->accepted);
}

/* ---- listeners ---- */

static void set(int fd, int level, int name, int value, const char *what)
{
	if (setsockopt(fd, level, name, &value, sizeof(value)))
		die("%s", what);
}

static int bind_one(bool reuseport)
{
	const char *any = opt.v6 ? "::" : "0.0.0.0";
	union address a = address_parse(opt.bind ? opt.bind : any, opt.port, false);
	socklen_t len = address_len(&a);
	int fd = socket(a.sa.sa_family, SOCK_STREAM | SOCK_CLOEXEC, opt.mptcp ? IPPROTO_MPTCP : 0);

	if (fd < 0)
		die("socket");
	set(fd, SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
	if (reuseport)
		set(fd, SOL_SOCKET, SO_REUSEPORT, 1, "SO_REUSEPORT");
	if (a.sa.sa_family == AF_INET6)
		set(fd, IPPROTO_IPV6, IPV6_V6ONLY, opt.v6only, "IPV6_V6ONLY");
	if (opt.device && setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, opt.device, strlen(opt.device)))
		die("SO_BINDTODEVICE %s", opt.device);
	if (bind(fd, &a.sa, len))
		die("bind port %d", opt.port);
	getsockname(fd, &a.sa, &len);
	opt.port = ntohs(a.v4.sin_port);
	return fd;
}

static int listen_one(bool reuseport)
{
	int fd = bind_one(reuseport);

	if (opt.defer_accept)
		set(fd, IPPROTO_TCP, TCP_DEFER_ACCEPT, opt.defer_accept, "TCP_DEFER_ACCEPT");
	if (opt.fastopen)
		set(fd, IPPROTO_TCP, TCP_FASTOPEN, opt.fastopen, "TCP_FASTOPEN");
	if (listen(fd, opt.backlog))
		die("listen on port %d", opt.port);
	return fd;
}

/* ---- one connection ---- */

static void close_conn(int fd)
{
	if (opt.linger0) {
		struct linger l = { 1, 0 };

		setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	}
	close(fd);
	COUNT(closed);
}

/* false when the connection is at its end, or nothing is there (non-blocking) */
static bool serve_once(int fd, bool *wait)
{
	char buf[65536];
	ssize_t n = read(fd, buf, sizeof(buf));

	*wait = n < 0 && errno == EAGAIN;
	if (n <= 0)
		return false;
	if (opt.echo && send(fd, buf, n, MSG_NOSIGNAL) != n)
		COUNT(errors);
	return true;
}

static void serve_echo(int fd)
{
	char buf[65536];
	int left = opt.echo;

	while (left > 0) {
		ssize_t n = read(fd, buf, left < (int)sizeof(buf) ? left : (int)sizeof(buf));

		if (n <= 0 || send(fd, buf, n, MSG_NOSIGNAL) != n) {
			COUNT(errors);
			return;
		}
		left -= n;
	}
}

static void serve(int fd)
{
	bool wait;

	if (opt.echo)
		serve_echo(fd);
	if (opt.keep)
		return;
	while (!opt.close_first && serve_once(fd, &wait))
		;
	close_conn(fd);
}

static int accept_one(int i, int flags)
{
	int fd = accept4(listener[i], NULL, NULL, SOCK_CLOEXEC | flags);

	if (fd < 0) {
		if (errno != EINTR && errno != EAGAIN)
			COUNT(errors);
		return -1;
	}
	COUNT(by_listener[i]);
	shared->worker[self].accepted++;
	if (COUNT(accepted) >= opt.max)
		stop = true;
	return fd;
}

/* ---- accept modes ---- */

/* The listener that has a connection, of those not stuck. */
static int next_listener(void)
{
	static struct pollfd p[MAX_LISTENERS];
	int n = listeners - opt.stuck;

	if (n == 1)
		return 0;
	for (int i = 0; i < n; i++)
		p[i] = (struct pollfd){ listener[i], POLLIN, 0 };
	if (poll(p, n, -1) < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		if (p[i].revents)
			return i;
	}
	return -1;
}

static void accept_loop(void)
{
	while (!stop) {
		int i = next_listener();
		int fd = i < 0 ? -1 : accept_one(i, 0);

		if (fd < 0)
			continue;
		serve(fd);
		sleep_us(opt.delay_ms * 1000);
	}
}

static void epoll_add(int ep, int fd, uint64_t data)
{
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = data };

	if (epoll_ctl(ep, EPOLL_CTL_ADD, fd, &ev))
		die("epoll_ctl");
}

static void epoll_drain(int ep, int i)
{
	int fd;

	while (!stop && (fd = accept_one(i, SOCK_NONBLOCK)) >= 0) {
		if (opt.close_first && !opt.echo)
			close_conn(fd);
		else if (!opt.keep)
			epoll_add(ep, fd, 1ull << 32 | fd);
	}
}

static void epoll_serve(int fd)
{
	bool wait = false;

	if (serve_once(fd, &wait) ? opt.close_first : !wait)
		close_conn(fd);
}

static void accept_epoll(void)
{
	int ep = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event ev[64];

	for (int i = 0; i < listeners - opt.stuck; i++) {
		fcntl(listener[i], F_SETFL, O_NONBLOCK);
		epoll_add(ep, listener[i], i);
	}
	/* The last connections are served to their end. */
	while (!stop || !all_done()) {
		int n = epoll_wait(ep, ev, 64, stop ? 10 : -1);

		for (int i = 0; i < n; i++) {
			if (ev[i].data.u64 >> 32)
				epoll_serve((int)ev[i].data.u64);
			else
				epoll_drain(ep, ev[i].data.u64);
		}
	}
}

static int accept_queue(int fd, int *max)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len))
		return -1;
	*max = info.tcpi_sacked;
	return info.tcpi_unacked;
}

/* Waits until @batch connections wait, then takes them at once: an exact peak. */
static void accept_batch(void)
{
	int batch = number("--accept batch", opt.mode_arg ? opt.mode_arg : "", 1, 65536);
	int fd[batch], max;

	while (!stop) {
		uint64_t start;
		int n = 0;
		long us;

		if (accept_queue(listener[0], &max) < batch) {
			sleep_us(200);
			continue;
		}
		start = now_ns();
		while (n < batch && (fd[n] = accept_one(0, 0)) >= 0)
			n++;
		us = (now_ns() - start) / 1000;
		shared->drain_max_us = us > shared->drain_max_us ? us : shared->drain_max_us;
		while (n)
			serve(fd[--n]);
	}
}

static void accept_none(void)
{
	for (;;)
		pause();
}

/* ---- accept by command ---- */

static int kept[65536], kept_first, kept_end;

static int command_accept(long n)
{
	while (n-- > 0) {
		int fd = accept_one(0, 0);

		if (fd < 0)
			return -errno;
		kept[kept_end++ % 65536] = fd;
	}
	return 0;
}

static int command_close(long n)
{
	for (; n > 0 && kept_first < kept_end; n--)
		close_conn(kept[kept_first++ % 65536]);
	return n ? -ENOENT : 0;
}

/* "accept 3" and its like; false at "exit". */
static bool run_command(char *line)
{
	int max = 0, queue, ret = 0;
	char *arg = strchr(line, ' ');
	long n = 1;

	if (arg) {
		*arg++ = 0;
		n = number(line, arg, -1, 1000000);
	}
	if (!strcmp(line, "exit"))
		return false;
	if (!strcmp(line, "accept"))
		ret = command_accept(n);
	else if (!strcmp(line, "close"))
		ret = command_close(n);
	else if (!strcmp(line, "relisten"))
		ret = listen(listener[0], n) ? -errno : 0;
	else if (!strcmp(line, "shutdown-listener"))
		ret = shutdown(listener[0], SHUT_RD) ? -errno : 0;
	else if (!strcmp(line, "close-listener"))
		ret = close(listener[arg ? n : 0]) ? -errno : 0;
	else if (strcmp(line, "queue"))
		ret = -EOPNOTSUPP;
	queue = accept_queue(listener[0], &max);
	dprintf(STDOUT_FILENO, "%s %s accepted=%ld acceptq=%d acceptq_max=%d%s%s\n",
		ret ? "failed" : "ok", line, shared->accepted, queue, max,
		ret ? " error=" : "", ret ? strerrorname_np(-ret) : "");
	return true;
}

static void accept_on_line(void)
{
	char line[256];
	size_t n = 0;

	while (read(STDIN_FILENO, line + n, 1) == 1) {
		if (line[n] != '\n') {
			n += n + 1 < sizeof(line);
			continue;
		}
		line[n] = 0;
		if (n && !run_command(line))
			return;
		n = 0;
	}
}

/* ---- workers ---- */

static const struct mode {
	const char *name;
	void (*run)(void);
} modes[] = {
	{ "none", accept_none },     { "loop", accept_loop },	{ "epoll", accept_epoll },
	{ "delay-ms", accept_loop }, { "batch", accept_batch }, { "on-line", accept_on_line },
	{ "threads", accept_loop },  { NULL, NULL },
};

static const struct mode *mode_find(void)
{
	const struct mode *m = modes;

	while (m->name && strcmp(m->name, opt.mode))
		m++;
	if (!m->name)
		wrong_usage("--accept: none, loop, threads, epoll, delay-ms, batch, on-line, not '%s'",
			    opt.mode);
	return m;
}

static void *thread_main(void *arg)
{
	self = (intptr_t)arg;
	__atomic_store_n(&shared->worker[self].id, gettid(), __ATOMIC_RELEASE);
	accept_loop();
	if (all_done())
		kill(getpid(), SIGTERM);
	return NULL;
}

/* A thread that has told its id does nothing before accept(), so asleep is in accept(). */
static void wait_asleep(int i)
{
	char path[64], stat[512];
	int id, fd, n;

	while (!(id = __atomic_load_n(&shared->worker[i].id, __ATOMIC_ACQUIRE)))
		sleep_us(200);
	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", id);
	for (;; sleep_us(200)) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : read(fd, stat, sizeof(stat) - 1);
		if (fd >= 0)
			close(fd);
		if (n <= 0)
			return;
		stat[n] = 0;
		if (strstr(stat, ") S "))
			return;
	}
}

static void run_threads(void)
{
	pthread_attr_t attr;
	pthread_t t;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	for (intptr_t i = 0; i < opt.workers; i++) {
		if (pthread_create(&t, &attr, thread_main, (void *)i))
			die("pthread_create");
	}
	for (int i = 0; i < opt.workers; i++)
		wait_asleep(i);
	say_ready();
	for (;;)
		pause();
}

static void child_main(const struct mode *m, int i, int ready)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	self = i;
	shared->worker[i].id = getpid();
	if (opt.reuseport)
		listener[0] = listen_one(true);
	if (write(ready, "", 1) != 1)
		_exit(EXIT_FAILURE);
	m->run();
	while (!all_done())
		sleep_us(200);
	_exit(EXIT_SUCCESS);
}

static void run_forks(const struct mode *m)
{
	pid_t pid[MAX_WORKERS];
	int pipes[2];
	char c;

	if (pipe(pipes))
		die("pipe");
	for (int i = 0; i < opt.forks; i++) {
		pid[i] = fork();
		if (pid[i] < 0)
			die("fork");
		if (!pid[i])
			child_main(m, i, pipes[1]);
	}
	close(pipes[1]);
	for (int i = 0; i < opt.forks; i++) {
		if (read(pipes[0], &c, 1) != 1)
			die("a child could not start");
	}
	say_ready();
	/* A child ends when all is done. */
	waitpid(-1, NULL, 0);
	for (int i = 0; i < opt.forks; i++)
		kill(pid[i], SIGTERM);
	while (waitpid(-1, NULL, 0) > 0)
		;
}

static void run(void)
{
	const struct mode *m = mode_find();
	bool own = opt.forks && opt.reuseport;	/* each child listens itself */

	for (; listeners < opt.listeners; listeners++)
		listener[listeners] = own ? bind_one(true) :
			listen_one(opt.listeners > 1 || opt.reuseport);
	dprintf(STDOUT_FILENO, "port=%d pid=%d\n", opt.port, getpid());
	if (opt.forks) {
		run_forks(m);
	} else if (!strcmp(opt.mode, "threads")) {
		run_threads();
	} else {
		say_ready();
		m->run();
	}
}

/* ---- options ---- */

static const char usage[] =
"usage: server [OPTIONS]\n"
"  --port N (0: any)  -6 (on [::])  --any (-6, IPv4 too)  --bind ADDRESS  --device NAME\n"
"  --timeout S (30)\n"
"  --backlog N (128)      --defer-accept SECONDS    --fastopen QLEN\n"
"  --listeners K          K members of a SO_REUSEPORT group   --stuck J  J never accepted\n"
"  --fork K               K children share the listener; with --reuseport each has its own\n"
"  --accept none|loop|threads N|epoll|delay-ms N|batch N|on-line\n"
"      batch N: wait until N wait, then take them; on-line, from standard input:\n"
"      accept [N], close [N], relisten N, shutdown-listener, close-listener [I], queue, exit\n"
"  --echo BYTES           echo so many before the close (epoll: whatever comes)\n"
"  --close-first          close without waiting for the client to\n"
"  --mptcp                as Go listens from 1.24 on\n"
"  --linger0              close with a reset        --leak-close-wait  never close\n"
"  --max N                end after N connections\n"
"  SIGUSR1 and SIGUSR2, which accept() survives, make it say SIGNAL\n";

static const struct option options[] = {
	{ "port", 1, 0, 'p' },	     { "any", 0, 0, 'a' },	   { "bind", 1, 0, 'b' },
	{ "backlog", 1, 0, 'B' },    { "listeners", 1, 0, 'l' },   { "stuck", 1, 0, 's' },
	{ "fork", 1, 0, 'f' },	     { "reuseport", 0, 0, 'r' },   { "accept", 1, 0, 'A' },
	{ "defer-accept", 1, 0, 'd' }, { "fastopen", 1, 0, 'F' },  { "linger0", 0, 0, 'L' },
	{ "echo", 1, 0, 'e' },	     { "close-first", 0, 0, 'c' }, { "leak-close-wait", 0, 0, 'k' },
	{ "max", 1, 0, 'm' },	     { "timeout", 1, 0, 't' },	   { "help", 0, 0, 'h' },
	{ "mptcp", 0, 0, 'M' },	     { "device", 1, 0, 'D' },	   { 0 },
};

/* "--accept MODE" may take a number as one more word, or behind a '='. */
static void parse_mode(int argc, char **argv)
{
	opt.mode = strsep(&optarg, "= ");
	opt.mode_arg = optarg;
	if (!opt.mode_arg && optind < argc && strspn(argv[optind], "0123456789"))
		opt.mode_arg = argv[optind++];
	if (!strcmp(opt.mode, "threads"))
		opt.workers = number("--accept threads", opt.mode_arg ?: "1", 1, MAX_WORKERS);
	if (!strcmp(opt.mode, "delay-ms"))
		opt.delay_ms = number("--accept delay-ms", opt.mode_arg ?: "", 0, 60000);
}

static void parse_one(int c, int *timeout)
{
	switch (c) {
	case '6': opt.v6 = opt.v6only = true; break;
	case 'a': opt.v6 = true; opt.v6only = false; break;
	case 'p': opt.port = number("--port", optarg, 0, 65535); break;
	case 'b': opt.bind = optarg; break;
	case 'B': opt.backlog = number("--backlog", optarg, -1, INT32_MAX); break;
	case 'l': opt.listeners = number("--listeners", optarg, 1, MAX_LISTENERS); break;
	case 's': opt.stuck = number("--stuck", optarg, 0, MAX_LISTENERS); break;
	case 'f': opt.forks = number("--fork", optarg, 1, MAX_WORKERS); break;
	case 'r': opt.reuseport = true; break;
	case 'd': opt.defer_accept = number("--defer-accept", optarg, 1, 3600); break;
	case 'F': opt.fastopen = number("--fastopen", optarg, 1, 65535); break;
	case 'L': opt.linger0 = true; break;
	case 'e': opt.echo = number("--echo", optarg, 1, 1 << 30); break;
	case 'c': opt.close_first = true; break;
	case 'k': opt.keep = true; break;
	case 'M': opt.mptcp = true; break;
	case 'D': opt.device = optarg; break;
	case 'm': opt.max = number("--max", optarg, 1, LONG_MAX); break;
	case 't': *timeout = number("--timeout", optarg, 1, 3600); break;
	case 'h': fputs(usage, stdout); exit(0);
	default: _exit(EXIT_USAGE);
	}
}

static void parse(int argc, char **argv)
{
	int c, timeout = 30;

	while ((c = getopt_long(argc, argv, "6h", options, NULL)) != -1) {
		if (c == 'A')
			parse_mode(argc, argv);
		else
			parse_one(c, &timeout);
	}
	if (optind < argc)
		wrong_usage("what is '%s'?", argv[optind]);
	if (opt.stuck >= opt.listeners)
		opt.stuck = opt.listeners - 1;
	if (opt.forks)
		opt.workers = opt.forks;
	limit_time(timeout);
}

int main(int argc, char **argv)
{
	main_pid = getpid();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		die("mmap");
	parse(argc, argv);
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = on_interrupt }, NULL);
	sigaction(SIGUSR2, &(struct sigaction){ .sa_handler = on_interrupt, .sa_flags = SA_RESTART }, NULL);
	bring_lo_up();
	raise_file_limit();
	run();
	report();
	return EXIT_SUCCESS;
}
