# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# One line a connection: how it ended, and its bytes beside those that the programs counted.

# lives [ARGS]: the view conns of this namespace, as JSON, until `lived`
lives()
{
	json=$dir/json
	view "$json" conns -j "$@"
}

lived()
{
	unview
	cp "$json" "$OUT/$mechanism/$scenario.$family.conns"
	expect "records lost" "$(last_line end lost)" 0
	grep '^{"type":"conn"' "$json" > "$dir/conns"
}

# of PORT ROLE-KEY: how the connections of that port ended, in one line
ends_of() { awk -f "$here/json.awk" -f <(echo "get(\"$2\") == $1 { print get(\"end\") }") "$dir/conns" | unique; }

# At PORT data came, and no RST: tcp_reset() ran all the same.
no_rst_received()
{
	"$tcptrace" -r "$dir/record" -j -e rst-received -P "$1" < /dev/null 2>> "$dir/errors" |
		grep '"event":"rst-received"' > "$dir/rst"
	sees reset-by || sed -i '/"inferred":true/d' "$dir/rst"
	expect "RSTs received at $1" "$(wc -l < "$dir/rst")" 0
}

scenario conns_ends 46 own each loose -- "conns: every way to end that this machine makes has its word, at both ends"
conns_ends()
{
	local at server client got

	sysctl_set ipv4/tcp_synack_retries 1
	sysctl_set ipv4/tcp_orphan_retries 1
	sysctl_set ipv4/tcp_fin_timeout 1
	lives --ends -w "$dir/record"
	"$bin/ends" $v6 20000 > "$dir/ways" 2>> "$dir/errors" || die "ends: $(tail -n 1 "$dir/errors")"
	sleep 1
	lived
	expect ways "$(wc -l < "$dir/ways")" $([[ -c /dev/net/tun ]] && echo 28 || echo 27)
	while read -r at server client; do
		[[ $client == '*' ]] || { got=" $(ends_of $at rport) "; [[ $got == *" $client "* ]] ||
			fail "client of $at ended as '$got', not $client"; }
		got=" $(ends_of $at lport) "
		[[ $server != *\? ]] || sees minisock-reset || continue
		server=${server%\?}
		# the end of an orphan's minisock has no hook here: 60 s would have to pass
		[[ $server != never-closed && $server != reset-late-data || $got != "  " ]] || { sees minisock || continue; }
		# 5.10 and 6.1 do not report the RST of a minisock
		[[ $server != reset-late-data || $got != " unknown " ]] || continue
		[[ $server == - ]] && { [[ $got == "  " ]] || fail "server of $at has a line: $got"; continue; }
		[[ $got == *" $server "* ]] || fail "server of $at ended as '$got', not $server"
		[[ $server != reset-late-data ]] || no_rst_received $at
	done < "$dir/ways"
}

scenario conns_no_minisock 46 own each -- "conns: closed first, and by both FINs, though there was no room for a TIME_WAIT: none is told of"
conns_no_minisock()
{
	sysctl_set ipv4/tcp_max_tw_buckets 3
	own_trace --check -w "$dir/record"
	server --accept loop --echo 5 --max 8
	client --bytes 5 --half-close --count 8		# or the orphan in FIN_WAIT2 is gone at once, and the peer's FIN gets a RST
	finish server
	untrace
	kernel TCPTimeWaitOverflow=5
	events state,old=FIN_WAIT2,new=TIME_WAIT:3 state,old=FIN_WAIT2,new=CLOSE:5
	"$tcptrace" conns --ends -j -r "$dir/record" < /dev/null 2>> "$dir/errors" | grep '^{"type":"conn"' > "$dir/conns"
	expect "how the clients' ends ended" "$(ends_of $port rport)" closed-by-us
	expect "and the server's" "$(ends_of $port lport)" closed-by-them
}

scenario conns_anyhow 46 own each loose -- "conns: of connections that do anything and end anyhow it tells the ends that were on the wire"
conns_anyhow()
{
	needs python3 ss
	sysctl_set ipv4/tcp_fin_timeout 1
	lives --ends
	python3 "$here/anyend.py" run "$local" $port "${SEED:-1}" "${STEPS:-100}" > "$dir/truth" 2>> "$dir/errors" ||
		die "anyend: $(tail -n 1 "$dir/errors")"
	lived
	python3 "$here/anyend.py" check "$dir/truth" "$dir/conns" > "$dir/wrong" 2>> "$dir/errors" || :
	expect "what is not so" "$(head -n 5 "$dir/wrong")" ""
	expect "ends compared" "$(tail -n 1 "$dir/errors")" "$((2 * ${STEPS:-100})) ends compared"
}

