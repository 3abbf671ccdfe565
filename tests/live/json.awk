# SPDX-License-Identifier: GPL-2.0-only
# get(PATH): a value of this line's JSON object: "pid", "synq.peak". Objects hold
# no arrays; a string is given as it is written, without its quotes.
function get(path,    at, rest, key, text) {
	text = $0
	while ((at = index(path, ".")) > 0) {
		key = "\"" substr(path, 1, at - 1) "\":{"
		path = substr(path, at + 1)
		rest = index(text, key)
		if (!rest)
			return ""
		text = substr(text, rest + length(key))
		text = substr(text, 1, index(text, "}"))
	}
	key = "\"" path "\":"
	rest = index(text, key)
	if (!rest)
		return ""
	text = substr(text, rest + length(key))
	if (match(text, /^"([^"\\]|\\.)*"/))
		return substr(text, 2, RLENGTH - 2)
	if (match(text, /^[^,}]*/))
		return substr(text, 1, RLENGTH)
	return ""
}
