# SPDX-License-Identifier: GPL-2.0-only
# Files: /proc/net/{snmp,netstat} before and after, then tcptrace's JSON: prints
# "COUNTER kernel counted ours" of each ledger line. With -v names="A B": our
# numbers of these counters, in their order. After json.awk.
FNR == 1 { file++ }
file <= 2 && $1 in columns {
	n = split(columns[$1], column)
	for (i = 2; i <= n; i++)
		rose[column[i]] += file == 1 ? -$i : $i
	delete columns[$1]
	next
}
file <= 2 { columns[$1] = $0; next }
get("type") == "ledger" {
	print get("counter"), get("kernel"), get("counted"), rose[get("counter")] + 0
}
END {
	n = split(names, name, " ")
	for (i = 1; i <= n; i++)
		print name[i] in rose ? rose[name[i]] : "unknown"
}
