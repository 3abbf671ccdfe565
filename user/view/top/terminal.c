// SPDX-License-Identifier: GPL-2.0-only
/*
 * The only file that includes curses. It draws what differs from the last page, and sleeps nowhere: a key interrupts
 * the wait for records by SIGIO.
 */
#include <curses.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "terminal.h"

#define SAID_MAX	4096u

enum { PAIR_BAD = 1, PAIR_NEAR, PAIR_AGAIN };

struct top_term {
	FILE *keys, *screen;
	SCREEN *curses;
	bool color, sized;
	int said[2], stderr_was;	/* a pipe instead of standard error; -1: it is no terminal */
	size_t nsaid;
	char text[SAID_MAX];		/* what was said, the last of it */
	char last[256];
};

static volatile sig_atomic_t pressed;

static void on_key(int sig)
{
	(void)sig;
	pressed = 1;
}

/*
 * Where no terminfo is installed (a container without a system), in the form of infocmp -Q2, of what any terminal that
 * follows ECMA-48 can do:
 *
 *	ecma|any terminal that follows ECMA-48, am, bce, msgr, xenl, cols#80, colors#8, it#8, lines#24, pairs#64,
 *		bel=^G, bold=\E[1m, civis=\E[?25l, clear=\E[H\E[2J, cnorm=\E[?25h, cr=\r, cub1=^H, cud1=\n, cuf1=\E[C,
 *		cup=\E[%i%p1%d;%p2%dH, cuu1=\E[A, dim=\E[2m, ed=\E[J, el=\E[K, home=\E[H, ind=\n, op=\E[39;49m,
 *		kcub1=\E[D, kcud1=\E[B, kcuf1=\E[C, kcuu1=\E[A, khome=\E[H, kend=\E[F, kpp=\E[5~, knp=\E[6~,
 *		kbs=^?, kf1=\EOP, kf4=\EOS, kf6=\E[17~, kf10=\E[21~,
 *		rev=\E[7m, rmcup=\E[?1049l, setab=\E[4%p1%dm, setaf=\E[3%p1%dm, sgr0=\E[m, smcup=\E[?1049h,
 */
static const char ecma[] =
	"b64:GgEnAB0ADwBpAb8AZWNtYXxhbnkgdGVybWluYWwgdGhhdCBmb2xsb3dzIEVDTUEtNDgAAAEAAAEAAAAAAAAAAAABAAAAAAAA"
	"AAAAAAAAAAFQAAgAGAD__________________________wgAQAD__wAAAgD_____BAAMABAA_____xQAJQAnACsAMgD__zQAOwD_"
	"_z8A__________________9DAEgA__9RAP_______1YA__________9bAF8A_____________________________________2gA"
	"_____________2oA__________9uAHIA_____3gA__98AP_______4IA_____4YA__-KAI8AlAD_______-YAP______________"
	"______________________________________________________________________________________________-cAP__"
	"________________________________________________________________________________________ngD_________"
	"____________________________________________________________________________________________________"
	"____________________________________________________________________________________________________"
	"____________________________________________________________________________________________________"
	"__________________________________________-iAP______________________________________________________"
	"____________________________________________________________________________________________________"
	"________qwC1AAcADQAbW0gbWzJKABtbSwAbW0oAG1slaSVwMSVkOyVwMiVkSAAKABtbSAAbWz8yNWwACAAbWz8yNWgAG1tDABtb"
	"QQAbWzFtABtbPzEwNDloABtbMm0AG1s3bQAbW20AG1s_MTA0OWwAfwAbW0IAG09QABtbMjF-ABtPUwAbWzE3fgAbW0gAG1tEABtb"
	"Nn4AG1s1fgAbW0MAG1tBAAoAG1tGABtbMzk7NDltABtbMyVwMSVkbQAbWzQlcDElZG0A";

static SCREEN *open_curses(struct top_term *t)
{
	SCREEN *s = newterm(NULL, t->screen, t->keys);

	if (s || setenv("TERMINFO", ecma, 1))
		return s;
	return newterm("ecma", t->screen, t->keys);
}

/* ---- standard error ---- */

static void catch_said(struct top_term *t)
{
	t->stderr_was = t->said[0] = -1;
	if (isatty(STDERR_FILENO) != 1 || pipe2(t->said, O_NONBLOCK | O_CLOEXEC))
		return;
	t->stderr_was = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);
	if (t->stderr_was >= 0)
		dup2(t->said[1], STDERR_FILENO);
	close(t->said[1]);
}

