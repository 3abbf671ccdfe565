// SPDX-License-Identifier: GPL-2.0-only
/*
 * tcptrace --completions bash|zsh|fish: `make install` puts each where its shell
 * looks for it. What takes no words, files or processes completes to nothing, and
 * never to the names of files that lie about.
 */
#include <string.h>

#include "completion.h"
#include "lab/lab.h"
#include "options.h"

enum kind { NOTHING, WORDS, LIST, FILES, DIRS, PIDS };	/* LIST: words with commas between */

static void lab_names(FILE *f)
{
	const char *name;

	for (unsigned int i = 0; (name = lab_name(i)); i++)
		fprintf(f, "%s ", name);
}

static enum kind kind_of(const struct argp_option *o)
{
	if (option_word(o->key, 0))
		return option_takes_list(o->key) ? LIST : WORDS;
	switch (o->key) {
	case 'p': case OPT_NETNS: return PIDS;
	case OPT_CGROUP: return DIRS;
	case 'r': case 'w': case 'o': case OPT_TEXTFILE: case OPT_HTML: return FILES;
	}
	return NOTHING;
}

/* A blank after each. */
static void words(FILE *f, const struct argp_option *o)
{
	const char *word;

	for (unsigned int i = 0; (word = option_word(o->key, i)); i++)
		fprintf(f, "%s ", word);
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
	enum kind kind = kind_of(o);

	if (!o->arg)
		return;
	fputs("\t", f);
	if (has_letter(o))
		fprintf(f, "-%c|", o->key);
	fprintf(f, "--%s) %s", o->name, by_kind[kind]);
	if (kind == WORDS || kind == LIST) {
		words(f, o);
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
	enum kind kind = kind_of(o);

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
		fprintf(f, ":%s", by_kind[kind]);
		words(f, o);
		if (kind == WORDS)
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
	enum kind kind = kind_of(o);

	fputs("complete -c tcptrace -n 'not __tcptrace_program'", f);
	if (has_letter(o))
		fprintf(f, " -s '%c'", o->key);
	fprintf(f, " -l %s", o->name);
	if (kind == LIST) {
		fprintf(f, " -x -a '(__fish_complete_list , __tcptrace_%s)'", o->name);
	} else if (o->arg) {
		fputs(by_kind[kind], f);
		if (kind == WORDS) {
			words(f, o);
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
	if (kind_of(o) != LIST)
		return;
	fprintf(f, "function __tcptrace_%s\n    string split -n ' ' '", o->name);
	words(f, o);
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
