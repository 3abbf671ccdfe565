/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * No SA_RESTART: a signal has to interrupt the wait for records. The second
 * Ctrl-C kills, so that a reader of our output that has gone to sleep cannot
 * hold us.
 */
#include <string.h>

#include "signals.h"

struct signal_flags signal_flags;
static bool with_program;

static void on_end(int sig, siginfo_t *info, void *context)
{
	(void)context;
	if (!with_program)
		signal_flags.end = sig;
	/* Ctrl-C reaches the whole foreground group by itself; kill(2) reached only us. */
	else if (info->si_code <= 0 || sig != SIGINT)
		signal_flags.forward = sig;
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

void signals_catch(bool program)
{
	static const int ends[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction sa, old;
	size_t i;

	with_program = program;
	memset(&sa, 0, sizeof(sa));
	sa.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &sa, NULL);
	sa.sa_handler = on_winch;
	sa.sa_flags = SA_RESTART;
	sigaction(SIGWINCH, &sa, NULL);
	sa.sa_handler = on_child;
	sa.sa_flags = 0;
	sigaction(SIGCHLD, &sa, NULL);

	sa.sa_sigaction = on_end;
	sa.sa_flags = SA_SIGINFO | (program ? 0 : (int)SA_RESETHAND);
	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		/* nohup: the terminal may go. */
		if (ends[i] == SIGHUP && !sigaction(SIGHUP, NULL, &old) && old.sa_handler == SIG_IGN)
			continue;
		sigaction(ends[i], &sa, NULL);
	}
}

void signals_catch_keep(void)
{
	struct sigaction sa = { .sa_handler = on_keep };

	sigaction(SIGUSR1, &sa, NULL);
}
