# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034 # who reads this uses what is set
#
# The peers, and what tcptrace is asked for beside each: the same events, or those that say the same.
peers="tcpdump tcpdump-file tcplife ss tcpstates tcpconnect tcptracer"

# Each of the eight segments of a connection that tcpdump is asked for, sent or received, makes one of these.
segments=synq-add,synack,state,rst-sent,rst-received
calls=connect,accept,close

# peer NAME FILE: sets cmd, what it runs as, and same, tcptrace's options. False: no such peer.
peer() {
	local dump=(tcpdump -Z root -nn -i lo 'tcp[tcpflags] & (tcp-syn|tcp-fin|tcp-rst) != 0')

	case $1 in
	tcpdump)      cmd=("${dump[@]}") same=(-e "$segments") ;;
	tcpdump-file) cmd=("${dump[@]}" -w "$2") same=(-e "$segments" -w -) ;;
	tcplife)      cmd=(tcplife) same=(-e destroy) ;;
	ss)           cmd=(ss -E) same=(-e destroy) ;;
	tcpstates)    cmd=(tcpstates) same=(-e state) ;;
	tcpconnect)   cmd=(tcpconnect) same=(-e connect) ;;
	tcptracer)    cmd=(tcptracer) same=(-e "$calls") ;;
	*) return 1 ;;
	esac
}
