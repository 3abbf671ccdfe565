# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# Ordinary trouble at the rate that the machine gives: what we counted is what the kernel counted (untrace compares).
# SECONDS_EACH: how long each goes on.

seconds=${SECONDS_EACH:-4}

# ledger_is_not COUNTER...: the kernel counted something there, or the scenario shows nothing
ledger_is_not()
{
	local name

	for name; do
		within "$name" "$(grep "^{\"type\":\"ledger\",.*\"counter\":\"$name\"" "$json" | awk -f "$here/json.awk" \
			-f <(echo '{ print get("kernel") }'))" 1 100000000
	done
}

# nginx_conf REST: a configuration with one worker and REST in its http block
nginx_conf()
{
	mkdir -p "$dir/www" "$dir/tmp"
	head -c 20000 /dev/zero > "$dir/www/index.html"
	chmod 755 "$dir" "$dir/www" "$dir/tmp"
	cat > "$dir/nginx.conf" <<-EOF
	daemon off; master_process on; worker_processes 1; pid $dir/nginx.pid; error_log $dir/nginx.error;
	events { worker_connections 900; multi_accept off; }
	http {
		access_log off;
		client_body_temp_path $dir/tmp; proxy_temp_path $dir/tmp; fastcgi_temp_path $dir/tmp;
		uwsgi_temp_path $dir/tmp; scgi_temp_path $dir/tmp;
		$1
	}
	EOF
	background nginx nginx -p "$dir" -c "$dir/nginx.conf"
	until_port "$port"
}

# for_a_while COMMAND...: again and again, until the time is over
for_a_while()
{
	local end=$((SECONDS + seconds))

	while ((SECONDS < end)); do
		"$@" > /dev/null 2>> "$dir/errors"
	done
}

# Most clients come by cookie: their data arrives while the accept queue is full, and each such segment is refused anew.
scenario ledger_overload 4 host alone loose -- "nginx overloaded by clients that send at once"
ledger_overload()
{
	local i p=()

	needs nginx
	may_miss='ListenOverflows ListenDrops SyncookiesSent SyncookiesRecv'
	nginx_conf "server { listen 127.0.0.1:$port backlog=3; root $dir/www; gzip on; gzip_comp_level 9; gzip_types *; }"
	own_trace -q --check
	for i in 1 2 3; do
		for_a_while "$bin/client" --count 400 --parallel 40 --timeout-ms 1500 --bytes 64 127.0.0.1 $port &
		p+=($!)
	done
	wait "${p[@]}"
	end nginx QUIT
	all_gone
	untrace
	ledger_is_not ListenOverflows SyncookiesSent SyncookiesRecv
}

