// SPDX-License-Identifier: GPL-2.0-only
/*
 * compare - do two recordings of the same traffic tell the same?
 *
 * Both were made by tcptrace -w at the same time on the same kernel, so a socket has one address. Each recording has
 * keyed hashes of addresses, with a key of its own: what stands for the same address is found first, by the steps
 * that are alike otherwise (one_name_each()). Compared is what lies between two connect()s to ports that nobody else
 * uses, in either: each has its own time of a step, and of one beside such a mark only one side lies within. Every
 * field must be equal, but t_ns and call_ns within a second (a guest is slow). Of one socket, what one CPU reported must
 * come in the same order. What only one has the other must have missed: each says how many hits of its hooks it missed.
 *
 * The two read the queues one after the other: another CPU that has to do with the same listener may come between
 * ("moved"); where none did, the numbers must be equal ("queues"). B may tell a step twice ("twice"): BPF has two
 * programs for some, and preemption can come between them; the model knows (told_twice()).
 */
#define _GNU_SOURCE
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../../kmod/uapi/tcptrace.h"
#include "../../user/source/short.h"

#define FILE_HEADER_SIZE_AT	24	/* offset of header_size: user/source/file.h */
#define NEAR_NS			1000000000ll
#define CLOSE_NS		200000000ull	/* a virtual CPU of an emulated guest sleeps that long */
#define SHOWN			15
#define NO_COOKIE		1	/* arg of a record that we made */
#define TCP_SYN_SENT		2	/* include/net/tcp_states.h */
#define TCP_CLOSE		7

struct recording {
	const char *name;
	struct tcptrace_record *rec;
	size_t n;
	uint64_t from_ns, to_ns;		/* of the marks: the others' partners are outside, or nowhere */
};

static const char *const names[TCPTRACE_EVENT_MAX] = {
#define NAME(sym, low, name, class, doc) [TCPTRACE_##sym] = name,
	TCPTRACE_EVENTS(NAME)
#undef NAME
};

static void die(const char *what, const char *name)
{
	fprintf(stderr, "compare: %s: %s\n", name, what);
	exit(2);
}

static bool compared(const struct tcptrace_record *r)
{
	unsigned int class = tcptrace_event_class(r->event);

	return class && class != TCPTRACE_NOTE && class != TCPTRACE_FOUND;
}

static void add(struct recording *to, const struct tcptrace_record *r)
{
	if (!(to->n & (to->n + 1))) {
		to->rec = realloc(to->rec, (2 * to->n + 2) * sizeof(*r));
		if (!to->rec)
			die("no memory", to->name);
	}
	to->rec[to->n++] = *r;
}

/*
 * Before 6.1 there is no hook for BPF between the queue and the return of accept(): the return is the way
 * out, and the model tells it as such (user/model/acceptq.c, accepted()). Here it is told likewise.
 */
static void add_way_out(struct recording *to, const struct tcptrace_record *accept)
{
	struct tcptrace_record r = *accept;
	size_t i;

	r.event = TCPTRACE_ACCEPTQ_DEL;
	r.cause = TCPTRACE_ACCEPTQ_ACCEPTED;
	for (i = to->n; i; i--) {
		const struct tcptrace_record *before = &to->rec[i - 1];

		if (before->sk != r.sk)
			continue;
		if (before->event == TCPTRACE_ACCEPTQ_ADD)
			break;
		if (before->event == TCPTRACE_ACCEPTQ_DEL)
			return;
		if (before->event == TCPTRACE_STATE && before->new == TCP_CLOSE)
			r.cause = TCPTRACE_ACCEPTQ_RESET;
	}
	if (!i)
		return;
	r.flags &= ~TCPTRACE_F_ACTOR;
	r.pid = r.tid = r.ret = 0;
	r.req = 0;
	r.arg = NO_COOKIE;		/* the record of accept() has its duration in that place */
	r.fd = -1;
	add(to, &r);
}

/* BPF tells of a SYN-ACK with its synq-add, the module, whose users enable one event or the other, apart. */
static void add_synack(struct recording *to, struct tcptrace_record *synq_add)
{
	synq_add->new = 0;
	add(to, synq_add);
	synq_add->event = TCPTRACE_SYNACK;
}