scenario conns_unsent 46 own each loose -- "conns: bytes that the full queue of the device throws away, as often as they are tried, have not left"
conns_unsent()
{
	local i

	needs tc
	sysctl_set ipv4/tcp_orphan_retries 1
	server --accept loop
	lives --ends -w "$dir/record"
	(
		exec 5<> "/dev/tcp/$local/$port" && printf '%0100d' 0 >&5 || exit
		sleep 0.2
		tc qdisc add dev lo root pfifo limit 0 || exit
		printf '%0900d' 0 >&5
		sleep 1.5
	) 2>> "$dir/errors" || skip "no pfifo in this kernel"
	for ((i = 0; i < 200; i++)); do
		grep -q '"role":"client"' "$json" && break
		sleep 0.1
	done
	lived
	awk -f "$here/json.awk" -f <(echo 'get("role") == "client" { print get("bytes_out"), get("undelivered") }') "$dir/conns" > "$dir/sums"
	expect "bytes that left, and not" "$(cat "$dir/sums")" "100 901"	# and the FIN
}

scenario conns_elsewhere 4 own each -- "conns -w: of another namespace's listeners it has those of its connections, whose end it does not see, and their figures are part"
conns_elsewhere()
{
	second_device
	start there nsenter -t "$other" -n "$bin/server" --any --port $port --timeout $limit --accept none --backlog 7
	hear there READY
	start alone nsenter -t "$other" -n "$bin/server" --any --port $((port + 1)) --timeout $limit --accept none
	hear alone READY
	lives -w "$dir/record"
	start remote "$bin/client" --hold --timeout $limit 10.99.0.2 "$port"
	hear remote HELD
	unview
	say remote
	finish remote
	stop there
	stop alone
	end other
	"$tcptrace" -q -j -r "$dir/record" > "$json" 2> "$dir/talk"
	expect listeners "$(grep '^{"type":"listener"' "$json" | sed -E 's/.*"lport":([0-9]+),.*/\1/')" "$port"
	expect "of these open or closed" "$(grep -c '"open":' "$json")" 0
	"$tcptrace" -q -r "$dir/record" > "$dir/table" 2> "$dir/talk"
	grep -q ' in >=1 ' "$dir/table" || fail "in: $(grep 'accept queue' "$dir/table")"
}

