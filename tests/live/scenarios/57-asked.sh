# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# A run that asks for a part of what there is: that part is as the kernel counts it, the rest is unknown, not 0.

# 8 clients, 3 are held, 5 refused; and one at a port where nobody listens
overflow()
{
	server --backlog 2 --accept none
	client_hold --nonblock --count 8 --timeout-ms 150
	stop server
	client_go
	facts client ok=3 timeout=5
	port=8099 client --count 1
	untrace
	kernel ListenOverflows=5 ListenDrops=5 PassiveOpens=3 ActiveOpens=9
}

# unknown KEY...: of the listener
unknown()
{
	local key

	for key; do
		expect "key $key of the listener" "$(listener $key)" ""
	done
}

refused="drops=5 refused.acceptq-full-syn=5"

scenario asked_quiet 46 own -- "-q: both queues whole, no record of anything else"
asked_quiet()
{
	own_trace -q
	overflow
	events connect:0 drop:0
	listener_is $refused established=3 accepted=0 acceptq.peak=3 synq.peak=1 backlog=2 decides=backlog
	expect findings "$(findings)" "accept-stalled"
}

scenario asked_trouble 46 own -- "-x: refusals and failures; what goes well is not counted"
asked_trouble()
{
	own_trace -x
	overflow
	events drop,cause=acceptq-full-syn:5 connect-return,errno=ECONNREFUSED:1 connect:0 accept:0 synq-add:0
	# by tracepoints those that a sweep found in the queue by then
	[[ $mechanism == tracepoint ]] || events acceptq-del,cause=listener-closed:3
	listener_is $refused
	unknown established accepted acceptq.wait.count
	[[ $(findings) == acceptq-full* ]] || fail "findings are '$(findings)'"
}

# Where a sweep alone sees the end, it comes while somebody may wait, and not before.
scenario asked_expired 46 own -- "-x: requests that expire after it had nothing to sweep for"
asked_expired()
{
	sysctl_set ipv4/tcp_synack_retries 1
	own_trace -x
	sleep 2.5
	server --accept on-line
	peer no-ack --count 5 --for-ms $((SLOW ? 4500 : 3700))
	expect "ss: half-open" "$(ss -Htn state syn-recv | wc -l)" 0
	stop server
	untrace
	events synack-retrans:5 synq-del:5 synq-del,cause=expired:5 synq-add:0
}

scenario asked_came_in 46 own -- "-x: who came in late, and was gone before a sweep, has not expired"
asked_came_in()
{
	own_trace -x
	server --accept loop
	peer script 'syn 1-7; expect-synack 1-7; sleep-ms 1400; auto 1-7; ack 1-7; fin 1-7; settle 100;
		syn 11-17; expect-synack 11-17; sleep-ms 500; auto 11-17; ack 11-17; fin 11-17; settle 1500'
	stop server
	untrace
	kernel PassiveOpens=14
	events synack-retrans:7 synq-del,cause=expired:0
}

scenario asked_trouble_none 4 alone -- "-x, and all went well: one line says so, and what is not watched"
asked_trouble_none()
{
	local line='^  (The listener refused nothing|None of [0-9]+ listeners refused anything) \([0-9]+\.[0-9] s\)$'

	# the server ends a connection: where both may, the kernel answers a late ACK with a RST now and then
	server --accept loop --max 23 --close-first
	view "$dir/text" '' -x
	client --count 23 --wait-close
	finish server
	unview
	expect "lines between heading and the last one" "$(grep -vE '^$|^EVENT|^[0-9]+ events' "$dir/text")" \
		"$(grep -E "$line|^  Not watched" "$dir/text")"
	grep -qE "$line" "$dir/text" || fail "it says: $(cat "$dir/text")"
	grep -q '^  Not watched: .* -q shows that\.$' "$dir/text" || fail "what is not watched is not said"
}

scenario asked_drop 46 own -- "-e drop: refusals alone"
asked_drop()
{
	own_trace -e drop
	overflow
	events drop,cause=acceptq-full-syn:5 connect:0 acceptq-del:0
	listener_is $refused
	unknown established accepted expired cookies.sent
	expect "no other events" "$(grep -c '^{"type":"event"' "$json")" 5
	# by tracepoints those that a sweep found waiting went down with it
	[[ $(findings) == acceptq-full?( closed-waiting) ]] || fail "findings are '$(findings)'"
}

scenario asked_checked 4 own -- "--check asks for what its rows are counted from, beside -e drop"
asked_checked()
{
	own_trace --check -e drop
	overflow
	expect "no other events" "$(grep -c '^{"type":"event"' "$json")" 5
}

scenario asked_accept 46 own -- "-e accept: who takes, and how long it waited for that"
asked_accept()
{
	own_trace -e accept
	server --accept loop --max 5
	client --count 5
	finish server
	untrace
	events accept:5 acceptq-del:0 state:0
	unknown established drops
}

# recorded FILE EVENT: how many of them a replay of all that the file has shows
recorded()
{
	"$tcptrace" -r "$dir/$1" --json | grep -c "\"event\":\"$2\"" || true
}

timewaits()
{
	"$tcptrace" -r "$dir/$1" --json -e exists | grep -c '"new":"TIME_WAIT"' || true
}

# record FILE OPTION...: two connections of a new server
record()
{
	view "$dir/json.$1" '' --json -w "$dir/$1" "${@:2}"
	server --accept loop --max 2
	client --count 2
	finish server
	unview
}

