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
	not_said 'not seen'
	said 'CAP_SYS_ADMIN'
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