/* BPF tells with an acceptq-add that its request left the SYN queue, where both are asked for; the module apart. */
static void add_left(struct recording *to, const struct tcptrace_record *acceptq_add)
{
	struct tcptrace_record r = *acceptq_add;
	size_t i = to->n;

	while (i && to->rec[i - 1].sk != r.req)
		i--;
	if (i && to->rec[i - 1].event == TCPTRACE_SYNQ_DEL)
		return;
	r.event = TCPTRACE_SYNQ_DEL;
	r.cause = TCPTRACE_SYNQ_ESTABLISHED;
	r.flags |= TCPTRACE_F_REQUEST;
	r.sk = r.req;
	r.req = 0;
	add(to, &r);
}

/* As user/source/recorder.c writes it. */
static bool next_record(FILE *f, struct tcptrace_record *r)
{
	record_word w[sizeof(*r) / sizeof(record_word)];

	if (fread(w, SHORT_SIZE, 1, f) != 1)
		return false;
	if (w[0] & SHORT_MARK) {
		short_to_whole(w, r);
		return true;
	}
	if (fread((char *)w + SHORT_SIZE, SHORT_SIZE, 1, f) != 1)
		return false;
	memcpy(r, w, sizeof(*r));
	return true;
}

static void load(struct recording *to, const char *name, uint16_t from_port, uint16_t to_port)
{
	FILE *f = fopen(name, "r");
	struct tcptrace_record r;
	uint32_t skip;

	if (!f)
		die("cannot open", name);
	if (fseek(f, FILE_HEADER_SIZE_AT, SEEK_SET) || fread(&skip, sizeof(skip), 1, f) != 1 ||
	    fseek(f, skip, SEEK_SET))
		die("no recording", name);
	to->name = name;
	while (next_record(f, &r)) {
		if (r.event == TCPTRACE_LOST && !to->to_ns)
			die("records were lost", name);
		if (r.event == TCPTRACE_CONNECT && r.rport == from_port) {
			to->from_ns = r.t_ns;
		} else if (r.event == TCPTRACE_CONNECT && r.rport == to_port) {
			to->to_ns = r.t_ns;
		} else if (compared(&r)) {
			if (r.event == TCPTRACE_ACCEPT && r.ret >= 0)
				add_way_out(to, &r);
			if (r.event == TCPTRACE_SYNQ_ADD && r.new == TCPTRACE_SYNACK_TOO)
				add_synack(to, &r);
			if (r.event == TCPTRACE_ACCEPTQ_ADD && r.cause == TCPTRACE_ACCEPTQ_HANDSHAKE)
				add_left(to, &r);
			add(to, &r);
		}
	}
	fclose(f);
	if (!to->from_ns || !to->to_ns)
		die("the marks are missing", name);
}

static bool inside(const struct recording *of, const struct tcptrace_record *r)
{
	return r->t_ns > of->from_ns && r->t_ns < of->to_ns;
}

/* The state that accept() found its connection in may change between the two hooks. */
static bool taken(const struct tcptrace_record *r)
{
	return r->cause == TCPTRACE_ACCEPTQ_ACCEPTED || r->cause == TCPTRACE_ACCEPTQ_RESET;
}

#define CMP(field)						\
	do {							\
		if (a->field != b->field)			\
			return a->field < b->field ? -1 : 1;	\
	} while (0)

/* Elsewhere the place holds something else: user/source/disguise.c. */
static bool has_request(const struct tcptrace_record *r)
{
	return !(r->flags & TCPTRACE_F_ACTOR) && !tcptrace_has_totals(r);
}

static bool timed(const struct tcptrace_record *r)
{
	return r->event == TCPTRACE_ACCEPT || r->event == TCPTRACE_CONNECT_RETURN;
}

