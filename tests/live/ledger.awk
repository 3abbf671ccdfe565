# SPDX-License-Identifier: GPL-2.0-only
# Files: /proc/net/{snmp,netstat} before and after, then tcptrace's JSON: prints
# "COUNTER kernel counted ours" of each ledger line. With -v name=: our number of
# that counter. After json.awk.
FNR == 1 { file++ }
file <= 2 && $1 in names {
	n = split(names[$1], column)
	for (i = 2; i <= n; i++)
		rose[column[i]] += file == 1 ? -$i : $i
	delete names[$1]
	next
}
file <= 2 { names[$1] = $0; next }
get("type") == "ledger" {
	print get("counter"), get("kernel"), get("counted"), rose[get("counter")] + 0
}
END { if (name) print name in rose ? rose[name] : "unknown" }
