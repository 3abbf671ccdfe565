#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# kmod.sh - the kernel module: loading, unloading, readers, and whether it tells
# the same as BPF. Runs as root in a guest that nobody else uses (tests/vm/kmod).
#
# usage: kmod.sh [TEST...]      KMOD: the module; LIVE_BIN: the traffic programs;
#                               SELFTEST: only this traffic

KMOD=${KMOD:-/payload/tcptrace.ko}
LIVE_BIN=${LIVE_BIN:-/payload}
export LIVE_BIN
T=/sys/kernel/tracing
E=$T/events/tcptrace
P=/sys/module/tcptrace/parameters
tmp=$(mktemp -d)

fail() { echo "    $*"; bad=1; }
check() { [[ $2 == "$3" ]] || fail "$1 is '$2', not '$3'"; }

loaded() { [[ -d /sys/module/tcptrace ]]; }
load() { insmod "$KMOD" "$@" || fail "insmod"; }
unload() { rmmod tcptrace || fail "rmmod"; }
traffic() { "$LIVE_BIN/load" --count "${1:-23}" < /dev/null > "$tmp/load" || fail "load"; }

# until COMMAND succeeds, 20 s at most
until_true()
{
	local i

	for ((i = 0; i < 2000; i++)); do
		"$@" && return
		sleep 0.01
	done
	fail "never true: $*"
}

detached() { ! grep -q attached $P/hooks; }
tracing() { grep -q Tracing "$1" || { ! kill -0 "$!" 2>/dev/null && cat "$1"; }; }

# count EVENT FILE: lines of a trace
count() { grep -c " $1: " "$2"; }

# has N STEP FILE: as many lines of the table
has() { (($(grep -c "^$2 " "$3") >= $1)); }

# blocked PID FUNCTION: it sleeps in that function of the kernel
blocked() { grep -q "$2" "/proc/$1/stack"; }

# reader FILE [OPTION]...: tcptrace in the background, when it traces
reader()
{
	local file=$1

	shift
	: > "$file.err"		# of an earlier reader
	tcptrace "$@" > "$file" 2> "$file.err" &
	reader=$!
	until_true tracing "$file.err"
}

stop() { kill -"${2:-TERM}" "$1"; wait "$1" 2>/dev/null; }

# ---- tests ----

test_load_twice()
{
	local i

	for i in 1 2; do
		load
		echo > $T/trace
		echo 1 > $E/enable || fail "enable"
		traffic 23
		echo 0 > $E/enable
		cp $T/trace "$tmp/trace"
		check "accepts, round $i" "$(count accept "$tmp/trace")" 23
		check "acceptq_add, round $i" "$(count acceptq_add "$tmp/trace")" 23
		check "acceptq_del, round $i" "$(count acceptq_del "$tmp/trace")" 23
		check "connect_return, round $i" "$(count connect_return "$tmp/trace")" 23
		unload
		loaded && fail "still there"
	done
}

test_unload_in_use()
{
	load
	echo 1 > $E/accept/enable
	rmmod tcptrace 2> /dev/null && fail "rmmod of a module in use"
	traffic 23
	check "accepts after that" "$(count accept $T/trace)" 23
	echo 0 > $E/accept/enable
	unload
}

# An event that is enabled as soon as the kernel knows it, which is before the module is ready.
test_enabled_before()
{
	echo ':mod:tcptrace' > $T/set_event
	insmod "$KMOD" family=5 2> /dev/null && fail "family=5 is taken"
	sleep 1			# what such a module left to be done would be done now, in memory that is gone
	echo ':mod:tcptrace' > $T/set_event
	echo > $T/trace
	load
	until_true grep -q attached $P/hooks
	traffic 23
	check "accepts" "$(count accept $T/trace)" 23
	echo 0 > $E/enable
	until_true detached
	unload
}

# Only what is asked for is hooked.
test_hooks()
{
	load
	detached || fail "hooked without a user"
	echo 1 > $E/destroy/enable
	check "hooks of destroy" "$(grep -c attached $P/hooks)" 1
	echo 1 > $E/cookie_ok/enable
	check "and of cookie_ok" "$(grep -c attached $P/hooks)" 5
	echo 0 > $E/destroy/enable
	echo 0 > $E/cookie_ok/enable
	until_true detached
	unload
}

