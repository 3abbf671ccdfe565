// SPDX-License-Identifier: GPL-2.0-only
/*
 * strange - what programs seldom do
 *
 * usage: strange addresses PORT	TCP sockets are given what is no address of theirs, one that is nearly a mapped
 *				one, and, of IPv6 alone, a mapped one of PORT + 1
 *        strange leader ADDRESS PORT	connects when its first thread has ended, and again when another has called execve()
 *        strange call ADDRESS PORT	connects
 *        strange joins ADDRESS PORT	connects by MPTCP, and stays for the paths that the kernel adds until standard input ends
 *        strange swapped PORT	in accept(): its descriptor becomes that of PORT + 1, and then its listener is shut down
 *        strange reused PORT	in accept(): its descriptor is closed, and becomes that of the client whom it takes
 *        strange restarted PORT	in accept(): two signals at once, of which the first says that it goes on
 *        strange unheard PORT	accept() of what does not listen, or has no room for the address; listen() after a connection
 */
#define _GNU_SOURCE
#include "net.h"

#include <pthread.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sys/un.h>

static void report(void)
{
}

typedef int call_fn(int fd, const struct sockaddr *to, socklen_t len);

static void refused(call_fn *call, int family, const void *to, socklen_t len, int why)
{
	int fd = socket(family, SOCK_STREAM, 0);

	if (fd < 0 || !call(fd, to, len) || (why && errno != why))
		die("not refused as it should be, but");
	close(fd);
}

static int connect_v6only(int fd, const struct sockaddr *to, socklen_t len)
{
	int on = 1;

	return setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) ?: connect(fd, to, len);
}

static void addresses(const char *port)
{
	union address mapped = address_parse("::ffff:127.0.0.1", atoi(port) + 1, false);
	union address nearly = address_parse("64:ff9b:1::ffff:1:2", atoi(port), false), four = address_parse("127.0.0.1", 9, false);
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "an address of another kind" };

	refused(connect, AF_INET, &four, 2, EINVAL);
	refused(connect, AF_INET, &un, sizeof(un), EAFNOSUPPORT);
	refused(connect, AF_INET6, &un, sizeof(un), EAFNOSUPPORT);
	refused(bind, AF_INET, &four, 2, EINVAL);
	refused(bind, AF_INET, &un, sizeof(un), EAFNOSUPPORT);
	refused(connect, AF_INET6, &nearly, address_len(&nearly), 0);
	refused(connect_v6only, AF_INET6, &mapped, address_len(&mapped), ENETUNREACH);
}

static char **args;

static void dial(void)
{
	union address to = address_parse(args[2], atoi(args[3]), false);
	int fd = socket(to.sa.sa_family, SOCK_STREAM, 0);

	if (connect(fd, &to.sa, address_len(&to)))
		die("connect");
	close(fd);
}

static void until_state(const char *task, char wanted)
{
	char path[64], line[256], state;

	snprintf(path, sizeof(path), "/proc/%s/stat", task);
	do {
		FILE *f = fopen(path, "re");

		if (!f || !fgets(line, sizeof(line), f))
			die("%s", path);
		fclose(f);
		state = strrchr(line, ')')[2];
		sleep_us(20000);
	} while (state != wanted);
}

static void *leader(void *unused)
{
	char first[32];

	snprintf(first, sizeof(first), "self/task/%d", getpid());
	until_state(first, 'Z');
	dial();
	args[1] = "call";
	execv("/proc/thread-self/exe", args);	/* who has ended has none */
	die("execv");
	return unused;
}

static void joins(void)
{
	union address to = address_parse(args[2], atoi(args[3]), false);
	int fd = socket(to.sa.sa_family, SOCK_STREAM, IPPROTO_MPTCP);
	char byte;

	if (fd < 0 || connect(fd, &to.sa, address_len(&to)) || write(fd, "hello", 5) != 5)
		die("MPTCP");
	say_ready();
	(void)!read(STDIN_FILENO, &byte, 1);
}

static int listens(int port)
{
	union address at = address_parse("127.0.0.1", port, false);
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, &at.sa, address_len(&at)) || listen(fd, 8))
		die("listen");
	return fd;
}

static int connects(int port)
{
	union address to = address_parse("127.0.0.1", port, false);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(fd, &to.sa, address_len(&to)))
		die("connect");
	return fd;
}

static volatile pid_t accepter;

