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
		"a container's; --cgroup takes directories that are seen here"
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

scenario container_user 4 own -- "a user namespace (rootless engines): has all capabilities, and no right to BPF; said"
container_user()
{
	unshare -U -r true 2> /dev/null || skip "no user namespace can be made"
	boxed unshare -U -r
	"$tcptrace" -q -d 1 > "$dir/out" 2> "$dir/talk"
	expect status $? 1
	said 'although it has the capabilities, and no seccomp filter: a security module forbids it, or .* a user namespace'
	expect "doctor on seccomp" "$(place seccomp)" "no filter"
}

scenario container_lockdown 4 own -- "a kernel that is locked down: said, and no other reason"
container_lockdown()
{
	[[ -d /sys/kernel/security ]] || skip "no securityfs"
	boxed "unshare -m sh -c 'cd /sys/kernel/security && mount -t tmpfs none . && cd . &&
		echo none integrity [confidentiality] > /sys/kernel/security/lockdown; exec \"\$@\"' -" "$bin/denied"
	"$tcptrace" -q -d 1 > "$dir/out" 2> "$dir/talk"
	expect status $? 1
	said 'the kernel is locked down \(confidentiality\)'
	not_said 'seccomp'
	expect "doctor on lockdown" "$(place lockdown)" "confidentiality: BPF may not read the kernel's memory"
}

scenario container_tracefs 4 own -- "the capabilities and tracefs as a volume: all is seen"
container_tracefs()
{
	[[ -e /sys/kernel/tracing/events ]] || skip "no tracefs"
	boxed setpriv --bounding-set "$GIVEN_CAPS,+dac_read_search"
	all_is_seen
	expect "doctor on tracefs" "$(place tracefs)" readable
	not_said CAP_
}

