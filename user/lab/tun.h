/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A wire that thinks. Client (10.0.0.1) and server (10.0.0.2) are both on the
 * stage, but the packets between them leave the kernel by a TUN device and are
 * put back by a thread of ours, which may hold the third packet of a handshake
 * for as long as an experiment needs. And it can be a stranger (10.0.1.N) who
 * sends a SYN and never answers.
 */
#ifndef TCPTRACE_LAB_TUN_H
#define TCPTRACE_LAB_TUN_H

#include <stdint.h>

#include "stage.h"

#define WIRE_CLIENT	"10.0.0.1"
#define WIRE_SERVER	"10.0.0.2"
#define WIRE_STRANGERS	256

struct wire;

/* delay_us: how long a packet is on its way. */
struct wire *wire_open(struct stage *s, unsigned int delay_us);
/* From now what the client sends from this port is held: all of it, or all but the SYN. Port 0: nothing is. */
void wire_hold(struct wire *w, uint16_t port, bool syn_too);
void wire_hold_all(struct wire *w);			/* from now all of the client but SYNs, of any port */
unsigned int wire_held(struct wire *w);
void wire_wait_held(struct wire *w, unsigned int n);	/* until so many are */
void wire_release(struct wire *w);			/* they go on, in order, and no more are held */

/* What the three packets of a handshake said, as the wire saw it. */
struct wire_numbers {
	uint32_t syn_seq, synack_seq, synack_ack, third_seq, third_ack;
};
struct wire_numbers wire_numbers(struct wire *w, uint16_t client_port);	/* of its last handshake; else zeroes */

/*
 * A network interface of its own, "nic<n>" with the address 10.<n>.0.1: behind it are only
 * strangers, 10.<n>.0.<host>, who send to that address.
 */
#define NIC_ADDRESS	"10.%u.0.1"
struct wire *nic_open(struct stage *s, unsigned int n);
void stranger_target(struct wire *w, const char *address);	/* from now on they send to this one */

/* Strangers: from 10.0.1.<host>, port 40000. */
void stranger_syn(struct wire *w, unsigned int host, uint16_t to);
unsigned int stranger_synacks(struct wire *w, unsigned int host);	/* answers that came so far */
unsigned int stranger_resets(struct wire *w, unsigned int host);
void stranger_ack(struct wire *w, unsigned int host, uint16_t to);	/* the third packet, after all */

#endif
