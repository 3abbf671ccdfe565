/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What needs a script on the page of `tcptrace report`: zoom of the charts, sorting and
 * filtering of the table, the ladder of one connection, the replay. All names and texts
 * from outside get onto the page as text, never as markup. Times are in us.
 */
"use strict";
(() => {
const $ = (id) => document.getElementById(id);
const data = JSON.parse($("tcptrace-data").textContent);
const T = (text) => data.texts[text] || text;
const SVG = $("stage").namespaceURI;
const END = Math.max(1, data.meta.duration_us);

const make = (name, parent, attributes = {}, text = "") => {
	const e = parent.namespaceURI === SVG ? document.createElementNS(SVG, name) : document.createElement(name);
	for (const [key, value] of Object.entries(attributes))
		e.setAttribute(key, value);
	if (text !== "")
		e.textContent = text;
	parent.append(e);
	return e;
};
const fill = (text, ...values) => values.reduce((s, value, i) => s.replace(`{${i + 1}}`, value), text);
const number = (n) => String(n).replace(/\B(?=(\d{3})+$)/g, ",");
const seconds = (us) => `${Math.floor(us / 1e6)}.${String(Math.floor(us % 1e6)).padStart(6, "0")} s`;
const duration = (us) => {
	const [n, unit] = us >= 1e6 ? [us / 1e6, "s"] : us >= 1e3 ? [us / 1e3, "ms"] : [us, "µs"];
	return `${n >= 100 || unit === "µs" ? n.toFixed(0) : n.toPrecision(3)}\u00a0${unit}`;
};

/* ---- charts: all show the part [from, to] of the run, as shares of it ---- */

const charts = (() => {
	const figures = [...document.querySelectorAll("figure.chart")];
	let from = 0, to = 1;

	const show = (a, b) => {
		const width = Math.min(1, Math.max(1e-6, b - a));
		from = Math.min(Math.max(0, a), 1 - width);
		to = from + width;
		for (const f of figures)
			f.querySelector("svg").setAttribute("viewBox", `${from * 1e5} -60 ${width * 1e5} 1060`);
		for (const axis of document.querySelectorAll(".axis")) {
			const marks = [...axis.children];
			marks.forEach((mark, i) => {
				const us = (from + width * i / (marks.length - 1)) * END;
				mark.textContent = us < 1 ? "0" : width < .05 ? seconds(us) : duration(us);
			});
		}
	};
	const by = (a, b) => () => show(from + (to - from) * a, to + (to - from) * b);
	const zoom = {
		in: by(.25, -.25), out: by(-.5, .5), earlier: by(-.5, -.5), later: by(.5, .5), whole: () => show(0, 1),
	};
	const value = (s, us) => {	/* of a series at that time */
		let low = 0, high = s.t.length;
		while (low < high) {
			const middle = (low + high) >> 1;
			if (s.t[middle] <= us)
				low = middle + 1;
			else
				high = middle;
		}
		if (!low)
			return "-";
		const i = low - 1;
		return s.min && s.min[i] < s.max[i] ? `${s.min[i]} \u2013 ${s.max[i]}` : String(s.last[i]);
	};
	const watch = (f) => {
		const svg = f.querySelector("svg"), out = make("output", f.querySelector("figcaption"));
		const series = data.series.find((s) => String(s.listener) === f.dataset.listener && f.classList.contains(s.queue));
		let start = null, chosen = null;
		const share = (e) => {
			const box = svg.getBoundingClientRect();
			return Math.min(1, Math.max(0, (e.clientX - box.left) / box.width));
		};
		const mark = (a, b) => {
			const box = svg.getBoundingClientRect(), left = svg.offsetLeft || svg.parentNode.clientWidth - box.width;
			chosen = chosen || make("div", svg.parentNode, { class: "chosen" });
			chosen.style.left = `${left + Math.min(a, b) * box.width}px`;
			chosen.style.width = `${Math.abs(b - a) * box.width}px`;
		};
		svg.addEventListener("pointerdown", (e) => { start = share(e); svg.setPointerCapture(e.pointerId); });
		svg.addEventListener("pointermove", (e) => {
			const us = (from + (to - from) * share(e)) * END;
			out.textContent = `${seconds(us)}${series ? `: ${value(series, us)}` : ""}`;
			if (start !== null)
				mark(start, share(e));
		});
		svg.addEventListener("pointerup", (e) => {
			const a = Math.min(start, share(e)), b = Math.max(start, share(e));
			if (start !== null && b - a > .01)
				show(from + (to - from) * a, from + (to - from) * b);
			start = null;
			if (chosen)
				chosen.remove();
			chosen = null;
		});
		svg.addEventListener("pointerleave", () => { out.textContent = ""; });
		svg.addEventListener("dblclick", zoom.whole);
	};
	figures.forEach(watch);
	$("zoom").hidden = !figures.length;
	$("zoom").addEventListener("click", (e) => {
		if (e.target.dataset.zoom)
			zoom[e.target.dataset.zoom]();
	});
	return { show };
})();

/* ---- the table of connections ---- */

(() => {
	const table = $("conn-table");
	if (!table)
		return;
	const body = table.tBodies[0], rows = [...body.rows], heads = [...table.tHead.rows[0].cells];
	const key = (row, i) => {
		const text = row.cells[i].textContent, n = Number(text.replace(/^>/, ""));
		return text === "-" ? null : Number.isNaN(n) ? text : n;
	};
	const compare = (a, b) => typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b));
	let most = 300;		/* rows that are shown */
	const page = () => {
		let shown = 0;
		for (const row of body.rows) {
			shown += !row.hidden;
			row.classList.toggle("later", !row.hidden && shown > most);
		}
		table.classList.add("paged");
		$("more").hidden = shown <= most;
		return shown;
	};
	const sort = (i) => {
		const down = heads[i].getAttribute("aria-sort") === "ascending";
		heads.forEach((h) => h.removeAttribute("aria-sort"));
		heads[i].setAttribute("aria-sort", down ? "descending" : "ascending");
		const keyed = rows.map((row) => [key(row, i), row]);
		keyed.sort(([a], [b]) => a === null || b === null ? (a === null) - (b === null) : compare(a, b) * (down ? -1 : 1));
		body.append(...keyed.map(([, row]) => row));
		page();
	};
	const filter = () => {
		const words = $("filter").value.toLowerCase().split(/\s+/);
		for (const row of rows) {
			const text = row.textContent.toLowerCase();
			row.hidden = !words.every((word) => text.includes(word));
		}
		$("filter-count").textContent = fill(T("{1} of {2} rows"), number(page()), number(rows.length));
	};
	$("more").addEventListener("click", () => { most *= 4; page(); });
	page();
	heads.forEach((head, i) => {
		const text = head.textContent;
		head.textContent = "";
		make("button", head, { type: "button" }, text).addEventListener("click", () => sort(i));
	});
	$("filter-box").hidden = false;
	$("filter").addEventListener("input", filter);
})();