static void *accepts(void *arg)
{
	int fd = *(int *)arg;

	accepter = gettid();
	fd = accept(fd, NULL, NULL);
	*(int *)arg = fd < 0 ? -errno : fd;
	return NULL;
}

/* *fd: becomes what accept() returns */
static pthread_t sleeps_in_accept(int *fd)
{
	pthread_t thread;
	char task[32];

	if (pthread_create(&thread, NULL, accepts, fd))
		die("a thread");
	while (!accepter)
		sleep_us(1000);
	snprintf(task, sizeof(task), "self/task/%d", accepter);
	until_state(task, 'S');
	return thread;
}

static void swapped(int port)
{
	int fd = listens(port), first = dup(fd), other = listens(port + 1), result = fd;
	pthread_t thread = sleeps_in_accept(&result);

	dup2(other, fd);
	shutdown(first, SHUT_RDWR);
	pthread_join(thread, NULL);
	if (result != -EINVAL)
		die("accept");
}

static void reused(int port)
{
	int fd = listens(port), result = fd;
	pthread_t thread = sleeps_in_accept(&result);

	close(fd);
	if (connects(port) != fd)
		die("another descriptor");
	pthread_join(thread, NULL);
	if (result < 0)
		die("accept");
}

static void nothing(int sig)
{
	(void)sig;
}

/* Both signals are there when the call wakes up: the kernel takes that with the lower number first. */
static pid_t disturb(int port, pid_t whom)
{
	char task[16];
	pid_t pid = fork();

	if (pid)
		return pid;
	snprintf(task, sizeof(task), "%d", whom);
	until_state(task, 'S');
	kill(whom, SIGSTOP);
	until_state(task, 'T');
	kill(whom, SIGUSR1);
	kill(whom, SIGUSR2);
	kill(whom, SIGCONT);
	sleep_us(400000);
	connects(port);
	_exit(EXIT_SUCCESS);
}

static void restarted(int port)
{
	int fd = listens(port);
	pid_t child;

	sigaction(SIGUSR1, &(struct sigaction){ .sa_handler = nothing, .sa_flags = SA_RESTART }, NULL);
	sigaction(SIGUSR2, &(struct sigaction){ .sa_handler = nothing }, NULL);
	child = disturb(port, getpid());
	if (accept(fd, NULL, NULL) < 0)
		die("accept");
	waitpid(child, NULL, 0);
}

static void unheard(int port)
{
	union address none = { .sa.sa_family = AF_UNSPEC };
	int server = listens(port), fd = connects(port), fresh = socket(AF_INET, SOCK_STREAM, 0);
	socklen_t len = sizeof(none);
	bool again;

	if (accept(fd, NULL, NULL) >= 0 || errno != EINVAL || accept(fresh, NULL, NULL) >= 0 || errno != EINVAL)
		die("accept");
	if (accept(server, (void *)1, &len) >= 0 || errno != EFAULT)
		die("accept");
	if (connect(fd, &none.sa, sizeof(none.sa)))
		die("connect to nobody");
	again = !listen(fd, 3);
	if (!again && errno != EINVAL)
		die("listen");
	printf("again=%d\n", again);	/* a kernel of 6.18.44 refuses that to whoever called connect() */
}

int main(int argc, char **argv)
{
	pthread_t thread;

	args = argv;
	limit_time(60);
	if (argc == 3 && !strcmp(argv[1], "addresses"))
		addresses(argv[2]);
	else if (argc == 4 && !strcmp(argv[1], "call"))
		dial();
	else if (argc == 4 && !strcmp(argv[1], "leader") && !pthread_create(&thread, NULL, leader, NULL))
		syscall(SYS_exit, 0);		/* of this thread: pthread_exit() wants libgcc_s, which guests have not */
	else if (argc == 4 && !strcmp(argv[1], "joins"))
		joins();
	else if (argc == 3 && !strcmp(argv[1], "swapped"))
		swapped(atoi(argv[2]));
	else if (argc == 3 && !strcmp(argv[1], "reused"))
		reused(atoi(argv[2]));
	else if (argc == 3 && !strcmp(argv[1], "restarted"))
		restarted(atoi(argv[2]));
	else if (argc == 3 && !strcmp(argv[1], "unheard"))
		unheard(atoi(argv[2]));
	else
		wrong_usage("usage: strange addresses|swapped|reused|restarted|unheard PORT | leader|call|joins ADDRESS PORT");
}
