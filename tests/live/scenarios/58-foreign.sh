# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash disable=SC2034,SC2154 # lib.sh has the variables
#
# Traffic that others have thought of. None of it is here:
#	PACKETDRILL=DIR: its gtests/net, with packetdrill/packetdrill built; PACKETDRILL_ONLY: a glob of scripts, as 'close/*'
#	FOREIGN=FILE: programs, a command line each, run where FILE is: tests of Python, Go, node, the kernel's selftests
# What is judged is in foreign.py. Where time is short it leaves some out, and says how many; SEED=2 leaves out others.

# foreign KIND WHERE: one tcptrace for many namespaces, so it is not that of `trace`
foreign()
{
	local wrong

	needs python3 ip ss nsenter
	mkdir "$dir/foreign"
	((!SLOW)) || export FOREIGN_BATCH=8 FOREIGN_JOBS=3
	FOREIGN_SECONDS=$((SLOW ? 330 : 120)) python3 "$here/foreign.py" "$1" "$2" "$dir/foreign" \
		"$tcptrace" --mechanism "$mechanism" > "$dir/wrong" 2> "$dir/judged" &
	pid[foreign]=$!
	wait "${pid[foreign]}" || fail "foreign.py failed: $(tail -n 1 "$dir/judged")"
	unset 'pid[foreign]'
	while IFS= read -r wrong; do
		fail "$wrong"
	done < "$dir/wrong"
	within "scripts judged" "$(sed -n 's/^\([0-9]*\) scripts.*/\1/p' "$dir/judged")" 1 10000
	echo "note: $(tail -n 1 "$dir/judged")"
}

packetdrill_scripts()
{
	[[ -x ${PACKETDRILL:-}/packetdrill/packetdrill ]] || skip "no packetdrill: PACKETDRILL=DIR says where its gtests/net is"
	foreign "$1" "$PACKETDRILL"
}

scenario packetdrill 46 own host loose -- "scripts of packetdrill (PACKETDRILL=DIR): what is told of each is so"
packetdrill()
{
	packetdrill_scripts "$family_name"
}

scenario packetdrill_mapped 4 own host loose -- "the same by IPv4 through IPv6 sockets"
packetdrill_mapped()
{
	packetdrill_scripts mapped
}

scenario foreign_programs 4 own host loose -- "programs that others wrote (FOREIGN=FILE): what is told of each is so"
foreign_programs()
{
	[[ -r ${FOREIGN:-} ]] || skip "no programs: FOREIGN=FILE has their command lines"
	foreign commands "$FOREIGN"
}
