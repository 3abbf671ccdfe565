// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "../run/signals.h"
#include "keys.h"

static struct termios was;
static bool by_line;

int keys_open_here(struct out *out)
{
	struct termios raw;

	if (tcgetattr(STDIN_FILENO, &was) || isatty(out->fd) != 1)
		return -ENOTTY;
	raw = was;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO);	/* ISIG stays: Ctrl-C ends us as ever */
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	if (tcsetattr(STDIN_FILENO, TCSANOW, &raw))
		return -errno;
	return 0;
}

void keys_close_here(struct out *out)
{
	out_flush(out);
	tcsetattr(STDIN_FILENO, TCSANOW, &was);
}

int keys_open(struct out *out)
{
	int err = keys_open_here(out);

	if (err)
		return err;
	by_line = out->by_line;
	out->by_line = false;
	out_str(out, "\033[?1049h\033[?25l\033[?7l");	/* no cursor, and no line goes on in the next */
	return 0;
}

void keys_close(struct out *out)
{
	out_str(out, "\033[?7h\033[?25h\033[?1049l");
	out->by_line = by_line;
	keys_close_here(out);
}

/* "\033[C": the rest of it is there already, or it was the key Esc. */
static int escape(void)
{
	struct pollfd p = { STDIN_FILENO, POLLIN, 0 };
	char c[8] = "";

	if (poll(&p, 1, 20) != 1 || read(STDIN_FILENO, c, sizeof(c) - 1) < 2 || (c[0] != '[' && c[0] != 'O'))
		return '\033';
	switch (c[1]) {
	case 'A': return KEY_UP;
	case 'B': return KEY_DOWN;
	case 'C': return KEY_RIGHT;
	case 'D': return KEY_LEFT;
	}
	return KEY_OTHER;
}

int key_wait(int timeout_ms)
{
	struct pollfd p = { STDIN_FILENO, POLLIN, 0 };
	unsigned char c;
	int n;

	for (;;) {
		n = poll(&p, 1, timeout_ms);
		if (signal_flags.end)
			return KEY_GONE;
		if (n < 0 && errno == EINTR)
			return KEY_NONE;	/* the terminal has another size */
		if (n <= 0)
			return n ? KEY_GONE : KEY_NONE;
		if (read(STDIN_FILENO, &c, 1) != 1)
			return KEY_GONE;
		return c == '\033' ? escape() : c;
	}
}

unsigned int keys_rows(const struct out *out)
{
	struct winsize ws;

	return ioctl(out->fd, TIOCGWINSZ, &ws) || !ws.ws_row ? 24 : ws.ws_row;
}

void frame_begin(struct out *out)
{
	out_str(out, "\033[H\033[K");
}

void frame_line_end(struct out *out)
{
	out_str(out, "\033[0m\r\n\033[K");	/* emptied first: after the last column it would take that, too */
}

void frame_end(struct out *out)
{
	out_str(out, "\033[J");
	out_flush(out);
}
