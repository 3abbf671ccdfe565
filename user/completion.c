// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcptrace --completions bash|zsh|fish: `make install` puts each where its shell
 * looks for it. An option whose values are words has a row in values[]; what has
 * none completes to nothing, and never to the names of files that lie about.
 */
#include <string.h>

#include "completion.h"
#include "lab/lab.h"
#include "model/life.h"
#include "run/views.h"

enum kind { NOTHING, WORDS, LIST, FILES, DIRS, PIDS };	/* LIST: words with commas between */

struct values {
	const char *option;
	enum kind kind;
	void (*words)(FILE *f);		/* a blank after each; of WORDS and LIST */
};

static void events(FILE *f)
{
	for (unsigned int i = 1; i < TCPTRACE_EVENT_MAX; i++) {
		if (tcptrace_event_class(i) != TCPTRACE_NOTE)
			fprintf(f, "%s ", tcptrace_event_name(i));
	}
}

static void ends(FILE *f)
{
	for (int i = 0; i < LIFE_ENDS_MAX; i++)
		fprintf(f, "%s ", life_end_word((enum life_end)i));
}

static void mechanisms(FILE *f)
{
	fputs("auto ", f);
	for (unsigned int i = MECH_AUTO + 1; i < MECH_MAX; i++)
		fprintf(f, "%s ", mechanism_name((enum mechanism)i));
}

static void sources(FILE *f)
{
	fprintf(f, "auto %s %s ", source_bpf.name, source_kmod.name);
}

static void colors(FILE *f)
{
	fputs("always never auto ", f);
}

static void metrics_labels(FILE *f)
{
	fputs("address port comm unit namespace pod container ", f);
}

static void metrics_histograms(FILE *f)
{
	fputs("accept both none ", f);
}

static void failures(FILE *f)
{
	fputs("refused overflow lost ", f);
}

static void languages(FILE *f)
{
	fputs("en zh ", f);
}

static void outputs(FILE *f)
{
	const struct view_ops *view;

	for (unsigned int i = 0; (view = views_get(i)); i++) {
		if (view->help)
			fprintf(f, "%s ", view->name);
	}
}

static void lab_names(FILE *f)
{
	const char *name;

	for (unsigned int i = 0; (name = lab_name(i)); i++)
		fprintf(f, "%s ", name);
	fputs("all ", f);
}

static const struct values values[] = {
	{ "event", LIST, events },
	{ "end", LIST, ends },
	{ "mechanism", WORDS, mechanisms },
	{ "source", WORDS, sources },
	{ "lang", WORDS, languages },
	{ "color", WORDS, colors },
	{ "fail-on", LIST, failures },
	{ "labels", LIST, metrics_labels },
	{ "histograms", WORDS, metrics_histograms },
	{ "textfile", FILES },
	{ "out", WORDS, outputs },
	{ "pid", PIDS },
	{ "netns", PIDS },
	{ "cgroup", DIRS },
	{ "read", FILES },
	{ "write", FILES },
	{ "output", FILES },
};

static const struct values *values_of(const struct argp_option *o)
{
	static const struct values nothing;

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		if (!strcmp(values[i].option, o->name))
			return &values[i];
	}
	return &nothing;
}

/* Calls fn for each option that --help shows. */
static void each(FILE *f, void (*fn)(FILE *f, const struct argp_option *o))
{
	for (const struct option_row *r = option_rows; r->option.key || r->option.doc; r++) {
		if (r->option.key && r->option.name && !(r->option.flags & OPTION_HIDDEN))
			fn(f, &r->option);
	}
}

static bool has_letter(const struct argp_option *o)
{
	return o->key > ' ' && o->key < 127;
}

/* The text between single quotes; escaped: characters that the shell's own syntax takes. */
static void put_quoted(FILE *f, const char *text, const char *quote, const char *escaped)
{
	for (; *text; text++) {
		if (*text == '\'')
			fputs(quote, f);
		else if (strchr(escaped, *text))
			fprintf(f, "\\%c", *text);
		else
			fputc(*text, f);
	}
}

/* ---- bash ---- */

static void bash_name(FILE *f, const struct argp_option *o)
{
	if (has_letter(o))
		fprintf(f, "-%c ", o->key);
	fprintf(f, "--%s ", o->name);
}

