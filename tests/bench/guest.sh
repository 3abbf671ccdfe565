# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# In a guest of `vm`, where time is instructions: what one connection costs
# without a tracer, with each mechanism and with the peers that the machine has, in
# instructions (shift=0: one a ns); and 64 KiB on a connection that is open.
count=2003

# The load's own CPU time in ns; the tracer's is apart.
one() { ./load --count "$count" 2>/dev/null | tr ' ' '\n' | awk -F= '/^cpu_/ {us += $2} END {print us * 1000}'; }

bulk() { ./both bulk 5; }

traced() {	# MECHANISM ARG...
	local mechanism=$1 pid ids ns big how=(--mechanism "$1")

	shift
	[ "$mechanism" != kmod ] || how=(--source kmod)
	mkfifo ready
	exec 9<>ready
	rm ready
	./tcptrace "${how[@]}" --ready-fd 9 --netns "$(stat -Lc %i /proc/self/ns/net)" "$@" >/out/o 2>/out/e &
	pid=$!
	read -t 120 -r -u 9 _
	ids=$(cat /proc/$pid/fdinfo/* 2>/dev/null | awk '/^prog_id:/ {print $2}' | sort -u)
	ns=$(one)
	big=$(bulk)
	echo 1 >/proc/sys/kernel/bpf_stats_enabled
	one >/dev/null
	echo 0 >/proc/sys/kernel/bpf_stats_enabled
	for id in $ids; do
		bpftool prog show id "$id" 2>/dev/null | grep -v ' it_' | grep -o 'run_time_ns [0-9]*'
	done | awk -v n="$count" -v base="$base" -v t="$ns" -v m="$mechanism" -v big="$big" -v bulk="$bulk" \
		'{ns += $2} END {printf "%-10s %8.0f a connection, %.3fx; 64 KiB %.4fx; in BPF programs %.0f, %.0f an event\n",
			m, t / n, t / base, big / bulk, ns / n, ns / n / 23}'
	kill -INT $pid 2>/dev/null || cat /out/e
	wait $pid
	grep -ho '[0-9]* lost' /out/o | tail -1
}

peer() {	# COMMAND...: two seconds to attach
	local pid ns

	"$@" >/out/o 2>/out/e &
	pid=$!
	sleep 2
	kill -0 "$pid" || { cat /out/e; return; }
	ns=$(one)
	awk -v n="$count" -v base="$base" -v t="$ns" -v m="$1" -v big="$(bulk)" -v bulk="$bulk" \
		'BEGIN {printf "%-10s %8.0f a connection, %.3fx; 64 KiB %.4fx\n", m, t / n, t / base, big / bulk}'
	kill "$pid" 2>/dev/null || echo "$1 has ended by itself"
	wait "$pid" || :
}

# In a namespace of its own, without the TIME_WAITs of the one before.
fresh() { unshare -n bash -c "count=$count; $(declare -f one); one"; }

uname -r
for _ in 1 2 3; do fresh; done >/dev/null	# the first ones are cheaper by 5 %
base=$(fresh)
bulk=$(unshare -n ./both bulk 5)
awk -v b="$base" -v n="$count" -v bulk="$bulk" 'BEGIN {
	printf "%-10s %8.0f a connection, 64 KiB %.0f\n", "none", b / n, bulk}'
again() { awk -v b="$base" -v n="$count" -v t="$(fresh)" -v w="$1" 'BEGIN {printf "%-10s %8.0f a connection, %.3fx\n", w, t / n, t / b}'; }
again none
insmod tcptrace.ko
again loaded
for mechanism in fentry kprobe tracepoint kmod; do
	unshare -n bash -c "count=$count base=$base bulk=$bulk; $(declare -f one bulk traced); traced $mechanism -q"
done
for peer in tcpstates tcplife "tcpdump -Z root -nn -i lo tcp[tcpflags]&(tcp-syn|tcp-fin|tcp-rst)!=0" "ss -E"; do
	read -ra words <<<"$peer"
	[ -e "/payload/${words[0]}" ] || [ "${words[0]}" = ss ] || continue
	unshare -n bash -c "ip link set lo up; count=$count base=$base bulk=$bulk; $(declare -f one bulk peer); peer \"\$@\"" _ "${words[@]}"
done
