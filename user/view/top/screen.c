// SPDX-License-Identifier: GPL-2.0-only
/*
 * Puts the page together that the terminal shows, at most ten times a second, and only when something is new. The model
 * is looked at once in an interval; what a key moves is drawn from the same rows.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "../../lib/clock.h"
#include "../../lib/create.h"
#include "../../lib/tr.h"
#include "../../lib/wrap.h"
#include "top.h"

#define DRAW_EVERY	100000000ull	/* ns */
#define KEYS_EVERY	100000000ull	/* where a key interrupts nothing */
#define MESSAGE_STAYS	5000000000ull
#define COLUMNS_MIN	40u
#define ROWS_MIN	8u
#define FEW_ROWS	16u		/* of a terminal: then one finding is enough */
#define WIDE_KEYS	80u		/* columns: for all keys of the first screen */
#define ROTATE_EVERY	5u		/* seconds */

/* ---- what is where ---- */

static bool is_list(const struct top *t)
{
	return t->screen == TOP_LIST;
}

static unsigned int finding_rows(const struct top *t)
{
	unsigned int max = term_rows(t->term) < FEW_ROWS ? 1 : 2, columns = term_columns(t->term);

	return t->findings.n > 1 || (t->findings.n && text_columns(t->findings.one[0].text) + 2 > columns) ? max : 1;
}

unsigned int top_body_rows(const struct top *t)
{
	unsigned int rows = term_rows(t->term), others = is_list(t) ? 3 + finding_rows(t) : 2;

	return rows > others ? rows - others : 1;
}

void top_say(struct top *t, const char *text)
{
	snprintf(t->message, sizeof(t->message), "%s", text);
	t->message_ns = clock_ns(CLOCK_MONOTONIC);
	t->dirty = true;
}

/* ---- the last line ---- */

static const char *keys_of(const struct top *t)
{
	bool play = !t->v->cfg.live;

	if (t->screen == TOP_LIST && t->page.columns < WIDE_KEYS)
		return _(" Enter open  / filter  s sort  ? help  q quit");
	switch (t->screen) {
	case TOP_LISTENER:
		return _(" Enter ladder  Esc back  Space freeze  S save  ? help  Q quit");
	case TOP_LADDER:
		return _(" Esc back  e explain  F follow  / search  S save  ? help  Q quit");
	case TOP_HELP:
		return _(" Esc back");
	case TOP_SORT:
		return _(" Enter choose  Esc back");
	default:
		return play ? _(" Enter open  / filter  s sort  Space pause  t step  [ ] speed  ? help  q quit") :
		       _(" Enter open  / filter  s sort  Space freeze  x trouble  S save  ? help  q quit");
	}
}

static void put_last_line(struct top *t)
{
	const char *said = term_said(t->term);
	char text[256];

	if (t->typing) {
		snprintf(text, sizeof(text), "/%s_", is_list(t) ? t->rows.filter : t->search);
		page_str(&t->page, text, LOOK_BOLD);
	} else if (t->message[0]) {
		page_str(&t->page, t->message, LOOK_BOLD);
	} else if (said[0] && !t->begun_ns) {
		page_str(&t->page, said, LOOK_DIM);
	} else if (is_list(t) && t->rows.filter[0]) {
		snprintf(text, sizeof(text), _(" filter: %s  (/ changes it, Esc clears it)"), t->rows.filter);
		page_str(&t->page, text, LOOK_BOLD);
	} else {
		page_str(&t->page, keys_of(t), LOOK_DIM);
	}
}

/* ---- the first screen ---- */

static bool is_selected(const struct top *t, const struct top_row *r)
{
	return r->id == t->selected.id;
}

static bool at_selected_address(const struct top *t, const struct top_row *r)
{
	return r->lport == t->selected.lport && r->netns == t->selected.netns && r->host == t->selected.host &&
	       !memcmp(r->laddr, t->selected.laddr, sizeof(r->laddr));
}

/* The selection follows its listener, not its place; where that is gone, the place. */
static void find_selected(struct top *t)
{
	unsigned int i, n = t->rows.nshown, address = n;

	for (i = 0; i < n && t->selected.id; i++) {
		if (is_selected(t, &t->rows.row[i]))
			break;
		if (address == n && at_selected_address(t, &t->rows.row[i]))
			address = i;
	}
	if (t->selected.id && i < n)
		t->at = i;
	else if (t->selected.id && address < n)
		t->at = address;
	if (t->at >= n)
		t->at = n ? n - 1 : 0;
}