toggle()
{
	local on e

	for on in 1 0; do
		for e; do
			echo $on > "$E/$e/enable" || fail "$e: $on"
		done
	done
}

# A tracepoint of each kind, kprobes and kretprobes, then everything.
test_toggle()
{
	local i pid

	load
	"$LIVE_BIN/load" --count 1000003 --timeout 800 < /dev/null > /dev/null 2>&1 &
	pid=$!
	for ((i = 0; i < 101; i++)); do
		toggle state accept synq_del drop
		((i % 10)) || until_true detached
	done
	for ((i = 0; i < 3; i++)); do
		toggle .
		until_true detached
	done
	kill -0 $pid || fail "the traffic has ended"
	stop $pid
	until_true detached
	unload
}

test_two_readers()
{
	local a b

	load
	reader "$tmp/a" --source kmod -e accept -H; a=$reader
	reader "$tmp/b" --source kmod -e accept,close -H; b=$reader
	traffic 101
	until_true has 101 accept "$tmp/b"
	stop $b
	traffic 23
	until_true has 124 accept "$tmp/a"
	stop $a
	check "accepts of the first" "$(grep -c '^accept ' "$tmp/a")" 124
	check "accepts of the second" "$(grep -c '^accept ' "$tmp/b")" 101
	check "instances left" "$(ls $T/instances)" ""
	unload
}

# number KEY FILE: of the end of a run
number()
{
	local n

	n=$(sed -n "/\"type\":\"end\"/s/.*\"$1\":\([0-9]*\)[,}].*/\1/p" "$2")
	echo "${n:-0}"
}

# Who is stopped loses what his buffer has no room for, and says how much (then he looks at what there is again, which the
# others do not); who reads meanwhile loses nothing.
test_overflow()
{
	local a b lost sum all

	load
	reader "$tmp/a" --source kmod -q -j --ring 1; a=$reader
	reader "$tmp/b" --source kmod -q -j; b=$reader
	kill -STOP $a
	traffic 3001
	kill -CONT $a
	stop $b
	stop $a
	lost=$(number lost "$tmp/a")
	((lost > 1000)) || fail "only $lost records were lost"
	check "lost of who reads" "$(number lost "$tmp/b")" 0
	sum=$(($(number records "$tmp/a") - $(number exists "$tmp/a") + lost))
	all=$(($(number records "$tmp/b") - $(number exists "$tmp/b")))
	((sum >= all && sum < all + all / 20)) || fail "lost ones and others are $sum, not $all"
	check "listeners that lost some" "$(grep '"type":"listener"' "$tmp/a" | grep -c '"incomplete":true')" 1
	check "accepted by who reads" "$(grep '"type":"listener"' "$tmp/b" | grep -c '"accepted":3001,')" 1
	unload
}

# Comes and goes amid connections: loaded alone, read, and its reader killed.
test_load_busy()
{
	local i pid

	"$LIVE_BIN/load" --count 1000003 --timeout 800 < /dev/null > /dev/null 2>&1 &
	pid=$!
	for ((i = 0; i < 7; i++)); do
		load
		((i % 3)) && reader "$tmp/a" --source kmod -q
		case $((i % 3)) in
		1) stop $reader ;;
		2) stop $reader KILL; rmdir "$T/instances/tcptrace-$reader" || fail "rmdir of the instance" ;;
		esac
		unload
	done
	kill -0 $pid || fail "the traffic has ended"
	stop $pid
}

test_io()
{
	load
	reader "$tmp/io" --source kmod --io -j
	"$LIVE_BIN/load" --count 23 --echo 64 < /dev/null > "$tmp/load" || fail "load"
	stop "$reader"
	check "writes of 64 bytes" "$(grep '"event":"write"' "$tmp/io" | grep -c '"ret":64[,}]')" 46
	check "reads of 64 bytes" "$(grep '"event":"read"' "$tmp/io" | grep -c '"ret":64[,}]')" 46
	unload
}

