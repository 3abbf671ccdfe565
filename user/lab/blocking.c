// SPDX-License-Identifier: GPL-2.0-only
/*
 * A server that needs 20 ms for each client (it waits for a disk, a database)
 * and 11 clients at once: served one at a time, by a thread each, by one epoll
 * loop that waits for all of them together.
 */
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lab.h"
#include "traffic.h"

#define CLIENTS		11
#define SERVICE_US	20000
enum { ALONE = 8001, THREADS, EPOLL };

struct server {
	struct stage *s;
	int listener;
};

static void answer(int fd)
{
	if (write(fd, "done", 4) == 4)
		close(fd);
}

static void serve_alone(void *arg)
{
	struct server *srv = arg;

	for (int i = 0; i < CLIENTS; i++) {
		int fd = accept(srv->listener, NULL, NULL);

		sleep_us(SERVICE_US);
		answer(fd);
	}
}

static void *serve_one(void *arg)
{
	role("worker");
	sleep_us(SERVICE_US);
	answer((int)(intptr_t)arg);
	return NULL;
}

static void serve_threads(void *arg)
{
	struct server *srv = arg;
	pthread_t thread[CLIENTS];

	for (int i = 0; i < CLIENTS; i++) {
		intptr_t fd = accept(srv->listener, NULL, NULL);

		if (pthread_create(&thread[i], NULL, serve_one, (void *)fd))
			stage_fail(srv->s, N_("cannot start a thread"));
	}
	for (int i = 0; i < CLIENTS; i++)
		pthread_join(thread[i], NULL);
}

/* One thread: each client has a time when its answer is ready, the loop waits for the first of them. */
static void serve_epoll(void *arg)
{
	struct server *srv = arg;
	struct epoll_event ev = { .events = EPOLLIN };
	struct { int fd; uint64_t ready; } client[CLIENTS];
	int ep = epoll_create1(EPOLL_CLOEXEC), accepted = 0, answered = 0;

	epoll_ctl(ep, EPOLL_CTL_ADD, srv->listener, &ev);
	while (answered < CLIENTS) {
		int timeout = answered < accepted ? 1 : -1;

		if (epoll_wait(ep, &ev, 1, timeout) == 1 && accepted < CLIENTS) {
			client[accepted].fd = accept(srv->listener, NULL, NULL);
			client[accepted++].ready = now_ns() + SERVICE_US * 1000ull;
		}
		while (answered < accepted && now_ns() >= client[answered].ready)
			answer(client[answered++].fd);
	}
	close(ep);
}

static void run(struct stage *s, const char *name, uint16_t port, void (*serve)(void *arg))
{
	struct server srv = { s, tcp_listen(s, LOCAL, port, 128) };
	struct actor *server = actor_new(s, "server");
	int fd[CLIENTS], flags = serve == serve_epoll ? 1 : 0;
	struct pollfd p = { .events = POLLIN };
	uint64_t began = now_ns();

	if (!flags) {			/* tcp_listen() made it non-blocking */
		close(srv.listener);
		srv.listener = tcp_socket(s, false);
		if (tcp_bind(srv.listener, LOCAL, port) || listen(srv.listener, 128))
			stage_fail(s, N_("cannot listen on port %u"), port);
	}
	actor_do(server, serve, &srv);
	actor_wait_asleep(server);
	began = now_ns();
	for (int i = 0; i < CLIENTS; i++)
		fd[i] = tcp_client(s, LOCAL, (uint16_t)(port + 32000 + 10 * i), LOCAL, port);
	for (int i = 0; i < CLIENTS; i++) {
		p.fd = fd[i];
		if (poll(&p, 1, STAGE_PATIENCE) != 1)
			stage_fail(s, N_("a client got no answer"));
	}
	fact(s, (int64_t)(now_ns() - began) / 1000, "%s.total_us", name);
	actor_wait(server);
	for (int i = 0; i < CLIENTS; i++)
		close(fd[i]);
}

static void play(struct stage *s)
{
	run(s, "alone", ALONE, serve_alone);
	run(s, "threads", THREADS, serve_threads);
	run(s, "epoll", EPOLL, serve_epoll);
	wait_seen(s, TCPTRACE_ACCEPT, 3 * CLIENTS);
}

/* ---- the answer ---- */

/* How long each client waited in the accept queue, in the order it was taken out; us. */
static unsigned int waits(const struct lab_run *r, uint16_t port, int64_t *us)
{
	const struct lab_event *e;
	unsigned int n = 0;

	for (size_t i = 0; (e = lab_at(r, i)); i++) {
		if (e->event == TCPTRACE_ACCEPTQ_DEL && e->lport == port && n < CLIENTS)
			us[n++] = (int64_t)e->dur_ns / 1000;
	}
	return n;
}

static int64_t most(const int64_t *us, unsigned int n)
{
	int64_t max = 0;

	for (unsigned int i = 0; i < n; i++)
		max = us[i] > max ? us[i] : max;
	return max;
}

/* The slowest connect(): SYN_SENT to ESTABLISHED; us. */
static int64_t slowest_connect(const struct lab_run *r, uint16_t port)
{
	const struct lab_event *e;
	int64_t max = 0;

	for (size_t i = 0; (e = lab_at(r, i)); i++) {
		if (e->event == TCPTRACE_STATE && e->old == TCP_S_SYN_SENT && e->rport == port &&
		    (int64_t)e->dur_ns / 1000 > max)
			max = (int64_t)e->dur_ns / 1000;
	}
	return max;
}

