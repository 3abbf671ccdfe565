# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# Much at once: nothing missed, or what was missed is counted; memory bounded.

# The ring (16 MB, mapped twice) counts as the process's.
memory_limit=64

scenario load 46 alone each -- "10,007 connections as fast as loopback allows"
load()
{
	local n=$((SLOW ? 503 : 10007)) closes

	for closes in client server; do
		own_trace --check
		start load "$bin/load" $v6 --count $n --close-first $closes --port $port
		finish load
		facts load connects=$n accepts=$n errors=0
		within "tcptrace's memory, MB" "$(vmhwm "${pid[tcptrace]}")" 1 $memory_limit
		all_gone
		untrace
		complete_conns $n
		listener_is accepted=$n established=$n
		rm "$json"
	done
}

# A recording that nothing else is asked of is written in batches.
scenario load_recorded 4 alone -- "10,007 connections into -w - alone: their replay has all"
load_recorded()
{
	local n=$((SLOW ? 503 : 10007)) records

	view "$dir/record" '' -w -
	own_counters before
	start load "$bin/load" --count $n --port $port
	finish load
	all_gone
	unview
	own_counters after
	json=$dir/replay
	"$tcptrace" -j -r "$dir/record" > "$json"
	complete_conns $n
	listener_is accepted=$n established=$n
	# its end has how many there are (file_host.before); some say again what is seen
	records=$(tail -c 72 "$dir/record" | od -An -td8 -N8 | tr -d ' ')
	within "records, which are said" "$(sed -n 's/^\([0-9]*\) records, 0 lost .*/\1/p' "$dir/talk")" $((records - 9)) $records
}

# complete_conns N: each of N connections with all its events at both ends
complete_conns()
{
	local n=$1 e all=()

	kernel ActiveOpens=$n PassiveOpens=$n
	for e in connect connect-return synq-add synack synq-del,cause=established acceptq-add,cause=handshake \
		acceptq-del,cause=accepted accept state,old=CLOSE,new=SYN_SENT state,old=SYN_SENT,new=ESTABLISHED \
		state,old=LISTEN,new=SYN_RECV state,old=SYN_RECV,new=ESTABLISHED state,old=ESTABLISHED,new=FIN_WAIT1 \
		state,old=ESTABLISHED,new=CLOSE_WAIT state,old=CLOSE_WAIT,new=LAST_ACK state,old=LAST_ACK,new=CLOSE; do
		all+=("$e:$n")
	done
	events "${all[@]}"
	expect "conns of the handshakes, each once" "$(values conn synq-add | sort -u | wc -l)" "$n"
	expect "conns complete from SYN to close" "$(awk -f "$here/json.awk" -f <(echo '
		BEGIN { split("synq-add synq-del acceptq-add acceptq-del accept close", all) }
		get("lport") == '$port' && get("conn") { seen[get("conn") " " get("event")]++; conn[get("conn")] }
		END {
			for (c in conn) {
				ok = 1
				for (i in all)
					ok = ok && seen[c " " all[i]] == 1
				n += ok
			}
			print n + 0
		}') "$json")" "$n"
}

scenario load_threads 46 alone -- "acceptors and connectors in parallel on two CPUs"
load_threads()
{
	local n=$((SLOW ? 251 : 5003))

	own_trace --check
	start load "$bin/load" $v6 --count $n --acceptors 2 --connectors 2 --reuseport --pin 0,1
	finish load
	facts load connects=$n accepts=$n errors=0
	all_gone
	untrace
	kernel ActiveOpens=$n PassiveOpens=$n
	events accept,conn=*:$n synq-add:$n acceptq-add:$n acceptq-del,cause=accepted:$n
	expect "accepted by both" "$(($(listener accepted 1) + $(listener accepted 2)))" $n
}

# Hooks are attached one after the other, for seconds on a slow machine: nothing is told before all of them are there.
scenario load_running 46 alone -- "5 starts amid connections: no step is missing of what has begun since"
load_running()
{
	local i

	start load "$bin/load" $v6 --count 10000000 --rst --timeout $((SLOW ? 90 : 60))
	for ((i = 0; i < 5; i++)); do
		own_trace
		sleep 0.3
		untrace
		within "transitions" "$(grep -c '"event":"state"' "$json")" 1 10000000
	done
	kill "${pid[load]}"
	finish load 143
}