test_killed_reader()
{
	load
	reader "$tmp/a" --source kmod
	stop $reader KILL
	check "instance of the dead" "$(ls $T/instances)" "tcptrace-$reader"
	rmmod tcptrace 2> /dev/null && fail "rmmod while the instance is there"
	reader "$tmp/b" --source kmod -H
	check "instance" "$(ls $T/instances)" "tcptrace-$reader"
	stop $reader
	check "instances left" "$(ls $T/instances)" ""
	unload
	load
	reader "$tmp/a" --source kmod
	stop $reader KILL
	rmdir "$T/instances/tcptrace-$reader" || fail "rmdir of the instance"
	unload
}

test_not_loaded()
{
	tcptrace --source kmod > "$tmp/out" 2> "$tmp/err"
	check "exit status" $? 1
	grep -q 'make kmod-install' "$tmp/err" || fail "says '$(cat "$tmp/err")'"
}

# A thread that sleeps in accept() when we come is seen, with its listener.
test_accept_before()
{
	local server

	load
	"$LIVE_BIN/server" --port 8080 --accept loop < /dev/null > "$tmp/server" &
	server=$!
	until_true blocked $server inet_csk_accept
	reader "$tmp/a" --source kmod -e accept --json
	"$LIVE_BIN/client" 127.0.0.1 8080 > /dev/null
	until_true grep -q '"event":"accept"' "$tmp/a"
	stop $reader
	stop $server
	check "accepts" "$(grep -c '"event":"accept"' "$tmp/a")" 1
	grep '"event":"accept"' "$tmp/a" | grep -q '"acceptq_max":128' || fail "no listener"
	unload
}

test_parameters()
{
	load ports=8080 family=4
	echo > $T/trace
	echo 1 > $E/enable
	traffic 23
	check "events of other ports" "$(grep -c 'synq_add' $T/trace)" 0
	"$LIVE_BIN/load" --count 23 --port 8080 < /dev/null > /dev/null
	check "of ours" "$(count synq_add $T/trace)" 23
	"$LIVE_BIN/load" -6 --count 23 --port 8080 < /dev/null > /dev/null
	check "and of the other family" "$(count synq_add $T/trace)" 23
	echo 0 > $E/enable
	unload
	insmod "$KMOD" family=5 2> /dev/null && fail "family=5 is taken"
}

test_addresses()
{
	local net

	load addrs=127.0.0.2,10.0.0.0/8,::1/128
	echo > $T/trace
	echo 1 > $E/enable
	"$LIVE_BIN/server" --any --port 8080 --accept loop --max 30 > "$tmp/server" &
	until_true grep -q READY "$tmp/server"
	"$LIVE_BIN/client" --count 11 127.0.0.1 8080 > /dev/null
	"$LIVE_BIN/client" --count 12 127.0.0.2 8080 > /dev/null
	"$LIVE_BIN/client" --count 7 ::1 8080 > /dev/null
	wait $!
	echo 0 > $E/enable
	cp $T/trace "$tmp/trace"
	check "requests of these nets" "$(count synq_add "$tmp/trace")" 19
	check "their connect()" "$(count connect "$tmp/trace")" 19
	check "accepted" "$(count accept "$tmp/trace")" 19
	check "listen() at any address" "$(count listen "$tmp/trace")" 1
	check "ends" "$(grep -c ' state: .* LAST_ACK -> CLOSE' "$tmp/trace")" 19
	unload
	for net in x 10.0.0.0/33 ::1/129 10.0.0.0/ 10.0.0.0/8x 1.2.3; do
		insmod "$KMOD" addrs=$net 2> /dev/null && { fail "addrs=$net is taken"; unload; }
	done
}

# names FILE: what a program printed with the events' formats has names, and in each line an address
names()
{
	local word

	for word in '\[::ffff:[0-9.]*\]:8080 <- ' '\]:8080 .* acceptq-full-syn' ' LISTEN -> SYN_RECV' ' established$' \
		'[ :]listen: .* server/'; do
		grep -q "$word" "$1" || fail "no '$word'"
	done
	check "lines without an address" "$(grep -vcE '\[[0-9a-f:.]+\]:[0-9]+' "$1")" 0
}

