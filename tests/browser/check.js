/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What must hold of a page, in a browser. usage: node check.js DIR MODULES [PART]...
 * DIR holds NAME.rec; pages are made beside them ("lab NAME": of an experiment). Prints PASS and FAIL lines and the sum.
 */
"use strict";
const { execFileSync } = require("child_process");
const crypto = require("crypto");
const fs = require("fs");
const path = require("path");

const [dir, modules, ...chosen] = process.argv.slice(2);
const { chromium } = require(path.resolve(modules, "node_modules/playwright-core"));
const axe = fs.readFileSync(path.resolve(modules, "node_modules/axe-core/axe.min.js"), "utf8");
const TCPTRACE = process.env.TCPTRACE, SHOTS = process.env.SHOTS;
const DESK = { width: 1280, height: 720 }, PHONE = { width: 390, height: 844 };
const MB = 1 << 20;
let browser, passed = 0, failed = 0;

const check = (name, well, why = "") => {
	console.log(well ? `PASS ${name}` : `FAIL ${name}: ${why}`);
	well ? passed++ : failed++;
};
const same = (name, got, want) =>
	check(name, JSON.stringify(got) === JSON.stringify(want), `${JSON.stringify(got)} instead of ${JSON.stringify(want)}`);

const recording = (name) => path.join(dir, `${name}.rec`);
const make = (name, ...options) => {
	const file = path.join(dir, `${[name, ...options].join("-").replace(/\W+/g, "-")}.html`);
	const lab = /^lab (.*)/.exec(name);
	if (name === "live")		/* tests/browser/run made it */
		return file;
	execFileSync(TCPTRACE, [...lab ? ["lab", lab[1], "--replay", "--html", file] : ["report", "-r", recording(name), "-o", file], ...options]);
	return file;
};
const lines = (name) => execFileSync(TCPTRACE, ["-j", "-r", recording(name)], { maxBuffer: 1 << 30 })
	.toString().trim().split("\n").map((line) => JSON.parse(line));

/* Opens it, with what it said and asked for. */
const open = async (file, { viewport = DESK, ...context } = {}) => {
	const c = await browser.newContext({ viewport, ...context }), page = await c.newPage(), said = [];
	page.on("console", (m) => said.push(`console: ${m.text()}`));
	page.on("pageerror", (e) => said.push(`error: ${e.message}`));
	page.on("request", (r) => r.url().startsWith("file:") || said.push(`request: ${r.url()}`));
	const inspector = await c.newCDPSession(page);
	await inspector.send("Performance.enable", { timeDomain: "threadTicks" });
	const began = Date.now();
	await page.goto(`file://${path.resolve(file)}`);
	page.said = said;
	page.opened = Date.now() - began;
	page.cpu = (await inspector.send("Performance.getMetrics")).metrics.find((m) => m.name === "TaskDuration").value;
	return page;
};
const close = (page) => page.context().close();
const shot = async (page, name) => SHOTS && page.screenshot({ path: path.join(SHOTS, `${name}.png`), fullPage: true });
/* axe is run by the inspector, which no policy of the page stops. */
const violations = async (page) => {
	if (!await page.evaluate(() => "axe" in window))
		await page.evaluate(axe);
	return page.evaluate(async () => (await window.axe.run()).violations.map((v) => `${v.id}: ${v.nodes[0].html.slice(0, 120)}`));
};
const text = (page, selector) => page.locator(selector).first().textContent();

/* Texts that lie on each other on the stage, where they have a place each, and labels cut by what holds them. */
const overlaps = (page) => page.evaluate(() => {
	const texts = [...document.querySelectorAll("#stage > :not(#tokens) text")].filter((t) => t.textContent), found = [];
	const boxes = texts.map((t) => t.getBoundingClientRect());
	const stage = document.getElementById("stage").getBoundingClientRect();
	boxes.forEach((a, i) => {
		if (a.width && (a.left < stage.left || a.right > stage.right))
			found.push(`${texts[i].textContent} leaves the stage`);
		for (let k = i + 1; k < boxes.length; k++) {
			const b = boxes[k], slack = a.height / 4;	/* of a line's height, that letters do not fill */
			if (a.left < b.right && b.left < a.right && a.top + slack < b.bottom && b.top + slack < a.bottom)
				found.push(`${texts[i].textContent} on ${texts[k].textContent}`);
		}
	});
	for (const e of document.querySelectorAll("button, .key, .facts span, h1, h2, h3, figcaption span")) {
		if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth)
			found.push(`${e.textContent} is cut`);
	}
	return found;
});

