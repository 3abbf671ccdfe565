# SPDX-License-Identifier: GPL-2.0-only
# One tcptrace watched many namespaces: -v map="INODE=FILE ...": each line goes to
# its namespace's file. Findings have none: their listener or their process tells.
BEGIN {
	n = split(map, part)
	for (i = 1; i <= n; i++) {
		at = index(part[i], "=")
		file[substr(part[i], 1, at - 1)] = substr(part[i], at + 1)
	}
}
function number(key) {
	return match($0, ",\"" key "\":[0-9]+") ? \
		substr($0, RSTART + length(key) + 4, RLENGTH - length(key) - 4) : ""
}
{
	ns = number("netns")
	type = substr($0, 10, 5)
	if (type == "liste")
		of_listener[number("listener")] = ns
	else if (type == "event" && ns != "" && !(number("pid") in of_pid))
		of_pid[number("pid")] = ns
	else if (type == "findi")
		ns = number("listener") != "" ? of_listener[number("listener")] : of_pid[number("pid")]
	if (ns in file)
		print > file[ns]
}
