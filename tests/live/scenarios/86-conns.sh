# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# One line a connection: how it ended, and its bytes beside those that the programs counted.

# lives [ARGS]: the view conns of this namespace, as JSON, until `lived`
lives()
{
	json=$dir/json
	mkfifo "$dir/ready"
	"$tcptrace" conns -j --mechanism "$mechanism" --netns "$ns" --ready-fd 9 "$@" \
		9> "$dir/ready" > "$json" 2> "$dir/talk" &
	pid[tcptrace]=$!
	until_ready
}

lived()
{
	kill -INT "${pid[tcptrace]}" 2>/dev/null
	wait "${pid[tcptrace]}"
	expect "exit status of tcptrace" $? 0
	unset 'pid[tcptrace]'
	cp "$json" "$OUT/$mechanism/$scenario.$family.conns"
	expect "records lost" "$(last_line end lost)" 0
	grep '^{"type":"conn"' "$json" > "$dir/conns"
}

# of PORT ROLE-KEY: how the connections of that port ended, in one line
ends_of() { awk -f "$here/json.awk" -f <(echo "get(\"$2\") == $1 { print get(\"end\") }") "$dir/conns" | unique; }

scenario conns_ends 46 own each loose -- "conns: every way to end that this machine makes has its word, at both ends"
conns_ends()
{
	local at server client got

	sysctl_set ipv4/tcp_synack_retries 1
	sysctl_set ipv4/tcp_orphan_retries 1
	sysctl_set ipv4/tcp_fin_timeout 1
	lives --ends
	"$bin/ends" $v6 20000 > "$dir/ways" 2>> "$dir/errors" || die "ends: $(tail -n 1 "$dir/errors")"
	sleep 1
	lived
	expect ways "$(wc -l < "$dir/ways")" 21
	while read -r at server client; do
		[[ $client == '*' ]] || { got=" $(ends_of $at rport) "; [[ $got == *" $client "* ]] ||
			fail "client of $at ended as '$got', not $client"; }
		got=" $(ends_of $at lport) "
		# the end of an orphan's minisock has no hook here: 60 s would have to pass
		[[ $server != never-closed || $got != "  " ]] || { sees minisock || continue; }
		[[ $server == - ]] && { [[ $got == "  " ]] || fail "server of $at has a line: $got"; continue; }
		[[ $got == *" $server "* ]] || fail "server of $at ended as '$got', not $server"
	done < "$dir/ways"
}

scenario conns_killed 4 own each loose -- "conns: killed by SOCK_DESTROY"
conns_killed()
{
	lives --ends
	server --accept on-line
	client_hold
	serve accept
	ss -K "sport = :$port and dst 127.0.0.1" > /dev/null 2>&1
	[[ -z $(ss -Htn "sport = :$port" state established) ]] || skip "no CONFIG_INET_DIAG_DESTROY"
	kill -KILL "${pid[client]}"
	stop server
	lived
	expect "the server's end" "$(ends_of $port lport)" killed
}
