// SPDX-License-Identifier: GPL-2.0-only
/*
 * descriptors - every kind of descriptor that a program can hold
 *
 * For code that walks the descriptors of others, in the kernel or in /proc. "hold" opens one of each kind that this
 * kernel has, in the main thread and in a thread with a table of its own, and says how many of them are TCP sockets.
 * "churn" opens and closes, forks and executes all the time. Both go on until their standard input has a line, or ends.
 */
#define _GNU_SOURCE
#include "net.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>

#define THREADS	2

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP	262
#endif

static char path[64];			/* of a bound AF_UNIX socket */
static int unix_socket, listener, self;	/* open all the time */
static union address here;
static long tcp, opened, rounds;
static bool stopped;
static const char *nothing;		/* our own program, for execve() */

static void report(void)
{
	dprintf(STDOUT_FILENO, "DONE rounds=%ld\n", rounds);
}

/* ---- the kinds ---- */

static int of_proc(int fd, int flags)
{
	char name[64];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	return open(name, flags | O_CLOEXEC);
}

/* The inode is a socket's, the file is none's: f_op is empty and private_data NULL. */
static int path_of_unix(void) { return open(path, O_PATH); }
static int path_of_unix_fd(void) { return of_proc(unix_socket, O_PATH); }
static int path_of_tcp_fd(void) { return of_proc(listener, O_PATH); }
static int path_of_path(void) { int fd = open(path, O_PATH), fd2 = of_proc(fd, O_PATH); close(fd); return fd2; }

static int path_of_directory(void) { return open("/", O_PATH | O_DIRECTORY); }
static int path_of_link(void) { return open("/proc/self/exe", O_PATH | O_NOFOLLOW); }
static int path_of_device(void) { return open("/dev/null", O_PATH); }
static int directory(void) { return open("/proc/self/fd", O_DIRECTORY); }
static int device(void) { return open("/dev/null", O_RDWR); }
static int terminal(void) { return open("/dev/ptmx", O_RDWR | O_NOCTTY); }
static int tap(void) { return open("/dev/net/tun", O_RDWR); }
static int temporary(void) { return open("/tmp", O_TMPFILE | O_RDWR, 0600); }
static int anonymous(void) { return memfd_create("descriptors", 0); }
static int event(void) { return eventfd(0, 0); }
static int epoll(void) { return epoll_create1(0); }
static int timer(void) { return timerfd_create(CLOCK_MONOTONIC, 0); }
static int notify(void) { return inotify_init1(0); }
static int process(void) { return syscall(434 /* pidfd_open */, getpid(), 0); }
static int faults(void) { return syscall(SYS_userfaultfd, 0); }
static int namespace(void) { return open("/proc/self/ns/net", O_RDONLY); }

static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	return signalfd(-1, &set, 0);
}

static int uring(void)
{
	char params[120] = {};

	return syscall(425 /* io_uring_setup */, 4, params);
}

static int a_pipe(void)
{
	int fds[2];

	return pipe(fds) ? -1 : fds[0];
}

/* A descriptor on its way to nobody: its file is in no table but in a queue. */
static int in_flight(void)
{
	char byte = 0, room[CMSG_SPACE(sizeof(int))] = {};
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1, .msg_control = room, .msg_controllen = sizeof(room) };
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int fds[2];

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, fds))
		return -1;
	*c = (struct cmsghdr){ .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)) };
	memcpy(CMSG_DATA(c), &listener, sizeof(int));
	return sendmsg(fds[0], &msg, 0) < 0 ? -1 : fds[1];
}

static int of_unix(void) { return socket(AF_UNIX, SOCK_STREAM, 0); }
static int of_netlink(void) { return socket(AF_NETLINK, SOCK_RAW, 0); }
static int of_packet(void) { return socket(AF_PACKET, SOCK_RAW, 0); }
static int of_alg(void) { return socket(AF_ALG, SOCK_SEQPACKET, 0); }
static int of_vsock(void) { return socket(AF_VSOCK, SOCK_STREAM, 0); }
static int of_udp(void) { return socket(AF_INET, SOCK_DGRAM, 0); }
static int of_ping(void) { return socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP); }
static int of_sctp(void) { return socket(AF_INET, SOCK_STREAM, IPPROTO_SCTP); }
static int of_mptcp(void) { return socket(AF_INET, SOCK_STREAM, IPPROTO_MPTCP); }

