# SPDX-License-Identifier: GPL-2.0-only
# How often each (event, cause, old, new) came; after json.awk.
index($0, "{\"type\":\"event\"") == 1 {
	how[get("event") " " get("cause") " " get("old") " " get("new")]++
}
END {
	for (h in how)
		print how[h], h
}