scenario container_chroot 4 own -- "a chroot, whose root is no mount: what is mounted to attach is not left behind in a /sys that others share"
container_chroot()
{
	unshare -m --propagation private sh -c '
		jail=$1/jail tcptrace=$2
		shift 2
		mkdir -p "$jail/proc" "$jail/sys"
		for d in /bin /lib /lib64 /usr; do
			if [ -L $d ]; then cp -P $d "$jail$d"; elif [ -d $d ]; then mkdir "$jail$d" && mount --bind $d "$jail$d"; fi
		done
		cp "$tcptrace" "$jail/tcptrace" && mount -t proc proc "$jail/proc" && mount -t sysfs sysfs "$jail/sys" &&
			mount --make-shared "$jail/sys" && chroot "$jail" /tcptrace "$@"
		echo "exit status $?, mounts left: $(grep -c " $jail/sys/" /proc/self/mountinfo)"
	' - "$dir" "$tcptrace" --mechanism "$mechanism" -q -d 0.2 > "$dir/text" 2> "$dir/talk"
	expect "the run in a chroot" "$(tail -n 1 "$dir/text")" "exit status 0, mounts left: 0"
	not_said 'not seen'
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

# networks SIZE...: each with a listener and three that wait there; who has made them is in ours again, so that nobody is in
# theirs. SIZE: of a hash table of its own (6.1), in buckets; 0: it has that of all.
networks()
{
	start networks python3 -c '
import ctypes, os, socket, sys
libc, ours, CLONE_NEWNET, kept = ctypes.CDLL(None), os.open("/proc/self/ns/net", os.O_RDONLY), 0x40000000, []
sysctl = "/proc/sys/net/ipv4/tcp_child_ehash_entries"
def wait(what):
    print(what, flush=True)
    sys.stdin.readline()
for size in sys.argv[1:]:
    if os.path.exists(sysctl):
        with open(sysctl, "w") as f:
            f.write(size)
    assert not libc.unshare(CLONE_NEWNET) and not os.system("ip link set lo up")
    listener = socket.create_server(("127.0.0.1", 18083))
    kept.append((listener, [socket.create_connection(("127.0.0.1", 18083)) for _ in range(3)]))
    print(os.stat("/proc/thread-self/ns/net").st_ino, flush=True)
    assert not libc.setns(ours, CLONE_NEWNET)
wait("HELD")
print([s.close() for listener, conns in kept for s in conns], flush=True)
wait("CLOSED")' "$@"
	hear networks HELD
}

scenario networks_unheld 4 own each -- "networks that no process is in, one of them with a table of its own: what waits there is found, and that it ends"
networks_unheld()
{
	needs python3
	networks 0 64 0
	"$tcptrace" listeners --mechanism "$mechanism" -P 18083 -j > "$dir/listeners" 2> "$dir/talk" || fail "listeners: $(tail -n 1 "$dir/talk")"
	expect "listeners where three wait" "$(grep -c '"acceptq_now":3,' "$dir/listeners")" 3
	json=$dir/json
	mkfifo "$dir/ready"
	"$tcptrace" -P 18083 --mechanism "$mechanism" --ready-fd 9 --json 9> "$dir/ready" > "$json" 2> "$dir/talk" &
	pid[tcptrace]=$!
	until_ready
	expect "who waits there" "$(count exists lport=18083 new=ESTABLISHED queued=true)" 9
	say networks
	hear networks CLOSED
	say networks
	finish networks
	unview
	expect "who waits at the end" "$(sed -n 's/^{"type":"listener".*"acceptq":{"now":\([0-9]*\),.*/\1/p' "$json" | paste -sd ' ')" "0 0 0"
}

scenario container_mptcp 46 own each -- "from the host: a server in a container that listens as Go does, with MPTCP"
container_mptcp()
{
	[[ $(cat /proc/sys/net/mptcp/enabled 2> /dev/null) == 1 ]] || skip "no MPTCP"
	own_trace --check
	start server unshare -p -f -C --mount-proc "$bin/server" --mptcp $any --port "$port" --timeout $limit --accept loop --max 23
	hear server READY
	client --count 23
	finish server
	untrace
	kernel ActiveOpens=23 PassiveOpens=23
	events listen,comm=server:1 accept,comm=server:23 synq-add:23 acceptq-add:23 acceptq-del,cause=accepted:23 \
		close,comm=server:24
	listener_is accepted=23 comm=server
}

# A subflow that joins goes by a request to an MPTCP socket that is there: into no accept queue, and nobody accepts it.
scenario mptcp_join 4 own each alone -- "two MPTCP connections of two subflows each: two wait, and two are accepted"
mptcp_join()
{
	needs ip python3
	[[ $(cat /proc/sys/net/mptcp/enabled 2> /dev/null) == 1 ]] || skip "no MPTCP"
	ip mptcp limits set subflows 4 2> /dev/null || skip "this kernel or ip has no endpoints of MPTCP"
	second_device
	nsenter -t "$other" -n "$(command -v ip)" addr add 10.99.0.3/24 dev dev1
	nsenter -t "$other" -n "$(command -v ip)" mptcp limits set subflows 4
	nsenter -t "$other" -n "$(command -v ip)" mptcp endpoint add 10.99.0.3 dev dev1 subflow
	own_trace --check
	server --mptcp --any --backlog 4 --accept on-line
	start clients nsenter -t "$other" -n python3 -c "
import socket, sys, time
conns = []
for i in range(2):
    conns.append(socket.socket(socket.AF_INET, socket.SOCK_STREAM, 262))
    conns[i].connect(('10.99.0.1', $port))
    conns[i].send(b'x' * 1000)
time.sleep(0.5)
print('SENT', flush=True)
sys.stdin.readline()
"
	hear clients SENT
	expect "waiting, by the kernel" "$(ss -Hlnt "sport = :$port" | awk '{ print $2 }')" 2
	serve 'accept 2'
	stop server
	say clients
	finish clients
	untrace
	end other
	kernel PassiveOpens=4
	events synq-add:4 synq-del,cause=established:4 synq-del:4 acceptq-add:2 acceptq-del,cause=accepted:2 accept:2
	listener_is established=2 accepted=2 accepted_unseen= synq.now=0 acceptq.peak=2
}

scenario kernel_mptcp 4 own each loose -- "MPTCP's listener of the kernel, for which ip asked: nobody has its descriptor"
kernel_mptcp()
{
	[[ $(cat /proc/sys/net/mptcp/enabled 2> /dev/null) == 1 ]] || skip "no MPTCP"
	ip addr add 10.99.0.1/24 dev lo
	own_trace
	ip mptcp endpoint add 10.99.0.1 port "$port" signal || skip "ip makes no such endpoint"
	untrace
	ip mptcp endpoint flush		# its listener would keep the namespace for ever
	expect "who listens" "$(values comm state new=LISTEN)$(values pid state new=LISTEN)" '[kernel]'
	expect "callers of listen()" "$(values comm listen | grep -v kernel)" ''
}

scenario joined_mptcp 4 own each loose -- "MPTCP: a path that a thread of the kernel adds to a program's connection is not that thread's"
joined_mptcp()
{
	[[ $(cat /proc/sys/net/mptcp/enabled 2> /dev/null) == 1 ]] || skip "no MPTCP"
	ip addr add 10.99.0.1/24 dev lo
	ip mptcp limits set subflow 2 add_addr_accepted 2 && ip mptcp endpoint add 10.99.0.1 signal || skip "ip knows no MPTCP"
	own_trace
	start server "$bin/server" --mptcp --port "$port" --timeout $limit --accept loop --max 1
	hear server READY
	start strange "$bin/strange" joins 127.0.0.1 "$port"
	hear strange READY
	wait_seen 2 state old=SYN_SENT new=ESTABLISHED
	say strange
	finish strange
	finish server
	untrace
	expect "threads of the kernel" "$(lines - | grep -c '"comm":"kworker')" 0
}

# in_cgroup NAME GROUP PORT: a server there
in_cgroup()
{
	start "$1" sh -c "echo 0 > '$2/cgroup.procs' && exec \"\$@\"" - \
		"$bin/server" $any --port "$3" --timeout $limit --accept loop
	hear "$1" READY
}

# what JSON FILE says of the listener at PORT
place_of()
{
	grep '"type":"listener"' "$1" | grep "\"lport\":$2," | tail -n 1 |
		grep -oE '"(unit|namespace|pod|container)":"[^"]*"' | tr -d '"' | paste -sd ' '
}

scenario places 4 own host -- "unit, pod and container: by the cgroup and the files of kubelet and docker, live, filtered, replayed"
places()
{
	local root group id=3f1c0b9d2e4a5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8 id2 id3 who
	local pod=kubepods-pod0a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9.slice real=$tcptrace

	id2=${id//3/a} id3=${id//3/b}
	root=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -n 1)
	group=$root/tcptrace-places-$$.slice
	mkdir -p "$group/web.service" "$group/$pod/cri-containerd-$id.scope" "$group/docker-$id2.scope" \
		"$group/libpod-$id3.scope/container" 2> /dev/null ||
		skip "no cgroup v2 to make a group in"
	mkdir -p "$dir/log/containers" "$dir/lib/docker/containers/$id2"
	: > "$dir/log/containers/cart-0_shop_app-$id.log"
	echo '{"Mounts":{"Name":"data"},"Args":["\"Name\":\"/no\""],"Name":"/cache-1","Driver":"x"}' \
		> "$dir/lib/docker/containers/$id2/config.v2.json"
	mkdir -p "$dir/lib/containers/storage/overlay-containers"
	echo "[{\"id\":\"$id\",\"names\":[\"wrong\"]},{\"id\":\"$id3\",\"names\":[\"db-1\"],\"layer\":\"x\"}]" \
		> "$dir/lib/containers/storage/overlay-containers/containers.json"
	boxed "unshare -m sh -c 'mount --bind $dir/log /var/log && mount --bind $dir/lib /var/lib && exec \"\$@\"' -"

	in_cgroup unit "$group/web.service" 8081
	in_cgroup pod "$group/$pod/cri-containerd-$id.scope" 8082
	in_cgroup podman "$group/libpod-$id3.scope/container" 8084
	server --accept loop
	own_trace -w "$dir/record"
	in_cgroup docker "$group/docker-$id2.scope" 8083	# when all is attached already
	client --count 1
	sleep 0.5
	untrace
	expect "place of the one in a unit" "$(place_of "$json" 8081)" "unit:web.service"
	expect "place of the one in a pod" "$(place_of "$json" 8082)" "namespace:shop pod:cart-0 container:app"
	expect "place of the one in a container" "$(place_of "$json" 8083)" "container:cache-1"
	expect "place of the one of podman" "$(place_of "$json" 8084)" "container:db-1"
	expect "place of the one that is nowhere" "$(place_of "$json" "$port")" ""

	"$real" -q -j -r "$dir/record" > "$dir/again"
	expect "replayed: the one in a pod" "$(place_of "$dir/again" 8082)" "namespace:shop pod:cart-0 container:app"
	expect "replayed: the one in a container" "$(place_of "$dir/again" 8083)" "container:cache-1"
	for who in "--unit web.service 8081" "--pod cart-0 8082" "--pod shop/cart-0 8082" "--container cache-1 8083" "--container db-1 8084" \
			"--container ${id2:0:12} 8083"; do
		expect "listeners ${who% *}" "$("$tcptrace" listeners --netns "$ns" -j ${who% *} 2> /dev/null |
			grep -o '"lport":[0-9]*')" "\"lport\":${who##* }"
	done
	for who in unit pod docker podman server; do
		end "$who"
	done
	rmdir "$group/web.service" "$group/$pod/cri-containerd-$id.scope" "$group/$pod" "$group/docker-$id2.scope" \
		"$group/libpod-$id3.scope/container" "$group/libpod-$id3.scope" "$group"
}