static void keep_in_sight(struct top *t, unsigned int line)
{
	unsigned int rows = top_body_rows(t);

	if (line < t->first)
		t->first = line;
	if (line >= t->first + rows)
		t->first = line - rows + 1;
}

static void fill_up(struct top *t)
{
	while (t->page.n + 1 < term_rows(t->term))
		page_str(&t->page, "", LOOK_PLAIN);
}

static void put_list(struct top *t)
{
	unsigned int rows = top_body_rows(t), lines = finding_rows(t);

	find_selected(t);
	keep_in_sight(t, t->at);
	if (t->first + rows > t->rows.nshown)
		t->first = t->rows.nshown > rows ? t->rows.nshown - rows : 0;
	top_put_findings(t, lines);
	while (t->page.n < 1 + lines)
		page_str(&t->page, "", LOOK_PLAIN);
	for (unsigned int i = t->first; i < t->rows.nshown && i < t->first + rows; i++)
		layout_grow(&t->layout, &t->rows.row[i], top_local_max(t));
	layout_choose(&t->layout, t->page.columns, t->scrolled);
	top_put_titles(t);
	for (unsigned int i = t->first; i < t->rows.nshown && i < t->first + rows; i++)
		top_put_row(t, &t->rows.row[i], i == t->at);
	if (!t->rows.nshown)
		page_str(&t->page, t->rows.open ? _(" no listener is shown: x, a and the filter hide them") :
			 _(" no listener yet"), LOOK_DIM);
}

/* ---- the others ---- */

static void put_doc(struct top *t)
{
	unsigned int rows = top_body_rows(t), end;

	if (t->at >= t->choices)
		t->at = t->choices ? t->choices - 1 : 0;
	if (t->first + rows > t->doc.n)
		t->first = t->doc.n > rows ? t->doc.n - rows : 0;
	end = t->first + rows < t->doc.n ? t->first + rows : t->doc.n;
	for (unsigned int i = t->first; i < end; i++) {
		const struct page_line *l = &t->doc.line[i];
		bool selected = t->choices && i == t->first_choice + t->at;

		out_str(page_line(&t->page), l->text);
		page_line_end(&t->page, selected ? LOOK_SELECTED : l->look, selected ? ~0u : l->looks);
	}
}

/* The selection follows its connection, which stays in its line of the screen while others come and go. */
static void put_listener(struct top *t)
{
	unsigned int was = t->first_choice + t->at, line;
	bool seen = t->choices && was >= t->first && was < t->first + top_body_rows(t);

	top_listener_put(t);
	for (unsigned int i = 0; i < t->choices; i++) {
		if (!t->selected_conn || top_listener_conn(t, i) != t->selected_conn)
			continue;
		t->at = i;
		line = t->first_choice + i;
		if (seen)
			t->first = line > was - t->first ? line - (was - t->first) : 0;
		return;
	}
}

static void make_doc(struct top *t)
{
	switch (t->screen) {
	case TOP_LISTENER:
		put_listener(t);
		break;
	case TOP_LADDER:
		top_steps_put(t);
		if (t->follows)
			t->first = t->doc.n;
		break;
	case TOP_HELP:
		top_help_put(t);
		break;
	case TOP_SORT:
		top_sort_put(t);
		break;
	default:
		break;
	}
}

/* A ladder asks for more than the queues, as long as it is there; where all comes anyway nothing is to be asked. */
static void ask(struct top *t)
{
	bool ladder = t->screen == TOP_LADDER || (t->screen == TOP_HELP && t->behind == TOP_LADDER);

	t->v->wants = t->v->cfg.live && ladder && !t->ends_seen ? EVENTS_LIFE : 0;
}

void top_show(struct top *t, enum top_screen screen)
{
	t->screen = screen;
	ask(t);
	t->first = t->at = 0;
	make_doc(t);
	t->dirty = true;
}

/* ---- all of it ---- */

/* NULL: nothing but what the clock says */
static const char *state(const struct top *t, char text[64])
{
	if (!t->v->cfg.live)
		return top_play_state(t, text);
	if (t->frozen && t->v->recording) {
		snprintf(text, 64, "%s  %s", _("FROZEN"), _("RECORDING"));
		return text;
	}
	return t->frozen ? _("FROZEN") : t->v->recording ? _("RECORDING") : NULL;
}

