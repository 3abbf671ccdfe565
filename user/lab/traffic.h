/* SPDX-License-Identifier: GPL-2.0-only */
/* What servers and clients of the experiments do. Whatever must not fail and does ends the stage. */
#ifndef TCPTRACE_LAB_TRAFFIC_H
#define TCPTRACE_LAB_TRAFFIC_H

#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "stage.h"

#define LOCAL	"127.0.0.1"

/* One call and what came of it. */
struct call {
	int fd;
	const char *addr;
	uint16_t port;
	int ret, err;			/* err: errno, 0 if it succeeded */
	uint64_t began, ended;		/* ns, CLOCK_MONOTONIC as in the records */
};

struct sockaddr_in address_of(const char *addr, uint16_t port);
int tcp_socket(struct stage *s, bool nonblock);
/* socket, SO_REUSEADDR, bind, listen. Non-blocking: accept() never waits by accident. */
int tcp_listen(struct stage *s, const char *addr, uint16_t port, int backlog);
/* Non-blocking, from that local address and port (0: any). connect() has begun. */
int tcp_client(struct stage *s, const char *from, uint16_t port, const char *addr, uint16_t to);
int tcp_bind(int fd, const char *addr, uint16_t port);	/* 0 or errno */
uint16_t local_port(int fd);

void call_connect(void *call);
void call_accept(void *call);
void must_accept(struct stage *s, int listener, struct call *c);	/* one waits */

/* ---- a thread that makes calls, so that they may block ---- */
struct actor;
struct actor *actor_new(struct stage *s, const char *name);
void actor_do(struct actor *a, void (*job)(void *arg), void *arg);	/* returns at once */
void actor_wait_asleep(struct actor *a);	/* until its job sleeps in the kernel */
void actor_wait(struct actor *a);		/* until its job is done */
bool actor_done(struct actor *a);

/* ---- waiting for the kernel ---- */
void wait_state(struct stage *s, int fd, int state);	/* TCP_ESTABLISHED */
void wait_acceptq(struct stage *s, int listener, unsigned int n);	/* its accept queue has n */
/* An established connection is in the accept queue before it leaves SYN_RECV: so wait for the rows, too. */
void wait_half_open(struct stage *s, uint16_t port, unsigned int n);
void wait_counter(struct stage *s, const char *name, int64_t value);	/* at least */
unsigned int acceptq_len(int listener);		/* what ss shows as Recv-Q */
unsigned int acceptq_limit(int listener);	/* ... and Send-Q */
int64_t sk_drops(int fd);			/* what ss -m shows behind d; -1: this kernel does not say (before 4.12) */
int socket_memory(int fd, uint32_t meminfo[SK_MEMINFO_VARS]);	/* bytes charged to it; 0 or -errno */
int tcp_state_of(int fd);
/* Rows of /proc/net/tcp with this local port and state (0: any): what ss and netstat see. */
unsigned int sockets_in(uint16_t lport, int state);

/* A row of /proc/net/tcp, which is what netstat prints. */
struct proc_row {
	int state;			/* 0: there is no such row */
	unsigned int send_q, recv_q;
	unsigned long inode;		/* 0: no process has it */
};
struct proc_row proc_row(uint16_t lport, uint16_t rport);

#endif