test_perf()
{
	load
	perf record -q -a -e 'tcptrace:*' -o "$tmp/perf" -- traffic-selftest acceptq_full_syn > "$tmp/err" 2>&1 ||
		fail "$(cat "$tmp/err")"
	perf script -i "$tmp/perf" > "$tmp/text" 2> "$tmp/err" || fail "$(cat "$tmp/err")"
	names "$tmp/text"
	unload
}

test_trace_cmd()
{
	load
	trace-cmd record -q -e tcptrace -o "$tmp/trace" traffic-selftest acceptq_full_syn > "$tmp/err" 2>&1 ||
		fail "$(cat "$tmp/err")"
	trace-cmd report -i "$tmp/trace" 2> "$tmp/err" | grep -v '^cpus=' > "$tmp/text"
	names "$tmp/text"
	unload
}

# What the module's snapshot shows is what BPF's shows.
test_listeners()
{
	local server

	load
	"$LIVE_BIN/server" --port 8080 --backlog 7 --accept none < /dev/null > "$tmp/server" &
	server=$!
	until_true grep -q ^READY "$tmp/server"
	: > "$tmp/client"
	"$LIVE_BIN/client" --count 5 --hold 127.0.0.1 8080 < <(sleep 5) > "$tmp/client" &
	until_true grep -q ^HELD "$tmp/client"
	tcptrace listeners -H --source kmod > "$tmp/kmod" || fail "listeners: $(cat "$tmp/kmod")"
	tcptrace listeners -H --source bpf > "$tmp/bpf"
	cmp -s "$tmp/kmod" "$tmp/bpf" || fail "$(diff "$tmp/kmod" "$tmp/bpf")"
	grep -q '8080' "$tmp/kmod" || fail "no listener"
	stop $server
	wait
	unload
}

# start NAME ARG...: a traffic program that goes on until its standard input ends, which is descriptor 9 here
start()
{
	local name=$1

	shift
	mkfifo "$tmp/in"
	"$LIVE_BIN/$name" "$@" < "$tmp/in" > "$tmp/$name" 2> "$tmp/$name.err" &
	started=$!
	exec 9> "$tmp/in"
	rm "$tmp/in"
}

end() { exec 9>&-; wait "$started"; check "exit status of the traffic program" $? 0; }

# A snapshot while somebody holds every kind of descriptor: those of TCP sockets are shown, the others do no harm.
test_descriptors()
{
	local n

	load
	start descriptors hold
	until_true grep -q ^HELD "$tmp/descriptors"
	n=$(sed -n 's/^HELD tcp=\([0-9]*\) .*/\1/p' "$tmp/descriptors")
	echo > $T/trace
	echo 1 > $E/exists/enable || fail "enable"
	echo 0 > $E/exists/enable
	check "descriptors shown" "$(grep -c " exists: .* descriptors/$started$" $T/trace)" "$n"
	end
	unload
}

# The calls of a raw socket whose protocol is TCP's are none of ours.
test_raw()
{
	load
	echo > $T/trace
	echo 1 > $E/enable || fail "enable"
	start descriptors hold
	until_true grep -q ^HELD "$tmp/descriptors"
	echo 0 > $E/enable
	# of TCP: the one of the program itself, then those of the kinds
	check "listen()" "$(count listen $T/trace)" 2
	check "shutdown()" "$(count shutdown $T/trace)" 0
	end
	unload
}

# Snapshots of what comes and goes: sockets, descriptors, tables of them, threads, processes.
test_churn()
{
	local i

	load
	start descriptors churn
	until_true grep -q ^READY "$tmp/descriptors"
	for ((i = 0; i < 23 && (i < 5 || SECONDS < 120); i++)); do
		((i == 3)) && echo 1 > $E/enable
		echo 1 > $E/exists/enable || fail "enable"
		echo 0 > $E/exists/enable
	done
	echo 0 > $E/enable
	end
	grep -q '^DONE rounds=[1-9]' "$tmp/descriptors" || fail "nothing happened: $(cat "$tmp/descriptors.err")"
	unload
}

# ---- sent again ----

retrans_segs() { nstat -asz TcpRetransSegs | awk '$1 == "TcpRetransSegs" { print $2 }'; }

