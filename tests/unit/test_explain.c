// SPDX-License-Identifier: GPL-2.0-only
/* --explain: something for each event, all of it in Chinese too, and lines that fit. Runs in the tree's root. */
#include "edge.h"

#include <stdbool.h>

#include "../../user/language.h"
#include "../../user/lib/tr.h"
#include "../../user/lib/wrap.h"
#include "../../user/view/explain.h"

#define MO	"build/zh_CN.mo"

static void every_event_and_cause_is_explained(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 1; i < TCPTRACE_EVENT_MAX; i++)
		if (tcptrace_event_class(i) != TCPTRACE_NOTE)
			assert_non_null(explain(i, 0, 0, 0, 0));
	assert_null(explain(TCPTRACE_LOST, 0, 0, 0, 0));
	assert_null(explain(~0u, ~0u, ~0u, ~0u, 0));
	/* a cause that a reader asks about is not left to the general sentence */
	for (i = TCPTRACE_DROP_ACCEPTQ_SYN; i < TCPTRACE_DROP_OTHER; i++)
		assert_ptr_not_equal(explain(TCPTRACE_DROP, 0, 0, i, 0), explain(TCPTRACE_DROP, 0, 0, 0, 0));
	for (i = TCPTRACE_SYNQ_ESTABLISHED; i < TCPTRACE_SYNQ_OTHER; i++)
		assert_ptr_not_equal(explain(TCPTRACE_SYNQ_DEL, 0, 0, i, 0),
				     explain(TCPTRACE_SYNQ_DEL, 0, 0, TCPTRACE_SYNQ_OTHER, 0));
}

/* "There is no connection" is not said where there is one, or may be. */
static void no_failure_is_none(void **state)
{
	static const int none[] = { -EINPROGRESS, -EALREADY, -EISCONN, -EINTR, -512, -516, 0 };
	const char *failed = explain(TCPTRACE_CONNECT_RETURN, 0, 0, 0, -ENETUNREACH);

	(void)state;
	for (unsigned int i = 0; i < sizeof(none) / sizeof(*none); i++)
		assert_ptr_not_equal(explain(TCPTRACE_CONNECT_RETURN, 0, 0, 0, none[i]), failed);
}

/* What the kernel does for several reasons is not told as if there were one. */
static void each_reason_is_named(void **state)
{
	static const struct { unsigned int event, old, new; int ret; const char *reason[3]; } rows[] = {
		{ TCPTRACE_CONNECT_RETURN, 0, 0, 0, { "ESTABLISHED", "TCP_FASTOPEN_CONNECT", "AF_UNSPEC" } },
		{ TCPTRACE_CONNECT_RETURN, 0, 0, -ECONNREFUSED, { "RST", "ICMP", "filter" } },
		{ TCPTRACE_CONNECT_RETURN, 0, 0, -EINPROGRESS, { "non-blocking", "SO_SNDTIMEO" } },
		{ TCPTRACE_CONNECT_RETURN, 0, 0, -ETIMEDOUT, { "tcp_syn_retries", "tcp_syn_linear_timeouts", "TCP_USER_TIMEOUT" } },
		{ TCPTRACE_ACCEPT, 0, 0, -EAGAIN, { "non-blocking", "SO_RCVTIMEO" } },
		{ TCPTRACE_STATE, TCP_S_LISTEN, TCP_S_CLOSE, 0, { "close()", "shutdown()", "listen() has failed" } },
		{ TCPTRACE_STATE, TCP_S_SYN_SENT, TCP_S_CLOSE, 0, { "RST", "ICMP", "no SYN" } },
		{ TCPTRACE_SYNACK_RETRANS, 0, 0, 0, { "reqsk_timer_handler()", "tcp_check_req()" } },
		{ TCPTRACE_RETRANS, TCP_S_ESTABLISHED, 0, 0, { "no ACK of it came in time", "those of later ones" } },
		{ TCPTRACE_CLOSE, 0, 0, 0, { "FIN", "nobody has read", "SO_LINGER" } },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		const char *text = explain(rows[i].event, rows[i].old, rows[i].new, 0, rows[i].ret);

		for (unsigned int n = 0; n < 3 && rows[i].reason[n]; n++)
			assert_non_null(strstr(text, rows[i].reason[n]));
	}
}

