# SPDX-License-Identifier: GPL-2.0-only
# Prints the event lines that match EVENT KEY=VALUE...; with -v count=1 each
# argument is EVENT[,KEY=VALUE...]:N, and each is printed with how many matched.
# After json.awk.
function wanted(i, words, n,    j, at) {
	event[i] = words[1]
	mark[i] = words[1] == "-" ? "{\"type\":\"event\"" : ",\"event\":\"" words[1] "\""
	for (j = 2; j <= n; j++) {
		at = index(words[j], "=")
		keys[i, j - 1] = substr(words[j], 1, at - 1)
		wants[i, j - 1] = substr(words[j], at + 1)
	}
	conditions[i] = n - 1
}
function matches(i,    j, value, want) {
	if (!index($0, mark[i]))
		return 0
	for (j = 1; j <= conditions[i]; j++) {
		value = get(keys[i, j])
		want = wants[i, j]
		if (want == "*" ? value == "" : substr(want, 1, 1) == "~" ? value !~ substr(want, 2) : value != want)
			return 0
	}
	return 1
}
BEGIN {
	if (count) {
		for (i = 1; i < ARGC; i++) {
			what[i] = substr(ARGV[i], 1, match(ARGV[i], /:[^:]*$/) - 1)
			n = split(what[i], part, ",")
			wanted(i, part, n)
		}
	} else {
		for (i = 1; i < ARGC; i++)
			part[i] = ARGV[i]
		wanted(1, part, ARGC - 1)
	}
	all = ARGC - 1
	ARGC = 1
}
index($0, "{\"type\":\"event\"") != 1 { next }
!count {
	if (matches(1))
		print
	next
}
{
	for (i = 1; i <= all; i++)
		found[i] += matches(i)
}
END {
	for (i = 1; count && i <= all; i++)
		print found[i] + 0, what[i]
}
