"use strict";
(() => {
  const root = document.documentElement;
  const $ = (selector, from = document) => from.querySelector(selector);
  const $$ = (selector, from = document) => [...from.querySelectorAll(selector)];
  const HTML_LANG = { en: "en", zh: "zh-CN" };
  const DEFAULTS = { theme: "auto", axis: "auto", across: "steps" };
  root.classList.add("scripted");

  // ---- what the reader chose; kept in the fragment of the address, so that a colleague opens the same view
  const chosen = name => $(`input[name="${name}"]:checked`)?.value;
  const language = () => chosen("lang") || (root.lang.startsWith("zh") ? "zh" : "en");
  const state = { view: null, at: "" };
  const firstLanguage = language();

  function remember() {
    const parts = new URLSearchParams();
    if (language() !== firstLanguage) parts.set("lang", language());
    for (const [name, usual] of Object.entries(DEFAULTS)) if (chosen(name) && chosen(name) !== usual) parts.set(name, chosen(name));
    const heat = $$('input[name="heat"]');
    if (heat.length && !heat[0].checked) parts.set("heat", chosen("heat"));
    if ($("#layer")?.value) parts.set("layer", $("#layer").selectedIndex);
    if (state.view) parts.set("x", state.view.map(Math.round).join("-"));
    if (state.at) parts.set("at", state.at);
    const fragment = [...parts.keys()].join() === "at" ? state.at : parts.toString();
    try { history.replaceState(null, "", fragment ? "#" + fragment : location.pathname + location.search); } catch { /* sandboxed */ }
  }

  function check(name, value) {
    const input = $$(`input[name="${name}"]`).find(each => each.value === value);
    if (input) input.checked = true;
  }

  function show(code) {
    state.at = code;
    const target = document.getElementById(code);
    if (!target) return;
    for (let node = target; node; node = node.parentElement) if (node.tagName === "DETAILS") node.open = true;
    const own = $("details", target);
    if (own) own.open = true;
    target.scrollIntoView();
  }

  function recall() {
    const fragment = decodeURIComponent(location.hash.slice(1));
    if (!fragment) return;
    if (!fragment.includes("=")) return show(fragment);
    const parts = new URLSearchParams(location.hash.slice(1));
    for (const name of ["lang", ...Object.keys(DEFAULTS), "heat"]) if (parts.has(name)) check(name, parts.get(name));
    const range = (parts.get("x") || "").split("-").map(Number);
    if (range.length === 2 && range[0] < range[1]) state.view = range;
    state.layer = Number(parts.get("layer")) || 0;
    if (parts.get("at")) show(parts.get("at"));
  }

  // ---- what needs no data: language, copying, links to findings
  function speak() { root.lang = HTML_LANG[language()]; }

  // of a line in two languages, the one that is read
  const shownText = line => [...line.childNodes].filter(part => part.nodeType === Node.TEXT_NODE || getComputedStyle(part).display !== "none").map(part => part.textContent).join("");

  async function copy(button) {
    const marked = $$("ins[data-line]", button.parentElement);
    const lines = marked.length ? marked.map(line => line.textContent.slice(2)) : $$("[data-line]", button.parentElement).map(shownText);
    const text = lines.join("").replace(/\n$/, "");
    try { await navigator.clipboard.writeText(text); } catch {
      const area = document.body.appendChild(Object.assign(document.createElement("textarea"), { value: text }));
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    const before = button.innerHTML;
    button.textContent = data ? words("copied") : "\u2713";
    setTimeout(() => { button.innerHTML = before; }, 1500);
  }

  document.addEventListener("click", event => {
    const button = event.target.closest("button.copy");
    if (button) return copy(button);
    const link = event.target.closest('a[href^="#"]');
    if (link) { event.preventDefault(); show(link.getAttribute("href").slice(1)); }
    const zoom = event.target.closest("[data-from]");
    if (zoom) setView([Number(zoom.dataset.from), Number(zoom.dataset.to)]);
    if (zoom?.matches("button")) $("#charts").scrollIntoView();
    if (link) remember();
  });
  window.addEventListener("beforeprint", () => $$(".card details:not(.explain)").forEach(each => { each.open = true; }));

  // ---- numbers and colors
  let data = null;
  const words = key => data.texts[language()][key];
  const color = name => getComputedStyle(root).getPropertyValue(name).trim();
  const isNumber = value => typeof value === "number";
  function figure(value) {
    if (value == null) return "n/a";
    if (!isNumber(value)) return String(value);
    if (value && (Math.abs(value) < 1e-4 || Math.abs(value) >= 1e6)) return value.toExponential(1).replace("e+", "e");
    return String(Math.abs(value) >= 1000 ? Math.round(value) : Number(value.toPrecision(3)));
  }
  function tick(value, step) {
    let digits = Math.max(0, Math.ceil(-Math.log10(step) - 1e-9));
    if (Math.abs(step * 10 ** digits - Math.round(step * 10 ** digits)) > 1e-6) digits++;
    return digits > 3 || Math.abs(value) >= 1e5 ? figure(value) : value.toFixed(digits);
  }
  const shortStep = v => v >= 1e6 ? `${Number((v / 1e6).toPrecision(4))}M` : v >= 1e4 ? `${Number((v / 1e3).toPrecision(6))}k` : stepText(v);
  const stepText = value => value == null ? "-" : language() === "en" ? Math.round(value).toLocaleString("en") : String(Math.round(value));

  // ---- time across instead of steps
  const byTime = () => chosen("across") === "time" && data.span.time;
  function between(x, from, to) {
    let high = from.findIndex(each => each >= x);
    if (high < 0) high = from.length - 1;
    const low = Math.max(high - 1, 0), width = from[high] - from[low];
    return width ? to[low] + (to[high] - to[low]) * (x - from[low]) / width : to[high];
  }
  const toX = step => byTime() ? between(step, data.span.time.x, data.span.time.y) : step;
  const toStep = x => byTime() ? between(x, data.span.time.y, data.span.time.x) : x;

  function smooth(values, width) {
    const half = Math.floor(width / 2), sums = [0], counts = [0];
    for (const value of values) { sums.push(sums.at(-1) + (value ?? 0)); counts.push(counts.at(-1) + (value != null)); }
    return values.map((value, place) => {
      const start = Math.max(0, place - half), stop = Math.min(values.length, place + half + 1);
      return value == null ? null : (sums[stop] - sums[start]) / (counts[stop] - counts[start]);
    });
  }

  // ---- charts of curves
  const charts = [];
  let zooming = false;

  function columns(spec, log) {
    const whole = [data.span.first, data.span.last].map(toX);
    const share = Number($("#smoothing").value) / 100;
    const tables = [[whole, [null, null]]];
    for (const line of spec.lines) {
      const values = line.smooth ? smooth(line.y, Math.max(1, Math.round(share * line.y.length))) : line.y;
      tables.push([spec.xs[line.x].map(toX), log ? values.map(v => v > 0 ? v : null) : values]);
      if (spec.noise && spec.lines[spec.noise.line] === line) {
        for (const sign of [1, -1]) tables.push([spec.xs[line.x].map(toX), line.y.map(v => v == null || log && v + sign * spec.noise.value <= 0 ? null : v + sign * spec.noise.value)]);
      }
    }
    const joined = uPlot.join(tables.map(ascending), tables.map(table => table[1].map(() => 1)));
    joined.splice(1, 1);
    return joined;
  }

  function ascending([xs, ys]) {
    const keep = xs.map((x, place) => place === 0 || x > xs[place - 1]);
    return [xs.filter((_, place) => keep[place]), ys.filter((_, place) => keep[place])];
  }

  function seriesOf(spec, line) {
    const stroke = () => color(`--c${line.color}`);
    const look = { label: line.name[language()], stroke, width: 1.6, spanGaps: line.style !== "raw", value: (_, v, __, place) => figure(place == null ? line.y.findLast(each => each != null) : v), points: { show: false } };
    if (line.style === "raw") Object.assign(look, { width: 1, alpha: 0.35 });
    if (line.style === "dash") look.dash = [6, 4];
    if (line.style !== "dash" && !line.smooth && line.y.filter(v => v != null).length <= 60) look.points = { show: true, size: 5, fill: stroke };
    if (line.style === "area") look.fill = () => color(`--c${line.color}`) + "33";
    return look;
  }

  function isPower(value) { return Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-6; }
  function filterLog(u, splits) {
    const { min, max } = u.scales.y;
    const round = v => isPower(v) || max / min < 30 && (isPower(v / 2) || isPower(v / 5)) || max / min < 3;
    return splits.map(v => v > 0 && round(v) ? v : null);
  }

  function box(u, low, high, vertical, fill) {
    const { left, top, width, height } = u.bbox;
    const clip = (value, start, size) => Math.min(Math.max(value, start), start + size);
    u.ctx.fillStyle = fill;
    if (vertical) {
      const a = clip(u.valToPos(low, "x", true), left, width), b = clip(u.valToPos(high, "x", true), left, width);
      u.ctx.fillRect(a, top, b - a, height);
    } else {
      const a = clip(u.valToPos(high, "y", true), top, height), b = clip(u.valToPos(low, "y", true), top, height);
      u.ctx.fillRect(left, a, width, b - a);
    }
  }

  function shade(u, spec) {
    u.ctx.save();
    if (spec.band) box(u, spec.band[0], spec.band[1], false, color("--band"));
    const onset = Math.min(...data.findings.map(each => each.from));
    if (data.findings.length) box(u, toX(onset), toX(data.span.last), true, color("--shade"));
    u.ctx.restore();
  }

  function annotate(u, spec) {
    const { ctx, bbox } = u, ratio = devicePixelRatio || 1;
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left - 10 * ratio, bbox.top - 10 * ratio, bbox.width + 20 * ratio, bbox.height + 20 * ratio);
    ctx.clip();
    ctx.fillStyle = color("--error");
    for (const [from, to] of spec.rug || []) {
      const a = u.valToPos(toX(from), "x", true), b = u.valToPos(toX(to), "x", true);
      ctx.fillRect(a, bbox.top + bbox.height - 6 * ratio, Math.max(b - a, 2 * ratio), 6 * ratio);
    }
    for (const mark of spec.marks || []) {
      ctx.beginPath();
      ctx.arc(u.valToPos(toX(mark.x), "x", true), u.valToPos(mark.y, "y", true), 6 * ratio, 0, 7);
      ctx.lineWidth = 2 * ratio;
      ctx.strokeStyle = color("--c1");
      ctx.stroke();
    }
    ctx.restore();
  }

  function zoomed(u, key) {
    if (key !== "x" || zooming) return;
    const whole = [data.span.first, data.span.last].map(toX), { min, max } = u.scales.x;
    const all = min <= whole[0] && max >= whole[1];
    setView(all ? null : [toStep(min), toStep(max)]);
  }

  function axes(log, unit) {
    const common = { stroke: () => color("--muted"), grid: { stroke: () => color("--grid"), width: 1 }, ticks: { stroke: () => color("--grid"), width: 1 }, font: "11px system-ui, sans-serif" };
    const x = { ...common, size: 34, values: (_, splits) => splits.map(v => byTime() ? figure(v) : Number.isInteger(v) ? shortStep(v) : "") };
    const y = { ...common, size: 62, values: (_, splits, _axis, _space, step) => splits.map(v => v == null ? "" : log ? figure(v) : tick(v, step)) };
    if (log) Object.assign(y, { filter: filterLog, grid: { ...common.grid, filter: filterLog }, ticks: { ...common.ticks, filter: filterLog } });
    return [x, y];
  }

  function draw(place, spec, height) {
    const positive = spec.lines.some(line => line.y.some(v => v > 0));
    const wish = chosen("axis"), log = positive && (wish === "auto" || spec.log === "always" ? Boolean(spec.log) : wish === "log");
    const series = [{ label: byTime() ? words("charts.seconds") : words("charts.step"), value: (_, v) => byTime() ? figure(v) : stepText(v) }];
    const bands = [];
    for (const line of spec.lines) {
      series.push(seriesOf(spec, line));
      if (spec.noise && spec.lines[spec.noise.line] === line) {
        bands.push({ series: [series.length, series.length + 1], fill: () => color(`--c${line.color}`) + "26" });
        for (const sign of ["+", "-"]) series.push({ label: sign, stroke: "transparent", points: { show: false }, spanGaps: true, class: "sr" });
      }
    }
    const options = {
      width: Math.max(place.clientWidth, 240), height, series, bands, axes: axes(log), padding: [10, 18, 0, 0],
      scales: { x: { time: false }, y: { distr: log ? 3 : 1 } },
      cursor: { sync: { key: "trainadvisor" }, drag: { x: true, y: false } },
      hooks: { drawClear: [u => shade(u, spec)], draw: [u => annotate(u, spec)], setScale: [zoomed] },
    };
    place.textContent = "";
    const chart = new uPlot(options, columns(spec, log), place);
    charts.push(chart);
    place.chart = chart;
    return chart;
  }

  function rebuild() {
    charts.splice(0).forEach(chart => chart.destroy());
    zooming = true;
    for (const spec of data.charts) {
      const place = $(`[data-chart="${spec.id}"]`);
      if (place) draw(place, spec, spec.id === "loss" ? 280 : 200);
    }
    drawLayer();
    applyView();
    drawHeat();
  }

  function applyView() {
    zooming = true;
    const [min, max] = (state.view || [data.span.first, data.span.last]).map(toX);
    for (const chart of charts) chart.setScale("x", { min, max: max > min ? max : min + 1 });
    queueMicrotask(() => { zooming = false; });
  }

  function setView(range) {
    if (!data) return;
    if (range && range[1] - range[0] < 1) range = [range[0] - 5, range[1] + 5];
    state.view = range && [Math.max(range[0], data.span.first), Math.min(range[1], data.span.last)];
    if (state.view && state.view[0] <= data.span.first && state.view[1] >= data.span.last) state.view = null;
    applyView();
    drawHeat();
    remember();
  }

  function moveCursor(place, by) {
    const chart = place.chart, xs = chart?.data[0];
    if (!xs) return;
    const now = chart.cursor.idx ?? (by > 0 ? -1 : xs.length);
    const { min, max } = chart.scales.x;
    let next = Math.min(Math.max(now + by, 0), xs.length - 1);
    while (xs[next] < min && next < xs.length - 1) next++;
    while (xs[next] > max && next > 0) next--;
    for (const other of charts) other.setCursor({ left: other.valToPos(xs[next], "x"), top: 20 }, false, false);
  }

  document.addEventListener("keydown", event => {
    if (event.target.matches("input, select, textarea") || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "0") setView(null);
    const place = event.target.closest?.(".plot");
    if (place && (event.key === "ArrowLeft" || event.key === "ArrowRight")) {
      event.preventDefault();
      moveCursor(place, (event.key === "ArrowLeft" ? -1 : 1) * (event.shiftKey ? 10 : 1));
    }
  });

  // ---- the heat map
  const CIVIDIS = [[0, 34, 78], [18, 53, 112], [59, 73, 108], [87, 93, 109], [112, 113, 115], [138, 134, 120], [165, 156, 116], [195, 179, 105], [225, 204, 85], [254, 232, 56]];
  const NAMES = 170;

  function limits(name, map) {
    if (name === "dead") return [0, 1];
    let low = Infinity, high = 0;
    for (const row of map.rows) for (const cell of row) if (isNumber(cell) && cell > 0) { low = Math.min(low, cell); high = Math.max(high, cell); }
    return high ? [Math.max(low, high / 1e8), high] : [0.1, 1];
  }

  function cellColor(cell, low, high, log) {
    if (cell == null) return "rgb(160 160 160)";
    if (!isNumber(cell)) return "rgb(200 30 30)";
    let part = log ? (cell > 0 ? Math.log(cell / low) / Math.log(high / low) : 0) : (cell - low) / (high - low);
    part = Math.min(Math.max(Number.isFinite(part) ? part : 0.5, 0), 1) * (CIVIDIS.length - 1);
    const start = Math.min(Math.floor(part), CIVIDIS.length - 2);
    return `rgb(${CIVIDIS[start].map((a, i) => Math.round(a + (part - start) * (CIVIDIS[start + 1][i] - a))).join(" ")})`;
  }

  function heatView(map) {
    const [from, to] = state.view || [map.steps[0], map.steps.at(-1)];
    let first = map.steps.findIndex(step => step >= from), last = map.steps.findLastIndex(step => step <= to);
    if (first < 0) first = map.steps.length - 1;
    return [first, Math.max(last, first)];
  }

  function drawHeat() {
    const canvas = $("#heat"), name = chosen("heat"), map = data.heat[name];
    if (!canvas || !map) return;
    const ratio = devicePixelRatio || 1, wide = canvas.clientWidth, left = Math.min(NAMES, wide / 3), rowHeight = map.names.length > 30 ? 14 : 18;
    const high = rowHeight * map.names.length + 22;
    canvas.width = wide * ratio;
    canvas.height = high * ratio;
    canvas.style.height = high + "px";
    const ctx = canvas.getContext("2d");
    ctx.scale(ratio, ratio);
    const [low, top] = limits(name, map), [first, last] = heatView(map), cell = (wide - left) / (last - first + 1);
    ctx.font = "11px system-ui, sans-serif";
    ctx.textBaseline = "middle";
    map.names.forEach((label, row) => {
      ctx.fillStyle = color(String(row) === $("#layer").value ? "--link" : "--muted");
      ctx.fillText(fit(ctx, label, left - 8), 0, (row + 0.5) * rowHeight);
      for (let column = first; column <= last; column++) {
        ctx.fillStyle = cellColor(map.rows[row][column], low, top, name !== "dead");
        ctx.fillRect(left + (column - first) * cell, row * rowHeight, Math.ceil(cell + 0.5), rowHeight - 1);
      }
    });
    ctx.fillStyle = color("--muted");
    ctx.fillText(stepText(map.steps[first]), left, high - 9);
    ctx.textAlign = "right";
    ctx.fillText(stepText(map.steps[last]), wide, high - 9);
    const middle = name === "dead" ? 0.5 : Math.sqrt(low * top);
    $$("#heat-numbers span").forEach((span, place) => { span.textContent = figure([low, middle, top][place]); });
    Object.assign(canvas, { map, left, rowHeight, first, cell });
  }

  function fit(ctx, label, width) {
    if (ctx.measureText(label).width <= width) return label;
    let kept = label.length;
    while (kept > 4 && ctx.measureText("\u2026" + label.slice(-kept)).width > width) kept--;
    return "\u2026" + label.slice(-kept);
  }

  function cellAt(event) {
    const { map, left, rowHeight, first, cell } = event.currentTarget;
    const row = Math.floor(event.offsetY / rowHeight), column = first + Math.floor((event.offsetX - left) / cell);
    return map && row < map.names.length ? { map, row, column: event.offsetX >= left && column < map.steps.length ? column : null } : null;
  }

  function readOut(event) {
    const at = cellAt(event);
    const value = at && at.column !== null ? at.map.rows[at.row][at.column] : undefined;
    const shown = value === null ? words("heat.absent") : isNumber(value) ? figure(value) : words("heat.nonfinite");
    $("#heat-readout").textContent = value === undefined ? "\u00a0" : `${at.map.names[at.row]} \u00b7 ${words("charts.step")} ${stepText(at.map.steps[at.column])} \u00b7 ${shown}`;
  }

  function listLayers() {
    const select = $("#layer"), map = data.heat[chosen("heat")];
    if (!select || !map) return;
    const before = select.selectedOptions[0]?.textContent;
    select.length = 1;
    map.names.forEach((label, row) => select.add(new Option(label, row, false, label === before)));
  }

  function drawLayer() {
    const place = $("#layer-chart"), select = $("#layer");
    if (!place) return;
    place.textContent = "";
    place.chart = null;
    if (!select.value) return;
    const label = select.selectedOptions[0].textContent, lines = [], xs = [];
    Object.entries(data.heat).forEach(([name, map], number) => {
      const row = map.rows[map.names.indexOf(label)];
      if (!row) return;
      xs.push(map.steps);
      const title = $(`input[name="heat"][value="${name}"]`).parentElement.innerText.trim();
      lines.push({ x: xs.length - 1, y: row.map(v => isNumber(v) ? v : null), color: number % 5, style: "main", name: { en: title, zh: title } });
    });
    draw(place, { id: "layer", xs, lines, log: "always" }, 180);
  }

  // ---- the table of layers
  const table = { field: null, up: false, all: false };

  function fillTable() {
    const body = $("#layer-table tbody");
    if (!body) return;
    const { fields, rows, count } = data.layers, wanted = $("#layer-search").value.toLowerCase();
    let found = rows.filter(row => row[0].toLowerCase().includes(wanted) || row[1].toLowerCase().includes(wanted));
    if (table.field !== null) found = [...found].sort((a, b) => compare(a[table.field], b[table.field]));
    const shown = table.all ? found : found.slice(0, 25);
    body.replaceChildren(...shown.map(row => rowOf(fields, row)));
    const total = wanted ? found.length : count;
    $("#layer-count").textContent = words("layers.some").replace("{shown}", shown.length).replace("{count}", stepText(total));
  }

  function compare(a, b) {
    if (a == null || b == null) return (a == null) - (b == null);
    return (typeof a === "string" ? a.localeCompare(b) : a - b) * (table.up ? 1 : -1);
  }

  function rowOf(fields, row) {
    const line = document.createElement("tr");
    row.forEach((value, place) => {
      const cell = line.appendChild(document.createElement(place ? "td" : "th")), field = fields[place];
      if (!place) cell.scope = "row";
      if (value == null) cell.className = "muted"; else if (isNumber(value)) cell.className = "number";
      const empty = field === "bad_step" ? "-" : "n/a";
      cell.textContent = value == null ? empty : field === "dead" ? `${figure(100 * value)} %` : Number.isInteger(value) && place ? stepText(value) : figure(value);
    });
    return line;
  }

  function sortBy(header) {
    const place = data.layers.fields.indexOf(header.dataset.field);
    table.up = table.field === place ? !table.up : place < 2;
    table.field = place;
    $$("#layer-table th[aria-sort]").forEach(other => other.removeAttribute("aria-sort"));
    header.setAttribute("aria-sort", table.up ? "ascending" : "descending");
    fillTable();
  }

  function download() {
    const url = URL.createObjectURL(new Blob([JSON.stringify(data, null, 1)], { type: "application/json" }));
    Object.assign(document.createElement("a"), { href: url, download: "trainadvisor-data.json" }).click();
    setTimeout(() => URL.revokeObjectURL(url), 1000);
  }

  // ---- start
  async function unpack() {
    const bytes = Uint8Array.from(atob($("#data-embedded").textContent.trim()), each => each.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    return new Response(stream).json();
  }

  function listen() {
    for (const name of ["axis", "across"]) $$(`input[name="${name}"]`).forEach(each => each.addEventListener("change", () => { rebuild(); remember(); }));
    $$('input[name="heat"]').forEach(each => each.addEventListener("change", () => { listLayers(); drawHeat(); remember(); }));
    $("#smoothing")?.addEventListener("input", rebuild);
    $("#reset")?.addEventListener("click", () => setView(null));
    $("#layer")?.addEventListener("change", () => { rebuild(); remember(); });
    const heat = $("#heat");
    heat?.addEventListener("mousemove", readOut);
    heat?.addEventListener("click", event => { const at = cellAt(event); if (at) { $("#layer").value = at.row; rebuild(); remember(); } });
    $("#layer-search")?.addEventListener("input", fillTable);
    $("#layer-all")?.addEventListener("click", event => { table.all = true; event.currentTarget.hidden = true; event.currentTarget.style.setProperty("display", "none", "important"); fillTable(); });
    $$("#layer-table th[data-field]").forEach(header => $("button", header).addEventListener("click", () => sortBy(header)));
    $("#download").addEventListener("click", download);
    if (!data.span.time) $('input[name="across"]')?.closest("fieldset").remove();
    let width = innerWidth;
    window.addEventListener("resize", () => { if (innerWidth !== width) { width = innerWidth; rebuild(); } });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", rebuild);
  }

  async function start() {
    recall();
    speak();
    $$('input[name="lang"]').forEach(each => each.addEventListener("change", () => { speak(); remember(); if (data) { rebuild(); fillTable(); } }));
    $$('input[name="theme"]').forEach(each => each.addEventListener("change", () => { remember(); if (data) rebuild(); }));
    window.addEventListener("hashchange", () => { recall(); if (data) rebuild(); });
    if (typeof DecompressionStream === "undefined") return; // an old browser keeps the still pictures
    data = await unpack();
    root.classList.add("drawn");
    listen();
    listLayers();
    if (state.layer) $("#layer").selectedIndex = state.layer;
    if ($("#charts")) rebuild();
    if ($("#layer-table")) fillTable();
    if (state.at) show(state.at);
    root.dataset.ready = "yes";
  }
  start();
})();