/* Of the transitions that the kernel makes, none is left to "the next state". */
static void every_transition_is_explained(void **state)
{
	const char *last = explain(TCPTRACE_STATE, TCP_S_ESTABLISHED, TCP_S_ESTABLISHED, 0, 0);
	unsigned int old, new;

	(void)state;
	for (old = 1; old < TCP_S_NEW_SYN_RECV; old++) {
		for (new = 1; new < TCP_S_NEW_SYN_RECV; new++) {
			if (old != new && tcp_transition_legal(old, new) && new != TCP_S_ESTABLISHED)
				assert_ptr_not_equal(explain(TCPTRACE_STATE, old, new, 0, 0), last);
		}
	}
}

static void each_names_a_function_and_a_file(void **state)
{
	const char *text;
	unsigned int i;

	(void)state;
	for (i = 0; (text = explain_text(i)); i++) {
		assert_non_null(strstr(text, "(net/"));
		if (strncmp(text, "The socket was there", 20))	/* no function did that */
			assert_non_null(strstr(text, "() "));
		assert_int_equal(text[strlen(text) - 1], '.');
		assert_null(strstr(text, "SYN backlog"));
	}
	assert_true(i > 60);
}

/* What stands in one language as the kernel writes it stands so in the other. */
static void same_names(const char *en, const char *zh)
{
	char word[128];
	size_t n;

	for (; *en; en += n + !n) {
		n = strspn(en, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.()");
		if (n < 4 || n >= sizeof(word))
			continue;
		memcpy(word, en, n);
		word[n] = 0;
		if (strncmp(word, "(net/", 5) && !strchr(word, '_'))
			continue;
		while (n && strchr(".()", word[n - 1]) && strcmp(word + n - (n > 1 ? 2 : 1), "()"))
			word[--n] = 0;
		n = strlen(word);
		if (!strstr(zh, word + (word[0] == '(')))
			fail_msg("%s is not in: %s", word, zh);
		n = strspn(en, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_/.()");
	}
}

static bool has_chinese(const char *s)
{
	unsigned int n = 0;

	for (; *s; s++)
		n += (unsigned char)*s >= 0xe4 && (unsigned char)*s <= 0xe9;
	return n > 10;
}

/* msgfmt leaves out what is fuzzy, so what is in the file is meant. */
static void all_is_translated(void **state)
{
	const char *en, *zh;
	unsigned int i;

	(void)state;
	language_use("zh");
	for (i = 0; (en = explain_text(i)); i++) {
		zh = tr(en);
		if (zh == en || !has_chinese(zh))
			fail_msg("not in user/po/zh_CN.po: %s", en);
		same_names(en, zh);
	}
	assert_string_equal(tr("no such text"), "no such text");
	tr_use(NULL);
}

/* One catalogue for the process; nothing of it is left when it is given back. */
static void the_language_is_chosen_once(void **state)
{
	const char *en = explain_text(0);

	(void)state;
	assert_ptr_equal(tr(en), en);
	assert_string_equal(tr(NULL), "");
	language_use("zh");
	assert_true(has_chinese(tr(en)));
	assert_string_equal(_("Verdict"), "结论");
	assert_string_equal(tr("no such text"), "no such text");
	tr_use(NULL);
	assert_ptr_equal(tr(en), en);
}

/* Texts that are cut or changed are refused or harmless. */
static void damaged_texts_are_harmless(void **state)
{
	static _Alignas(8) char whole[1 << 20];
	char *data;
	FILE *f = fopen(MO, "r");
	struct mo *mo;
	unsigned int i;
	size_t n;

	(void)state;
	assert_non_null(f);
	n = fread(whole, 1, sizeof(whole), f);
	fclose(f);
	assert_true(n > 1000 && n < sizeof(whole));
	for (i = 0; i < 3000; i++) {
		size_t at = chance() % (i & 1 ? 28 : 1200), len = i % 7 ? n : chance() % n;
		char old = whole[at];

		whole[at] = (char)chance();
		data = malloc(len);		/* of this size, so that the sanitizer sees a byte more */
		assert_non_null(data);
		memcpy(data, whole, len);
		whole[at] = old;
		if (!mo_open(&mo, data, len)) {
			mo_text(mo, explain_text(i % 60));
			mo_close(mo);
		}
		free(data);
	}
	assert_int_equal(mo_open(&mo, whole + 1, n), -EINVAL);
	assert_int_equal(mo_open(&mo, whole, 0), -EINVAL);
}

/* Chinese takes two columns each. */
static unsigned int columns(const char *line, size_t n)
{
	unsigned int sum = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		unsigned char c = (unsigned char)line[i];

		if ((c & 0xc0) != 0x80)
			sum += c >= 0xe2 ? 2 : 1;
	}
	return sum;
}

static void check_wrapped(const char *text_in, unsigned int indent, unsigned int max)
{
	struct out *o = buffer();
	const char *s, *end;

	out_wrapped(o, text_in, indent, max);
	for (s = text(o); *s; s = end + 1) {
		end = strchr(s, '\n');
		assert_non_null(end);
		assert_true(columns(s, (size_t)(end - s)) <= max);
		assert_int_equal(strspn(s, " "), indent);
		assert_true(end[-1] != ' ');
	}
}

static void lines_fit(void **state)
{
	unsigned int i, max;
	const char *en;

	(void)state;
	language_use("zh");
	for (i = 0; (en = explain_text(i)); i++) {
		for (max = 60; max <= 140; max++) {
			check_wrapped(en, 4, max);
			check_wrapped(tr(en), 12, max);
		}
	}
	tr_use(NULL);
}

static void width_is_that_of_a_terminal(void **state)
{
	char text[32];

	(void)state;
	assert_int_equal(text_columns(""), 0);
	assert_int_equal(text_columns("accept()"), 8);
	assert_int_equal(text_columns("accept 队列：移出"), 17);
	assert_int_equal(text_columns("█░░ 1"), 5);
	strcpy(text, "队列：移出");
	assert_int_equal(text_cut(text, 7), 6);
	assert_string_equal(text, "队列：");
	assert_int_equal(text_cut(text, 6), 6);
	assert_int_equal(text_cut(text, 0), 0);
	assert_string_equal(text, "");
}

/* A label stands before the first line; the others begin below the text. */
static void a_label_takes_its_columns(void **state)
{
	struct out *o = buffer();

	(void)state;
	out_str(o, "  Claim   ");
	out_wrapped_from(o, "one two three", 10, 10, 18);
	assert_string_equal(text(o), "  Claim   one two\n          three\n");
	o = buffer();
	out_str(o, "  说法    ");
	out_wrapped_from(o, "一二三四五六", 10, 10, 18);
	assert_string_equal(text(o), "  说法    一二三四\n          五六\n");
	o = buffer();
	out_str(o, "label ");		/* longer than the indent */
	out_wrapped_from(o, "word", 6, 4, 80);
	assert_string_equal(text(o), "label word\n");
}

static const char *broken(const char *line, unsigned int indent, unsigned int columns)
{
	struct out *o = buffer();

	out_str(o, line);
	out_line_end_wrapped(o, indent, columns);
	return text(o);
}

/* Between groups of words where it can be; colours take no room, and a line that fits stays as it is. */
static void a_line_is_broken_where_it_ends(void **state)
{
	(void)state;
	assert_string_equal(broken("first\n\033[1m1.2.3.4:80\033[0m  fd 6  backlog 2 (asked 2, here: it)  LISTEN", 2, 21),
			    "first\n\033[1m1.2.3.4:80\033[0m  fd 6\n  backlog 2 (asked 2,\n  here: it)  LISTEN\n");
	assert_string_equal(broken("\033[1mone\033[0m  two", 2, 8), "\033[1mone\033[0m  two\n");
	assert_string_equal(broken("  waited  a-word-too-long-for-it  end", 4, 12), "  waited\n    a-word-too-long-for-it\n    end\n");
	assert_string_equal(broken("  等待 一二三，四五六", 4, 16), "  等待 一二三，\n    四五六\n");
	assert_string_equal(broken("one two  three", 4, 0), "one two  three\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_event_and_cause_is_explained),
		cmocka_unit_test(no_failure_is_none),
		cmocka_unit_test(each_reason_is_named),
		cmocka_unit_test(every_transition_is_explained),
		cmocka_unit_test(each_names_a_function_and_a_file),
		cmocka_unit_test(all_is_translated),
		cmocka_unit_test(damaged_texts_are_harmless),
		cmocka_unit_test(lines_fit),
		cmocka_unit_test(the_language_is_chosen_once),
		cmocka_unit_test(width_is_that_of_a_terminal),
		cmocka_unit_test(a_label_takes_its_columns),
		cmocka_unit_test(a_line_is_broken_where_it_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
