# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# tcptrace metrics: what it answers with, beside a tcptrace that writes JSON, and read by a real Prometheus.

# metrics ARGS: answering at $url when this returns
metrics()
{
	mkfifo "$dir/ready"
	"$tcptrace" metrics --netns "$ns" --mechanism "$mechanism" --ready-fd 9 "$@" \
		9> "$dir/ready" > /dev/null 2> "$dir/metrics.talk" &
	pid[metrics]=$!
	url=http://127.0.0.1:9817/metrics
	until_ready
}

# scrape FILE: a page that is younger than what was done before
scrape()
{
	sleep 1.3
	curl -sf "$url" > "$dir/page" || fail "no answer: $(cat "$dir/metrics.talk")"
	grep -v 'port="9817"' "$dir/page" > "$dir/$1"	# it sees who reads it, too
}

# metric FILE NAME{LABELS: its value (the end of the labels may be left out)
metric() { grep -F "$2" "$dir/$1" | grep -v '^#' | head -n 1 | sed 's/.* //'; }

# memory_kb PID: what it takes, BPF's maps and programs with it; what it has mapped of them counts once
memory_kb()
{
	local resident kernel

	resident=$(awk '/^[0-9a-f]+-/ { map = $6 == "anon_inode:bpf-map" } /^Rss:/ && !map { kb += $2 } END { print kb }' "/proc/$1/smaps")
	kernel=$(awk '/^memlock:/ { n = $2 } /^(map|prog)_id:/ { of[$0] = n } END { for (i in of) sum += of[i]; print int(sum / 1024) }' \
		"/proc/$1/fdinfo"/*)
	echo "$(date +%T) metrics: $resident kB resident, $kernel kB in the kernel" >> "${OUT:-$dir}/metrics"
	echo $((resident + kernel))
}

scenario metrics_run 46 own -- "metrics are the summary of a run beside it; both formats are right; two scrapers see the same"
metrics_run()
{
	local cause

	needs curl promtool
	own_trace --check
	metrics
	server --backlog 2 --accept none
	client_hold --nonblock --count 8 --timeout-ms 150
	scrape none		# whose connection is one more that is counted
	scrape one
	scrape two
	grep -v -e '^process_' -e '^tcptrace_events_' -e full_seconds -e oldest_seconds "$dir/one" > "$dir/one.same"
	grep -v -e '^process_' -e '^tcptrace_events_' -e full_seconds -e oldest_seconds "$dir/two" > "$dir/two.same"
	cmp -s "$dir/one.same" "$dir/two.same" || fail "two scrapers: $(diff "$dir/one.same" "$dir/two.same" | head -n 3)"
	promtool check metrics < "$dir/page" > "$dir/promtool" 2>&1 || fail "promtool: $(head -n 3 "$dir/promtool")"
	[[ ! -s $dir/promtool ]] || fail "promtool: $(head -n 3 "$dir/promtool")"
	expect established "$(metric one "tcptrace_established_total{")" 3
	expect refused "$(metric one "port=\"$port\",comm=\"server\",cause=\"acceptq-full-syn\"")" 5
	expect "accept queue" "$(metric one "tcptrace_accept_queue_length{")" 3
	expect limit "$(metric one "tcptrace_accept_queue_limit{")" 2
	expect peak "$(metric one "tcptrace_accept_queue_peak{")" 3
	expect backlog "$(metric one "tcptrace_listener_backlog{")" 2
	expect "causes that are there from the first" "$(grep -c '^tcptrace_refused_total' "$dir/one")" 7
	expect lost "$(metric one tcptrace_events_lost_total)" 0
	within "memory in kB" "$(($(metric one process_resident_memory_bytes) / 1024))" 1000 40960
	within "memory with maps in kB" "$(memory_kb "${pid[metrics]}")" 15000 40960
	expect differences "$(grep '^tcptrace_ledger_difference' "$dir/two" | grep -vc ' 0$')" 0
	stop server
	client_go
	scrape closed
	expect "established, after the end" "$(metric closed "tcptrace_established_total{")" 3
	expect "queue of nobody" "$(metric closed "tcptrace_accept_queue_length{")" ''
	end metrics INT
	untrace
	expect "established, by the other" "$(listener established 2)" 3
	expect "refused, by the other" "$(listener drops 2)" 5
	expect "peak, by the other" "$(listener acceptq.peak 2)" 3
}

scenario metrics_prometheus 4 own -- "a real Prometheus reads it; each expression of the dashboard and each rule works"
metrics_prometheus()
{
	local expr n i

	needs prometheus curl python3
	metrics
	server --backlog 2 --accept none
	client_hold --nonblock --count 8 --timeout-ms 150
	cat > "$dir/prometheus.yml" <<-EOF
	global: {scrape_interval: 1s, evaluation_interval: 1s}
	rule_files: [$here/../../user/packaging/prometheus/tcptrace.rules.yml]
	scrape_configs: [{job_name: tcptrace, static_configs: [{targets: ["127.0.0.1:9817"]}]}]
	EOF
	background prometheus prometheus --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/tsdb" \
		--web.listen-address=127.0.0.1:9090 --log.level=warn
	until_port 9090
	for ((i = 0; i < 100; i++)); do
		n=$(query 'count_over_time(tcptrace_established_total{comm="server"}[1m])')
		((${n:-0} >= 6)) && break
		sleep 0.2
	done
	within "scrapes that gave established" "${n:-0}" 6 100
	expect "established, by Prometheus" "$(query 'tcptrace_established_total{comm="server"}')" 3
	expect "refused, by Prometheus" "$(query 'sum(tcptrace_refused_total{comm="server"})')" 5
	expect "rule of what was refused" "$(query 'count(instance:tcptrace_refused:rate5m)')" 1
	expressions > "$dir/expressions"
	within "expressions of the dashboard" "$(wc -l < "$dir/expressions")" 15 100
	while IFS= read -r expr; do
		n=$(query "count($expr)")
		((${n:-0} >= 1)) || fail "no series: $expr ($(tail -n 1 "$dir/answer"))"
	done < "$dir/expressions"
	n=$(curl -sf http://127.0.0.1:9090/api/v1/rules | grep -o '"health":"ok"' | wc -l)
	expect "rules that Prometheus evaluates" "$n" "$(grep -cE -- '- (alert|record):' "$here/../../user/packaging/prometheus/tcptrace.rules.yml")"
	end prometheus
	end metrics INT
	stop server
	client_go
}

# query EXPRESSION: the value of its first series
query()
{
	curl -sf http://127.0.0.1:9090/api/v1/query --data-urlencode "query=$1" > "$dir/answer"
	python3 -c 'import json, sys
r = json.load(sys.stdin)["data"]["result"]
print(r[0]["value"][1] if r else "")' < "$dir/answer" 2> /dev/null
}

# Each expression of the dashboard, its variables filled in as Grafana does.
expressions()
{
	python3 -c 'import json, sys
for p in json.load(sys.stdin)["panels"]:
    for t in p.get("targets", []):
        e = t["expr"].replace("$__rate_interval", "1m")
        for v in ("job", "instance", "namespace", "listener"):
            e = e.replace("$" + v, ".*")
        print(e)' < "$here/../../user/packaging/grafana/tcptrace.json"
}

scenario metrics_flood 4 own alone -- "answers within 50 ms while SYNs come as fast as they can"
metrics_flood()
{
	local i slowest

	needs curl
	metrics
	server --backlog 128 --accept loop
	start peer "$bin/peer" --port "$port" --timeout $limit flood --count 60000 --for-ms 300
	for ((i = 0; i < 20; i++)); do
		curl -sf -o /dev/null -w '%{time_total}\n' "$url"
		sleep 0.05
	done > "$dir/times"
	end peer
	expect "answers" "$(wc -l < "$dir/times")" 20
	slowest=$(sort -n "$dir/times" | tail -n 1)
	echo "slowest answer: $slowest s" >> "$OUT/metrics"
	within "slowest answer in us" "$(awk '{ printf "%d", $1 * 1e6 }' <<< "$slowest")" 1 50000
	scrape after
	within "SYN queue's peak" "$(metric after "tcptrace_syn_queue_peak{")" 64 1000
	end metrics INT
	stop server
}

scenario metrics_clients 4 own -- "a client that closes his side is answered, silent ones keep nobody out, any address is IPv4's, too"
metrics_clients()
{
	local before after

	needs curl python3
	echo 1 > /proc/sys/net/ipv6/bindv6only
	metrics --listen :9817
	python3 - <<-'EOF' > "$dir/clients" || fail "clients: $(cat "$dir/clients")"
	import socket, time
	def connected():
	    return socket.create_connection(("127.0.0.1", 9817), 8)
	for _ in range(20):		# request and FIN in one segment
	    c = connected()
	    c.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
	    c.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
	    c.shutdown(socket.SHUT_WR)
	    answer = c.makefile().read()
	    assert answer.endswith("ok\n"), answer
	silent = [connected() for _ in range(16)]
	time.sleep(0.2)
	began = time.monotonic()
	c = connected()
	c.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
	assert c.makefile().readline().startswith("HTTP/1.1 200"), "no page"
	took = time.monotonic() - began
	print("beside 16 silent ones after", took, "s")
	assert took < 2, took
	EOF
	cat "$dir/clients" >> "$OUT/metrics"
	prlimit --pid "${pid[metrics]}" --nofile=10:
	curl -s -o /dev/null -m 1.5 "$url" &
	before=$(ticks "${pid[metrics]}")
	wait $!
	after=$(ticks "${pid[metrics]}")
	within "CPU time without a descriptor, in ticks" "$((after - before))" 0 50
	prlimit --pid "${pid[metrics]}" --nofile=1000:
	scrape again
	end metrics INT
}

scenario metrics_activated 4 own -- "systemd opens the socket: who asked first is answered there, nothing listens elsewhere; no other socket will do"
metrics_activated()
{
	needs systemd-socket-activate curl python3
	background activate systemd-socket-activate -l 127.0.0.1:9999 "$tcptrace" metrics --netns "$ns" --mechanism "$mechanism"
	until_port 9999
	curl -sf -m $patience http://127.0.0.1:9999/metrics > "$dir/page" || fail "who asked first is not answered"
	grep -q '^tcptrace_build_info' "$dir/page" || fail "no page: $(head -n 2 "$dir/page")"
	expect "who else listens" "$(ss -Hltn | grep -cv ':9999 ')" 0
	expect "flags of its socket: nonblocking, closed by exec" "$(socket_flags "${pid[activate]}")" 02004002
	end activate INT
	unset 'pid[activate]'
	# two sockets, and one that does not listen
	python3 - "$tcptrace" metrics --netns "$ns" --mechanism "$mechanism" <<-'EOF' > "$dir/said" 2>&1
	import os, socket, subprocess, sys
	a, b = socket.create_server(("127.0.0.1", 9998)), socket.socket()
	for n, first in (2, a), (1, b):
	    os.dup2(first.fileno(), 3)
	    env = "import os, sys; os.environ.update(LISTEN_FDS='%d', LISTEN_PID=str(os.getpid())); os.execv(sys.argv[1], sys.argv[1:])" % n
	    print(subprocess.run([sys.executable, "-c", env] + sys.argv[1:], pass_fds=[3], timeout=30).returncode, flush=True)
	EOF
	expect "exit status of both" "$(grep -c '^1$' "$dir/said")" 2
	expect "what is said of both" "$(grep -c 'LISTEN_FDS: metrics answers at one socket that listens' "$dir/said")" 2
}

# socket_flags PID: of its descriptor 3, in octal
socket_flags() { sed -n 's/^flags:\t*//p' "/proc/$1/fdinfo/3"; }

# ticks PID: its CPU time
ticks() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }

scenario metrics_textfile 4 own -- "a page that cannot be written is said when that happens; the run fails by its last one; -i says how often"
metrics_textfile()
{
	local i

	mkdir "$dir/there"
	"$tcptrace" metrics --netns "$ns" --mechanism "$mechanism" --textfile "$dir/there/no/m.prom" > /dev/null 2> "$dir/talk" &
	pid[metrics]=$!
	for ((i = 0; i < 100; i++)); do
		grep -q 'no/m.prom: No such file' "$dir/talk" && break
		sleep 0.1
	done
	((i < 100)) || fail "it says nothing: $(cat "$dir/talk")"
	mkdir "$dir/there/no"
	kill -INT "${pid[metrics]}"
	wait "${pid[metrics]}"
	expect "exit status" $? 0
	unset 'pid[metrics]'
	expect "how often it is said" "$(grep -c 'no/m.prom: No such file' "$dir/talk")" 1
	grep -q '^tcptrace_build_info' "$dir/there/no/m.prom" || fail "no page at the end"

	"$tcptrace" metrics --netns "$ns" --mechanism "$mechanism" --textfile "$dir/often" -i 0.5 > /dev/null 2> "$dir/talk" &
	pid[metrics]=$!
	until [[ -e $dir/often ]]; do sleep 0.1; done
	for ((i = 0; i < 40; i++)); do
		stat -c %i%Y "$dir/often"
		sleep 0.1
	done | sort -u > "$dir/files"
	end metrics INT
	within "files that were written in four seconds" "$(wc -l < "$dir/files")" 4 10
}

# woken PID: how often its first thread has slept
woken() { awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$1/status"; }

scenario metrics_idle 4 own -- "while nothing happens it wakes once a second, and what happens then is on the page soon"
metrics_idle()
{
	local before

	metrics
	server --backlog 2 --accept none
	sleep 2
	before=$(woken "${pid[metrics]}")
	sleep 5
	within "times that it woke in five seconds" $(($(woken "${pid[metrics]}") - before)) 1 25
	client_hold --count 1
	scrape one
	expect established "$(metric one "tcptrace_established_total{")" 1
}

established() { awk '/^tcptrace_established_total/ { n += $NF } END { print n }' "$dir/many"; }

scenario metrics_many 4 own alone -- "10,000 listeners: rows stay under the bound, memory too"
metrics_many()
{
	local i n rss

	needs curl python3
	metrics --max-listeners 100
	scrape before	# the listener that answers has its row, so that its connections are not in "other"
	scrape before
	start many python3 "$here/listeners.py" 10000
	hear many READY
	for ((i = 0; i < patience; i++)); do
		scrape many
		[[ $(established) == 10000 ]] && break
	done
	n=$(grep -c '^tcptrace_established_total{' "$dir/many")
	within "rows" "$n" 100 101
	expect "established in all" "$(established)" 10000
	expect "listeners with a row" "$(metric many 'state="shown"')" 100
	within "listeners without one" "$(metric many 'state="other"')" 9900 9901
	rss=$(metric many process_resident_memory_bytes)
	within "resident kB" "$((rss / 1024))" 10000 60000	# 18 MB of it are the rings
	echo "10,000 listeners: $((rss / 1024)) kB, page $(wc -c < "$dir/many"), $(metric many process_cpu_seconds_total) s" >> "$OUT/metrics"
	say many
	finish many
	end metrics INT
}

scenario notify 4 own host -- "a unit with Type=notify: systemd is told when all is attached, and for no program that is traced"
notify()
{
	needs python3
	start systemd python3 -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
s.settimeout(float(sys.argv[2]))
print("BOUND", flush=True)
print("told:", s.recv(100).decode())' "$dir/systemd" $patience
	hear systemd BOUND
	NOTIFY_SOCKET=$dir/systemd "$tcptrace" -q --mechanism "$mechanism" -d 0.2 > /dev/null 2> "$dir/talk"
	finish systemd
	expect "what systemd is told" "${last[systemd]}" "told: READY=1"
	NOTIFY_SOCKET=$dir/none "$tcptrace" -q --mechanism "$mechanism" -d 0.2 > /dev/null 2> "$dir/talk"
	expect "exit status where nobody listens" $? 0
	grep -q "NOTIFY_SOCKET '$dir/none': No such file" "$dir/talk" || fail "it says $(cat "$dir/talk")"
	NOTIFY_SOCKET=$dir/none "$tcptrace" -q --mechanism "$mechanism" -- true > /dev/null 2> "$dir/talk"
	expect "what is said of a program" "$(grep NOTIFY "$dir/talk")" ''
}

scenario privileges 4 own -- "what is left once it is attached: no capability too many, no new privileges, seccomp where it answers or replays"
privileges()
{
	local status http

	# CAP_SYS_PTRACE 19, SYS_ADMIN 21, DAC_READ_SEARCH 2, PERFMON 38, BPF 39
	own_trace --check -w "$dir/record"
	capabilities "$(< "/proc/${pid[tcptrace]}/status")" "$((1 << 19 | 1 << 2 | 1 << 38 | 1 << 39 | 1 << 0 | 1 << 1 | 1 << 3))"
	server --accept loop --max 3
	client --count 3
	finish server
	untrace
	listener_is established=3 accepted=3
	metrics
	for status in "/proc/${pid[metrics]}"/task/*/status; do
		[[ $status == */${pid[metrics]}/status ]] || http=$(< "$status")
	done
	capabilities "$http" 0
	expect "seccomp of who answers" "$(sed -n 's/^Seccomp:\t//p' <<< "$http")" 2
	end metrics INT
}

# capabilities STATUS MASK: none beyond the mask, in no set; no new privileges
capabilities()
{
	local set mask

	for set in CapPrm CapEff CapInh CapBnd CapAmb; do
		mask=$(sed -n "s/^$set:\t//p" <<< "$1")
		expect "$set beyond $2" "$((16#$mask & ~$2))" 0
	done
	expect "no new privileges" "$(sed -n 's/^NoNewPrivs:\t//p' <<< "$1")" 1
}

scenario privileges_replay 4 own -- "a replay has system calls for files alone, before a byte of the recording is read"
privileges_replay()
{
	own_trace -w "$dir/record"
	server --accept loop --max 3
	client --count 3
	finish server
	untrace
	mkfifo "$dir/pipe"
	confined_replay -q
	grep -q 'events, 0 lost' "$dir/out" || fail "no summary: $(tail -n 2 "$dir/talk")"
	confined_replay listeners
	grep -q "^SYNQ" "$dir/out" || fail "no header: $(tail -n 2 "$dir/talk")"
}

# confined_replay OPTION
confined_replay()
{
	local status i

	"$tcptrace" "$1" -r "$dir/pipe" > "$dir/out" 2> "$dir/talk" &
	pid[replay]=$!
	exec {pipe}> "$dir/pipe"
	for ((i = 0; i < 100; i++)); do
		status=$(< "/proc/${pid[replay]}/status")
		[[ $status == *$'Seccomp:\t2'* ]] && break
		sleep 0.05
	done
	capabilities "$status" "$((1 << 2))"
	expect seccomp "$(sed -n 's/^Seccomp:\t//p' <<< "$status")" 2
	cat "$dir/record" >&"$pipe"
	exec {pipe}>&-
	wait "${pid[replay]}"
	unset 'pid[replay]'
}

scenario program_user 4 own -- "-- PROGRAM runs as who called sudo, or as -u says"
program_user()
{
	needs id
	SUDO_UID=65534 SUDO_GID=65534 "$tcptrace" -q -- id -u > "$dir/out" 2> "$dir/talk"
	expect "under sudo" "$(head -n 1 "$dir/out")" 65534
	grep -q 'who called sudo' "$dir/talk" || fail "it does not say as whom it runs"
	SUDO_UID=65534 SUDO_GID=65534 "$tcptrace" -q -u root -- id -u > "$dir/out" 2> "$dir/talk"
	expect "-u root" "$(head -n 1 "$dir/out")" 0
	local sudo
	for sudo in SUDO_UID=1000 SUDO_GID=1000 "SUDO_UID=x SUDO_GID=1" "SUDO_UID=1 SUDO_GID=" "SUDO_UID=4294967295 SUDO_GID=1"; do
		# shellcheck disable=SC2086 # two words
		env $sudo "$tcptrace" -q -- id -u > "$dir/out" 2> "$dir/talk"
		expect "status with $sudo" $? 1
		expect "it ran as, with $sudo" "$(cat "$dir/out")" ""
		grep -q 'do not say who called sudo' "$dir/talk" || fail "with $sudo it does not say why it runs nothing"
	done
	SUDO_UID=x "$tcptrace" -q -u root -- id -u > "$dir/out" 2> "$dir/talk"
	expect "-u root, whatever sudo said" "$(head -n 1 "$dir/out")" 0
	"$tcptrace" -q -u daemon -- id -un > "$dir/out" 2> "$dir/talk"
	expect "-u daemon" "$(head -n 1 "$dir/out")" daemon
	"$tcptrace" -q -u daemon -- sleep 100 > "$dir/out" 2> "$dir/talk" &
	pid[tcptrace]=$!
	until pgrep_children "${pid[tcptrace]}" | grep -q .; do sleep 0.05; done
	sleep 1
	kill -TERM "${pid[tcptrace]}"
	wait "${pid[tcptrace]}"
	expect "a signal reaches a program of another user" $? 143
	unset 'pid[tcptrace]'
}
