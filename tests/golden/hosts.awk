# SPDX-License-Identifier: GPL-2.0-only
# Several machines, and what each records of the connections between them: a script for make-recording.
#
#   usage: awk -v of=web1 -f hosts.awk < hosts/NAME.txt | make-recording > web1.rec
#
# True time in microseconds; each machine's own clock says something else.
#     host NAME BOOT ADDRESS AHEAD PPM WALL [ERROR]	its clock is so many us ahead, drifts, and so is its wall
#						clock (s), which says that it is off by ERROR us at most
#     way FROM TO US				how long a segment takes
#     from US to US				when all recordings begin and end; then
#     conn T CLIENT PORT SERVER [KEY=VALUE...]	port 80 of the server
#         n=N every=US				so many, of ports one after the other
#         to=ADDRESS from=ADDRESS:PORT		as the client sees the server, and the server the client
#         lost					its SYN does not arrive
#         reset					the client closes with 70 bytes unread
#         isn=0					a recording that has no initial sequence numbers
#     only HOST BITS				it was recorded with a filter
#     since HOST T				it began later
#     sleep T HOST US				its clock stands still: from here on it says less

function local(h, t) { return int(base + ahead[h] + t * (1 + ppm[h] / 1e6) + 0.5) }
function observed(h) {
	return sprintf("29 arg=-1 real=%.0f000 boot=%.0f000", real[h], slept[h]) (h in only ? " req=" only[h] : "")
}
function put(h, t, text) { if (h == of && t >= since[h]) printf "%.0f %s\n", local(h, t), text | sorted }

function connection(t, c, port, s,    there, back, cl, sv, i, as_seen, seen, arg, targ, pid) {
	there = way[c, s]
	back = way[s, c]
	as_seen = opt["to"] ? opt["to"] : addr[s]
	seen = opt["from"] ? opt["from"] : addr[c] ":" port
	cl = sprintf("netns=4026531840 f=4 sk=%d l=%s:%d r=%s:80", 1000 + port, addr[c], port, as_seen)
	sv = sprintf("netns=4026531840 f=4 listener=0x10 l=%s:80 r=%s", addr[s], seen)
	isn++
	arg = opt["isn"] == "0" ? "" : sprintf(" arg=%.0f", isn * 4294967296 + 7 * isn)
	targ = opt["isn"] == "0" ? "" : sprintf(" arg=%.0f", 7 * isn * 4294967296 + isn)
	pid = " pid=5001 comm=curl"
	put(c, t, "connect" pid " fd=5 netns=4026531840 f=4 sk=" 1000 + port " r=" as_seen ":80")
	put(c, t + 2, "state " cl " old=CLOSE new=SYN_SENT")
	if (opt["lost"]) {
		put(c, t + 1000000, "retrans " cl " old=SYN_SENT")
		put(c, t + 2000000, "state " cl " old=SYN_SENT new=CLOSE err=110")
		put(c, t + 2000010, "connect-return" pid " fd=5 ret=-110 call_us=2000010 " cl)
		put(c, t + 2000020, "close" pid " fd=5 " cl)
		put(c, t + 2000030, "destroy " cl)
		return
	}
	i = 20000 + 2 * port
	t += 10 + there
	put(s, t, "synq-add request q=1,1,0,511 sk=" i targ " " sv)
	put(s, t + 1, "synack request q=1,1,0,511 sk=" i " " sv)
	t += 10 + back
	put(c, t, "state " cl " old=SYN_SENT new=ESTABLISHED" arg)
	put(c, t + 5, "connect-return" pid " fd=5 ret=0 call_us=" 25 + there + back " " cl)
	t += 10 + there
	put(s, t, "state old=LISTEN new=SYN_RECV req=" i " sk=" i + 1 " " sv)
	put(s, t + 1, "synq-del request cause=SYNQ_ESTABLISHED q=0,0,0,511 sk=" i " " sv)
	put(s, t + 2, "acceptq-add cause=ACCEPTQ_HANDSHAKE q=0,0,1,511 req=" i " sk=" i + 1 " " sv)
	put(s, t + 3, "state old=SYN_RECV new=ESTABLISHED sk=" i + 1 " " sv)
	put(s, t + 40, "acceptq-del cause=ACCEPTQ_ACCEPTED q=0,0,0,511 sk=" i + 1 " " sv)
	put(s, t + 50, "accept pid=812 comm=nginx fd=7 ret=7 call_us=90 q=0,0,0,511 sk=" i + 1 " " sv)
	t += back + 1000
	if (opt["reset"]) {
		put(c, t, "close" pid " fd=5 " cl)
		put(c, t + 1, "state " cl " old=ESTABLISHED new=CLOSE segs=3 in=70 unread=70")
		put(c, t + 2, "rst-sent " cl)
		put(c, t + 3, "destroy " cl)
		t += 10 + there
		put(s, t, "rst-received sk=" i + 1 " " sv)
		put(s, t + 1, "state old=ESTABLISHED new=CLOSE segs=3 out=70 err=104 sk=" i + 1 " " sv)
		put(s, t + 2, "destroy sk=" i + 1 " " sv)
		return
	}
	put(c, t, "close" pid " fd=5 " cl)
	put(c, t + 1, "state " cl " old=ESTABLISHED new=FIN_WAIT1")
	t += 10 + there
	put(s, t, "state old=ESTABLISHED new=CLOSE_WAIT sk=" i + 1 " " sv)
	put(s, t + 100, "close pid=812 comm=nginx fd=7 sk=" i + 1 " " sv)
	put(s, t + 101, "state old=CLOSE_WAIT new=LAST_ACK sk=" i + 1 " " sv)
	put(c, t + 10 + back, "state " cl " old=FIN_WAIT1 new=FIN_WAIT2")
	t += 110 + back
	put(c, t, "state " cl " old=FIN_WAIT2 new=TIME_WAIT")
	put(c, t + 1, "destroy " cl)
	t += 10 + there
	put(s, t, "state old=LAST_ACK new=CLOSE sk=" i + 1 " " sv)
	put(s, t + 1, "destroy sk=" i + 1 " " sv)
}

BEGIN { sorted = "sort -s -n"; base = 1000000000 }
{ sub(/#.*/, "") }
$1 == "host" {
	boot[$2] = $3; addr[$2] = $4; ahead[$2] = $5; ppm[$2] = $6; wall[$2] = $7
	number[$2] = ++hosts
	real[$2] = 1795410642000000 - ahead[$2] + wall[$2] * 1e6
	if ($2 == of)
		printf "wall %.0f000 %s %d %d %d\n", real[of], of, boot[of], hosts, $8
	fflush()
}
$1 == "way" { way[$2, $3] = $4 }
$1 == "sleep" {
	ahead[$3] -= $4
	real[$3] += $4
	slept[$3] += $4
	put($3, $2 + $4, observed($3))
}
$1 == "only" { only[$2] = $3 }
$1 == "since" { since[$2] = $3 }
$1 == "from" {
	begins = $2 > since[of] ? $2 : since[of]
	put(of, begins, observed(of))
	put(of, begins + 1, "state netns=4026531840 f=4 sk=0x10 old=CLOSE new=LISTEN l=" addr[of] ":80")
	put(of, $4, "snapshot netns=1")
}
$1 == "conn" {
	split("", opt)
	for (i = 6; i <= NF; i++) {
		split($i, part, "=")
		opt[part[1]] = part[1] ~ /^(lost|reset)$/ ? 1 : part[2]
	}
	for (i = 0; i < (opt["n"] ? opt["n"] : 1); i++)
		connection($2 + i * opt["every"], $3, $4 + i, $5)
}