static void forget_first(struct top_term *t, size_t n)
{
	memmove(t->text, t->text + n, t->nsaid - n);
	t->nsaid -= n;
}

static void hear(struct top_term *t)
{
	ssize_t n;

	while (t->said[0] >= 0) {
		if (t->nsaid > SAID_MAX / 2)
			forget_first(t, SAID_MAX / 4);
		n = read(t->said[0], t->text + t->nsaid, SAID_MAX - t->nsaid);
		if (n <= 0)
			break;
		t->nsaid += (size_t)n;
	}
}

const char *term_said(struct top_term *t)
{
	size_t end, from;

	hear(t);
	for (end = t->nsaid; end && t->text[end - 1] == '\n'; end--)
		;
	for (from = end; from && t->text[from - 1] != '\n'; from--)
		;
	if (end - from >= sizeof(t->last))
		end = from + sizeof(t->last) - 1;
	memcpy(t->last, t->text + from, end - from);
	t->last[end - from] = 0;
	return t->last;
}

static void say_all(struct top_term *t)
{
	size_t done = 0;
	ssize_t n;

	if (t->stderr_was < 0)
		return;
	hear(t);
	dup2(t->stderr_was, STDERR_FILENO);
	close(t->stderr_was);
	close(t->said[0]);
	while (done < t->nsaid && (n = write(STDERR_FILENO, t->text + done, t->nsaid - done)) > 0)
		done += (size_t)n;
}

/* ---- opening and closing ---- */