/* Most clients that were served at one moment: accepted, and not closed by the server yet. */
static unsigned int at_once(const struct lab_run *r, uint16_t port)
{
	unsigned int now = 0, peak = 0;
	const struct lab_event *e;

	for (size_t i = 0; (e = lab_at(r, i)); i++) {
		if (e->lport != port || !e->rport)
			continue;
		if (e->event == TCPTRACE_ACCEPT && ++now > peak)
			peak = now;
		if (e->event == TCPTRACE_CLOSE)
			now--;
	}
	return peak;
}

static void judge_waiting(struct lab_run *r)
{
	const struct lab_event *first = FIND(r, .event = TCPTRACE_ACCEPTQ_DEL, .lport = ALONE), *e;
	int64_t us[CLIENTS] = { 0 };
	unsigned int n = waits(r, ALONE, us), i = 0, established;
	uint64_t last = first->t_ns;
	bool spaced = n == CLIENTS;
	char key[32];

	for (size_t at = 0; (e = lab_at(r, at)); at++) {
		if (e->event != TCPTRACE_ACCEPTQ_DEL || e->lport != ALONE)
			continue;
		spaced &= e->t_ns - first->t_ns >= i++ * SERVICE_US * 1000ull;
		last = e->t_ns;
	}
	established = COUNT(r, .event = TCPTRACE_STATE, .old = TCP_S_SYN_SENT, .new = TCP_S_ESTABLISHED,
			    .rport = ALONE, .before = last);
	/* inet_csk_accept() (net/ipv4/inet_connection_sock.c) is the only way out of the queue */
	lab_claim(r, N_("While a single-threaded blocking server serves one client, all others wait."), CONFIRMED,
		  NULL,
		  spaced && at_once(r, ALONE) == 1,
		  N_("Each client waited one service time longer in the accept queue than the one before: "
		     "%.1f, %.1f, %.1f ... %.1f ms; the last answer came after %.0f ms."), us[0] / 1e3,
		  us[1] / 1e3, us[2] / 1e3,
		  most(us, n) / 1e3, lab_fact(r, "alone.total_us") / 1e3);
	for (i = 0; i < CLIENTS; i++) {
		snprintf(key, sizeof(key), "waited_us.%u", i + 1);
		lab_evidence(r, key, us[i]);
	}
	/* tcp_rcv_state_process() (net/ipv4/tcp_input.c) needs no program to establish them */
	lab_claim(r, N_("They wait in connect()."), REFUTED, NULL,
		  established == CLIENTS && lab_acceptq_peak(r, ALONE) >= 2,
		  N_("The kernel accepted all %u: the slowest connection was established after %.3f ms. They "
		     "waited in the accept queue, up to %u of them, and could have sent their requests."),
		  established,
		  slowest_connect(r, ALONE) / 1e3, lab_acceptq_peak(r, ALONE));
	lab_evidence(r, "slowest_connect_us", slowest_connect(r, ALONE));
	lab_evidence(r, "acceptq_peak", lab_acceptq_peak(r, ALONE));
}

static void judge(struct lab_run *r)
{
	int64_t threads[CLIENTS] = { 0 }, epoll[CLIENTS] = { 0 };
	unsigned int nt = waits(r, THREADS, threads), ne = waits(r, EPOLL, epoll);
	unsigned int by_threads = at_once(r, THREADS), by_epoll = at_once(r, EPOLL);

	judge_waiting(r);
	/* inet_csk_listen_poll() (include/net/inet_connection_sock.h): EPOLLIN while the queue is not empty */
	lab_claim(r, N_("It takes a thread for each client to serve them at the same time."), REFUTED, NULL,
		  by_threads >= 2 && by_epoll >= 2,
		  N_("With a thread for each, %u were served at once, the longest wait in the accept queue "
		     "was %.3f ms and all was done after %.0f ms; one thread with epoll did as well: %u at "
		     "once, %.3f ms and %.0f ms."),
		  by_threads, most(threads, nt) / 1e3, lab_fact(r, "threads.total_us") / 1e3,
		  by_epoll, most(epoll, ne) / 1e3, lab_fact(r, "epoll.total_us") / 1e3);
	lab_evidence(r, "threads.at_once", by_threads);
	lab_evidence(r, "epoll.at_once", by_epoll);
	lab_evidence(r, "threads.longest_wait_us", most(threads, nt));
	lab_evidence(r, "epoll.longest_wait_us", most(epoll, ne));
}

static bool show(const struct lab_run *r, const struct lab_event *e)
{
	(void)r;
	return e->lport == ALONE && (e->event == TCPTRACE_ACCEPTQ_ADD || e->event == TCPTRACE_ACCEPTQ_DEL);
}

const struct lab lab_blocking = {
	.name = "blocking",
	.question = N_("One server, one client at a time: where do the others wait, and for how long?"),
	.setup = N_("11 clients at once, and a server that needs 20 ms for each: one at a time, with a thread "
		    "for each, and with epoll."),
	.shown = N_("Shown: the accept queue of the first, and how long each client waited in it."),
	.play = play,
	.judge = judge,
	.show = show,
};
