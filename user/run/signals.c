// SPDX-License-Identifier: GPL-2.0-only
/*
 * No SA_RESTART: a signal has to interrupt the wait for records. A reader of our
 * output that has gone to sleep (Ctrl-S, a pager) cannot hold us: once we have
 * been told to end, an alarm interrupts its writes again and again, and one of
 * which nothing is taken from one time to the next is given up. The second Ctrl-C kills.
 */
#include <string.h>
#include <sys/time.h>

#include "../lib/out.h"
#include "signals.h"

#define BEAT_US		500000
#define TOLD_BEATS	10	/* a program that goes on for so long after a signal has not ended by it */

struct signal_flags signal_flags;
static struct child *program;
static volatile sig_atomic_t beats;

static void beat(suseconds_t us)
{
	const struct timeval each = { .tv_usec = us };

	setitimer(ITIMER_REAL, &(struct itimerval){ each, each }, NULL);
}

static void on_end(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (!program || program->ended)
		signal_flags.end = sig;
	else
		signal_flags.told = sig;
	/* Ctrl-C reaches the whole foreground group by itself; kill(2) reached only us. */
	if (info->si_code <= 0 || sig != SIGINT)
		signal_flags.forward = sig;
	beats = 0;
	beat(BEAT_US);
}

static void on_beat(int sig)
{
	(void)sig;
	if (++beats < TOLD_BEATS || signal_flags.end || program->ended)
		return;
	signal_flags.told = 0;
	beat(0);
}

void signals_forward(void)
{
	if (program && signal_flags.forward)
		child_signal(program, signal_flags.forward);
	signal_flags.forward = 0;
}

static bool give_up(void)
{
	signals_forward();
	return signal_flags.end || (signal_flags.told && child_ended(program));
}

static void on_winch(int sig)
{
	(void)sig;
	signal_flags.resized = 1;
}

static void on_keep(int sig)
{
	(void)sig;
	signal_flags.keep = 1;
}

/* Only to interrupt the wait. */
static void on_child(int sig)
{
	(void)sig;
}

void signals_catch(struct child *child)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa, old;
	size_t i;

	program = child;
	out_give_up = give_up;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	sigaction(SIGXFSZ, &sa, NULL);
	sa.sa_handler = on_winch;
	sa.sa_flags = SA_RESTART;
	sigaction(SIGWINCH, &sa, NULL);
	sa.sa_handler = on_child;
	sa.sa_flags = 0;
	sigaction(SIGCHLD, &sa, NULL);
	sa.sa_handler = on_keep;
	sigaction(SIGUSR1, &sa, NULL);
	sa.sa_handler = on_beat;
	sigaction(SIGALRM, &sa, NULL);

	sa.sa_sigaction = on_end;
	sa.sa_flags = SA_SIGINFO | (program ? 0 : (int)SA_RESETHAND);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		/* nohup: the terminal may go. */
		if (ends[i] == SIGHUP && !sigaction(SIGHUP, NULL, &old) && old.sa_handler == SIG_IGN)
			continue;
		sigaction(ends[i], &sa, NULL);
	}
}