/* The protocol is TCP's, the socket is no TCP socket: it is smaller, and has no queues. */
static int raw_tcp(int family)
{
	int fd = socket(family, SOCK_RAW, IPPROTO_TCP);
	union address a = { .sa.sa_family = family };

	if (fd < 0)
		return fd;
	bind(fd, &a.sa, address_len(&a));
	listen(fd, 7);
	if (family == AF_INET)
		connect(fd, &here.sa, address_len(&here));
	shutdown(fd, SHUT_RDWR);
	return fd;
}

static int of_raw4(void) { return raw_tcp(AF_INET); }
static int of_raw6(void) { return raw_tcp(AF_INET6); }

static int tcp4(void) { return socket(AF_INET, SOCK_STREAM, 0); }
static int tcp6(void) { return socket(AF_INET6, SOCK_STREAM, 0); }
static int tcp_dup(void) { return dup(listener); }

static int tcp_bound(void)
{
	union address a = { .sa.sa_family = AF_INET6 };
	int fd = tcp6();

	return bind(fd, &a.sa, address_len(&a)) ? -1 : fd;
}

static int tcp_listening(void)
{
	int fd = tcp_bound();

	return listen(fd, 0) ? -1 : fd;
}

/* A shorter address than the family of the socket has. */
static int tcp_refused(void)
{
	int fd = tcp6();

	connect(fd, &here.sa, sizeof(here.v4));
	connect(fd, &here.sa, sizeof(here.sa.sa_family));
	return fd;
}

static int tcp_connected(void)
{
	int fd = tcp4();

	return connect(fd, &here.sa, address_len(&here)) ? -1 : fd;
}

static int tcp_accepted(void) { return accept(listener, NULL, NULL); }

struct kind {
	const char *name;
	int (*open)(void);
};

static const struct kind others[] = {
	{ "O_PATH of a bound AF_UNIX socket", path_of_unix },
	{ "O_PATH of an AF_UNIX descriptor", path_of_unix_fd },
	{ "O_PATH of a TCP descriptor", path_of_tcp_fd },
	{ "O_PATH of O_PATH", path_of_path },
	{ "O_PATH of a directory", path_of_directory },
	{ "O_PATH of a link", path_of_link },
	{ "O_PATH of a device", path_of_device },
	{ "directory", directory }, { "device", device }, { "terminal", terminal }, { "tun", tap },
	{ "temporary file", temporary }, { "memfd", anonymous }, { "eventfd", event }, { "epoll", epoll },
	{ "timerfd", timer }, { "inotify", notify }, { "pidfd", process }, { "userfaultfd", faults },
	{ "namespace", namespace }, { "signalfd", signals }, { "io_uring", uring }, { "pipe", a_pipe },
	{ "in flight", in_flight },
	{ "AF_UNIX", of_unix }, { "netlink", of_netlink }, { "packet", of_packet }, { "alg", of_alg },
	{ "vsock", of_vsock }, { "UDP", of_udp }, { "ping", of_ping }, { "SCTP", of_sctp }, { "MPTCP", of_mptcp },
	{ "raw TCP", of_raw4 }, { "raw TCP, IPv6", of_raw6 },
};

static const struct kind sockets[] = {
	{ "TCP", tcp4 }, { "TCP, IPv6", tcp6 }, { "TCP, dup", tcp_dup }, { "TCP, bound", tcp_bound },
	{ "TCP, listening", tcp_listening }, { "TCP, refused", tcp_refused }, { "TCP, connected", tcp_connected },
	{ "TCP, accepted", tcp_accepted },
};

#define COUNT(kinds)	(sizeof(kinds) / sizeof((kinds)[0]))
#define KINDS		(COUNT(others) + COUNT(sockets))

static void open_all(const struct kind *kinds, size_t n, long *count)
{
	size_t i;

	for (i = 0; i < n; i++) {
		if (kinds[i].open() < 0)
			complain(strerror(errno), "no '%s' here", kinds[i].name);
		else
			++*count;
	}
}