# With PREEMPT_RT softirqs preempt each other, in the middle of what one hook notes for another.
scenario load_many 4 alone each loose -- "10,007 connections, four threads at each end"
load_many()
{
	local i

	own_trace -q --check
	start load "$bin/load" $v6 --acceptors 4 --connectors 4 --port $port --timeout 170
	for ((i = 0; i < 340; i++)); do		# not heard of for longer than a program may be silent
		kill -0 "${pid[load]}" 2> /dev/null && [[ $(cut -d' ' -f3 "/proc/${pid[load]}/stat") != Z ]] || break
		sleep 0.5
	done
	finish load
	facts load connects=10007 accepts=10007 errors=0
	all_gone
	untrace
	kernel ActiveOpens=10007	# PassiveOpens: of two children of one request, which two threads made, both count
	listener_is accepted=10007 established=10007
}

# What takes references for it (iter/tcp) makes kernels of 5.15 to 7.1.8 free requests too early: CVE-2026-74714.
scenario sweeps_and_syns 4 alone each loose -- "sockets are listed five times a second while others come and go: all that stay are found"
sweeps_and_syns()
{
	local was rows

	was=$(< /proc/sys/kernel/tainted)
	sysctl_set ipv4/tcp_syncookies 0
	server --accept epoll
	client_hold --count 200
	view "$dir/list" conns --all --interval 0.2 --json
	start load "$bin/load" --acceptors 4 --connectors 4 --timeout 170
	finish load
	unview
	facts load connects=10007 accepts=10007 errors=0
	rows=$(grep "port\":$port,.*\"end\":" "$dir/list" | grep -o '"end":"[a-z-]*"')
	expect "of those that stay, how they are told" "$(sort -u <<< "$rows")" '"end":"open"'
	expect "and by each list all of them" "$(($(wc -l <<< "$rows") % 200))" 0
	expect "what makes the kernel tainted" "$(< /proc/sys/kernel/tainted)" "$was"
	client_go
	stop server
}

# A preemptible kernel puts off tasks inside a program, and skips that program for others meanwhile.
scenario preempted 4 own each loose -- "short time slices: what programs were kept from is counted"
preempted()
{
	local slice=/sys/kernel/debug/sched/base_slice_ns was seen missed

	grep -q '(lazy)\|(full)' /sys/kernel/debug/sched/preempt 2>/dev/null || skip "no preemptible kernel, or no debugfs"
	was=$(< $slice)
	echo 500000 > $slice
	own_trace
	client --count 1201 --parallel 7
	echo "$was" > $slice
	kill -INT "${pid[tcptrace]}"
	wait "${pid[tcptrace]}"
	unset 'pid[tcptrace]'
	missed=$(last_line end missed)
	missed=${missed:-0}
	# socket, connect, state, rst-sent, rst-received, state, connect-return, close, destroy
	seen=$(last_line end events)
	# without its entry a call has no return either
	within "events told, $missed missed" "$seen" $((1201 * 9 - 2 * missed)) $((1201 * 9))
	echo "told $seen of $((1201 * 9)), missed $missed" >> "$dir/verdict"
}

scenario refused_1201 4 alone each -- "1,201 refused connects leave nothing in the maps"
refused_1201()
{
	local name id left maps

	command -v bpftool > /dev/null || skip "no bpftool"
	own_trace --check
	client --count 1201 --parallel 7
	facts client refused=1201
	server --accept loop --max 101
	client --count 101
	finish server
	all_gone
	maps=0
	for id in $(sed -n 's/^map_id:[[:space:]]*//p' /proc/"${pid[tcptrace]}"/fdinfo/*); do
		name=$(bpftool map show id "$id" | sed -n '1s/.* name \([a-z_]*\).*/\1/p')
		case $name in
		calls)		# an array: a place that somebody is in has its number
			maps=$((maps + 1))
			left=$(bpftool map dump id "$id" | grep -c '"who": [1-9]')
			within "entries left in $name" "$left" 0 0 ;;
		more_calls | traced_socks)
			maps=$((maps + 1))
			left=$(bpftool map dump id "$id" | grep -c -e '^key' -e '"key"')
			within "entries left in $name" "$left" 0 0 ;;
		esac
	done
	expect "maps looked at" "$maps" 3
	untrace
	kernel ActiveOpens=1302 AttemptFails=1201
	events connect-return,errno=ECONNREFUSED:1201 state,old=SYN_SENT,new=CLOSE:1201 destroy:1404
	expect "conns at the end" "$(($(last_line end conns_now) <= 101))" 1
}

