#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
#
# Copies the files of tcptrace to where the system looks for them, or removes them
# again; says which. Used by `make install` and by whoever unpacks `make dist`.
set -eu

usage()
{
	cat <<-EOF2
	usage: install.sh [--uninstall] [--prefix DIR] [--destdir DIR] [--from TREE]

	--prefix DIR    where it will be used (/usr/local; \$HOME/.local needs no root)
	--destdir DIR   put before the prefix while copying, as packages do
	--from TREE     the directory with bin/ and share/ (beside this script)
	EOF2
}

say() { printf 'tcptrace: %s\n' "$*" >&2; }

prefix=/usr/local destdir='' tree='' uninstall=''
while [ $# -gt 0 ]; do
	case $1 in
	--uninstall) uninstall=1 ;;
	--prefix | --destdir | --from)
		[ $# -gt 1 ] || { usage >&2; exit 2; }
		case $1 in --prefix) prefix=$2 ;; --destdir) destdir=$2 ;; *) tree=$2 ;; esac
		shift ;;
	-h | --help) usage; exit 0 ;;
	*) usage >&2; exit 2 ;;
	esac
	shift
done
case $prefix in /*) ;; *) say "--prefix '$prefix': not an absolute path"; exit 2 ;; esac
tree=${tree:-$(dirname "$0")/tree}
[ -x "$tree/bin/tcptrace" ] || { say "there is no $tree/bin/tcptrace"; exit 1; }

# copy FILE: of the tree; units say where the program is
copy()
{
	mkdir -p "$(dirname "$to")"
	rm -f "$to"
	case $1 in
	*.service) sed "s|/usr/bin/tcptrace|$prefix/bin/tcptrace|" "$tree/$1" > "$to"; chmod 644 "$to" ;;
	bin/*)     cp "$tree/$1" "$to"; chmod 755 "$to" ;;
	*)         cp "$tree/$1" "$to"; chmod 644 "$to" ;;
	esac
	printf '  INSTALL %s\n' "$to"
}

# Removes a file, and those directories above it that it leaves empty.
remove()
{
	[ -e "$to" ] || return 0
	rm -f "$to"
	printf '  REMOVE  %s\n' "$to"
	dir=$(dirname "$to")
	while [ "$dir" != "$destdir$prefix" ] && rmdir "$dir" 2> /dev/null; do dir=$(dirname "$dir"); done
}

(cd "$tree" && find . -type f) | sed 's|^\./||' | LC_ALL=C sort | while read -r file; do
	to=$destdir$prefix/$file
	if [ -n "$uninstall" ]; then remove; else copy "$file"; fi
done

# Debian has another program of this name; and /usr/local/sbin, which tcptrace 0.1 used, comes first.
[ -z "$destdir$uninstall" ] || exit 0
first=$(command -v tcptrace || :)
case $first in
"$prefix/bin/tcptrace") ;;
'') say "note: $prefix/bin is not in PATH: call $prefix/bin/tcptrace" ;;
*)  say "note: another tcptrace comes first in PATH: $first; call $prefix/bin/tcptrace, or remove the other" ;;
esac
