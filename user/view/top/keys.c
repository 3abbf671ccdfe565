// SPDX-License-Identifier: GPL-2.0-only
/* What a key does, on each screen. The manual's TOP and help.c say the same. */
#include <ctype.h>
#include <string.h>

#include "../../lib/tr.h"
#include "top.h"

#define CTRL(c)		((c) & 31)

/* ---- moving ---- */

static unsigned int lines(const struct top *t)
{
	return t->screen == TOP_LIST ? t->rows.nshown : t->choices;
}

/* After a scroll: what Enter opens is what can be seen. */
static void select_visible(struct top *t, bool last)
{
	unsigned int from = t->first, to = t->first + top_body_rows(t), end = t->first_choice + t->choices;

	if (!t->choices || to <= t->first_choice || from >= end)
		return;
	from = from > t->first_choice ? from - t->first_choice : 0;
	to = (to < end ? to : end) - t->first_choice;
	t->at = last ? to - 1 : t->at < from ? from : t->at >= to ? to - 1 : t->at;
}

/* Where the selection leaves the lines that can be selected, the text scrolls. */
static void move_doc(struct top *t, int by)
{
	unsigned int rows = top_body_rows(t), last = t->doc.n > rows ? t->doc.n - rows : 0, line;
	bool seen = t->choices && t->first_choice + t->at < t->first + rows && t->first_choice + t->at >= t->first;

	if (!seen || (by < 0 && !t->at) || (by > 0 && t->at + 1 >= t->choices)) {
		t->first = by < 0 && (unsigned int)-by > t->first ? 0 : t->first + (unsigned int)by;
		t->first = t->first > last ? last : t->first;
		select_visible(t, by > (int)PAGE_LINES - 1);
		return;
	}
	if (by < 0)
		t->at = t->at < (unsigned int)-by ? 0 : t->at - (unsigned int)-by;
	else
		t->at = t->at + (unsigned int)by >= t->choices ? t->choices - 1 : t->at + (unsigned int)by;
	line = t->first_choice + t->at;
	if (line < t->first)
		t->first = line;
	if (line >= t->first + rows)
		t->first = line - rows + 1;
}

static void remember(struct top *t)
{
	if (t->screen == TOP_LIST && t->at < t->rows.nshown)
		t->selected = t->rows.row[t->at];
	if (t->screen == TOP_LISTENER)
		t->selected_conn = top_listener_conn(t, t->at);
}

static void move(struct top *t, int by)
{
	unsigned int n = lines(t);

	if (t->screen != TOP_LIST)
		move_doc(t, by);
	else if (by < 0)
		t->at = t->at < (unsigned int)-by ? 0 : t->at - (unsigned int)-by;
	else
		t->at = t->at + (unsigned int)by < n ? t->at + (unsigned int)by : n ? n - 1 : 0;
	t->follows = false;
	remember(t);
}

static bool key_moves(struct top *t, int key)
{
	int page = (int)top_body_rows(t), far = (int)(PAGE_LINES + t->rows.nshown);

	switch (key) {
	case TOP_KEY_UP: case 'k': move(t, -1); return true;
	case TOP_KEY_DOWN: case 'j': move(t, 1); return true;
	case TOP_KEY_PAGE_UP: move(t, -page); return true;
	case TOP_KEY_PAGE_DOWN: move(t, page); return true;
	case TOP_KEY_HOME: case 'g': move(t, -far); return true;
	case TOP_KEY_END: case 'G': move(t, far); return true;
	}
	return false;
}

/* ---- screens ---- */

static void open_listener(struct top *t)
{
	if (t->at >= t->rows.nshown)
		return;
	t->selected = t->rows.row[t->at];
	t->selected_conn = 0;
	if (top_listener_open(t, t->selected.id))
		top_say(t, _("This listener is gone."));
	else
		top_show(t, TOP_LISTENER);
}

/* What is not in sight is brought there first. */
static bool in_sight(struct top *t)
{
	unsigned int rows = top_body_rows(t), line = t->first_choice + t->at;

	if (line >= t->first && line < t->first + rows)
		return true;
	t->first = line > rows / 2 ? line - rows / 2 : 0;
	return false;
}

static void enter(struct top *t)
{
	uint64_t conn;

	switch (t->screen) {
	case TOP_LIST:
		open_listener(t);
		break;
	case TOP_LISTENER:
		conn = top_listener_conn(t, t->at);
		if (!conn || !in_sight(t))
			break;
		t->selected_conn = t->open.conn = conn;
		t->follows = true;
		top_show(t, TOP_LADDER);
		break;
	case TOP_SORT:
		t->rows.sort = (enum top_column)t->at;
		t->rows.inverted = false;
		top_rows_order(&t->rows);
		top_show(t, t->behind);
		break;
	default:
		break;
	}
}

static void back(struct top *t)
{
	switch (t->screen) {
	case TOP_LIST:
		t->rows.filter[0] = 0;
		top_rows_order(&t->rows);
		break;
	case TOP_LISTENER:
		top_listener_close(t);
		top_show(t, TOP_LIST);
		break;
	case TOP_LADDER:
		top_show(t, TOP_LISTENER);
		in_sight(t);
		break;
	default:
		top_show(t, t->behind);
	}
}

static void menu(struct top *t, enum top_screen screen)
{
	if (t->screen == TOP_HELP || t->screen == TOP_SORT)
		return;
	t->behind = t->screen;
	top_show(t, screen);
	if (screen == TOP_SORT)
		t->at = t->rows.sort;
}

/* ---- the table ---- */

