# SPDX-License-Identifier: GPL-2.0-only
# Prints the event lines that match: EVENT KEY=VALUE...; after json.awk.
BEGIN {
	event = ARGV[1]
	for (i = 2; i < ARGC; i++) {
		at = index(ARGV[i], "=")
		keys[++n] = substr(ARGV[i], 1, at - 1)
		wants[n] = substr(ARGV[i], at + 1)
	}
	ARGC = 1
	mark = event == "-" ? "{\"type\":\"event\"" : ",\"event\":\"" event "\""
}
index($0, mark) && index($0, "{\"type\":\"event\"") == 1 {
	for (i = 1; i <= n; i++) {
		value = get(keys[i])
		want = wants[i]
		if (want == "*" ? value == "" : substr(want, 1, 1) == "~" ? value !~ substr(want, 2) : value != want)
			next
	}
	print
}