/* What happened, without the sockets; not when, where it ran and how long the queues were. */
static int same_kind(const struct tcptrace_record *a, const struct tcptrace_record *b)
{
	CMP(event);
	CMP(netns);
	CMP(pid);
	CMP(tid);
	CMP(fd);
	CMP(lport);
	CMP(rport);
	CMP(family);
	CMP(old);
	CMP(new);
	if (!taken(a) || !taken(b))
		CMP(cause);
	CMP(flags);
	CMP(ret);
	if (tcptrace_has_totals(a) || a->event == TCPTRACE_SYNQ_ADD ||
	    (a->event == TCPTRACE_STATE && a->old == TCP_SYN_SENT))
		CMP(arg);
	else if (strncmp(a->comm, b->comm, sizeof(a->comm)))
		return strncmp(a->comm, b->comm, sizeof(a->comm));
	if (memcmp(a->laddr, b->laddr, 16))
		return memcmp(a->laddr, b->laddr, 16);
	return memcmp(a->raddr, b->raddr, 16);
}

/* ... and to whom. */
static int same_step(const struct tcptrace_record *a, const struct tcptrace_record *b)
{
	CMP(sk);
	CMP(listener);
	if (has_request(a) && has_request(b))
		CMP(req);
	return same_kind(a, b);
}

typedef int (*same_fn)(const struct tcptrace_record *a, const struct tcptrace_record *b);

/* Those that are the same in the order of time. */
static int by_time(const void *x, const void *y, same_fn same)
{
	const struct tcptrace_record *a = *(const struct tcptrace_record *const *)x;
	const struct tcptrace_record *b = *(const struct tcptrace_record *const *)y;
	int d = same(a, b);

	if (d)
		return d;
	CMP(t_ns);
	return 0;
}

static int by_step(const void *x, const void *y) { return by_time(x, y, same_step); }

/* How many at the beginning of these are the same as step? */
static size_t run_length(const struct tcptrace_record **p, size_t n, const struct tcptrace_record *step, same_fn same)
{
	size_t i = 0;

	while (i < n && !same(p[i], step))
		i++;
	return i;
}

static const struct tcptrace_record **sorted(const struct recording *r, int (*order)(const void *, const void *))
{
	const struct tcptrace_record **p = calloc(r->n + 1, sizeof(*p));
	size_t i;

	if (!p)
		die("no memory", r->name);
	for (i = 0; i < r->n; i++)
		p[i] = &r->rec[i];
	qsort(p, r->n, sizeof(*p), order);
	return p;
}

/* ---- which hash of the one stands for the address of which hash of the other? ---- */

struct name {
	uint64_t b, a;
};

struct names {
	struct name *v;
	size_t n;
};

static int same_cookie(const struct tcptrace_record *a, const struct tcptrace_record *b)
{
	int d = same_kind(a, b);

	if (d || timed(a))
		return d;
	CMP(cookie);
	return 0;
}

static int by_cookie(const void *x, const void *y) { return by_time(x, y, same_cookie); }

static int by_name(const void *x, const void *y)
{
	const struct name *a = x, *b = y;

	CMP(b);
	CMP(a);
	return 0;
}
#undef CMP

/* Steps that are alike speak of the same sockets, where both recordings have as many of them. */
static void add_names(struct names *names, const struct tcptrace_record *a, const struct tcptrace_record *b)
{
	names->v[names->n++] = (struct name){ b->sk, a->sk };
	names->v[names->n++] = (struct name){ b->listener, a->listener };
	if (has_request(a) && has_request(b))
		names->v[names->n++] = (struct name){ b->req, a->req };
}

/* Of those that were seen for one hash the most frequent: steps of different sockets may be alike. */
static void keep_most_frequent(struct names *names)
{
	size_t i = 0, j, k, kept = 0;

	qsort(names->v, names->n, sizeof(*names->v), by_name);
	while (i < names->n) {
		struct name best = names->v[i];
		size_t most = 0;

		for (j = i; j < names->n && names->v[j].b == best.b; j = k) {
			for (k = j; k < names->n && !by_name(&names->v[k], &names->v[j]); k++)
				;
			if (k - j > most)
				best.a = names->v[j].a, most = k - j;
		}
		names->v[kept++] = best;
		i = j;
	}
	names->n = kept;
}

static int by_hash(const void *x, const void *y)
{
	const struct name *a = x, *b = y;

	return a->b < b->b ? -1 : a->b > b->b;
}