# Its capabilities, own cgroup namespace, a root that nobody writes to, and volumes at the paths of the host.
scenario daemonset 4 own host -- "as daemonset.yaml says, from a pod's own cgroup namespace: metrics of another pod have its name"
daemonset()
{
	local root group manifest=$here/../../user/packaging/kubernetes/daemonset.yaml caps i
	local id=3f1c0b9d2e4a5f60718293a4b5c6d7e8f90a1b2c3d4e5f60718293a4b5c6d7e8 name=cri-containerd
	local web=kubepods-pod0a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9.slice ours=kubepods-pod1a1b2c3d_4e5f_6071_8293_a4b5c6d7e8f9.slice

	needs setpriv curl
	root=$(sed -n 's/^[^ ]* \([^ ]*\) cgroup2 .*/\1/p' /proc/mounts | head -n 1)
	group=$root/tcptrace-daemonset-$$.slice
	mkdir -p "$group/$web/$name-$id.scope" "$group/$ours/$name-${id//3/a}.scope" 2> /dev/null || skip "no cgroup v2 to make a group in"
	mkdir -p "$dir/log/containers"
	: > "$dir/log/containers/cart-0_shop_app-$id.log"
	caps=$(sed -n 's/^ *add: \[\(.*\)\]$/\1/p' "$manifest" | tr A-Z a-z | sed 's/, /,+/g')
	[[ $caps == *bpf* ]] || fail "capabilities of daemonset.yaml: '$caps'"
	in_cgroup pod "$group/$web/$name-$id.scope" 8082
	background tcptrace unshare -m sh -c '
		echo 0 > "$2/cgroup.procs" && mount --bind "$1/log" /var/log && mount -o remount,ro,bind / || exit 1
		shift 2
		exec unshare -C setpriv --no-new-privs --inh-caps="-all,+$0" --bounding-set="-all,+$0" "$@"' \
		"$caps" "$dir" "$group/$ours/$name-${id//3/a}.scope" \
		"$tcptrace" metrics --listen 127.0.0.1:9817 --netns "$ns" --mechanism "$mechanism"
	until_port 9817
	start client "$bin/client" --timeout $limit --count 3 $local 8082
	finish client
	for i in 1 2; do	# the second one sees the first
		sleep 1.3
		curl -sf http://127.0.0.1:9817/metrics > "$dir/page" || fail "no page"
	done
	grep -q '^tcptrace_established_total{.*port="8082",.*namespace="shop",pod="cart-0",container="app"} 3$' "$dir/page" ||
		fail "another pod: $(grep '^tcptrace_established_total' "$dir/page")"
	# its own is where its cgroup namespace begins, so that no path says it
	grep -q '^tcptrace_established_total{[^}]*port="9817",comm="tcptrace"} 1$' "$dir/page" || fail "its own row: $(< "$dir/page")"
	end tcptrace INT
	end pod
	find "$group" -depth -type d -exec rmdir {} +
}
