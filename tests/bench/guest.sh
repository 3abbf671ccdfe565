# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# In a guest of `vm`, where time is instructions (shift=0: one a ns) and there is one CPU, which is never idle while
# the load runs: so the mean of the load's time is what the whole machine did, tracer and kernel threads included.
#
#	guest.sh ROW...		MECHANISM/PROFILE or peer/NAME: instructions of a connection
#	guest.sh calls		is a system call slower while tcptrace runs? One line a profile, "N passed, ..."
set -u
rounds=${ROUNDS:-40}	# of 50 connections

# shellcheck source=tests/bench/peers.sh
. ./peers.sh

# tracer MECHANISM PROFILE: sets cmd
tracer() {
	local own=(./tcptrace --mechanism "$1")

	if [ "$1" = kmod ]; then
		[ -e /sys/module/tcptrace ] || insmod tcptrace.ko
		own=(./tcptrace --source kmod)
	fi
	case $2 in
	everything) ;;
	io)         own+=(--io) ;;
	queues)     own+=(top -b -i 60) ;;	# both queues of each listener
	metrics)    own+=(metrics --listen 127.0.0.1:9817) ;;
	quiet)      own+=(-q) ;;		# these and trouble
	trouble)    own+=(-x) ;;
	record)     own+=(-w -) ;;
	*=same)     peer "${2%=same}" /out/record; own+=("${same[@]}") ;;
	*)          own+=(-e "$2") ;;
	esac
	cmd=("${own[@]}")
}

tracer_ns() { cat /proc/"$pid"/task/*/schedstat | awk '{n += $1} END {printf "%.0f", n}'; }
mean() { ./both connect "$rounds" | cut -d' ' -f2; }
least_call() { ./both call 200 | cut -d' ' -f1; }

# ID RUN_TIME_NS RUNS NAME of each of its programs
times() {
	local id

	cat /proc/"$pid"/fdinfo/* 2>/dev/null | awk '/^prog_id:/ {print $2}' | sort -u | while read -r id; do
		bpftool prog show id "$id" 2>/dev/null | awk -v id="$id" '
			NR == 1 { for (i = 1; i < NF; i++) f[$i] = $(i + 1); print id, f["run_time_ns"] + 0, f["run_cnt"] + 0, f["name"] }'
	done
}

# A line for each of its programs: instructions and runs of a connection. bpf_stats is on meanwhile.
programs() {
	echo 1 >/proc/sys/kernel/bpf_stats_enabled
	times >/out/before
	./both connect 10 >/dev/null
	times >/out/after
	echo 0 >/proc/sys/kernel/bpf_stats_enabled
	awk 'NR == FNR {t[$1] = $2; n[$1] = $3; next} $4 !~ /^it_/ {print ($2 - t[$1]) / 500, ($3 - n[$1]) / 500, $4}' /out/before /out/after
}

# All that bpf_stats counts in a run of a program that does nothing is its own clock: of each kind.
clocks() {
	exec 8> >(exec ./nothing nothing.bpf.o >/out/o 2>/out/e)
	pid=$!
	until grep -q READY /out/o || ! kill -0 "$pid"; do sleep 0.1; done
	programs | awk '$2 {printf "bpf_stats counts %.0f of its own in a run of %s\n", $1 / $2, $3}'
	exec 8>&-
	wait "$pid"
}

start() {	# COMMAND...: sets pid; false if it does not run here
	if [ "$1" = ./tcptrace ]; then
		mkfifo ready
		exec 9<>ready
		rm ready
		"$@" --ready-fd 9 >/out/o 2>/out/e &
		pid=$!
		read -t 200 -r -u 9 _
	else
		"$@" >/out/o 2>/out/e &
		pid=$!
		sleep 2
	fi
	kill -0 "$pid" 2>/dev/null
}

stop() {
	kill -INT "$pid" 2>/dev/null
	sleep 0.5
	kill "$pid" 2>/dev/null
	wait "$pid" 2>/dev/null
}

row() {	# NAME BASE COMMAND...
	local name=$1 base=$2 before rest all took

	shift 2
	start "$@" || { echo "$name: does not run here: $(tail -n 1 /out/e)"; return; }
	sleep 2
	before=$(tracer_ns)
	sleep 10
	rest=$((($(tracer_ns) - before) / 10))
	./both connect 10 >/dev/null
	sleep 0.1
	before=$(tracer_ns)
	all=$(mean)
	sleep 0.1
	took=$(($(tracer_ns) - before))
	programs >/out/progs
	awk -v name="$name" -v base="$base" -v all="$all" -v own="$took" -v n=$((rounds * 50)) -v rest="$rest" '{bpf += $1; runs += $2} END {
		printf "%-26s %8.0f  %.4fx %+7.0f %7.0f %5.1f %8.0f %9.0f\n", name, base, all / base, all - base, bpf, runs, own / n, rest}' /out/progs
	[ -z "${PROGRAMS:-}" ] || sort -rn /out/progs | awk '$1 >= 1 {printf "    %7.0f in %4.1f runs: %s\n", $1, $2, $3}'
	stop
}

# In a namespace of its own: no TIME_WAIT of what was before.
fresh() {	# FUNCTION ARG...
	unshare -n bash -c ". ./peers.sh; rounds=$rounds; $(declare -f mean tracer_ns times programs clocks start stop row); ip link set lo up; \"\$@\"" _ "$@"
}

rows() {
	local r

	printf '%s, instructions a connection, and of its own a second while nothing happens:\n%-26s %8s  %7s %7s %7s %5s %8s %9s\n' \
		"$(uname -r)" row without with more 'in BPF' runs 'its own' 'at rest'
	for _ in 1 2 3; do fresh mean; done >/dev/null	# the first ones are cheaper by 5 %
	[ -z "${PROGRAMS:-}" ] || fresh clocks
	for r; do
		if [ "${r%%/*}" = peer ]; then peer "${r#*/}" /out/record; else tracer "${r%%/*}" "${r#*/}"; fi
		fresh row "$r" "$(fresh mean)" "${cmd[@]}"
	done
}

# What must cost nothing, and one that does, or nothing would be seen here.
calls() {
	local r base passed=0 failed=0 slower

	least_call >/dev/null
	base=$(least_call)
	for r in fentry/everything fentry/io fentry/quiet fentry/trouble kprobe/queues kprobe/quiet \
		kprobe/trouble tracepoint/everything; do
		tracer "${r%%/*}" "${r#*/}"
		start "${cmd[@]}" || { echo "FAIL $r: $(tail -n 1 /out/e)"; failed=$((failed + 1)); continue; }
		slower=$(awk -v a="$base" -v b="$(least_call)" 'BEGIN {printf "%.1f", b - a}')
		stop
		if awk -v s="$slower" -v r="$r" 'BEGIN {exit !(r ~ /^tracepoint/ ? s >= 20 : s < 1)}'; then
			echo "PASS $r: getppid() takes $slower instructions more than $base"
			passed=$((passed + 1))
		else
			echo "FAIL $r: getppid() takes $slower instructions more than $base"
			failed=$((failed + 1))
		fi
	done
	echo "$passed passed, $failed failed, 0 skipped"
	[ $failed = 0 ]
}

ip link set lo up
if [ "$1" = calls ]; then calls; else rows "$@"; fi