static uint64_t renamed(const struct names *names, uint64_t b)
{
	const struct name *found = bsearch(&(struct name){ .b = b }, names->v, names->n, sizeof(*found), by_hash);

	return found ? found->a : b;
}

static void one_name_each(const struct recording *a, struct recording *b)
{
	const struct tcptrace_record **x = sorted(a, by_cookie), **y = sorted(b, by_cookie);
	struct names names = { .v = calloc(3 * a->n + 1, sizeof(*names.v)) };
	size_t i = 0, j = 0, nx, ny;

	if (!names.v)
		die("no memory", b->name);
	while (i < a->n && j < b->n) {
		const struct tcptrace_record *step = by_cookie(&x[i], &y[j]) <= 0 ? x[i] : y[j];

		nx = run_length(x + i, a->n - i, step, same_cookie);
		ny = run_length(y + j, b->n - j, step, same_cookie);
		for (size_t k = 0; nx == ny && k < nx; k++)
			add_names(&names, x[i + k], y[j + k]);
		i += nx;
		j += ny;
	}
	free(x);
	free(y);
	keep_most_frequent(&names);
	for (i = 0; i < b->n; i++) {
		b->rec[i].sk = renamed(&names, b->rec[i].sk);
		b->rec[i].listener = renamed(&names, b->rec[i].listener);
		if (has_request(&b->rec[i]))
			b->rec[i].req = renamed(&names, b->rec[i].req);
	}
	free(names.v);
}

static void show(const char *what, const struct tcptrace_record *r, unsigned int nth)
{
	if (nth > SHOWN)
		return;
	printf("%s: %s t=%llu sk=%llx listener=%llx netns=%u cpu=%u pid=%u/%u fd=%d %u->%u ports %u %u "
	       "cause=%u flags=%#x ret=%d synq=%u(%u) acceptq=%u/%u cookie=%llx%s%.16s\n", what, names[r->event],
	       (unsigned long long)r->t_ns, (unsigned long long)r->sk, (unsigned long long)r->listener,
	       r->netns, r->cpu, r->pid, r->tid, r->fd, r->old, r->new, r->lport, r->rport, r->cause,
	       r->flags, r->ret, r->synq, r->synq_young, r->acceptq, r->acceptq_max,
	       (unsigned long long)r->cookie, r->flags & TCPTRACE_F_ACTOR ? " " : "",
	       r->flags & TCPTRACE_F_ACTOR ? r->comm : "");
}

/* Those of bpf/recursion.bpf.h, did(). */
static bool has_second(const struct tcptrace_record *r)
{
	switch (r->event) {
	case TCPTRACE_STATE: case TCPTRACE_DESTROY: case TCPTRACE_RST_SENT: case TCPTRACE_RST_RECEIVED:
	case TCPTRACE_SOCKET: case TCPTRACE_CONNECT: case TCPTRACE_ACCEPT: case TCPTRACE_ACCEPTQ_DEL:
	case TCPTRACE_CLOSE:
		return true;
	}
	return false;
}

struct counts {
	unsigned int same, only_a, only_b, late, moved, twice, queues, cookies, order;
	unsigned int event_a[TCPTRACE_EVENT_MAX], event_b[TCPTRACE_EVENT_MAX];	/* of only_a and only_b */
};

/* Did another CPU tell of this listener between the two, or nearly so? */
static bool interrupted(const struct recording *all, const struct tcptrace_record *a,
			const struct tcptrace_record *b)
{
	uint64_t from = (a->t_ns < b->t_ns ? a->t_ns : b->t_ns) - CLOSE_NS;
	uint64_t to = (a->t_ns < b->t_ns ? b->t_ns : a->t_ns) + CLOSE_NS;
	const struct tcptrace_record *r, *end = all->rec + all->n;

	for (r = a; r >= all->rec && r->t_ns >= from; r--)
		if (r->listener == a->listener && r->cpu != a->cpu)
			return true;
	for (r = a; r < end && r->t_ns <= to; r++)
		if (r->listener == a->listener && r->cpu != a->cpu)
			return true;
	return false;
}

