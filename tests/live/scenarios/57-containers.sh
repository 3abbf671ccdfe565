# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2046,SC2086,SC2154 # lib.sh has the variables; numbers are not quoted
#
# What a container makes of tcptrace, by unshare and setpriv: the rows of user/doc/containers.md.

# What docker and podman give who asks for nothing.
DEFAULT_CAPS=-all,+chown,+dac_override,+fowner,+fsetid,+kill,+setgid,+setuid,+setpcap,+net_bind_service,+net_raw,+sys_chroot,+mknod,+audit_write,+setfcap
# What user/doc/containers.md says to give it.
GIVEN_CAPS=$DEFAULT_CAPS,+bpf,+perfmon,+net_admin

# boxed COMMAND...: $tcptrace becomes one that COMMAND runs; SIGINT reaches it, whoever is in between
boxed()
{
	command -v setpriv > /dev/null || skip "no setpriv"
	printf '#!/usr/bin/env -S --default-signal=INT bash\n%s %s "$@" &\n' "$*" "$tcptrace" > "$dir/boxed"
	cat >> "$dir/boxed" <<-'EOF2'
		box=$!
		end() {
			local child=$box next
			while next=$(pgrep -P "$child" | head -n 1) && [[ -n $next ]]; do child=$next; done
			kill -INT "$child"
		}
		trap end INT
		wait $box; rc=$?
		while kill -0 $box 2> /dev/null; do wait $box; rc=$?; done
		exit $rc
	EOF2
	chmod +x "$dir/boxed"
	tcptrace=$dir/boxed
}

# what doctor says of where it runs
place() { "$tcptrace" --mechanism "$mechanism" doctor 2> /dev/null | sed -n "s/^    $1: //p"; }

all_is_seen()
{
	own_trace
	five_accepts
	events listen:1 accept:5 acceptq-add:5 connect:5
	listener_is accepted=5
}

scenario container_pid 4 own -- "without --pid=host: all is seen, and that the others have no number is said"
container_pid()
{
	boxed unshare -p -f --mount-proc
	all_is_seen
	said 'PID namespace'
	expect "doctor on the PID namespace" "$(place "PID namespace")" \
		"a container's; processes outside of it have no number here"
}

scenario container_net 4 own -- "without --net=host: other namespaces are seen all the same"
container_net()
{
	boxed unshare -n
	all_is_seen
	not_said 'not seen'
}

scenario container_cgroup 4 own -- "a cgroup namespace: the root of cgroup v2 is not seen, and what that loses is said"
container_cgroup()
{
	local root group

	root=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -n 1)
	group=$root/tcptrace-test-$$
	mkdir "$group" 2> /dev/null || skip "no cgroup v2 to make a group in"
	boxed "sh -c 'echo 0 > $group/cgroup.procs && exec \"\$@\"' -" \
		"unshare -C -m sh -c 'umount $root; mount -t cgroup2 none $root && exec \"\$@\"' -"
	all_is_seen
	expect "doctor on the cgroup namespace" "$(place "cgroup namespace")" \
		"a container's; --cgroup takes folders that are seen here"
	if [[ $mechanism == tracepoint ]]; then
		"$tcptrace" --mechanism tracepoint doctor 2> /dev/null | grep -A 2 '^connect() begins .*sys_enter_connect' |
			grep -q 'loses: connects by io_uring' || fail "doctor does not say what connect() loses"
	fi
	rmdir "$group"
}

scenario container_default 4 own -- "as docker runs it by default: which capabilities it lacks"
container_default()
{
	boxed setpriv --bounding-set "$DEFAULT_CAPS"
	"$tcptrace" -q -d 1 > "$dir/out" 2> "$dir/talk"
	expect status $? 1
	said 'although it is root: it lacks CAP_BPF and CAP_PERFMON'
	[[ $(place capabilities) == 'lacks CAP_BPF (programs), CAP_PERFMON'* ]] || fail "doctor says '$(place capabilities)'"
}

scenario container_seccomp 4 own -- "a seccomp filter that forbids bpf(): said, and told apart from a capability"
container_seccomp()
{
	boxed "$bin/denied"
	"$tcptrace" -q -d 1 > "$dir/out" 2> "$dir/talk"
	expect status $? 1
	said 'although it has the capabilities: its seccomp filter may forbid it'
	expect "doctor on seccomp" "$(place seccomp)" "a filter, which may forbid bpf() and perf_event_open()"
}

scenario container_tracefs 4 own -- "the capabilities and tracefs as a volume: all is seen"
container_tracefs()
{
	[[ -e /sys/kernel/tracing/events ]] || skip "no tracefs"
	boxed setpriv --bounding-set "$GIVEN_CAPS,+dac_read_search"
	all_is_seen
	expect "doctor on tracefs" "$(place tracefs)" readable
	said 'CAP_SYS_ADMIN'
}

scenario container_no_tracefs 4 own -- "the capabilities, no tracefs: the mount it takes is said"
container_no_tracefs()
{
	boxed "unshare -m sh -c 'for d in /sys/kernel/tracing /sys/kernel/debug; do mount -t tmpfs none \$d; done; exec \"\$@\"' -" \
		setpriv --bounding-set "$GIVEN_CAPS"
	own_trace
	five_accepts
	events acceptq-add:5
	[[ $mechanism != tracepoint ]] || said 'mount -t tracefs'
	[[ $(place tracefs) == 'not there: mount -t tracefs'* ]] || fail "doctor says '$(place tracefs)'"
}