/* ---- the ladder of one connection ---- */

(() => {
	const SEGMENT = ["", "SYN", "SYN-ACK", "ACK", "FIN", "RST", T("segment")], AGAIN = 8, HALF = 16, ARRIVES = 32;
	const ladders = data.ladders, byConn = new Map();
	const name = (l) => [0, 1].map((i) => l.conn[i] ? `conn ${l.conn[i]}` : "").filter(Boolean).join(" \u2194 ") || T("no conn");
	let shown = 0, why = [];

	if (!ladders.length)
		return void ($("ladder-none").hidden = false);
	ladders.sort((a, b) => a.zero - b.zero);
	ladders.forEach((l, i) => l.conn.forEach((conn) => conn && byConn.set(String(conn), i)));

	const explain = (i) => { $("ladder-why").textContent = why[i] >= 0 ? data.explain[why[i]] : ""; };
	const said = (cell, i, text) => {	/* text that explains itself when it is in focus */
		const e = make(why[i] >= 0 ? "button" : "span", cell, why[i] >= 0 ? { type: "button" } : {}, text);
		for (const event of ["focus", "pointerenter", "click"])
			e.addEventListener(event, () => explain(i));
	};
	const arrow = (cell, l, i) => {
		const code = l.arrow[i], side = l.side[i], half = code & HALF, text = SEGMENT[code & 7] + (code & AGAIN ? ` ${T("again")}` : "");
		if (!(code & 7))
			return;
		cell.className = `arrow${half ? side ? " far" : " near" : ""}`;
		make("i", cell);
		if (!half || code & ARRIVES)
			make("b", cell, { class: Boolean(code & ARRIVES) === Boolean(side) ? "east" : "west" });
		if (l.text[i])
			make("span", cell, {}, text);
		else
			said(cell, i, text);
	};
	const row = (l, i, list) => {
		const li = make("li", list, { class: `mark${l.mark[i]}` }), side = l.side[i];
		make("span", li, { class: "t" }, number(l.t[i]));
		const cells = ["text", "arrow", "text"].map((name) => make("span", li, { class: name }));
		arrow(cells[1], l, i);
		if (l.text[i] || !l.arrow[i])
			said(cells[side * 2], i, l.text[i] || fill(T("... {1} steps left out ..."), number(l.left[side])));
		const q = make("span", li, { class: "q" });
		if (l.synq[i] >= 0) {
			const limit = l.limit === undefined ? "" : `/${l.limit}`;
			make("span", q, {}, `SYN ${l.synq[i]}${limit}`);
			make("span", q, {}, `ACC ${l.acceptq[i]}${limit}`);
		}
	};
	const title = (l) => {
		$("ladder-title").textContent = "";
		[T("client"), T("server")].forEach((role, i) => {
			const netns = l.netns[i] ? `, netns ${l.netns[i]}` : "";
			const seen = l.conn[i] || l.who[i] ? `${l.who[i] || "-"} ${l.end[i]}${netns}` : `${T("not seen here")}${T(": ")}${l.end[i]}`;
			make("p", $("ladder-title"), {}, `${role}${T(": ")}${l.conn[i] ? `conn ${l.conn[i]}, ` : ""}${seen}`);
		});
		if (l.midway)
			make("p", $("ladder-title"), {}, T("Its beginning was not seen: it was there before."));
	};
	const show = (i) => {
		const l = ladders[i], list = $("ladder-steps");
		shown = i;
		why = l.why;
		$("ladder-choice").value = String(i);
		title(l);
		list.textContent = "";
		const head = make("li", list, { class: "head" });
		for (const text of [T("µs"), T("client"), "", T("server"), T("queues, and their limit")])
			make("span", head, { class: text === T("µs") ? "t" : "" }, text);
		l.t.forEach((_, k) => row(l, k, list));
		l.goes_on.forEach((on, k) => on && make("li", list, { class: "end" }, k ? T("The server's end goes on.") : T("The client's end goes on.")));
		explain(-1);
	};
	const follow = () => {
		const match = /^#conn-(\d+)$/.exec(location.hash);
		if (!match || !byConn.has(match[1]))
			return;
		show(byConn.get(match[1]));
		$("ladder").scrollIntoView();
	};
	for (const cell of document.querySelectorAll("#conn-table tbody th")) {
		const conn = cell.textContent;
		if (!byConn.has(conn))
			continue;
		cell.textContent = "";
		make("a", cell, { href: `#conn-${conn}` }, conn).addEventListener("click", () => setTimeout(follow));
	}
	ladders.forEach((l, i) => make("option", $("ladder-choice"), { value: i }, `${seconds(l.zero)}  ${name(l)}  ${l.end[0]}`));
	$("ladder-choice").addEventListener("change", (e) => show(Number(e.target.value)));
	$("ladder-before").addEventListener("click", () => show(Math.max(0, shown - 1)));
	$("ladder-after").addEventListener("click", () => show(Math.min(ladders.length - 1, shown + 1)));
	addEventListener("hashchange", follow);
	$("ladder-box").hidden = false;
	show(0);
	follow();
})();