/* Of the terminal's own description: standard input may be shared with a shell, or be the recording. */
static FILE *open_keys(void)
{
	int fd = open("/dev/tty", O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct sigaction sa = { .sa_handler = on_key };

	if (fd < 0)
		return NULL;
	sigaction(SIGIO, &sa, NULL);
	if (fcntl(fd, F_SETOWN, getpid()) || fcntl(fd, F_SETFL, O_ASYNC))
		pressed = 1;		/* they are looked for all the same, ten times a second */
	return fdopen(fd, "r");
}

static void close_files(struct top_term *t)
{
	if (t->keys)
		fclose(t->keys);
	if (t->screen)
		fclose(t->screen);
	free(t);
}

static void start_colors(struct top_term *t, bool color)
{
	t->color = color && has_colors() && start_color() != ERR && use_default_colors() != ERR;
	if (!t->color)
		return;
	init_pair(PAIR_BAD, COLOR_RED, -1);
	init_pair(PAIR_NEAR, COLOR_YELLOW, -1);
	init_pair(PAIR_AGAIN, COLOR_MAGENTA, -1);
}

int term_open(struct top_term **out, int fd, bool color)
{
	struct top_term *t = calloc(1, sizeof(*t));
	int dup_fd = fcntl(fd, F_DUPFD_CLOEXEC, 3);

	if (!t || dup_fd < 0) {
		free(t);
		return -ENOMEM;
	}
	t->screen = fdopen(dup_fd, "w");
	t->keys = open_keys();
	t->curses = t->screen && t->keys ? open_curses(t) : NULL;
	if (!t->curses) {
		close_files(t);
		return -ENOTTY;
	}
	cbreak();
	noecho();
	nonl();
	set_escdelay(25);
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	leaveok(stdscr, TRUE);
	curs_set(0);
	start_colors(t, color);
	catch_said(t);
	*out = t;
	return 0;
}

void term_close(struct top_term *t)
{
	if (!t)
		return;
	curs_set(1);
	endwin();
	delscreen(t->curses);
	signal(SIGIO, SIG_IGN);		/* a key that comes now would end us */
	say_all(t);
	close_files(t);
}

/* ---- size and keys ---- */

bool term_resized(struct top_term *t)
{
	struct winsize ws;
	bool first = !t->sized;

	t->sized = true;
	if (ioctl(fileno(t->screen), TIOCGWINSZ, &ws) || !ws.ws_row || !ws.ws_col)
		return first;
	if (ws.ws_row == LINES && ws.ws_col == COLS)
		return first;
	resizeterm(ws.ws_row, ws.ws_col);
	clearok(curscr, TRUE);
	return true;
}

unsigned int term_columns(const struct top_term *t)
{
	(void)t;
	return (unsigned int)COLS;
}

unsigned int term_rows(const struct top_term *t)
{
	(void)t;
	return (unsigned int)LINES;
}

bool term_pressed(struct top_term *t)
{
	bool was = pressed;

	(void)t;
	pressed = 0;
	return was;
}

/*
 * "\033[4~" of a terminal whose description has no such key (vt100): the rest of it is there already, and must not be
 * taken for keys. Nothing more: it was Esc.
 */
static int sequence(void)
{
	int c = getch(), number = 0;

	if (c != '[' && c != 'O') {
		if (c != ERR)
			ungetch(c);
		return TOP_KEY_ESC;
	}
	while ((c = getch()) != ERR && (c < '@' || c > '~'))
		number = c >= '0' && c <= '9' && number < 100 ? number * 10 + c - '0' : number;
	switch (c) {
	case 'A': return TOP_KEY_UP;
	case 'B': return TOP_KEY_DOWN;
	case 'C': return TOP_KEY_RIGHT;
	case 'D': return TOP_KEY_LEFT;
	case 'H': return TOP_KEY_HOME;
	case 'F': return TOP_KEY_END;
	case '~': break;
	default: return TOP_KEY_OTHER;
	}
	switch (number) {
	case 1: case 7: return TOP_KEY_HOME;
	case 4: case 8: return TOP_KEY_END;
	case 5: return TOP_KEY_PAGE_UP;
	case 6: return TOP_KEY_PAGE_DOWN;
	case 11: return TOP_KEY_F1;
	case 14: return TOP_KEY_F4;
	case 17: return TOP_KEY_F6;
	case 21: return TOP_KEY_F10;
	}
	return TOP_KEY_OTHER;
}

int term_key(struct top_term *t)
{
	int c = getch();

	(void)t;
	switch (c) {
	case ERR: return TOP_KEY_NONE;
	case '\r': case '\n': case KEY_ENTER: return TOP_KEY_ENTER;
	case TOP_KEY_ESC: return sequence();
	case KEY_UP: return TOP_KEY_UP;
	case KEY_DOWN: return TOP_KEY_DOWN;
	case KEY_LEFT: return TOP_KEY_LEFT;
	case KEY_RIGHT: return TOP_KEY_RIGHT;
	case KEY_PPAGE: return TOP_KEY_PAGE_UP;
	case KEY_NPAGE: return TOP_KEY_PAGE_DOWN;
	case KEY_HOME: return TOP_KEY_HOME;
	case KEY_END: return TOP_KEY_END;
	case KEY_BACKSPACE: case 127: case '\b': return TOP_KEY_BACKSPACE;
	case KEY_F(1): return TOP_KEY_F1;
	case KEY_F(4): return TOP_KEY_F4;
	case KEY_F(6): return TOP_KEY_F6;
	case KEY_F(10): return TOP_KEY_F10;
	}
	return c < 256 ? c : TOP_KEY_OTHER;
}

/* ---- drawing ---- */

/* Never colour alone. */
static attr_t attributes(const struct top_term *t, enum look look)
{
	switch (look) {
	case LOOK_BOLD: return A_BOLD;
	case LOOK_BAD: return A_BOLD | (t->color ? COLOR_PAIR(PAIR_BAD) : 0);
	case LOOK_NEAR: return A_BOLD | (t->color ? COLOR_PAIR(PAIR_NEAR) : 0);
	case LOOK_AGAIN: return t->color ? COLOR_PAIR(PAIR_AGAIN) : A_NORMAL;
	case LOOK_DIM: return A_DIM;
	case LOOK_SELECTED: return A_REVERSE;
	default: return A_NORMAL;
	}
}

static void draw_line(struct top_term *t, int row, const struct page_line *l)
{
	int n = l->looks < strlen(l->text) ? (int)l->looks : -1;

	attrset(attributes(t, l->look));
	mvaddnstr(row, 0, l->text, n);
	if (l->look == LOOK_SELECTED) {
		for (int x = getcurx(stdscr); x < COLS && getcury(stdscr) == row; x++)
			addch(' ');
	}
	attrset(A_NORMAL);
	if (n >= 0)
		addstr(l->text + n);
}

void term_draw(struct top_term *t, const struct page *p)
{
	erase();
	for (unsigned int i = 0; i < p->n && i < (unsigned int)LINES; i++)
		draw_line(t, (int)i, &p->line[i]);
	refresh();
}
