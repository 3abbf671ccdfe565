// SPDX-License-Identifier: GPL-2.0-only
/*
 * The time of a replay. Without a screen it goes from interval to interval as fast as it can; on a screen as it was, or
 * faster, or step by step. It never goes past the end of an interval without a look at the model.
 */
#include <stdio.h>

#include "../../lib/clock.h"
#include "../../lib/tr.h"
#include "top.h"

#define SPEED_MIN	(-6)
#define SPEED_MAX	16
#define REST_MS		50

/* As much later in the recording as time went on here. */
static void go_on(struct top *t)
{
	uint64_t real_ns = clock_ns(CLOCK_MONOTONIC), by = real_ns - t->play.real_ns;
	int speed = t->play.speed;

	t->play.real_ns = real_ns;
	if (t->play.paused)
		return;
	by = speed < 0 ? by >> -speed : by > UINT64_MAX >> speed ? UINT64_MAX : by << speed;
	t->play.at_ns = t->play.at_ns + by < by ? UINT64_MAX : t->play.at_ns + by;
}

/* On the way back, which leads over the beginning. */
static bool seeks(struct top *t, uint64_t next_ns)
{
	uint64_t to_ns = t->play.seek_ns;

	if (to_ns && next_ns && t->next_ns <= to_ns)
		return true;
	t->play.seek_ns = 0;
	if (to_ns > t->play.at_ns)
		t->play.at_ns = to_ns;
	return false;
}

static void on_screen(struct top *t, uint64_t next_ns, struct view_play *play)
{
	go_on(t);
	if (next_ns != UINT64_MAX)
		t->play.heard_ns = t->play.real_ns;
	if (seeks(t, next_ns)) {
		*play = (struct view_play){ .until_ns = t->next_ns };
		return;
	}
	if (!next_ns) {
		t->play.ended = true;
		*play = (struct view_play){ .wait_ms = REST_MS };
		return;
	}
	if (t->play.step) {
		t->play.step = false;
		t->play.at_ns = t->next_ns;
	}
	if (t->play.at_ns >= t->next_ns) {	/* its end first */
		*play = (struct view_play){ .until_ns = t->next_ns };
		t->play.at_ns = t->play.paused ? t->next_ns : t->play.at_ns;
		return;
	}
	*play = (struct view_play){ .until_ns = t->play.at_ns, .wait_ms = REST_MS };
	if (!t->play.paused && !t->play.speed && next_ns > t->play.at_ns && next_ns - t->play.at_ns < REST_MS * 1000000ull)
		play->wait_ms = (int)((next_ns - t->play.at_ns) / 1000000) + 1;
}

void top_play_ask(struct top *t, uint64_t next_ns, struct view_play *play)
{
	*play = (struct view_play){ .again = t->play.again };
	t->play.again = false;
	if (play->again)
		return;
	if (!t->begun_ns && next_ns) {
		play->until_ns = next_ns - 1;
		t->play.at_ns = next_ns;
		t->play.real_ns = clock_ns(CLOCK_MONOTONIC);
		return;
	}
	if (t->term) {
		on_screen(t, next_ns, play);
		return;
	}
	if (next_ns && next_ns != UINT64_MAX)
		t->next_ns = view_past_gap(t->next_ns, t->interval_ns, next_ns);
	play->until_ns = t->next_ns;
}

/* Whole intervals are counted from the beginning; what is shown may be a part of one: its end. */
void top_play_back(struct top *t)
{
	uint64_t begun_ns = t->begun_ns, at_ns = t->rows.looked_ns;

	t->play.paused = true;
	if (at_ns <= begun_ns)
		return;
	top_rows_forget(&t->rows);
	top_listener_forget(t);
	top_steps_close(t);
	top_steps_open(t);
	t->findings.made_ns = 0;
	t->findings.n = 0;
	t->begun_ns = 0;
	t->play.ended = t->play.summed = false;
	t->play.again = true;
	t->play.seek_ns = begun_ns + (at_ns - 1 - begun_ns) / t->interval_ns * t->interval_ns;
}

void top_play_speed(struct top *t, int by)
{
	int speed = t->play.speed + by;

	t->play.speed = speed < SPEED_MIN ? SPEED_MIN : speed > SPEED_MAX ? SPEED_MAX : speed;
}

const char *top_play_state(const struct top *t, char text[64])
{
	const struct top_play *p = &t->play;

	if (p->ended)
		return _("END");
	if (p->paused)
		return _("PAUSED");
	snprintf(text, 64, p->speed < 0 ? "x1/%u" : "x%u", 1u << (p->speed < 0 ? -p->speed : p->speed));
	return text;
}