static int open_kind(size_t i)
{
	return i < COUNT(others) ? others[i].open() : sockets[i - COUNT(others)].open();
}

static void prepare(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	socklen_t len = sizeof(here);

	snprintf(path, sizeof(path), "/tmp/descriptors-%d", getpid());
	snprintf(sun.sun_path, sizeof(sun.sun_path), "%s", path);
	unlink(path);
	unix_socket = socket(AF_UNIX, SOCK_STREAM, 0);
	if (unix_socket < 0 || bind(unix_socket, (struct sockaddr *)&sun, sizeof(sun)))
		die("bind %s", path);
	here = address_parse("127.0.0.1", 0, false);
	listener = socket(AF_INET, SOCK_STREAM, 0);
	if (listener < 0 || bind(listener, &here.sa, address_len(&here)) || listen(listener, 128) ||
	    getsockname(listener, &here.sa, &len))
		die("listen");
	tcp = 1;
	self = getpid();
}

static void wait_for_end(void)
{
	char byte;

	while (read(STDIN_FILENO, &byte, 1) < 0 && errno == EINTR)
		;
}

/* ---- hold ---- */

/* A copy of the table, with one TCP socket more; main() begins to open when it is made. */
static void *own_table(void *barrier)
{
	if (unshare(CLONE_FILES) || tcp4() < 0)
		die("a table of its own");
	tcp += 2;
	pthread_barrier_wait(barrier);
	pause();
	return NULL;
}

static int hold(void)
{
	pthread_barrier_t barrier;
	pthread_t thread;

	pthread_barrier_init(&barrier, NULL, 2);
	if (pthread_create(&thread, NULL, own_table, &barrier))
		die("a thread");
	pthread_barrier_wait(&barrier);
	open_all(others, COUNT(others), &opened);
	open_all(sockets, COUNT(sockets), &tcp);
	dprintf(STDOUT_FILENO, "HELD tcp=%ld others=%ld pid=%d\n", tcp, opened, self);
	wait_for_end();
	unlink(path);
	return 0;
}

/* ---- churn ---- */

static void pair(bool server_first)
{
	int a = tcp_connected(), b = a < 0 ? -1 : tcp_accepted();

	close(server_first ? b : a);
	close(server_first ? a : b);
}

static void child(bool exec)
{
	pid_t pid = fork();

	if (!pid) {
		unshare(CLONE_FILES);
		tcp4();
		path_of_tcp_fd();
		if (exec)
			execl(nothing, nothing, "nothing", NULL);
		_exit(0);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

static void *churn_thread(void *arg)
{
	unsigned int i = (uintptr_t)arg;

	while (!__atomic_load_n(&stopped, __ATOMIC_RELAXED)) {
		int fd = open_kind(i++ % KINDS);

		if (fd >= 0)
			close(fd);
		pair(i & 1);
		if (!(i % 8))
			child(i & 8);
		__atomic_fetch_add(&rounds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

/* Some kinds open a second descriptor, which nobody closes. */
static void close_leftovers(void)
{
	int fd;

	for (fd = listener + 1; fd < 512; fd++)
		close(fd);
}

static int churn(void)
{
	struct pollfd end = { .fd = STDIN_FILENO, .events = POLLIN };
	pthread_t threads[THREADS];
	uintptr_t i;

	for (i = 0; i < THREADS; i++)
		if (pthread_create(&threads[i], NULL, churn_thread, (void *)(i * KINDS / THREADS)))
			die("a thread");
	dprintf(STDOUT_FILENO, "READY pid=%d\n", self);
	while (!poll(&end, 1, 100))
		close_leftovers();
	stopped = true;
	for (i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	report();
	unlink(path);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "nothing"))
		return 0;
	if (argc != 2 || (strcmp(argv[1], "hold") && strcmp(argv[1], "churn")))
		wrong_usage("usage: descriptors hold|churn");
	nothing = argv[0];
	limit_time(600);
	bring_lo_up();
	raise_file_limit();
	prepare();
	return strcmp(argv[1], "hold") ? churn() : hold();
}