/* A socket gets its number when somebody asks for it: another CPU may have, when one of the two had looked already. */
static bool made_between(const struct tcptrace_record *a, const struct tcptrace_record *b)
{
	return a->t_ns < b->t_ns ? !a->cookie : a->t_ns > b->t_ns && !b->cookie;
}

static void compare_pair(struct counts *c, const struct recording *all, const struct tcptrace_record *a,
			 const struct tcptrace_record *b)
{
	bool queues = a->synq != b->synq || a->synq_young != b->synq_young || a->acceptq != b->acceptq ||
		      a->acceptq_max != b->acceptq_max || a->cause != b->cause;

	c->same++;
	if (llabs((long long)(a->t_ns - b->t_ns)) > NEAR_NS ||
	    (timed(a) && llabs((long long)(a->call_ns - b->call_ns)) > NEAR_NS) ||
	    (timed(a) && !a->call_ns != !b->call_ns)) {
		show("other time a", a, ++c->late);
		show("           b", b, c->late);
	}
	if (queues && interrupted(all, a, b)) {
		c->moved++;
	} else if (queues) {
		show("other queues a", a, ++c->queues);
		show("             b", b, c->queues);
	}
	if (!timed(a) && a->cookie != b->cookie && !made_between(a, b) &&
	    (b->flags & TCPTRACE_F_ACTOR || b->arg != NO_COOKIE)) {
		show("other cookie a", a, ++c->cookies);
		show("             b", b, c->cookies);
	}
}

/* Pairs in the order of a: on one CPU, for one socket, b must have them in that order too. */
struct pair {
	const struct tcptrace_record *a, *b;
};

static int by_socket(const void *x, const void *y)
{
	const struct tcptrace_record *a = ((const struct pair *)x)->a, *b = ((const struct pair *)y)->a;

	if (a->sk != b->sk)
		return a->sk < b->sk ? -1 : 1;
	if (a->cpu != b->cpu)
		return a->cpu < b->cpu ? -1 : 1;
	return a < b ? -1 : a > b;
}

/*
 * BPF sees connect() and accept() return below the module, which sees the end of the system call: what a peer on this
 * machine has sent meanwhile comes between.
 */
static bool either_order(const struct tcptrace_record *a, const struct tcptrace_record *b)
{
	return a->event == TCPTRACE_STATE && timed(b);
}

static void compare_order(struct counts *c, struct pair *pairs, size_t n)
{
	size_t i;

	qsort(pairs, n, sizeof(*pairs), by_socket);
	for (i = 1; i < n; i++) {
		const struct pair *p = &pairs[i - 1], *q = &pairs[i];

		if (p->a->sk == q->a->sk && p->a->cpu == q->a->cpu && p->b->cpu == q->b->cpu &&
		    p->b > q->b && !either_order(p->a, q->a)) {
			show("other order a", p->a, ++c->order);
			show("         then", q->a, c->order);
		}
	}
}

/* A run of equal steps in both recordings: which belong together, if they are not as many? Those next in time. */
static bool next_is_closer(const struct tcptrace_record **p, size_t n, const struct tcptrace_record *other)
{
	return n > 1 && llabs((long long)(p[1]->t_ns - other->t_ns)) < llabs((long long)(p[0]->t_ns - other->t_ns));
}

static void only_b(struct counts *c, const struct tcptrace_record **y, bool first)
{
	if (has_second(y[0]) && !first && y[0]->t_ns - y[-1]->t_ns < NEAR_NS) {
		show("twice b", y[0], ++c->twice);
		return;
	}
	show("only b", y[0], ++c->only_b);
	c->event_b[y[0]->event]++;
}

static void only_a(struct counts *c, const struct tcptrace_record *x)
{
	show("only a", x, ++c->only_a);
	c->event_a[x->event]++;
}