/* ---- the replay ---- */

(() => {
	const [SAME, CLIENT, WIRE, SYNQ, ACCEPTQ, SERVER, REFUSED, GONE, LEFT] = [0, 1, 2, 3, 4, 5, 6, 7, 8];
	const BOXES = {		/* x, y, width, height; queues move towards accept() */
		[CLIENT]: [20, 130, 250, 430], [WIRE]: [290, 130, 160, 430], [SYNQ]: [470, 130, 300, 430],
		[ACCEPTQ]: [840, 130, 300, 430], [SERVER]: [1270, 130, 310, 430], [REFUSED]: [470, 660, 1110, 220],
	};
	const s = data.steps, conns = data.conns, meta = data.meta, box = $("replay-box"), tokens = new Map();
	let steps = [], listener = null, state = null, playing = 0, clock = 0;

	if (!data.listeners.length || !s.t.length) {
		$("replay-none").hidden = false;
		return;
	}

	/* Discs are as large as the queues' limit allows: what a place of them holds, and where the i-th is. */
	let size = 1;
	const grid = (place) => {
		const [, , width, height] = BOXES[place];
		const columns = Math.max(1, Math.floor(width / (57 * size))), rows = Math.floor((height - 14) / (52 * size));
		return { columns, most: columns * rows };
	};
	const at = (place, i) => {
		const [x, y, width] = BOXES[place], { columns } = grid(place), dx = width / columns;
		const column = place === ACCEPTQ ? columns - 1 - i % columns : i % columns;
		return [x + dx * (column + .5), y + 7 + 52 * size * (Math.floor(i / columns) + .5)];
	};
	const begin = () => ({
		done: 0, place: new Map(), synq: null, acceptq: null, accepted: 0, refused: 0, causes: new Map(), now: -1,
		lists: Object.fromEntries([CLIENT, WIRE, SYNQ, ACCEPTQ, SERVER, REFUSED].map((place) => [place, []])),
	});
	const move = (conn, to) => {
		const from = state.place.get(conn);
		if (to === LEFT)
			to = [SYNQ, ACCEPTQ, SERVER, REFUSED].includes(from) ? SAME : GONE;
		if (to === SAME || to === from)
			return;
		if (state.lists[from])
			state.lists[from].splice(state.lists[from].indexOf(conn), 1);
		if (state.lists[to])
			state.lists[to].push(conn);
		state.place.set(conn, to);
	};
	const count = (i) => {
		const event = meta.event[s.event[i]], cause = event === "state" ? "" : meta.cause[s.detail[i]];
		if (s.synq[i] >= 0)
			[state.synq, state.acceptq] = [s.synq[i], s.acceptq[i]];
		state.accepted += event === "acceptq-del" && (cause === "accepted" || cause === "reset");
		if (event === "drop") {
			state.refused++;
			state.causes.set(cause, (state.causes.get(cause) || 0) + 1);
		}
	};
	const advance = (to) => {
		if (to < state.done)
			state = begin();
		while (state.done < to) {
			const i = steps[state.done++];
			if (s.conn[i] >= 0)
				move(s.conn[i], s.place[i]);
			count(i);
			state.now = i;
		}
	};

	/* What is drawn */
	const slots = () => {
		const limit = listener.limit, parent = $("slots");
		parent.textContent = "";
		for (const [place, taken, kind] of [[SYNQ, state.synq, "synq"], [ACCEPTQ, state.acceptq, "acceptq"]]) {
			if (limit === undefined)
				continue;
			if (limit + 1 > grid(place).most) {
				const height = Math.min(1, (taken || 0) / (limit + 1)) * 424;
				const x = place === SYNQ ? 473 : 843;
				make("rect", parent, { class: `level ${kind}`, x, y: 557 - height, width: 12, height });
				continue;
			}
			for (let i = 0; i < limit + 1; i++) {
				const [cx, cy] = at(place, i);
				make("circle", parent, { cx, cy, r: 22 * size, class: i < (taken || 0) ? "taken" : "free" });
			}
		}
	};
	const token = (conn) => {
		if (!tokens.has(conn)) {
			const g = make("g", $("tokens"), { class: `token c${conn % 8}` }), label = String(conns.conn[conn] || "\u00b7");
			make("circle", g, { r: 24 });
			make("text", g, { class: label.length > 3 ? "long" : "" }, label);
			tokens.set(conn, g);
		}
		return tokens.get(conn);
	};
	const discs = () => {
		const seen = new Set();
		for (const [place, list] of Object.entries(state.lists)) {
			const { most } = grid(place), queue = Number(place) === SYNQ || Number(place) === ACCEPTQ;
			const visible = queue ? list.slice(0, most) : list.slice(-most);
			visible.forEach((conn, i) => {
				const [x, y] = at(Number(place), i), g = token(conn);
				g.style.transform = `translate(${x}px, ${y}px) scale(${size})`;
				g.classList.toggle("now", state.now >= 0 && s.conn[state.now] === conn);
				seen.add(conn);
			});
		}
		for (const [conn, g] of tokens) {
			if (seen.has(conn))
				continue;
			g.remove();
			tokens.delete(conn);
		}
	};
	const numbers = () => {
		const limit = listener.limit === undefined ? "" : `/${listener.limit}`;
		const known = (n) => n === null ? "-" : n;
		for (const queue of ["synq", "acceptq"]) {
			$(`n-${queue}`).textContent = `${known(state[queue])}${limit}`;
			$(`n-${queue}`).classList.toggle("long", limit.length > 6);
		}
		$("n-clients").textContent = number(state.lists[CLIENT].length);
		$("n-wire").textContent = number(state.lists[WIRE].length);
		$("n-server").textContent = fill(T("accepted {1}"), number(state.accepted));
		$("n-refused").textContent = number(state.refused);
		$("n-causes").textContent = [...state.causes].map(([cause, n]) => `${cause} ${number(n)}`).join(", ");
	};
	const caption = () => {
		const i = state.now, conn = i < 0 ? -1 : s.conn[i];
		$("replay-where").textContent = `${number(state.done)} / ${number(steps.length)}`;
		$("replay-at").value = String(state.done);
		$("replay-caption").textContent = T("Before the first step.");
		$("replay-why").textContent = i >= 0 && s.why[i] >= 0 ? data.explain[s.why[i]] : "";
		if (i < 0)
			return;
		const event = meta.event[s.event[i]], detail = (event === "state" ? meta.state : meta.cause)[s.detail[i]];
		const who = conn < 0 ? listener.name : `${conns.conn[conn] ? `conn ${conns.conn[conn]}` : T("no conn")}, ${conns.remote[conn]}`;
		$("replay-caption").textContent = `${seconds(s.t[i])}  ${who}:  ${event}${detail ? ` ${detail}` : ""}`;
	};
	const go = (to, jump) => {
		advance(Math.min(Math.max(0, to), steps.length));
		$("stage").classList.toggle("jump", Boolean(jump));
		slots();
		discs();
		numbers();
		caption();
	};

	/* How it runs: the clock is in us of the run, and no wait on the screen is longer than a second and a half. */
	const speed = () => Number($("replay-speed").value);
	const next = () => state.done < steps.length ? s.t[steps[state.done]] : Infinity;
	const frame = (since) => (now) => {
		if (!playing)
			return;
		const passed = now - since;
		if (speed() === 0) {
			if (passed < 1000) {
				playing = requestAnimationFrame(frame(since));
				return;
			}
			go(state.done + 1);
		} else {
			clock += passed * 1000 * speed();
			clock = Math.max(clock, next() - 1.5e6 * speed());
			let to = state.done;
			while (to < steps.length && s.t[steps[to]] <= clock)
				to++;
			if (to > state.done)
				go(to, to > state.done + 20);
		}
		if (state.done < steps.length)
			playing = requestAnimationFrame(frame(now));
		else
			stop();
	};
	const speak = (aloud) => ["replay-caption", "replay-why"].forEach((id) => $(id).setAttribute("aria-live", aloud ? "polite" : "off"));
	const stop = () => {
		cancelAnimationFrame(playing);
		playing = 0;
		$("replay-play").textContent = T("Play");
		speak(true);
	};
	const play = () => {
		if (state.done >= steps.length)
			go(0, true);
		clock = next();
		speak(false);
		$("replay-play").textContent = T("Pause");
		playing = requestAnimationFrame(frame(performance.now()));
	};
	const step = (by) => [stop(), go(state.done + by)];
	const jump = (to) => [stop(), go(to, true)];
	const faster = (by) => {
		const choice = $("replay-speed"), to = choice.selectedIndex + by;
		choice.selectedIndex = Math.min(Math.max(0, to), choice.options.length - 1);
		clock = next();
	};
	const full = () => document.fullscreenElement ? document.exitFullscreen() : box.requestFullscreen();
	const choose = (i) => {
		listener = data.listeners[i];
		steps = s.t.map((_, k) => k).filter((k) => s.listener[k] === listener.listener);
		size = listener.limit < 6 ? 2 : listener.limit < 15 ? 1.5 : 1;
		state = begin();
		$("replay-at").max = String(steps.length);
		$("replay-speed").value = steps.length > 300 ? "1" : "0";
		stop();
		go(0, true);
	};

	const keys = {
		" ": () => playing ? stop() : play(), ArrowLeft: () => step(-1), ArrowRight: () => step(1),
		ArrowUp: () => faster(-1), ArrowDown: () => faster(1), Home: () => jump(0), End: () => jump(steps.length), f: full,
	};
	const buttons = {
		play: keys[" "], step: keys.ArrowRight, back: keys.ArrowLeft, first: keys.Home, last: keys.End, full,
	};
	for (const [id, act] of Object.entries(buttons)) {
		$(`replay-${id}`).addEventListener("click", (e) => {
			act();
			if (e.detail)		/* by a mouse: the keys work from here on */
				box.focus({ preventScroll: true });
		});
	}
	box.addEventListener("keydown", (e) => {
		const own = e.target.tagName === "SELECT" || (e.target.tagName === "BUTTON" && e.key === " ");
		if (own || e.ctrlKey || e.altKey || e.metaKey || !keys[e.key])
			return;
		e.preventDefault();
		keys[e.key]();
	});
	$("replay-at").addEventListener("input", (e) => jump(Number(e.target.value)));
	$("replay-speed").addEventListener("change", () => { clock = next(); });
	data.listeners.forEach((l, i) => make("option", $("replay-listener"), { value: i }, `${l.name} ${l.owner}`));
	$("replay-listener").addEventListener("change", (e) => choose(Number(e.target.value)));
	const left = data.left_out;
	$("replay-left").textContent = left.steps_before || left.steps_after ?
		fill(T("Left out: {1} steps before these and {2} after them."), number(left.steps_before), number(left.steps_after)) : "";
	box.hidden = false;
	choose(Math.max(0, data.listeners.findIndex((l) => s.listener.includes(l.listener))));
})();

charts.show(0, 1);
document.documentElement.dataset.ready = "1";
})();