scenario ledger_proxy 4 host alone loose -- "a proxy that runs out of local ports"
ledger_proxy()
{
	needs nginx wrk
	sysctl_set ipv4/ip_local_port_range '40000 40050'
	nginx_conf "
		server { listen 127.0.0.1:8081; root $dir/www; }
		server { listen 127.0.0.1:$port; location / { proxy_pass http://127.0.0.1:8081; } }"
	own_trace -q --check
	wrk -t 1 -c 40 -d $seconds --timeout 1 -H 'Connection: close' http://127.0.0.1:$port/ > "$dir/wrk" 2>> "$dir/errors"
	end nginx QUIT
	all_gone
	untrace
	ledger_is_not ActiveOpens PassiveOpens
	grep -q '"type":"finding".*EADDRNOTAVAIL' "$json" || fail "it did not run out of ports"
}

scenario ledger_unread 4 own -- "who reads the steps goes away: the counters are compared all the same"
ledger_unread()
{
	mkfifo "$dir/steps"
	head -n 2 "$dir/steps" > "$dir/read" &
	view "$dir/steps" '' --check
	server --accept loop --max 30
	client --count 30
	finish server
	wait "${pid[tcptrace]}"
	unset 'pid[tcptrace]'
	expect "lines that were read" "$(wc -l < "$dir/read")" 2
	! grep -- --check "$dir/talk" || fail "it did not compare"
}

# Its numbers are those of the connection before, of which five bytes were never acknowledged.
scenario ledger_deferred 4 own -- "TCP_FASTOPEN_CONNECT of a socket that was connected before: the peer's SYN comes, and its own never left"
ledger_deferred()
{
	needs nft python3
	nft -f - <<-EOF || skip "nft does not work here"
	table inet live {
		chain in { type filter hook input priority 0; tcp dport $port-$((port + 9)) tcp flags & psh == psh drop; }
	}
	EOF
	sysctl_set ipv4/tcp_fastopen 5	# data without a cookie
	own_trace --check
	/usr/bin/python3 - $port <<-EOC
	import ctypes, socket, struct, subprocess, sys

	def bound(port):
	    s = socket.socket()
	    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
	    s.bind(('127.0.0.1', port))
	    return s

	for port in range(int(sys.argv[1]), int(sys.argv[1]) + 5):
	    server, client = bound(port), bound(port + 1000)
	    server.listen(1)
	    client.connect(('127.0.0.1', port))
	    taken = server.accept()[0]
	    client.send(b'hello')
	    ctypes.CDLL(None).connect(client.fileno(), struct.pack('H14x', socket.AF_UNSPEC), 16)
	    taken.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
	    taken.close()
	    server.close()
	    client.setsockopt(socket.IPPROTO_TCP, 30, 1)	# TCP_FASTOPEN_CONNECT
	    client.connect(('127.0.0.1', port))
	    other = bound(port)
	    other.settimeout(0.2)
	    try:
	        other.connect(('127.0.0.1', port + 1000))
	    except OSError:
	        pass

	# ... and of one that is aborted before its first write (which would send a SYN in CLOSE, and tcp_disconnect() hides it)
	for port in range(int(sys.argv[1]), int(sys.argv[1]) + 3):
	    client = bound(port + 2000)
	    client.setsockopt(socket.IPPROTO_TCP, 30, 1)
	    client.connect(('127.0.0.1', port))
	    subprocess.run(['ss', '-4', '-K', 'sport', '=', f':{port + 2000}'], stdout=subprocess.DEVNULL)
	    client.close()
	EOC
	all_gone
	untrace
	kernel ActiveOpens=10 AttemptFails=3
}

scenario ledger_firewall 46 host alone loose -- "a firewall that drops every third segment of the server, and some of the clients"
ledger_firewall()
{
	local i p=()

	needs nft
	nft -f - <<-EOF || skip "nft does not work here"
	table inet live {
		chain in { type filter hook input priority 0; tcp sport $port numgen inc mod 3 == 0 drop; }
		chain out { type filter hook output priority 0; tcp dport $port tcp flags != syn numgen inc mod 5 == 0 drop; }
	}
	EOF
	own_trace -q --check
	server --backlog 7 --accept loop
	for i in 1 2 3; do
		for_a_while "$bin/client" --count 30 --parallel 10 --timeout-ms 900 --bytes 2000 $local $port &
		p+=($!)
	done
	wait "${p[@]}"
	stop server
	nft delete table inet live
	all_gone
	untrace
	ledger_is_not RetransSegs ActiveOpens
}

# veth segments in software: one retransmission may carry several segments.
scenario ledger_lossy 4 own each alone loose -- "megabytes over a veth that loses 3 of 100"
ledger_lossy()
{
	needs ip tc
	ip link add live0 type veth peer name live1 2> /dev/null || skip "no veth here"
	ip netns add live-$$ || die "no second namespace"
	ip link set live1 netns live-$$
	ip addr add 10.8.0.1/24 dev live0
	ip link set live0 up
	ip -n live-$$ addr add 10.8.0.2/24 dev live1
	ip -n live-$$ link set live1 up
	tc qdisc add dev live0 root netem loss 3% limit 10000 delay 2ms || { ip netns del live-$$; skip "no netem here"; }
	start server ip netns exec live-$$ "$bin/server" --port $port --timeout $limit --accept epoll --echo 1000
	hear server READY
	own_trace -q --check
	for_a_while "$bin/client" --count 10 --parallel 5 --timeout-ms 5000 --bytes 400000 10.8.0.2 $port
	untrace
	stop server
	ip netns del live-$$
	ledger_is_not RetransSegs
}

# Not untrace: the readings of this script are not those of the same moment.
scenario ledger_at_work 46 host alone loose -- "--check begins and ends in the middle of the traffic"
ledger_at_work()
{
	local i off=0

	server --backlog 128 --accept epoll
	while [[ ! -e $dir/enough ]]; do "$bin/client" --count 1000 $local $port > /dev/null 2>> "$dir/errors"; done &
	pid[traffic]=$!
	for i in 1 2 3; do
		view "$dir/json.$i" '' -q --check --json -d 3
		wait "${pid[tcptrace]}"
		unset 'pid[tcptrace]'
		within "PassiveOpens $i" "$(grep -c '"counter":"PassiveOpens","kernel":[1-9]' "$dir/json.$i")" 1 1
		awk -f "$here/json.awk" -f <(echo 'get("type") == "ledger" && get("kernel") != get("counted")') "$dir/json.$i" > "$dir/differs.$i"
		[[ ! -s $dir/differs.$i ]] || off=$((off + 1))
	done
	# one step that no program saw is possible on this machine: in a softirq on top of some threads none runs
	((off <= 1)) || fail "counters that differ: $(cat "$dir"/differs.*)"
	touch "$dir/enough"
	wait "${pid[traffic]}"
	unset 'pid[traffic]'
	stop server
}

# taken_once: each that accept() gave left the accept queue once, and none of them is one with a connection that a socket made
taken_once()
{
	local twice

	expect "connections that left the accept queue for accept()" \
		"$(lines acceptq-del cause=~'^(accepted|reset)$' | wc -l)" "$(fact dice accepted)"
	twice=$({ values conn state new=SYN_SENT | sort -u; values conn acceptq-add | sort -u; } | sort | uniq -d)
	expect "connections that were accepted and connected" "$twice" ''
}

# By hand, longer: SEED="1 2 3 ..." STEPS=N; build/live/dice -v beside `tcptrace --check --json` tells which step raised what.
# Tracepoints see neither what ss -K does to a request, nor in a group whose cookie it is that comes back once more.
scenario ledger_dice 4 own alone loose -- "a machine and a far end that do what the dice say"
ledger_dice()
{
	local seed without=() may_miss=RetransSegs

	[[ $mechanism != tracepoint ]] || without=(--without "kill,group")
	for seed in ${SEED:-1 2}; do
		own_trace --check
		start dice "$bin/dice" --seed "$seed" --steps "${STEPS:-3000}" "${without[@]}"
		finish dice
		untrace
		((!differ)) || echo "seed $seed: $differ counters differ"
		taken_once
		ledger_is_not ListenDrops SyncookiesSent EmbryonicRsts AttemptFails ActiveOpens PassiveOpens RetransSegs EstabResets
	done
}
