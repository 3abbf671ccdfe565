# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# What a run does not see, and says so: capabilities, limits and mechanisms that are not there.

# as_nobody CAPABILITIES: $tcptrace becomes one that has only these, and a tracefs that is root's
as_nobody()
{
	chmod 755 "$dir"
	cp "$tcptrace" "$dir/tt"
	cat > "$dir/as-nobody" <<-EOF2
		#!/bin/sh
		exec unshare -m sh -c 'mount -t tracefs none /sys/kernel/tracing; exec setpriv --reuid 65534 --regid 65534 \
			--clear-groups --inh-caps $1 --ambient-caps $1 $dir/tt "\$@"' - "\$@"
	EOF2
	chmod +x "$dir/as-nobody"
	command -v setpriv > /dev/null || skip "no setpriv"
	tcptrace=$dir/as-nobody
}

scenario no_tracefs 4 own -- "without the right to read tracefs: the calls are not seen, and that is said"
no_tracefs()
{
	as_nobody +bpf,+perfmon,+net_admin
	own_trace
	five_accepts
	said '^tcptrace: not seen \(Permission denied\): "socket\(\)", .* and [0-9]+ more; .*CAP_DAC_READ_SEARCH'
	events listen:0 accept:0 state,new=LISTEN:1 acceptq-add:5
	[[ $mechanism != tracepoint ]] || expect "key accepted" "$(listener accepted)" ""
	expect findings "$(findings)" ""
}

scenario tracefs_by_capability 4 own -- "with CAP_DAC_READ_SEARCH the calls are seen"
tracefs_by_capability()
{
	as_nobody +bpf,+perfmon,+net_admin,+dac_read_search
	own_trace
	five_accepts
	not_said 'not seen|CAP_'
	events listen:1 accept:5
	listener_is accepted=5
}

scenario no_capability 4 own -- "without CAP_BPF: which capabilities it takes"
no_capability()
{
	as_nobody +net_admin
	"$tcptrace" -q -d 1 > "$dir/out" 2> "$dir/talk"
	expect status $? 1
	said 'CAP_BPF, CAP_PERFMON, CAP_NET_ADMIN, CAP_DAC_READ_SEARCH'
}

scenario few_files 4 own -- "a limit of open files that is too low: said, with what to raise"
few_files()
{
	local n

	(ulimit -n 24; "$tcptrace" -q -d 0.1 > "$dir/out" 2> "$dir/talk")
	expect status $? 1
	said 'limit of open files is too low.*ulimit -n'
	# somewhere there are enough of them to load all programs, and not to attach them
	for ((n = 40; n < 300; n += 8)); do
		(ulimit -n $n; "$tcptrace" -q -d 0.1 > "$dir/out" 2> "$dir/talk")
		! grep -q 'not seen (Too many open files): "' "$dir/talk" || break
	done
	said 'not seen \(Too many open files\): ".* and [0-9]+ more; .*ulimit -n'
	(ulimit -S -n 24; "$tcptrace" -q -d 0.1 > "$dir/out" 2> "$dir/talk")
	expect status $? 0
	not_said 'open files'
}

scenario mechanism_missing 4 own -- "--mechanism of what this kernel has not is not passed over in silence"
mechanism_missing()
{
	local m

	for m in fentry kprobe; do
		"$tcptrace" --mechanism $m -q -d 0.1 > "$dir/out" 2> "$dir/talk"
		if "$tcptrace" --mechanism $m doctor 2> /dev/null | grep -q " $m  "; then
			not_said "mechanism $m"
		else
			said "^tcptrace: --mechanism $m: this kernel .*, tracepoints are used$"
		fi
	done
}

# The kernel takes CAP_SYS_ADMIN for the first three, too: both with it and without it, less one each.
few="bpf perfmon net_admin dac_read_search"

scenario each_capability 4 own -- "the least set of capabilities less one: what is counted is right, or the one that is missing is named"
each_capability()
{
	local real=$tcptrace drop

	another_network
	for drop in nothing $few; do
		less "$drop" "$few"
	done
	say other
	finish other
}

scenario each_capability_more 4 own -- "the same with CAP_SYS_ADMIN, too"
each_capability_more()
{
	local real=$tcptrace drop

	another_network
	for drop in nothing perfmon dac_read_search sys_admin sys_ptrace; do
		less "$drop" "$few sys_admin sys_ptrace"
	done
	say other
	finish other
}

# One that was there before, with three connections that nobody accepts.
another_network()
{
	start other unshare -n bash -c "ip link set lo up; stat -Lc %i /proc/self/ns/net > '$dir/other.ns'; '$bin/server' --port 18082 --timeout 900 --accept none > '$dir/other.server' &
		until grep -q READY '$dir/other.server'; do sleep 0.1; done
		'$bin/client' --timeout 900 --hold --count 3 127.0.0.1 18082; kill %1"
	hear other HELD
}

# less DROPPED SET
less()
{
	tcptrace=$real
	as_nobody "$(tr ' ' '\n' <<< "$2" | sed 's/^/+/' | grep -vx "+$1" | paste -sd,)"
	with_few "$1.$(wc -w <<< "$2")"
	judge_few "CAP_${1^^}" "$2 without $1"
}

# with_few NAME: five connections and what was there before, as those see it; $started: it began at all
with_few()
{
	json=$dir/json.$1 started=''
	mkfifo "$dir/ready"
	"$tcptrace" -P 8080,18082 --mechanism "$mechanism" --ready-fd 9 --json 9> "$dir/ready" > "$json" 2> "$dir/talk" &
	pid[tcptrace]=$!
	! read -r -t "$patience" < "$dir/ready" || started=1
	rm "$dir/ready"
	if [[ $started ]]; then
		server --accept loop --max 5
		client --count 5
		finish server
		kill -INT "${pid[tcptrace]}"
	fi
	wait "${pid[tcptrace]}"
	expect "exit status of $1" $? $((!started))
	unset 'pid[tcptrace]'
}

# judge_few NAME WHAT: each number is right, or unknown with the reason on standard error
judge_few()
{
	local key value unknown=''

	grep '"type":"listener"' "$json" | grep "\"netns\":$ns," > "$dir/ours"
	for key in established accepted acceptq.wait.count accept_blocked.count drops accept_errors; do
		value=$(json=$dir/ours; listener $key)
		[[ $value ]] || unknown=1
		[[ -z $value || $value == 5 || $value == 0 && $key =~ drops|errors ]] || fail "$2: $key is $value"
	done
	[[ -z $unknown ]] || grep -q "$1" "$dir/talk" || fail "$2: not all is known, and $1 is not named: $(grep -v mount "$dir/talk")"
	[[ $(count exists netns="$(< "$dir/other.ns")" new=LISTEN) == "${started:-0}" ]] || fail "$2: not found what listens there"
	[[ -z $started ]] || expect "$2: those that wait there" "$(count exists netns="$(< "$dir/other.ns")" lport=18082 new=ESTABLISHED)" 3
	[[ $unknown || $1 != CAP_NOTHING ]] || not_said CAP_
	echo "$2: ${started:-not begun}${unknown:+, numbers unknown}:" \
		"$(grep -o 'CAP_[A-Z_]*' "$dir/talk" | unique)" >> "$OUT/capabilities"
}