/* One arm of the case on the word before: "-e|--event) ... ;;" */
static void bash_value(FILE *f, const struct argp_option *o)
{
	static const char *const by_kind[] = {
		[NOTHING] = "",
		[WORDS] = "words='", [LIST] = "list='",
		[FILES] = "compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\"))",
		[DIRS] = "compopt -o filenames; COMPREPLY=($(compgen -d -- \"$cur\"))",
		[PIDS] = "words=$(cd /proc && echo [1-9]*)",
	};
	const struct values *v = values_of(o);

	if (!o->arg)
		return;
	fputs("\t", f);
	if (has_letter(o))
		fprintf(f, "-%c|", o->key);
	fprintf(f, "--%s) %s", o->name, by_kind[v->kind]);
	if (v->words) {
		v->words(f);
		fputc('\'', f);
	}
	fputs(" ;;\n", f);
}

static void bash(FILE *f, const struct command *cmd)
{
	fputs("# tcptrace --completions bash\n"
	      "_tcptrace()\n{\n"
	      "\tlocal cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} words='' list='' i\n"
	      "\tCOMPREPLY=()\n"
	      "\tfor ((i = 1; i < COMP_CWORD; i++)); do\n"
	      "\t\t[[ ${COMP_WORDS[i]} == -- ]] || continue\n"
	      "\t\tif declare -F _command_offset > /dev/null; then _command_offset $((i + 1))\n"
	      "\t\telse COMPREPLY=($(compgen -c -- \"$cur\")); fi\n"
	      "\t\treturn\n"
	      "\tdone\n"
	      "\t[[ $prev != = ]] || prev=${COMP_WORDS[COMP_CWORD-2]}\n"
	      "\t[[ $cur != = ]] || { cur=''; prev=${COMP_WORDS[COMP_CWORD-1]}; [[ $prev != = ]] ||"
	      " prev=${COMP_WORDS[COMP_CWORD-2]}; }\n"
	      "\tcase $prev in\n", f);
	each(f, bash_value);
	fputs("\tlab) words='", f);
	lab_names(f);
	fputs("--replay ' ;;\n\t*)\n\t\tif [[ $cur == -* ]]; then words='", f);
	each(f, bash_name);
	fputs("'\n\t\telse words='", f);
	for (; cmd->name; cmd++)
		fprintf(f, "%s ", cmd->name);
	fputs("'; fi ;;\n\tesac\n"
	      "\t[[ -z $words ]] || COMPREPLY=($(compgen -W \"$words\" -- \"$cur\"))\n"
	      "\t[[ -z $list ]] || { compopt -o nospace;"
	      " COMPREPLY=($(compgen -P \"${cur%\"${cur##*,}\"}\" -W \"$list\" -- \"${cur##*,}\")); }\n"
	      "}\ncomplete -F _tcptrace tcptrace\n", f);
}

/* ---- zsh ---- */

/* '(-e --event)'{-e+,--event=}'[show only these events]:EVENT,...:_sequence compadd - socket bind' */
static void zsh_option(FILE *f, const struct argp_option *o)
{
	static const char *const by_kind[] = {
		[NOTHING] = " ", [WORDS] = "(", [LIST] = "_sequence compadd - ", [FILES] = "_files",
		[DIRS] = "_files -/", [PIDS] = "_pids",
	};
	const struct values *v = values_of(o);

	fputs("\t\t", f);
	if (has_letter(o))
		fprintf(f, "'(-%c --%s)'{-%c%s,--%s%s}'", o->key, o->name, o->key, o->arg ? "+" : "", o->name,
			o->arg ? "=" : "");
	else
		fprintf(f, "'--%s%s", o->name, o->arg ? "=" : "");
	fputc('[', f);
	put_quoted(f, o->doc, "'\\''", "[]\\");
	fputc(']', f);
	if (o->arg) {
		fputc(':', f);
		put_quoted(f, o->arg, "", ":\\");
		fprintf(f, ":%s", by_kind[v->kind]);
		if (v->words)
			v->words(f);
		if (v->kind == WORDS)
			fputc(')', f);
	}
	fputs("' \\\n", f);
}