# retransmitted NAME RET COMMAND...: the kernel counts segments that are sent again meanwhile, and we tell of as
# many, each with that result
retransmitted()
{
	local name=$1 ret=$2 before n

	shift 2
	echo > $T/trace
	before=$(retrans_segs)
	"$@"
	n=$(($(retrans_segs) - before))
	((n > 1)) || fail "$name: only $n segments were sent again"
	check "$name: segments" "$(awk -F'segments=' '/ retrans: / { n += $2 } END { print n + 0 }' $T/trace)" $n
	check "$name: with another result" "$(grep ' retrans: ' $T/trace | grep -vc " ret=$ret$")" 0
}

in_cgroup() { (echo "$BASHPID" > "/sys/fs/cgroup/$1/cgroup.procs"; exec "${@:2}"); }

# deny CGROUP: what it sends is dropped, until $denying ends
deny()
{
	"$LIVE_BIN/deny" "/sys/fs/cgroup/$1" > "$tmp/deny-$1" &
	denying+=" $!"
	until_true grep -q READY "$tmp/deny-$1"
}

allow() { kill $denying; wait $denying; denying=; }

connect_8080() { in_cgroup client timeout 5 bash -c 'exec 5<> /dev/tcp/127.0.0.1/8080'; }
syn_denied() { deny client; connect_8080; allow; }
syn_unqueued() { tc qdisc add dev lo root pfifo limit 0; connect_8080; tc qdisc del dev lo root; }
established() { [[ $(ss -Htn state established dst 127.0.0.1:8080) ]]; }
unacked() { ss -Htn state established dst 127.0.0.1:8080 | awk '$2 > 0 { found = 1 } END { exit !found }'; }

# A tail loss probe, then the timer: data that nobody acknowledges, and what is sent again is dropped.
data_denied()
{
	deny server
	echo > "$tmp/go"
	until_true unacked
	deny client
	wait $writer
	allow
}

# A retransmission that the kernel counts is told, also when a firewall or a full queue drops it on its way out.
test_retrans()
{
	local server writer denying=

	load
	mkdir -p /sys/fs/cgroup/{client,server}
	mkfifo "$tmp/go"
	in_cgroup server "$LIVE_BIN/server" --port 8080 --accept loop --timeout 200 < /dev/null > "$tmp/server" &
	server=$!
	until_true grep -q ^READY "$tmp/server"
	echo 1 > $E/retrans/enable
	retransmitted "SYN, firewall" -1 syn_denied
	retransmitted "SYN, full queue" -105 syn_unqueued
	tc qdisc add dev lo root netem delay 450ms
	in_cgroup client bash -c 'exec 5<> /dev/tcp/127.0.0.1/8080; read -r < "$1"; echo >&5; sleep 9' - "$tmp/go" &
	writer=$!
	until_true established
	retransmitted "data, firewall" -1 data_denied
	tc qdisc del dev lo root
	echo 0 > $E/retrans/enable
	stop $server
	rm "$tmp/go"
	unload
}

# How connections end that the server closed first, by what its minisocks tell: see tests/live/ends.c.
test_ends()
{
	local at server _

	load
	echo 1 > /proc/sys/net/ipv4/tcp_fin_timeout
	reader "$tmp/a" --source kmod -q -w "$tmp/rec"
	"$LIVE_BIN/ends" 20000 > "$tmp/ways"
	stop $reader
	echo 60 > /proc/sys/net/ipv4/tcp_fin_timeout
	tcptrace conns --ends -j -r "$tmp/rec" > "$tmp/conns"
	while read -r at server _; do
		server=${server%\?}
		case $server in closed-by-us | never-closed | reset-by-them)
			check "end of $at" "$(sed -n "s/.*\"lport\":$at,.*\"end\":\"\([^\"]*\)\".*/\1/p" "$tmp/conns" | sort -u)" "$server" ;;
		esac
	done < "$tmp/ways"
	unload
}