scenario conns_unknown 4 own each loose -- "conns: where a step that decides was not recorded the end is unknown, and no other word is guessed"
conns_unknown()
{
	local at server client got word

	sysctl_set ipv4/tcp_synack_retries 1
	sysctl_set ipv4/tcp_orphan_retries 1
	sysctl_set ipv4/tcp_fin_timeout 1
	own_trace -q -e state -w "$dir/record"
	"$bin/ends" 20000 > "$dir/ways" 2>> "$dir/errors" || die "ends: $(tail -n 1 "$dir/errors")"
	untrace
	"$tcptrace" conns --ends -j -r "$dir/record" | grep '^{"type":"conn"' > "$dir/conns"
	grep '"end":"unknown"' "$dir/conns" > "$dir/unknown"
	within "unknown ends" "$(wc -l < "$dir/unknown")" 5 30
	expect "unknown, and not why" "$(grep -cv '"unobserved":\[[^]]*"close"' "$dir/unknown")" 0
	while read -r at server client; do
		[[ $server != refused && $server != ghost ]] || continue	# of several connections
		got=" $(ends_of "$at" lport) $(ends_of "$at" rport) "
		for word in $got; do
			[[ " $server $client unknown * " == *" $word "* || $client == '*' ]] || fail "$at ended as $word"
		done
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

scenario conns_memory 46 own each loose -- "conns: more orphans than tcp_max_orphans: the kernel resets what close() left, whoever closed first"
conns_memory()
{
	local at server client got max

	((SLOW)) || skip "tcp_max_orphans is the whole machine's: in a guest"
	lives --ends
	max=$(nsenter -t 1 -n cat /proc/sys/net/ipv4/tcp_max_orphans)
	nsenter -t 1 -n sh -c 'echo 0 > /proc/sys/net/ipv4/tcp_max_orphans' || skip "no tcp_max_orphans"
	"$bin/ends" -o $v6 20100 > "$dir/ways" 2>> "$dir/errors" || die "ends: $(tail -n 1 "$dir/errors")"
	nsenter -t 1 -n sh -c "echo $max > /proc/sys/net/ipv4/tcp_max_orphans"
	sleep 1
	lived
	while read -r at server client; do
		got=" $(ends_of "$at" lport) "
		[[ $got == *" $server "* ]] || fail "servers of $at ended as $got, none as $server"
		[[ $got != *" closed-by-them "* ]] || fail "a server of $at ended as closed-by-them, though its FIN had no answer"
	done < "$dir/ways"
}

scenario conns_alive 46 own each loose -- "conns -a: what is not over at the end: with the program, in the accept queue, in the SYN queue"
conns_alive()
{
	lives -a --ends
	server --backlog 8 --accept on-line
	peer script 'auto 1-3; syn 1-3; settle 50; syn 4; expect-synack 4'
	serve accept
	lived
	stop server
	expect "the server's ends" "$(ends_of $port lport)" "half-open open waiting"
	expect "in the accept queue" "$(grep -c '"end":"waiting"' "$dir/conns")" 2
}

# truth KIND: 1,009 connections of a server that listens on $port, both ends counted
truth()
{
	view "$dir/csv" conns --csv --ends
	python3 "$here/truth.py" "$1" "$port" 1009 > "$dir/counted" || fail "the client of $1 failed"
	all_gone
	unview
	cp "$dir/csv" "$OUT/$mechanism/$scenario.$family.csv"
	expect connections "$(wc -l < "$dir/counted")" 1009
	expect differences "$(python3 "$here/truth.py" --check "$dir/csv" "$dir/counted" "$port" "${@:2}" 2>&1 | head -n 5)" ''
}

scenario conns_nginx 4 host alone own loose -- "conns: bytes of 1,009 connections as nginx and its clients counted them"
conns_nginx()
{
	local i

	needs nginx python3
	chmod 755 "$dir"
	for i in 0 1 2 3; do head -c $((i * i * i * 9001)) /dev/zero > "$dir/f$i"; done
	cat > "$dir/nginx.conf" <<-END
	daemon off; worker_processes 2; pid $dir/nginx.pid; error_log $dir/nginx.error; events {}
	http { log_format counts '\$remote_port \$request_length \$bytes_sent'; access_log $dir/access counts;
		server { listen $port; root $dir; } }
	END
	background nginx nginx -c "$dir/nginx.conf"
	until_port "$port"
	truth nginx "$dir/access"
	end nginx QUIT
}

scenario conns_redis 4 host alone own loose -- "conns: bytes of 1,009 connections as clients of redis counted them"
conns_redis()
{
	needs redis-server python3
	background redis redis-server --port "$port" --save "" --dir "$dir"
	until_port "$port"
	truth redis
	end redis
}

scenario conns_postgres 4 host alone own loose -- "conns: bytes of 1,009 connections as clients of postgres counted them"
conns_postgres()
{
	needs python3
	postgres_at "$port"
	sleep 1
	truth postgres
	end postgres INT
}

scenario conns_tcplife 4 host alone own loose -- "conns: beside tcplife: none that it has is missing, with the bytes that it counts"
conns_tcplife()
{
	local n

	needs tcplife redis-server python3 stdbuf
	port=31337		# tcplife looks at all namespaces: a port that nobody else's tests use
	background redis redis-server --port "$port" --save "" --dir "$dir"
	until_port "$port"
	background tcplife stdbuf -oL tcplife
	for ((n = 0; n < patience * 10; n++)); do grep -qs '^PID' "$dir/tcplife.log" && break; sleep 0.1; done
	view "$dir/csv" conns -a --csv --ends	# a minisock may go on
	python3 "$here/truth.py" redis "$port" 1009 > "$dir/counted" || fail "the client of redis failed"
	"$bin/ends" 31338 > "$dir/ways" 2>> "$dir/errors" || die "ends: $(tail -n 1 "$dir/errors")"
	all_gone
	unview
	end tcplife INT
	end redis
	cp "$dir/tcplife.log" "$OUT/$mechanism/$scenario.$family.tcplife"
	python3 "$here/truth.py" --beside "$dir/csv" "$dir/tcplife.log" "$port" 31361 > "$dir/beside" 2>&1
	n=$(sed -n 's/^\([0-9]*\) of tcplife$/\1/p' "$dir/beside")
	within "connections of tcplife" "$n" 2018 2100
	expect "not here" "$(grep -v ' of tcplife$' "$dir/beside" | head -n 5)" ''
}

# Both families: 127.0.0.0/8 holds 127.0.0.2, but the net of one address does not.
scenario addr_filter 4 own each -- "--addr: in the kernel, connections of one net alone"
addr_filter()
{
	own_trace --addr 127.0.0.2,192.0.2.0/24
	server --accept loop --max 10
	client --count 7
	local=127.0.0.2 client --count 3
	finish server
	all_gone
	untrace
	expect "remote ends of requests" "$(values laddr synq-add | unique)" 127.0.0.2
	expect "requests" "$(count synq-add)" 3
	expect "accepted" "$(count accept)" 3
	expect "children" "$(count state old=LISTEN new=SYN_RECV) $(count state old=SYN_RECV new=ESTABLISHED)" "3 3"
	expect "transitions elsewhere" "$(count state laddr=127.0.0.1 raddr=127.0.0.1 rport=*)" 0
}

scenario comm_filter 4 own each -- "--comm: who has the connection, by name"
comm_filter()
{
	own_trace --comm server
	server --accept loop --max 7
	client --count 7
	finish server
	all_gone
	untrace
	expect "names" "$(values comm - | unique)" server
	expect "accepted" "$(count accept)" 7
}