scenario flood 46 alone each -- "5,003 SYNs from as many addresses: exact, or loss is counted"
flood()
{
	local n=$((SLOW ? 503 : 5003)) total

	own_trace --check
	server --backlog 127 --accept none
	peer flood --count $n --for-ms 300
	facts peer syn_sent=$n synack_conns=$n
	within "tcptrace's memory, MB" "$(vmhwm "${pid[tcptrace]}")" 1 $memory_limit
	stop server
	untrace
	events drop:0 synack:$(count synq-add)
	total=$(($(count synq-add) + $(count cookie-sent)))
	expect "queued and answered by cookies" "$total" $n
	kernel SyncookiesSent=$(listener cookies.sent)
	within "peak of the SYN queue" "$(listener synq.peak)" 127 128
}

scenario flood_answered 4 alone -- "a flood whose cookies all come back"
flood_answered()
{
	local n=$((SLOW ? 251 : 5003))

	sysctl_set core/somaxconn 8192
	own_trace --check
	server --backlog 8192 --accept epoll --close-first --max $n
	peer flood --count $n --for-ms 500 --cookie-ack
	finish server
	facts server accepted=$n
	untrace
	kernel PassiveOpens=$n
	events acceptq-add:$n acceptq-del,cause=accepted:$n accept:$n
	listener_is accepted=$n established=$n
}

# The first event behind the gap is a sign of it; a listener that begins after it lacks nothing. What comes while there
# is no room is lost as well, so it takes more than one. grep: the file is long, and awk takes seconds for it.
until_caught_up()
{
	local i

	for ((i = 0; i < patience * 2; i++)); do
		port=8099 client --count 1
		sleep 0.5
		! grep -q '"event":"connect-return",.*"rport":8099,' "$json" || return
	done
	fail "the reader does not catch up"
}

scenario overload 4 alone -- "the reader stopped: what is lost is counted, then the queues are right again"
overload()
{
	local n=$((SLOW ? 1009 : 10007)) counted lost patience=$((patience * 3))	# beside others a load takes long

	own_trace
	kill -STOP "${pid[tcptrace]}"
	for _ in 1 2; do
		start load "$bin/load" --count $n --port 8082
		finish load
		facts load connects=$n accepts=$n
	done
	server --backlog 7 --accept on-line
	peer_start 'auto 1-3; syn 1-5; settle 50; say here; wait-line; rst 4-5; settle 50'
	kill -CONT "${pid[tcptrace]}"
	until_caught_up
	client --count 1
	sleep_until_listed 4
	sleep 1.5	# the loss is told
	start load "$bin/load" --count 10 --port 8083
	finish load
	wait_seen 10 accept lport=8083
	kill -INT "${pid[tcptrace]}"
	finish_tracer
	peer_go
	stop server
	counted=$(last_line end records) lost=$(last_line end lost)
	((SLOW)) || within "records lost" "$lost" 1000 1000000
	expect "lost by event adds up" "$(grep '^{"type":"end"' "$json" | sed 's/.*"lost_by_event":{\([^}]*\)}.*/\1/' |
		tr ',' '\n' | awk -F: '{ n += $2 } END { print n + 0 }')" "$lost"
	expect "lost lines add up" "$(grep '^{"type":"lost"' "$json" |
		awk -f "$here/json.awk" -f <(echo '{ n += get("count") } END { print n + 0 }'))" "$lost"
	# every connection makes the same number of records; all are either here or lost
	within "records and lost ones of each connection" $(((counted + lost) / (2 * n))) 20 32
	((SLOW && !lost)) || expect "incomplete of 8080, 8083" \
		"$(for p in 8080 8083; do grep '^{"type":"listener"' "$json" | grep "\"lport\":$p," | grep -c '"incomplete":true'; done | tr '\n' ' ')" "1 0 "
	expect "queues of the server, from the sweep" \
		"$(grep '"lport":8080' "$json" | grep '^{"type":"listener"' |
			awk -f "$here/json.awk" -f <(echo '{ print get("synq.now"), get("acceptq.now") }'))" "2 4"
}

# Until the accept queue, as ss sees it, holds N.
sleep_until_listed()
{
	local i

	for ((i = 0; i < 500; i++)); do
		[[ $(ss -Hltn "sport = :$port" | awk '{ print $2 }') == "$1" ]] && return
		sleep 0.01
	done
	fail "the accept queue does not hold $1"
}

finish_tracer()
{
	kill_late "${pid[tcptrace]}"
	wait "${pid[tcptrace]}"
	expect "exit status of tcptrace" $? 0
	unset 'pid[tcptrace]'
}
