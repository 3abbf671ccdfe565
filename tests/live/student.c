// SPDX-License-Identifier: GPL-2.0-only
/*
 * Programs that students hand in for `tcptrace lab check`, right ones and wrong ones:
 *
 *     student KIND [BACKLOG]		listens on port 8001
 *
 *     nobody     never accepts
 *     poll       one loop for all, answers each line, closes when the client has
 *     noreuse    the same, without SO_REUSEADDR
 *     leak       the same, and forgets to close
 *     iterative  one client to its end, then the next
 *     fork       a process for each
 *     echo       sends back what it got, once the client sends no more
 *     hasty      answers the first that it reads, and closes
 *     deaf       takes the end of the data for the end of the client
 *     dies       ends at once
 */
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLIENTS	1024

static const char *kind;

static bool is(const char *name) { return !strcmp(kind, name); }

static int listener(int backlog)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(8001) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (!is("noreuse"))
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) || listen(fd, backlog)) {
		perror("student");
		exit(1);
	}
	return fd;
}

static void serve(int fd)
{
	char text[256];
	ssize_t n;

	while ((n = read(fd, text, sizeof(text))) > 0) {
		if (write(fd, text, (size_t)n) != n)
			break;
	}
	close(fd);
}

static void echo(int fd)
{
	size_t size = 1 << 20, n = 0, sent = 0;
	char *all = malloc(size);
	ssize_t some;

	while (n < size && (some = read(fd, all + n, size - n)) > 0)
		n += (size_t)some;
	while (!is("deaf") && sent < n && (some = write(fd, all + sent, n - sent)) > 0)
		sent += (size_t)some;
	free(all);
	close(fd);
}

static void hasty(int fd)
{
	char text[100];
	ssize_t n = read(fd, text, sizeof(text));

	if (n > 0 && write(fd, text, (size_t)n) == n)
		usleep(20000);
	close(fd);
}

static void one_by_one(int lfd)
{
	for (;;) {
		int fd = accept(lfd, NULL, NULL);

		if (is("fork") && fork() == 0) {
			close(lfd);
			serve(fd);
			exit(0);
		}
		if (is("fork"))
			close(fd);
		else if (is("echo") || is("deaf"))
			echo(fd);
		else if (is("hasty"))
			hasty(fd);
		else
			serve(fd);
	}
}

static void all_at_once(int lfd)
{
	static struct pollfd p[CLIENTS];
	nfds_t n = 1;
	char text[256];

	p[0] = (struct pollfd){ lfd, POLLIN, 0 };
	while (poll(p, n, -1) > 0) {
		for (nfds_t i = n; i-- > 1;) {
			ssize_t got;

			if (!p[i].revents)
				continue;
			got = read(p[i].fd, text, sizeof(text));
			if (got > 0 && write(p[i].fd, text, (size_t)got) == got)
				continue;
			if (!is("leak"))
				close(p[i].fd);
			p[i] = p[--n];
		}
		if (p[0].revents && n < CLIENTS)
			p[n++] = (struct pollfd){ accept(lfd, NULL, NULL), POLLIN, 0 };
	}
}

int main(int argc, char **argv)
{
	struct rlimit limit = { CLIENTS + 16, CLIENTS + 16 };
	int fd;

	kind = argc > 1 ? argv[1] : "";
	if (is("dies"))
		return 3;
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	setrlimit(RLIMIT_NOFILE, &limit);
	fd = listener(argc > 2 ? atoi(argv[2]) : 128);
	if (is("nobody"))
		pause();
	else if (is("poll") || is("noreuse") || is("leak"))
		all_at_once(fd);
	else
		one_by_one(fd);
	return 0;
}
