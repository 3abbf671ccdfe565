# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# Programs of the world, from Debian's packages, started before tcptrace, with
# their own clients: what they counted is what we counted.

# at_rest: our listeners are those of ss, queues included
at_rest()
{
	local ours theirs

	ours=$("$tcptrace" --json --netns "$ns" listeners | awk -f "$here/json.awk" -f <(echo '
		{ print get("lport"), get("acceptq_now"), get("effective") }') | sort)
	theirs=$(ss -Hltn | awk '{ n = split($4, a, ":"); print a[n], $2, $3 }' | sort)
	expect "listeners at rest" "$ours" "$theirs"
}

# legal_chains: every connection's transitions, first to last, and how many of each
chains()
{
	lines state "$@" | awk -f "$here/json.awk" -f <(echo '
		{ c = get("conn"); all[c] = all[c] (all[c] == "" ? get("old") : "") ">" get("new") }
		END { for (c in all) n[all[c]]++; for (a in n) print n[a], a }') | sed 's/>TIME_WAIT>CLOSE$/>TIME_WAIT/' | sort
}

scenario nginx_wrk 4 host alone loose -- "nginx, 2 workers, wrk and curl"
nginx_wrk()
{
	local i served workers before n

	needs nginx wrk curl
	mkdir -p "$dir/www" "$dir/tmp"
	echo hello > "$dir/www/index.html"
	chmod 755 "$dir" "$dir/www" "$dir/tmp"
	cat > "$dir/nginx.conf" <<-EOF
	daemon off; master_process on; worker_processes 2; pid $dir/nginx.pid; error_log $dir/nginx.error;
	events { worker_connections 512; }
	http {
		log_format serials '\$connection \$connection_requests';
		access_log $dir/access serials; keepalive_requests 101;
		client_body_temp_path $dir/tmp; proxy_temp_path $dir/tmp; fastcgi_temp_path $dir/tmp;
		uwsgi_temp_path $dir/tmp; scgi_temp_path $dir/tmp;
		server { listen 127.0.0.1:$port backlog=100; root $dir/www; location = /status { stub_status; } }
	}
	EOF
	background nginx nginx -p "$dir" -c "$dir/nginx.conf"
	until_port "$port"
	at_rest
	before=$(curl -s "http://127.0.0.1:$port/status" | awk 'NR == 3 { print $1 }')
	own_trace --check
	for ((i = 0; i < 11; i++)); do
		curl -s -o /dev/null "http://127.0.0.1:$port/" || fail "curl failed"
	done
	wrk -t 2 -c 23 -d 1s "http://127.0.0.1:$port/" > "$dir/wrk" || fail "wrk failed"
	served=$(curl -s "http://127.0.0.1:$port/status" | awk 'NR == 3 { print $1 }')
	workers=$(pgrep_children "${pid[nginx]}")
	at_rest
	untrace
	end nginx QUIT
	n=$((served - before))
	within "accepted by nginx" "$n" 42 1000000
	events accept,conn=*:$n acceptq-del,cause=accepted:$n acceptq-add:$n synq-add:$n
	expect "owners of accept" "$(values pid accept conn=* | unique | tr ' ' '\n' | grep -vcxF "$workers")" 0
	expect "owner of the listener" "$(listener opener.pid)" "${nginx_pid:-$(listener opener.pid)}"
	expect "comm of the server's ends" "$(values comm state lport=$port old=ESTABLISHED | unique)" nginx
	expect "comm of the clients' ends" "$(values comm state rport=$port old=SYN_SENT | unique)" "curl wrk"
	listener_is accepted=$n backlog= acceptq.limit=100
	illegal_chains
}

# What does not begin at a birth, or skips a state.
illegal_chains()
{
	local bad_ones

	bad_ones=$(chains conn=* listener=* | grep -vE '^[0-9]+ LISTEN>SYN_RECV>ESTABLISHED(>CLOSE_WAIT>LAST_ACK>CLOSE|>CLOSE_WAIT>CLOSE|>FIN_WAIT1>(FIN_WAIT2|CLOSING)>(TIME_WAIT|CLOSE)|>FIN_WAIT1>(TIME_WAIT|CLOSE)|>CLOSE)?$')
	expect "chains of transitions that cannot be" "$bad_ones" ""
}

scenario redis_benchmark 4 host alone loose -- "redis-server and redis-benchmark"
redis_benchmark()
{
	local before n

	needs redis-server redis-benchmark redis-cli
	background redis redis-server --port "$port" --bind 127.0.0.1 --dir "$dir" --save '' --tcp-backlog 128 --daemonize no
	until_port "$port"
	at_rest
	own_trace --check
	before=$(redis_count)
	redis-benchmark -p "$port" -n 2003 -c 23 -q -t ping,set > "$dir/bench" 2>&1 || fail "redis-benchmark failed"
	redis-benchmark -p "$port" -n 101 -c 7 -k 0 -q -t ping > "$dir/bench" 2>&1 || fail "redis-benchmark failed"
	n=$(($(redis_count) - before + 1))
	at_rest
	untrace
	within "accepted by redis" "$n" 47 100000
	events accept,conn=*:$n acceptq-del,cause=accepted:$n synq-add:$n
	expect "owner" "$(values pid accept conn=* | unique)" "${pid[redis]}"
	expect "comm of the server's ends" "$(values comm state lport=$port old=ESTABLISHED | unique)" redis-server
	expect "comm of the clients' ends" "$(values comm state rport=$port old=SYN_SENT | unique)" "redis-benchmark redis-cli"
	listener_is accepted=$n acceptq.limit=128 opener.comm=redis-server
	illegal_chains
	end redis
}

redis_count() { redis-cli -p "$port" INFO stats | tr -d '\r' | sed -n 's/^total_connections_received://p'; }

scenario http_server 4 host alone loose -- "python3 -m http.server and curl"
http_server()
{
	local i

	needs python3 curl
	mkdir "$dir/www"
	echo hello > "$dir/www/index.html"
	background python /usr/bin/python3 -u -m http.server -d "$dir/www" -b 127.0.0.1 "$port"
	until_port "$port"
	at_rest
	own_trace --check
	for ((i = 0; i < 23; i++)); do
		curl -s "http://127.0.0.1:$port/" | grep -q hello || fail "curl failed"
	done
	at_rest
	untrace
	expect "requests in the server's log" "$(grep -c '"GET / HTTP' "$dir/python.log")" 23
	events accept,conn=*:23 acceptq-del,cause=accepted:23 synq-add:23 connect:23
	expect "owner" "$(values pid accept conn=* | unique)" "${pid[python]}"
	expect "owners of the clients' ends" "$(values comm connect | unique)" curl
	listener_is accepted=23 acceptq.limit=5 effective=5
	illegal_chains
	end python
}

# kernel_listener_on PORT KERN: of the kernel's own, made as if for a process where KERN is 0
kernel_listener_on() { insmod "$bin/listener.ko" port="$1" kern="$2" || die "insmod"; }

# connects_to PORT N: and until the kernel has closed its end of them
connects_to()
{
	port=$1 client --count "$2"
	all_gone
	expect "accepted on port $1" "$(< /sys/module/listener/parameters/accepted)" "$2"
}

scenario kernel_listener 46 own each loose -- "nobody's listener: a module's, as nfsd and nvmet-tcp have them"
kernel_listener()
{
	[[ -e $bin/listener.ko ]] || skip "no module of ours for this kernel (tests/vm/listener)"
	kernel_listener_on 8080 0
	own_trace --check
	connects_to 8080 23
	rmmod listener
	kernel_listener_on 8081 1
	connects_to 8081 101
	rmmod listener
	untrace
	kernel PassiveOpens=124
	events acceptq-add:124 acceptq-del,cause=accepted:124 acceptq-add,comm='[kernel]',pid=:124
	if sees kernel-calls; then
		events listen,lport=8081,comm='[kernel]',pid=:1 accept,comm='[kernel]',pid=:124
	fi
	expect "owners" "$(grep '^{"type":"listener"' "$json" | awk -f "$here/json.awk" -f <(echo '
		{ print get("lport"), get("opener.comm"), get("opener.pid"), get("accepted") }') | sort | paste -sd,)" \
		"8080 [kernel]  23,8081 [kernel]  101"
}