static void compare_run(struct counts *c, const struct recording *a, const struct recording *b, const struct tcptrace_record **x,
			size_t nx, const struct tcptrace_record **y, size_t ny, struct pair *pairs)
{
	const struct tcptrace_record **first = y;

	while (nx || ny) {
		if (!ny || (nx > ny && next_is_closer(x, nx, y[0]))) {
			if (inside(a, *x))
				only_a(c, *x);
			x++, nx--;
		} else if (!nx || (ny > nx && next_is_closer(y, ny, x[0]))) {
			if (inside(b, *y))
				only_b(c, y, y == first);
			y++, ny--;
		} else {
			if (inside(a, *x) || inside(b, *y)) {
				compare_pair(c, a, *x, *y);
				pairs[c->same - 1] = (struct pair){ *x, *y };
			}
			x++, nx--;
			y++, ny--;
		}
	}
}

static void compare(struct counts *c, const struct recording *a, const struct recording *b)
{
	const struct tcptrace_record **x = sorted(a, by_step), **y = sorted(b, by_step), *step;
	struct pair *pairs = calloc(a->n + 1, sizeof(*pairs));
	size_t i = 0, j = 0, nx, ny;

	if (!pairs)
		die("no memory", a->name);
	while (i < a->n || j < b->n) {
		step = i == a->n ? y[j] : j == b->n || same_step(x[i], y[j]) <= 0 ? x[i] : y[j];
		nx = run_length(x + i, a->n - i, step, same_step);
		ny = run_length(y + j, b->n - j, step, same_step);
		compare_run(c, a, b, x + i, nx, y + j, ny, pairs);
		i += nx;
		j += ny;
	}
	compare_order(c, pairs, c->same);
	free(pairs);
	free(x);
	free(y);
}

/* How many hits of hooks a side must have missed to lack these: the module tells two things at each of two hooks. */
static unsigned int hits(const unsigned int *event)
{
	unsigned int n = 0, i, *first;
	unsigned int lacks[TCPTRACE_EVENT_MAX];

	memcpy(lacks, event, sizeof(lacks));
	first = &lacks[TCPTRACE_SYNACK];
	*first -= *first < lacks[TCPTRACE_SYNQ_ADD] ? *first : lacks[TCPTRACE_SYNQ_ADD];
	first = &lacks[TCPTRACE_ACCEPTQ_ADD];
	*first -= *first < lacks[TCPTRACE_SYNQ_DEL] ? *first : lacks[TCPTRACE_SYNQ_DEL];
	for (i = 0; i < TCPTRACE_EVENT_MAX; i++)
		n += lacks[i];
	return n;
}

static void tally(const struct recording *r)
{
	unsigned int count[TCPTRACE_EVENT_MAX] = {}, i;

	for (i = 0; i < r->n; i++)
		count[r->rec[i].event]++;
	printf("%s:", r->name);
	for (i = 0; i < TCPTRACE_EVENT_MAX; i++)
		if (count[i])
			printf(" %s=%u", names[i], count[i]);
	puts("");
}

int main(int argc, char **argv)
{
	struct recording a = {}, b = {};
	struct counts c = {};
	unsigned long missed_a = 0, missed_b = 0;

	if (argc != 5 && argc != 7) {
		fprintf(stderr, "usage: compare A B FROM-PORT TO-PORT [HITS-THAT-A-MISSED HITS-THAT-B-MISSED]\n");
		return 2;
	}
	if (argc == 7) {
		missed_a = strtoul(argv[5], NULL, 10);
		missed_b = strtoul(argv[6], NULL, 10);
	}
	load(&a, argv[1], atoi(argv[3]), atoi(argv[4]));
	load(&b, argv[2], atoi(argv[3]), atoi(argv[4]));
	one_name_each(&a, &b);
	compare(&c, &a, &b);
	tally(&a);
	tally(&b);
	printf("same=%u only-a=%u only-b=%u late=%u moved=%u twice=%u queues=%u cookies=%u order=%u\n", c.same,
	       c.only_a, c.only_b, c.late, c.moved, c.twice, c.queues, c.cookies, c.order);
	printf("a missed %lu hits, b missed %lu\n", missed_a, missed_b);
	return !c.same || hits(c.event_a) > missed_b || hits(c.event_b) > missed_a || c.late > missed_a + missed_b ||
	       c.queues || c.cookies || c.order || c.moved + c.twice > c.same / 100;
}