static void sort_by(struct top *t, int by)
{
	unsigned int n = TOP_COLUMN_MAX + 1;

	t->rows.sort = (enum top_column)((t->rows.sort + n + (unsigned int)by) % n);
	top_rows_order(&t->rows);
	top_say(t, t->rows.sort == TOP_SORT_TROUBLE ? _("sorted by trouble") : top_columns[t->rows.sort].title);
}

static void next_interval(struct top *t)
{
	static const uint64_t tenths[] = { 2, 5, 10, 20, 50, 100, 300, 600 };
	unsigned int i = 0, n = sizeof(tenths) / sizeof(tenths[0]);

	while (i < n && tenths[i] * 100000000 <= t->interval_ns)
		i++;
	t->interval_ns = tenths[i % n] * 100000000;
	t->next_ns = t->rows.looked_ns + t->interval_ns;
}

static bool key_of_list(struct top *t, int key)
{
	struct top_rows *r = &t->rows;

	switch (key) {
	case TOP_KEY_LEFT: t->scrolled -= t->scrolled > 0; return true;
	case TOP_KEY_RIGHT: t->scrolled += t->scrolled + 2 < TOP_COLUMN_MAX; return true;
	case 's': case TOP_KEY_F6: menu(t, TOP_SORT); return true;
	case '<': sort_by(t, -1); return true;
	case '>': sort_by(t, 1); return true;
	case 'I': r->inverted = !r->inverted; break;
	case 'x': r->trouble = !r->trouble; break;
	case 'a': r->active = !r->active; break;
	case '+': r->unfolded = true; t->due = !t->frozen; return true;
	case '-': r->unfolded = false; t->due = !t->frozen; return true;
	case '0': top_rows_reset(r); t->v->looks++; t->due = !t->frozen; return true;
	case 'w':
		t->wide = !t->wide;
		t->layout = (struct top_layout){ 0 };
		return true;
	default:
		return false;
	}
	top_rows_order(r);
	return true;
}

/* ---- the ladder ---- */

static void search(struct top *t, int by)
{
	unsigned int n = t->doc.n, i = t->first;

	for (unsigned int tried = 0; n && t->search[0] && tried < n; tried++) {
		i = (i + n + (unsigned int)by) % n;
		if (strcasestr(t->doc.line[i].text, t->search)) {
			t->first = i;
			t->follows = false;
			return;
		}
	}
	top_say(t, _("not found"));
}

static bool key_of_ladder(struct top *t, int key)
{
	switch (key) {
	case 'e':
		t->explain = !t->explain;
		top_show(t, TOP_LADDER);
		return true;
	case 'F':
		t->follows = true;
		top_show(t, TOP_LADDER);
		return true;
	case 'n': search(t, 1); return true;
	case 'N': search(t, -1); return true;
	}
	return false;
}

/* ---- on all screens ---- */

static void freeze(struct top *t)
{
	if (!t->v->cfg.live) {
		t->play.paused = !t->play.paused;
		return;
	}
	t->frozen = !t->frozen;
	t->due = !t->frozen;
}

static void record(struct top *t)
{
	if (t->v->cfg.live)
		t->v->records = !t->v->records;
	else
		top_say(t, _("This is a recording already."));
}

static bool key_of_play(struct top *t, int key)
{
	if (t->v->cfg.live)
		return false;
	switch (key) {
	case 't':
		t->play.step = t->play.paused = true;
		return true;
	case 'T':
		if (t->v->cfg.repeats)
			top_play_back(t);
		else
			top_say(t, _("There is no way back: only a file alone can be read again."));
		return true;
	case '[': top_play_speed(t, -1); return true;
	case ']': top_play_speed(t, 1); return true;
	}
	return false;
}

static void key_anywhere(struct top *t, int key)
{
	switch (key) {
	case TOP_KEY_ENTER: enter(t); break;
	case 'q':
		if (t->screen == TOP_LIST) {
			t->v->done = true;
			break;
		}
		/* fall through */
	case TOP_KEY_ESC: case TOP_KEY_BACKSPACE: back(t); break;
	case 'Q': case TOP_KEY_F10: case CTRL('C'): t->v->done = true; break;
	case ' ': case 'Z': freeze(t); break;
	case 'd': next_interval(t); break;
	case 'S': top_save(t); break;
	case 'R': record(t); break;
	case '?': case 'h': case TOP_KEY_F1: menu(t, TOP_HELP); break;
	case '/': case TOP_KEY_F4: t->typing = t->screen == TOP_LIST || t->screen == TOP_LADDER; break;
	}
}

/* ---- typing ---- */

static void type(struct top *t, int key)
{
	char *text = t->screen == TOP_LIST ? t->rows.filter : t->search;
	size_t n = strlen(text);

	if (key == TOP_KEY_ENTER || key == TOP_KEY_ESC) {
		t->typing = false;
		if (key == TOP_KEY_ESC)
			text[0] = 0;
		else if (t->screen == TOP_LADDER)
			search(t, 1);
	} else if (key == TOP_KEY_BACKSPACE && n) {
		text[n - 1] = 0;
	} else if (key < 256 && isprint(key) && n + 1 < sizeof(t->rows.filter)) {
		text[n] = (char)key;
		text[n + 1] = 0;
	}
	if (t->screen == TOP_LIST)
		top_rows_order(&t->rows);
}

void top_key(struct top *t, int key)
{
	if (t->typing)
		type(t, key);
	else if (!key_moves(t, key) && !(t->screen == TOP_LIST && key_of_list(t, key)) &&
		 !(t->screen == TOP_LADDER && key_of_ladder(t, key)) && !key_of_play(t, key))
		key_anywhere(t, key);
}