scenario asked_recorded 4 own -- "-w beside -e: what that asks for is recorded, no socket in TIME_WAIT; without -e all is"
asked_recorded()
{
	server --accept loop --close-first --max 3
	client --count 3 --wait-close
	finish server
	record part -e drop,acceptq-add
	record all
	expect "acceptq-add of both" "$(recorded part acceptq-add) $(recorded all acceptq-add)" "2 2"
	expect "connect() of -e, of all" "$(recorded part connect) $(recorded all connect)" "0 2"
	expect "TIME_WAIT of -e" "$(timewaits part)" 0
	[[ $(timewaits all) -ge 3 ]] || fail "$(timewaits all) in TIME_WAIT, not three and more"
}

scenario asked_pid 4 own -- "-p and -e: whose a socket is comes from events that are not shown"
asked_pid()
{
	server --backlog 2 --accept none
	own_trace -e drop,acceptq-add -p "${pid[server]}"
	client_hold --nonblock --count 8 --timeout-ms 150
	stop server
	client_go
	untrace
	events drop:5 acceptq-add:3
}

# beside NAME ARGS: another tcptrace, which writes $dir/NAME; beside_ends: all of them
beside()
{
	mkfifo "$dir/ready"
	"$tcptrace" --netns "$ns" --mechanism "$mechanism" --json --ready-fd 9 "${@:2}" 9> "$dir/ready" > "$dir/$1" 2> "$dir/talk" &
	pid[$1]=$!
	until_ready
}

beside_ends()
{
	local name

	for name; do
		kill -INT "${pid[$name]}"
		wait "${pid[$name]}"
		expect "exit status of $name" $? 0
		unset "pid[$name]"
	done
}

# alike PART...: the JSON of each beside that of all. Addresses of sockets are used again at once, for another program's.
alike()
{
	local part i missed names=()

	for part; do
		names+=("part${#names[@]}")
		beside "${names[-1]}" $part
	done
	own_trace
	for i in 1 2 3; do
		client --count 40
		client --count 20 --rst
		port=8098 as=other server --backlog 1 --accept none
		port=8098 client_hold --nonblock --count 5 --timeout-ms 60
		stop other
		client_go
		port=8099 client --count 9
		client --count 40 --half-close
	done
	stop server
	untrace
	beside_ends "${names[@]}"
	missed=$(last_line end missed)		# by kprobes, and it says so, but before 6.7
	[[ $release != 6.18* ]] || missed=$((missed + 2))	# in some softirqs no program runs
	expect "what parts say otherwise" "$(python3 "$here/alike.py" "${missed:-0}" "$json" "${names[@]/#/$dir/}" 2> "$dir/compared")" ""
	within "events compared" "$(awk '{ n += $2 } END { print n }' "$dir/compared")" 2000 100000
}

scenario asked_alike 4 own host loose -- "runs that ask for a part beside one that asks for all: what they tell, they tell alike"
asked_alike()
{
	needs python3
	server --accept loop --fork 2
	alike -q -x '-e accept' '-e state' '-e rst-sent,rst-received,close' '-e destroy,connect' '-e acceptq-add,acceptq-del' \
		'-e synq-add,drop,retrans,shutdown'
}

scenario asked_alike_filtered 4 own host loose -- "the same of runs that leave out whom they are not asked for"
asked_alike_filtered()
{
	needs python3
	server --accept loop --fork 2
	alike '-P 8080' '-D 8080' "-p ${pid[server]}" '-P 8098,8099' '-P 8080 -x' '-D 8080 -e state' '-P 8080 -e close,rst-sent' \
		"-p ${pid[server]} -e accept,state"
}

scenario asked_anything 4 own host loose -- "processes that do anything with sockets: who is named had the socket, whatever was asked for"
asked_anything()
{
	needs python3
	local pids

	mkfifo "$dir/go"
	python3 "$here/anything.py" run "${SEED:-1}" 200 4 < "$dir/go" > "$dir/truth" &
	pid[anything]=$!
	exec 8> "$dir/go"
	while kill -0 "${pid[anything]}" && (($(grep -c begins "$dir/truth") < 4)); do
		sleep 0.05
	done
	pids=$(sed -n 's/.*"pid": \([0-9]*\).*/\1/p; 2q' "$dir/truth" | paste -sd ,)
	{
		beside part0 -q
		beside part1 -x
		beside part2 -e accept
		beside part3 -e listen,bind
		beside part4 -e destroy,connect
		beside part5 -e acceptq-add,acceptq-del
		beside part6 -e state,rst-sent
		beside part9 conns --ends
		beside part7 -p "$pids"
		beside part8 -p "$pids" -e accept,rst-received
		beside part10 -p "$pids" -x
		beside part11 -D 1024-65535 -q
		beside part12 -e drop
		own_trace
	} 8>&-
	exec 8>&-
	wait "${pid[anything]}" || fail "one of them failed"
	unset "pid[anything]"
	untrace
	beside_ends part{0..12}
	python3 "$here/anything.py" check "$dir/truth" "$json" "$dir"/part[0-69] "$dir"/part{7,8}:"$pids" \
		> "$dir/wrong" 2> "$dir/compared" || fail "the check failed: $(tail -n 1 "$dir/compared")"
	expect "what is not so" "$(head -n 5 "$dir/wrong")" ""
	expect "what parts say otherwise of listeners" \
		"$(python3 "$here/alike.py" listeners "$json" "$dir"/part{0..12} 2> "$dir/alike" | head -n 5)" ""
	within "listeners compared" "$(awk '{ n += $2 } END { print n }' "$dir/alike")" 50 10000
	within "accepts" "$(awk 'NR == 1 { print $6 }' "$dir/compared")" 20 1000
}