static void zsh(FILE *f, const struct command *cmd)
{
	fputs("#compdef tcptrace\n# tcptrace --completions zsh\n"
	      "_tcptrace()\n{\n\tlocal curcontext=$curcontext state line ret=1\n\tlocal -a commands\n"
	      "\tcommands=(\n", f);
	for (; cmd->name; cmd++) {
		fprintf(f, "\t\t'%s:", cmd->name);
		put_quoted(f, cmd->help, "'\\''", ":\\");
		fputs("'\n", f);
	}
	fputs("\t)\n\t_arguments -C -s -S \\\n", f);
	each(f, zsh_option);
	fputs("\t\t'1: :->first' '*::: :->rest' && ret=0\n"
	      "\tcase $state in\n"
	      "\tfirst)\n"
	      "\t\tif [[ $words[CURRENT-1] == -- ]]; then _command_names -e && ret=0\n"
	      "\t\telse _describe -t commands command commands && ret=0; fi ;;\n"
	      "\trest)\n"
	      "\t\tif [[ $line[1] == lab ]]; then compadd - ", f);
	lab_names(f);
	fputs("&& ret=0\n"
	      "\t\telse _normal && ret=0; fi ;;\n"
	      "\tesac\n\treturn ret\n}\n"
	      "if [[ $funcstack[1] == _tcptrace ]]; then _tcptrace \"$@\"; else compdef _tcptrace tcptrace; fi\n", f);
}

/* ---- fish ---- */

static void fish_option(FILE *f, const struct argp_option *o)
{
	static const char *const by_kind[] = {
		[NOTHING] = " -x", [WORDS] = " -x -a '", [FILES] = " -r -F",
		[DIRS] = " -x -a '(__fish_complete_directories)'", [PIDS] = " -x -a '(__fish_complete_pids)'",
	};
	const struct values *v = values_of(o);

	fputs("complete -c tcptrace -n 'not __tcptrace_program'", f);
	if (has_letter(o))
		fprintf(f, " -s '%c'", o->key);
	fprintf(f, " -l %s", o->name);
	if (v->kind == LIST) {
		fprintf(f, " -x -a '(__fish_complete_list , __tcptrace_%s)'", o->name);
	} else if (o->arg) {
		fputs(by_kind[v->kind], f);
		if (v->words) {
			v->words(f);
			fputc('\'', f);
		}
	}
	fputs(" -d '", f);
	put_quoted(f, o->doc, "\\'", "\\");
	fputs("'\n", f);
}

/* A function that prints one word a line: what __fish_complete_list wants. */
static void fish_list(FILE *f, const struct argp_option *o)
{
	const struct values *v = values_of(o);

	if (v->kind != LIST)
		return;
	fprintf(f, "function __tcptrace_%s\n    string split -n ' ' '", o->name);
	v->words(f);
	fputs("'\nend\n", f);
}

static void fish(FILE *f, const struct command *cmd)
{
	fputs("# tcptrace --completions fish\n"
	      "function __tcptrace_program\n    contains -- -- (commandline -opc)\nend\n", f);
	each(f, fish_list);
	fputs("complete -c tcptrace -f\n"
	      "complete -c tcptrace -n __tcptrace_program -a '(__fish_complete_external_command)'\n", f);
	for (; cmd->name; cmd++) {
		fprintf(f, "complete -c tcptrace -n 'not __tcptrace_program; and __fish_use_subcommand' -a %s -d '",
			cmd->name);
		put_quoted(f, cmd->help, "\\'", "\\");
		fputs("'\n", f);
	}
	fputs("complete -c tcptrace -n '__fish_seen_subcommand_from lab' -a '", f);
	lab_names(f);
	fputs("'\n", f);
	each(f, fish_option);
}

bool completion_print(FILE *f, const struct command *commands, const char *shell)
{
	static const struct {
		const char *name;
		void (*print)(FILE *f, const struct command *cmd);
	} shells[] = { { "bash", bash }, { "zsh", zsh }, { "fish", fish } };

	for (size_t i = 0; i < sizeof(shells) / sizeof(shells[0]); i++) {
		if (!strcmp(shells[i].name, shell)) {
			shells[i].print(f, commands + 1);
			return true;
		}
	}
	return false;
}