static void draw(struct top *t)
{
	char text[64];

	page_clear(&t->page, term_columns(t->term));
	if (t->page.columns < COLUMNS_MIN || term_rows(t->term) < ROWS_MIN) {
		page_str(&t->page, _("terminal too small (40x8 at least)"), LOOK_BOLD);
		term_draw(t->term, &t->page);
		return;
	}
	top_put_header(t, state(t, text));
	if (is_list(t))
		put_list(t);
	else
		put_doc(t);
	fill_up(t);
	put_last_line(t);
	term_draw(t->term, &t->page);
}

/* "tcptrace-top-20261128-071500.txt"; of what is shown, as it is shown. */
void top_save(struct top *t)
{
	char name[64], text[192];
	time_t now = time(NULL);
	struct out file;
	struct tm tm;
	int fd;

	localtime_r(&now, &tm);
	strftime(name, sizeof(name), "tcptrace-top-%Y%m%d-%H%M%S.txt", &tm);
	fd = create_new_file(name, 0600);
	if (fd < 0 || out_open(&file, fd)) {
		snprintf(text, sizeof(text), _("%s was not saved: %s"), name, strerror(fd < 0 ? -fd : ENOMEM));
	} else {
		page_print(&t->page, &file);
		out_flush(&file);
		snprintf(text, sizeof(text), file.error ? _("%s was not saved whole") : _("saved as %s"), name);
		out_close(&file);
	}
	if (fd >= 0)
		close(fd);
	top_say(t, text);
}

static void look(struct top *t, uint64_t now_ns)
{
	top_look(t, now_ns);
	top_findings_look(t, now_ns);
	t->rotated = (unsigned int)(clock_ns(CLOCK_MONOTONIC) / 1000000000 / ROTATE_EVERY);
	make_doc(t);
	t->due = false;
	t->dirty = true;
}

/* R was heard between two ticks. */
static void say_recording(struct top *t)
{
	struct view *v = t->v;
	char text[192];

	if (v->record_error)
		snprintf(text, sizeof(text), _("no recording: %s"), strerror(-v->record_error));
	else if (v->recording && !t->recording[0])
		snprintf(text, sizeof(text), _("recording into %s; R ends it"), v->recording);
	else if (!v->recording && t->recording[0])
		snprintf(text, sizeof(text), _("recorded: tcptrace top -r %s"), t->recording);
	else
		return;
	v->record_error = 0;
	snprintf(t->recording, sizeof(t->recording), "%s", v->recording ? v->recording : "");
	top_say(t, text);
}

static void heed_keys(struct top *t, uint64_t real_ns)
{
	int key;

	if (!term_pressed(t->term) && real_ns < t->keyed_ns + KEYS_EVERY)
		return;
	t->keyed_ns = real_ns;
	while (!t->v->done && (key = term_key(t->term)) != TOP_KEY_NONE) {
		top_key(t, key);
		t->dirty = true;
	}
}

void top_screen_tick(struct top *t, uint64_t now_ns)
{
	uint64_t real_ns = clock_ns(CLOCK_MONOTONIC);
	bool due = now_ns >= t->next_ns;

	t->now_ns = now_ns;
	t->ends_seen = true;
	for (unsigned int i = 0; i < t->nmodels; i++)
		t->ends_seen &= model_seen(t->models[i], TCPTRACE_STATE) != TCPTRACE_SEEN_NOT;
	if (t->play.ended && !t->play.summed) {	/* what is left is no whole interval */
		t->play.summed = true;
		t->due = true;
	}
	if ((due && !t->frozen) || t->due)
		look(t, now_ns);
	heed_keys(t, real_ns);
	say_recording(t);
	if (t->message[0] && real_ns > t->message_ns + MESSAGE_STAYS) {
		t->message[0] = 0;
		t->dirty = true;
	}
	if (real_ns < t->drawn_ns + DRAW_EVERY || t->play.seek_ns)
		return;
	if (term_resized(t->term)) {
		t->dirty = true;
		t->page.columns = term_columns(t->term);
		make_doc(t);
	}
	if (!t->dirty)
		return;
	draw(t);
	t->drawn_ns = real_ns;
	t->dirty = false;
}