/* ---- every page, as it comes ---- */

async function everyPage(name, options = []) {
	const file = make(name, ...options), label = [name, ...options].join(" "), html = fs.readFileSync(file, "utf8");

	same(`${label}: only its owner may read it`, fs.statSync(file).mode & 0o777, 0o600);
	check(`${label}: names no place outside`, !/https?:|\/\/|@import|url\((?!#)/.test(html.replace(/<script type="application[^]*?<\/script>/, "")),
	      "a URL is in it");
	const page = await open(file);
	/* Places depend on the screen, contrast on the colours: each once is enough. */
	for (const [view, viewport, colorScheme] of [["desk", DESK, "light"], ["phone", PHONE, "dark"]]) {
		const where = `${label}, ${view}, ${colorScheme}`;
		await page.setViewportSize(viewport);
		await page.emulateMedia({ colorScheme });
		same(`${where}: axe`, await violations(page), []);
		const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
		check(`${where}: not wider than the screen`, wide <= 0, `by ${wide} pixels`);
		same(`${where}: no text on another`, await overlaps(page), []);
		await shot(page, where.replace(/\W+/g, "-"));
	}
	const empty = await page.evaluate(() => [...document.querySelectorAll("section")].filter((e) => e.innerText.trim().split("\n").length < 2).map((e) => e.id));
	same(`${label}: no section is empty`, empty, []);
	same(`${label}: says nothing, asks for nothing`, page.said, []);
	await close(page);
}

/* ---- without scripts: sections 1 to 4 are whole ---- */

async function noScripts(name) {
	const file = make(name), all = lines(name), page = await open(file, { javaScriptEnabled: false });

	const heads = await page.locator("h1, h2").allTextContents();
	check(`${name}, no scripts: all headings`, heads.length >= 8 && heads[0].startsWith("tcptrace: "), heads.join("; "));
	const listeners = all.filter((l) => l.type === "listener");
	same(`${name}, no scripts: a card each`, await page.locator("article").count(), listeners.length);
	same(`${name}, no scripts: findings`, await page.locator(".findings li").count(), all.filter((l) => l.type === "finding").length);
	same(`${name}, no scripts: no dead controls`, await page.locator("button:visible, input:visible, select:visible").count(), 0);
	same(`${name}, no scripts: charts are drawn`, await page.locator("figure.chart svg path").count() > 0, listeners.length > 0);
	const conns = new Set(all.filter((l) => l.conn && l.event !== "socket").map((l) => l.conn));
	for (const row of await page.locator("#conn-table tbody th").allTextContents())
		conns.delete(Number(row));
	check(`${name}, no scripts: connections are in the table`, conns.size <= all.filter((l) => l.event === "listen" || l.new === "LISTEN").length,
	      `missing: ${[...conns]}`);
	await close(page);
}

/* ---- the numbers are the model's ---- */

async function numbers(name) {
	const page = await open(make(name)), all = lines(name);
	const data = JSON.parse(await text(page, "#tcptrace-data"));

	const { lost } = all.at(-1), alerts = await page.locator(".alert").allTextContents();
	same(`${name}: what was lost is said in red`, alerts.some((line) => line.startsWith(`${lost} events were lost`)), lost > 0);
	for (const want of all.filter((l) => l.type === "listener")) {
		const got = data.listeners.find((l) => l.listener === want.listener), label = `${name}: listener ${want.listener}`;
		same(`${label}: numbers`, [got.acceptq, got.acceptq_peak, got.synq, got.synq_peak, got.established, got.accepted, got.refused],
		     [want.acceptq.now, want.acceptq.peak, want.synq.now, want.synq.peak, want.established, want.accepted, want.drops]);
		const series = (queue) => data.series.find((s) => s.listener === want.listener && s.queue === queue);
		const steps = (queue) => {
			const values = all.filter((l) => l.type === "event" && l.listener === want.listener && l[queue] !== undefined).map((l) => l[queue]);
			return values.filter((v, i) => v !== values[i - 1]);
		};
		for (const queue of ["acceptq", "synq"])
			same(`${label}: ${queue} over time`, series(queue) ? series(queue).last : [], steps(queue));
	}
	await close(page);
}

async function replay(name) {
	const page = await open(make(name)), data = JSON.parse(await text(page, "#tcptrace-data"));

	for (const [i, l] of data.listeners.entries()) {
		await page.selectOption("#replay-listener", String(i));
		await page.focus("#replay-box");
		await page.keyboard.press("End");
		const got = await page.evaluate(() => ["n-acceptq", "n-synq", "n-server", "n-refused"].map((id) => document.getElementById(id).textContent));
		const limit = l.limit === undefined ? "" : `/${l.limit}`;
		const shown = (n) => data.steps.listener.includes(l.listener) ? n : "-";
		same(`${name}: the replay ends as the model does (${l.name})`, got,
		     [`${shown(l.acceptq)}${limit}`, `${shown(l.synq)}${limit}`, `accepted ${l.accepted}`, `${l.refused}`]);
		await page.keyboard.press("Home");
		same(`${name}: and begins with nothing`, await text(page, "#n-refused"), "0");
		await page.keyboard.press("End");
		same(`${name}: again the same`, await text(page, "#n-refused"), `${l.refused}`);
	}
	same(`${name}: replay says nothing`, page.said, []);
	same(`${name}: axe after it`, await violations(page), []);
	same(`${name}: no text on another at its end`, await overlaps(page), []);
	await close(page);
}

/* What a class sees: in the middle and at the end, on a projector and on a phone, and in full screen. */
async function stage(name, options = []) {
	for (const [view, viewport] of [["desk", DESK], ["phone", PHONE]]) {
		const page = await open(make(name, ...options), { viewport }), label = [name, ...options, view].join(" ").replace(/\W+/g, "-");
		const most = Number(await page.getAttribute("#replay-at", "max"));
		for (const [where, step] of [["middle", most >> 1], ["end", most]]) {
			await page.locator("#replay-at").evaluate((e, to) => { e.value = to; e.dispatchEvent(new Event("input")); }, step);
			same(`${label}, replay, ${where}: no text on another`, await overlaps(page), []);
			const outside = await page.evaluate(() => {
				const stage = document.getElementById("stage").getBoundingClientRect();
				return [...document.querySelectorAll("#tokens .token")].map((g) => g.getBoundingClientRect())
					.filter((b) => b.left < stage.left || b.right > stage.right || b.top < stage.top || b.bottom > stage.bottom).length;
			});
			same(`${label}, replay, ${where}: no token outside`, outside, 0);
			if (SHOTS)
				await page.locator("#replay").screenshot({ path: path.join(SHOTS, `replay-${label}-${where}.png`) });
		}
		await page.focus("#replay-box");
		await page.keyboard.press("f");
		await page.waitForFunction(() => document.fullscreenElement, null, { timeout: 10000 });
		const cut = await page.evaluate(() => document.getElementById("replay-box").scrollHeight - innerHeight);
		check(`${label}, replay: all of it on a full screen`, cut <= 0, `${cut} pixels more`);
		const height = await page.evaluate(() => document.getElementById("stage").getBoundingClientRect().height / innerHeight);
		check(`${label}, replay: the picture has a quarter of a full screen`, height >= .25, `it has ${height.toFixed(2)}`);
		if (SHOTS)
			await page.screenshot({ path: path.join(SHOTS, `full-${label}.png`) });
		await close(page);
	}
}

/* Whoever wants no motion gets none before he asks for it, and then no gliding. */
async function motion(name) {
	for (const [reducedMotion, want] of [["reduce", "0s"], ["no-preference", "0.35s"]]) {
		const page = await open(make(name), { reducedMotion }), label = `${name}, motion ${reducedMotion}`;
		await page.waitForTimeout(1200);
		check(`${label}: starts paused`, (await text(page, "#replay-where")).startsWith("0 / "), await text(page, "#replay-where"));
		for (let i = 0; i < 10 && !await page.locator(".token").count(); i++)
			await page.click("#replay-step");
		same(`${label}: a token glides for`, await page.locator(".token").first().evaluate((e) => getComputedStyle(e).transitionDuration), want);
		same(`${label}: nothing else moves`, await page.evaluate(() => document.getAnimations().filter((a) => !a.effect.target.closest(".token")).length), 0);
		const before = await text(page, "#replay-where");
		await page.click("#replay-play");
		await page.waitForFunction((where) => document.getElementById("replay-where").textContent !== where, before, { timeout: 20000 });
		await close(page);
	}
}

/* ---- the keyboard alone ---- */

async function tabTo(page, id) {
	for (let i = 0; i < 400; i++) {
		if (await page.evaluate((wanted) => document.activeElement && document.activeElement.id === wanted, id))
			return true;
		await page.keyboard.press("Tab");
	}
	return false;
}

async function keyboard(name) {
	const page = await open(make(name)), key = (k) => page.keyboard.press(k);
	const where = () => text(page, "#replay-where"), rows = () => page.locator("#conn-table tbody th").allTextContents();

	check(`${name}, keys: Tab comes to the filter`, await tabTo(page, "filter"), "it does not");
	await page.keyboard.type("refused");
	const visible = await page.locator("#conn-table tbody tr:visible").count(), all = await page.locator("#conn-table tbody tr").count();
	check(`${name}, keys: it filters`, visible > 0 && visible < all, `${visible} of ${all}`);
	await page.fill("#filter", "");
	await page.locator("#conn-table thead button").first().focus();
	await key("Enter");
	const up = (await rows()).filter((n) => n !== "-").map(Number);
	same(`${name}, keys: sorts`, up, [...up].sort((a, b) => a - b));
	same(`${name}, keys: and says so`, await page.locator("#conn-table thead th").first().getAttribute("aria-sort"), "ascending");
	await key("Enter");
	same(`${name}, keys: the other way`, (await rows()).filter((n) => n !== "-").map(Number), [...up].reverse());

	const link = page.locator("#conn-table tbody a").last(), conn = await link.textContent();
	await link.focus();
	await key("Enter");
	check(`${name}, keys: a row opens its ladder`, (await text(page, "#ladder-title")).includes(`conn ${conn}`), await text(page, "#ladder-title"));
	await page.locator("#ladder-steps button").first().focus();
	check(`${name}, keys: a step in focus is explained`, /\(net\//.test(await text(page, "#ladder-why")), await text(page, "#ladder-why"));

	await page.locator("[data-zoom=in]").focus();
	const box = () => page.locator("figure.chart svg").first().getAttribute("viewBox");
	const before = await box();
	await key("Enter");
	check(`${name}, keys: zooms`, before !== await box(), before);
	await page.locator("[data-zoom=whole]").focus();
	await key("Enter");
	same(`${name}, keys: the whole again`, await box(), before);

	const chart = await page.locator("figure.chart svg").first().boundingBox();
	await page.mouse.move(chart.x + chart.width / 4, chart.y + 50);
	await page.mouse.down();
	await page.mouse.move(chart.x + chart.width / 2, chart.y + 50, { steps: 5 });
	await page.mouse.up();
	const part = (await box()).split(" ").map(Number);
	check(`${name}: a part that is drawn over fills the charts`, Math.abs(part[0] - 25000) < 500 && Math.abs(part[2] - 25000) < 1000, part.join(" "));
	check(`${name}: the time under the mouse, and the number then`, /\d s: \d/.test(await text(page, "figure.chart output")), await text(page, "figure.chart output"));
	await page.mouse.dblclick(chart.x + 50, chart.y + 50);
	same(`${name}: and the whole again`, await box(), before);

	check(`${name}, keys: Tab comes to the replay`, await tabTo(page, "replay-step"), "it does not");
	await key("ArrowRight");
	await key("ArrowRight");
	check(`${name}, keys: steps`, (await where()).startsWith("2 / "), await where());
	check(`${name}, keys: each is told`, (await text(page, "#replay-caption")).includes(" s "), await text(page, "#replay-caption"));
	same(`${name}, keys: aloud`, await page.getAttribute("#replay-caption", "aria-live"), "polite");
	await key("ArrowLeft");
	check(`${name}, keys: and back`, (await where()).startsWith("1 / "), await where());
	const speed = await page.inputValue("#replay-speed");
	await key("ArrowUp");
	check(`${name}, keys: another speed`, speed !== await page.inputValue("#replay-speed"), speed);
	await page.focus("#replay-box");
	await key(" ");
	same(`${name}, keys: plays`, await text(page, "#replay-play"), "Pause");
	same(`${name}, keys: in silence`, await page.getAttribute("#replay-caption", "aria-live"), "off");
	await page.waitForFunction(() => !document.getElementById("replay-where").textContent.startsWith("1 /"), null, { timeout: 20000 });
	await key(" ");
	same(`${name}, keys: pauses`, await text(page, "#replay-play"), "Play");
	await key("f");
	await page.waitForFunction(() => document.fullscreenElement, null, { timeout: 10000 });
	check(`${name}, keys: fills the screen`, true);
	same(`${name}, keys: says nothing`, page.said, []);
	await close(page);
}

/* ---- names that are none, sizes, languages, paper ---- */

async function markup() {
	const file = make("markup"), page = await open(file);

	same("markup: says nothing, asks for nothing", page.said, []);
	same("markup: two scripts, ours", await page.locator("script").count(), 2);
	same("markup: no element of theirs", await page.locator("img, b:not(dd b):not(.arrow b)").count(), 0);
	check("markup: shown as it is", (await text(page, "#conn-table")).includes("<img src=x>"), "it is not");
	check("markup: in the ladder, too", (await page.locator("#ladder-choice option").count()) >= 2, "no ladder");
	for (const option of await page.locator("#ladder-choice option").all()) {
		await page.selectOption("#ladder-choice", await option.getAttribute("value"));
		check("markup: a ladder is text", (await page.locator("#ladder-title *").count()) <= 3, "elements in it");
	}
	const policy = await page.getAttribute("meta[http-equiv]", "content");
	check("markup: the policy allows two hashes and nothing else", /^default-src 'none'; script-src 'sha256-[^ ]+'; style-src 'sha256-[^ ]+'; img-src data:; base-uri 'none'; form-action 'none'$/.test(policy), policy);
	await page.evaluate(() => {
		const script = document.createElement("script");
		script.textContent = "window.theirs = true";
		document.body.append(script);
		document.body.append(Object.assign(document.createElement("img"), { src: "file:///none.png" }));
	});
	await page.waitForTimeout(200);
	same("markup: a script that gets in does not run", await page.evaluate(() => Boolean(window.theirs)), false);
	same("markup: both are refused by it", page.said.filter((line) => line.includes("Content Security Policy")).length, 2);
	check("markup: what is no UTF-8 is bytes", fs.readFileSync(file, "utf8").includes("\\xff\\xe2\\x80\\xae"), "they are not there");
	await close(page);

	const hidden = make("markup", "--anonymous"), html = fs.readFileSync(hidden, "utf8");
	check("anonymous: no address", !/10\.\d+\.\d+\.\d+/.test(html), (html.match(/10\.\d+\.\d+\.\d+/) || [])[0]);
	check("anonymous: letters", /[A-Z]:8080/.test(html), "there are none");
	check("anonymous: neither file nor command", !html.includes("markup.rec"), "markup.rec");
}

async function large() {
	/* Time on the CPU: how long it takes where nobody else works, whoever works here meanwhile. */
	const file = path.join(dir, "flood.html"), size = () => fs.statSync(file).size;
	const made = execFileSync("bash", ["-c", 'TIMEFORMAT="%U %S"; { time "$0" "$@"; } 2>&1', TCPTRACE, "report", "-r", recording("flood"), "-o", file]);
	const took = made.toString().trim().split(" ").reduce((sum, s) => sum + Number(s), 0);

	check("100,000 connections: a page below 5 MB", size() < 5 * MB, `${size()} bytes`);
	check("100,000 connections: made in 2 s", took < 2, `${took} s of CPU`);
	const most = (...command) => Number(execFileSync("python3", ["-c", `import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)`, TCPTRACE, ...command, "-r", recording("flood")]));
	const kept = most("report", "-o", file) - most("-q");
	check("100,000 connections: 45 MB kept at most", kept < 45 * 1024, `${kept} KB`);	/* tcptrace(8) */
	const page = await open(file);
	check("100,000 connections: opens in 2 s", page.cpu < 2, `${page.cpu} s of CPU`);
	same("100,000 connections: says nothing", page.said, []);
	const left = await page.locator(".left").allTextContents();
	check("100,000 connections: what is left out is said", left.join(" ").includes("5,000 of 100,000"), left.join(" "));
	const rows = (p) => p.locator("#conn-table tbody tr:visible").count();
	same("100,000 connections: rows", await page.locator("#conn-table tbody tr").count(), 5000);
	same("100,000 connections: the first of them", await rows(page), 300);
	await page.click("#more");
	same("100,000 connections: and more", await rows(page), 1200);
	await page.fill("#filter", "127.0.0.1:4");
	await page.locator("#conn-table thead button").nth(3).click();
	same("100,000 connections: of what is chosen, as many", await rows(page), 1200);
	await close(page);
	const bare = await open(file, { javaScriptEnabled: false });
	same("100,000 connections: without scripts all of them", await rows(bare), 5000);
	await close(bare);
	console.log(`hint: ${size()} bytes, ${kept} KB kept, made in ${took.toFixed(2)} s of CPU, open after ${page.cpu.toFixed(2)} s of CPU, ${page.opened} ms in all`);
	for (const most of ["256K", "1M"]) {
		const small = make("flood", "--max-size", most), bytes = fs.statSync(small).size, limit = parseInt(most, 10) * (most.endsWith("M") ? MB : 1024);
		check(`--max-size ${most}`, bytes <= limit && bytes > limit / 4, `${bytes} bytes`);
		const p = await open(small);
		same(`--max-size ${most}: says nothing`, p.said, []);
		await close(p);
	}
}

async function paper() {
	const page = await open(make("overflow"), { javaScriptEnabled: false });

	await page.emulateMedia({ media: "print" });
	same("paper: no contents, no controls", await page.locator("nav:visible, .tools:visible").count(), 0);
	check("paper: all rows", (await page.locator("#conns .wide").evaluate((e) => e.scrollHeight - e.clientHeight)) <= 1, "cut");
	await close(page);
}

async function chinese(name) {
	const page = await open(make(name, "--lang", "zh")), file = path.join(dir, "chinese.txt");

	same(`zh ${name}: says so`, await page.getAttribute("html", "lang"), "zh-CN");
	for (const heading of await page.locator("h2").allTextContents())
		check(`zh ${name}: ${heading}`, /[\u4e00-\u9fff]/.test(heading), "not in Chinese");
	check(`zh ${name}: scripts speak it, too`, /[\u4e00-\u9fff]/.test(await text(page, "#replay-play")), await text(page, "#replay-play"));
	if (await page.locator("#replay-last").isVisible())
		await page.locator("#replay-last").click();
	/* what is typed or named stands as it is: the command line, files, programs */
	fs.writeFileSync(file, await page.evaluate(() => {
		document.querySelectorAll("h1, .about dd, [lang=en]").forEach((e) => e.remove());
		return document.querySelector("main").innerText.replace(/[\w-]+\[\d+\]|no-memory/g, "");
	}));
	let left = "";
	try {
		left = execFileSync("tests/lint/chinese", ["--output", file]).toString();
	} catch (e) {
		left = e.message;
	}
	same(`zh ${name}: no English is left`, left.split("\n").slice(0, 3).join("; "), "");
	await close(page);
}

/* ---- the pictures of user/doc: what they say is what the page of their recording says today ---- */

const PICTURES = ["overflow", "synflood", "nginx"];
const picture = (name) => `user/doc/report-${name}.png`, said = (name) => `tests/browser/pictured/${name}.txt`;
const digest = (name) => crypto.createHash("sha256").update(fs.readFileSync(picture(name))).digest("hex");

async function pictured(name) {
	const cwd = path.join(dir, "pictured"), command = ["report", "-r", `${name}.tcp`, "-o", `${name}.html`];
	execFileSync(path.resolve(TCPTRACE), command, { cwd, argv0: "tcptrace" });
	return open(path.join(cwd, `${name}.html`), { colorScheme: "light" });
}
const above = (page) => page.evaluate(() => ["head", "verdict", "listeners"].map((id) => document.getElementById(id).innerText).join("\n"));

async function makePicture(name) {
	const page = await pictured(name), axis = await page.locator(".axis").first().boundingBox();
	const clip = { x: 0, y: 0, width: DESK.width, height: Math.ceil(axis.y + axis.height) + 8 };
	await page.screenshot({ path: picture(name), fullPage: true, clip });
	try {
		execFileSync("pngquant", ["--force", "--skip-if-larger", "--strip", "--output", picture(name), "48", picture(name)]);
	} catch { /* there is none, or it is as small already */ }
	fs.writeFileSync(said(name), `sha256 of ${picture(name)}: ${digest(name)}\n${await above(page)}\n`);
	console.log(`${picture(name)}: ${fs.statSync(picture(name)).size} bytes`);
	await close(page);
}

async function checkPicture(name) {
	const page = await pictured(name), [first, ...rest] = fs.readFileSync(said(name), "utf8").split("\n");
	const now = (await above(page)).split("\n"), differs = now.findIndex((line, i) => line !== rest[i]);
	const again = "; make it anew by tests/browser/pictures, and look at it";

	check(`picture of ${name}: says what the page says today`, differs < 0 && now.length === rest.length - 1,
	      `'${rest[differs]}' is now '${now[differs]}'${again}`);
	check(`picture of ${name}: is the one that said so`, first.endsWith(` ${digest(name)}`), first + again);
	check(`picture of ${name}: is small`, fs.statSync(picture(name)).size < 128 * 1024, `${fs.statSync(picture(name)).size} bytes`);
	await close(page);
}

/* Each of a list: a name, or a name and options. */
const each = (test, ...list) => async () => {
	for (const item of list) {
		const [name, ...options] = [item].flat();
		await test(name, options);
	}
};
const ZH = ["--lang", "zh"], REAL = ["real-overflow", "real-synflood", "real-nginx", "lab handshake"];
const LIVE = fs.existsSync(path.join(dir, "live.html")) ? ["live"] : [];
const PARTS = {
	pages: each(everyPage, "server", "client", "ipv6", "cookies", "flow", "snapshot", "hostile", "overflow", "markup", ...REAL,
		    ...LIVE, ...["overflow", ...REAL, ...LIVE].map((name) => [name, ...ZH])),
	chinese: each(chinese, "overflow", ...REAL, ...LIVE),
	stage: each(stage, "overflow", "real-overflow", ["real-synflood", ...ZH], "lab handshake"),
	motion: each(motion, "overflow"),
	bare: each(noScripts, "server", "overflow", "real-synflood"),
	numbers: each(numbers, "server", "ipv6", "cookies", "snapshot", "overflow", "real-overflow"),
	replay: each(replay, "server", "ipv6", "overflow", "real-overflow", "real-synflood", "real-nginx"),
	keyboard: each(keyboard, "overflow"),
	markup, large, paper,
	pictures: each(checkPicture, ...PICTURES),
	make: each(makePicture, ...PICTURES),	/* by tests/browser/pictures alone */
};

(async () => {
	const unknown = chosen.filter((name) => !PARTS[name]);
	if (unknown.length)
		throw new Error(`no part ${unknown.join(", ")}: there are ${Object.keys(PARTS).join(" ")}`);
	browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: ["--no-sandbox"] });
	for (const [name, part] of Object.entries(PARTS)) {
		if (chosen.length ? chosen.includes(name) : name !== "make")
			await part();
	}
})().catch((e) => check("browser", false, e.stack)).finally(async () => {
	if (browser)
		await browser.close();
	console.log(`${passed} passed, ${failed} failed, 0 skipped`);
	process.exitCode = failed ? 1 : 0;
});