# The proof that the twins are twins: both attached to the same traffic.
test_compare()
{
	local k missed kmissed dir=$tmp

	load
	[[ -d /out ]] && dir=/out
	reader "$tmp/kmod" --source kmod -q -w "$dir/kmod.rec"; k=$reader
	reader "$tmp/bpf" --source bpf ${MECHANISM:+--mechanism $MECHANISM} -q -w "$dir/bpf.rec"
	nc 127.0.0.1 2 2> /dev/null
	traffic-selftest > "$tmp/selftest" || cat "$tmp/selftest"
	nc 127.0.0.1 3 2> /dev/null
	stop $k
	stop $reader
	tail -q -n 1 "$tmp/kmod" "$tmp/bpf"
	# The kernel skips a BPF program inside itself, and a kprobe that an interrupt hits inside another
	# one (before its handler has switched interrupts off). Both are counted.
	missed=$(sed -n 's/.*, \([0-9]*\) probe hits missed.*/\1/p' "$tmp/bpf")
	kmissed=$(sed -n 's/missed //p' $P/hooks)
	"$LIVE_BIN/compare" "$dir/kmod.rec" "$dir/bpf.rec" 2 3 $kmissed "${missed:-0}" | cut -c1-400
	check "compare" "${PIPESTATUS[0]}" 0
	((missed + kmissed < 500)) || fail "BPF missed $missed, the module $kmissed"
	unload
}

# Every hook in use, by all that the traffic programs can provoke.
test_traffic()
{
	load
	reader "$tmp/a" --source kmod --check -q
	# shellcheck disable=SC2086 # a list of words
	traffic-selftest ${SELFTEST:-} > "$tmp/selftest" || { fail "traffic-selftest"; cat "$tmp/selftest"; }
	stop $reader
	check "exit status of tcptrace --check" $? 0
	(($(sed -n 's/missed //p' $P/hooks) < 100)) || fail "$(cat $P/hooks)"
	unload
}

# Only a kernel that was built for it looks for leaks: twice, as what was just freed counts at first, and what is not 5 s old
# (MSECS_MIN_AGE of mm/kmemleak.c) is not told.
leaks()
{
	local file=/sys/kernel/debug/kmemleak

	[[ -e $file ]] || return
	echo scan > $file
	sleep 6
	echo scan > $file
	cat $file
}

test_dmesg()
{
	local bad_lines

	# whatever the verifier warns of, it is not the module
	bad_lines=$(dmesg | grep -v kernel/bpf/verifier.c | grep -E 'WARNING|BUG|Oops|general protection|lockdep|suspicious|KASAN|leak')
	check "dmesg" "$bad_lines" ""
	check "leaks" "$(leaks)" ""
}

# ---- run ----

# cannot TEST: why it cannot be had here, if so
cannot()
{
	case $1 in
	compare | listeners)
		[[ -e /sys/kernel/btf/vmlinux ]] || echo "this kernel has no BTF, so no BPF to compare with" ;;
	perf) command -v perf > /dev/null || echo "needs perf" ;;
	enabled_before)
		echo ':mod:tcptrace' 2> /dev/null > $T/set_event || echo "before 6.15 no event is enabled with its module" ;;
	trace_cmd) command -v trace-cmd > /dev/null || echo "needs trace-cmd" ;;
	esac
}

all="not_loaded load_twice load_busy unload_in_use enabled_before hooks toggle two_readers overflow io killed_reader accept_before
     parameters addresses perf trace_cmd listeners descriptors raw churn retrans ends compare traffic dmesg"
passed=0 failed=0 skipped=0
dmesg -c > /dev/null		# from here on it is ours
PATH=$LIVE_BIN:$PATH
# shellcheck disable=SC2086 # a list of words
(($#)) || set -- $all
for name; do
	bad=
	SECONDS=0
	echo "kmod.sh: $name" > /dev/console
	why=$(cannot "$name")
	if [[ $why ]]; then
		echo "SKIP $name: $why"
		((skipped++))
		continue
	fi
	if declare -F "test_$name" > /dev/null; then "test_$name"; else fail "no such test"; fi
	if [[ $bad ]]; then
		echo "FAIL $name"
		((failed++))
		for i in $T/instances/*; do [[ -d $i ]] && rmdir "$i"; done
		loaded && { echo 0 > $E/enable; rmmod tcptrace; }
	else
		echo "PASS $name (${SECONDS} s)"
		((passed++))
	fi
done
rm -rf "$tmp"
echo "$passed passed, $failed failed, $skipped skipped"
((!failed))
