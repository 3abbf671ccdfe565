// SPDX-License-Identifier: GPL-2.0-only
/*
 * strange - what programs seldom do
 *
 * usage: strange addresses PORT	TCP sockets are given what is no address of theirs, and one that is nearly a mapped one
 *        strange leader ADDRESS PORT	connects when its first thread has ended, and again when another has called execve()
 *        strange call ADDRESS PORT	connects
 */
#define _GNU_SOURCE
#include "net.h"

#include <pthread.h>
#include <sys/syscall.h>
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

static void addresses(const char *port)
{
	union address nearly = address_parse("64:ff9b:1::ffff:1:2", atoi(port), false), four = address_parse("127.0.0.1", 9, false);
	struct sockaddr_un un = { .sun_family = AF_UNIX, .sun_path = "an address of another kind" };

	refused(connect, AF_INET, &four, 2, EINVAL);
	refused(connect, AF_INET, &un, sizeof(un), EAFNOSUPPORT);
	refused(connect, AF_INET6, &un, sizeof(un), EAFNOSUPPORT);
	refused(bind, AF_INET, &four, 2, EINVAL);
	refused(bind, AF_INET, &un, sizeof(un), EAFNOSUPPORT);
	refused(connect, AF_INET6, &nearly, address_len(&nearly), 0);
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

static void until_first_has_ended(void)
{
	char path[64], line[256], state;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", getpid());
	do {
		FILE *f = fopen(path, "re");

		if (!f || !fgets(line, sizeof(line), f))
			die("%s", path);
		fclose(f);
		state = strrchr(line, ')')[2];
		sleep_us(1000);
	} while (state != 'Z');
}

static void *leader(void *unused)
{
	until_first_has_ended();
	dial();
	args[1] = "call";
	execv("/proc/thread-self/exe", args);	/* who has ended has none */
	die("execv");
	return unused;
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
	else
		wrong_usage("usage: strange addresses PORT | leader ADDRESS PORT | call ADDRESS PORT");
}
