// the clips of a page that has them in data files beside it; whatever comes from there is shown as text
(() => {
  const layout = JSON.parse(document.getElementById("layout").textContent);
  const columns = layout.columns.map(([name, higher, unit]) => ({ name, higher, unit }));
  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const opened = document.getElementById("opened");
  const filter = document.getElementById("filter");
  const state = document.getElementById("state");
  const shown = document.getElementById("shown");
  const pages = document.getElementById("pages");
  const place = document.getElementById("place");
  const FIXED = 3; // columns before those of the metrics: clip, seconds, health
  const KEPT = 8; // files of clips that are kept; those of rows all are, for searching
  const AT_ONCE = 4; // files that are read side by side

  // ---- data files: a script each, because a page from a disk may not fetch
  const files = { rows: new Map(), clips: new Map() };
  const taking = new Map();
  globalThis.mirabenchData = (kind, number, records) => taking.get(`${kind} ${number}`)?.(records);

  const read = (kind, number) => new Promise((resolve, reject) => {
    const script = document.createElement("script");
    const digest = layout.chunks[kind][number][1];
    const name = `${layout.folder}/${kind}-${String(number).padStart(4, "0")}-${digest}.js`;
    taking.set(`${kind} ${number}`, resolve);
    script.onload = script.onerror = () => {
      script.remove();
      taking.delete(`${kind} ${number}`);
      // without effect when the records have arrived
      reject(new Error(`Cannot read ${name}: keep the folder ${layout.folder} beside this page, or reload the page.`));
    };
    script.src = name;
    document.head.append(script);
  });
  const fileOf = (kind, number) => {
    const known = files[kind];
    if (!known.has(number)) {
      const records = read(kind, number);
      records.catch(() => known.delete(number)); // the next try reads it again
      known.set(number, records);
      if (kind === "clips" && known.size > KEPT) known.delete(known.keys().next().value);
    }
    return known.get(number);
  };
  const recordOf = async (kind, position) => {
    const chunks = layout.chunks[kind];
    let low = 0, high = chunks.length - 1;
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (chunks[middle][0] <= position) low = middle; else high = middle - 1;
    }
    return (await fileOf(kind, low))[position - chunks[low][0]];
  };
  let all = null;
  const allRows = async () => {
    if (all) return all;
    const count = layout.chunks.rows.length;
    const parts = [];
    for (let first = 0; first < count; first += AT_ONCE) {
      shown.textContent = `reading clips, ${Math.round((100 * first) / count)} %`;
      const some = Array.from({ length: Math.min(AT_ONCE, count - first) }, (_, i) => fileOf("rows", first + i));
      parts.push(...(await Promise.all(some)));
    }
    all = parts.flat();
    return all;
  };

  // ---- elements
  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  const drawn = (name, attributes = {}, ...children) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    made.append(...children);
    return made;
  };
  // as the report writes numbers: four significant digits, no exponent for everyday sizes
  const number = (value) => {
    if (value === null) return "-";
    const exponent = Number(value.toExponential(3).split("e")[1]);
    if (exponent >= -4 && exponent < 4) return value.toFixed(3 - exponent);
    const [digits, power] = value.toExponential(2).split("e");
    return `${Number(digits)}e${power[0]}${power.slice(1).padStart(2, "0")}`;
  };
  const valueOf = (cell) => {
    if (typeof cell === "number") return cell;
    return cell !== null && cell.length > 1 ? Number(cell.slice(1)) : null;
  };
  const statusOf = (cell) => {
    if (typeof cell === "number") return "ok";
    return cell === null ? "" : { d: "degenerate", t: "truncated", f: "failed", n: "not applicable" }[cell[0]];
  };
  const NOTES = ["unverified"]; // flags that are no warning, as mirabench.metrics.health has them
  const badge = ([flag, seen]) => NOTES.includes(flag)
    ? element("span", { class: "badge", title: seen }, `○ ${flag}`)
    : element("span", { class: "badge warn", title: seen }, `◆ ${flag}`);
  const badges = (unreadable, flags) => [
    ...(unreadable ? [element("span", { class: "badge bad" }, "▲ unreadable")] : []),
    ...flags.flatMap((each) => [badge(each), " "]),
  ];
  const cellOf = (cell) => {
    const status = statusOf(cell);
    if (status === "failed") return element("td", { class: "num bad" }, "▲ failed");
    if (status === "not applicable") return element("td", { class: "num" }, "○");
    return element("td", { class: `num ${status}` }, number(valueOf(cell)) + (status === "degenerate" ? " ◆" : ""));
  };
  const rowOf = (position, [id, seconds, unreadable, flags, , cells]) => element(
    "tr", {},
    element("th", { scope: "row" }, element("a", { href: `#clip-${position}` }, id)),
    element("td", { class: "num" }, number(seconds)),
    element("td", {}, ...badges(unreadable, flags)),
    ...cells.map(cellOf),
  );

  // ---- one clip
  const DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const unpacked = (points, duration, low, high) => {
    const share = (at) => (DIGITS.indexOf(points[at]) * 64 + DIGITS.indexOf(points[at + 1])) / 4095;
    return Array.from({ length: points.length / 4 }, (_, i) => [
      share(4 * i) * duration, low + share(4 * i + 2) * (high - low),
    ]);
  };
  const curveOf = ([column, [bottom, top, worstAt, worst, low, high], starts, packed], duration) => {
    const { name, higher, unit } = columns[column];
    const x = 1000 / Math.max(duration, 1e-9), y = 60 / (top - bottom);
    const points = unpacked(packed, duration, low, high);
    const edges = [0, ...starts, points.length];
    const parts = edges.slice(1).map((end, i) => points.slice(edges[i], end)).filter((part) => part.length);
    const text = ([t, v]) => `${Number(t.toFixed(3))} ${Number(v.toPrecision(5))}`;
    const lines = parts.map((part) => `M${part.map(text).join("L")}${part.length === 1 ? "h0" : ""}`);
    const dots = parts.filter((part) => part.length === 1)
      .map(([[t, v]]) => `M${(t * x).toFixed(1)} ${((top - v) * y).toFixed(1)}h.01`);
    const svg = drawn(
      "svg", { class: "curve", viewBox: "0 -5 1000 70", preserveAspectRatio: "none", "aria-hidden": "true" },
      drawn("path", { class: "line", transform: `matrix(${x} 0 0 ${-y} 0 ${top * y})`, d: lines.join("") }),
      drawn("path", { class: "point", d: dots.join("") }),
      drawn("path", { class: "worst", d: `M${(worstAt * x).toFixed(1)} -5V65` }),
    );
    const reading = `worst ${number(worst)} at ${worstAt.toFixed(2)} s`;
    const row = element(
      "div", { class: "row" },
      element(
        "div", { class: "label" },
        element("b", {}, `${name} `, element("span", { class: "arrow" }, higher ? "↑" : "↓")),
        element("span", { class: "reading" }, reading),
        element("span", { class: "ends" }, `${number(bottom)} to ${number(top)}${unit ? ` ${unit}` : ""}`),
      ),
      element("div", { role: "img", "aria-label": `${name} over time, ${reading}` }, svg),
    );
    page.followPointer(svg);
    return row;
  };
  // round moments, at most ten steps apart: as under the curves of a page with all clips in it
  const ticksOf = (duration) => {
    const power = 10 ** Math.floor(Math.log10(duration / 10));
    const step = power * [1, 2, 5, 10].find((some) => duration / (power * some) <= 10 + 1e-9);
    const moments = Array.from({ length: Math.floor(duration / step + 1e-9) + 1 }, (_, i) => i * step);
    const labels = moments.map((at) => {
      const label = element("span", {}, `${Number(at.toPrecision(6))} s`);
      label.style.left = `${(100 * at) / duration}%`;
      return label;
    });
    return element("div", { class: "row ticks", "aria-hidden": "true" }, ...labels);
  };
  const scoresOf = (cells, protocols, reasons) => {
    const why = [];
    for (const [reason, places] of reasons) for (const at of places) why[at] = reason;
    const rows = cells.flatMap((cell, at) => {
      const status = statusOf(cell);
      if (!status) return [];
      const sign = { degenerate: "◆ ", failed: "▲ ", "not applicable": "○ " }[status] ?? "";
      const said = status === "not applicable" ? why[at] : status + (why[at] ? `: ${why[at]}` : "");
      const used = protocols[at];
      const link = used < 0 ? [] : [element("a", { href: `#protocol-${used}` }, element("code", {}, layout.protocols[used]))];
      return [element(
        "tr", {},
        element("th", { scope: "row" }, columns[at].name),
        element("td", { class: "num" }, number(valueOf(cell))),
        element("td", {}, sign + said),
        element("td", {}, ...link),
      )];
    });
    const head = [["metric"], ["value", "num"], ["status"], ["protocol"]]
      .map(([text, kind]) => element("th", { scope: "col", class: kind ?? "" }, text));
    return element(
      "div", { class: "scroll", tabindex: "0", role: "region", "aria-label": "scores" },
      element("table", { class: "scores" }, element("thead", {}, element("tr", {}, ...head)), element("tbody", {}, ...rows)),
    );
  };
  const partsOf = ([, seconds, , flags, prompt, cells], [facts, error, path, sha256, protocols, reasons, stills, curves]) => {
    const told = [];
    if (facts) told.push(`${facts[0]}×${facts[1]}, ${Number(facts[2].toPrecision(6))} fps, ${facts[3]} frames, ${seconds.toFixed(2)} s`);
    const parts = told.map((text) => element("p", { class: "small" }, text));
    if (prompt) parts.push(element("p", { class: "prompt" }, `“${prompt}”`));
    if (error) parts.push(element("p", { class: "why" }, error));
    for (const [flag, seen] of flags) parts.push(element("p", { class: "why" }, `${NOTES.includes(flag) ? "○" : "◆"} ${flag}: ${seen}`));
    if (stills.length) {
      parts.push(element("div", { class: "filmstrip" }, ...stills.map(([at, data]) => element(
        "figure", {},
        element("img", { alt: `frame at ${at.toFixed(2)} s`, src: `data:image/jpeg;base64,${data}` }),
        element("figcaption", {}, `${at.toFixed(2)} s`),
      ))));
    }
    const ticks = curves.length && seconds > 0 ? [ticksOf(seconds)] : [];
    parts.push(element("div", { class: "curves" }, ...curves.map((one) => curveOf(one, seconds ?? 0)), ...ticks));
    parts.push(scoresOf(cells, protocols, reasons));
    parts.push(element("p", { class: "small" }, path, ...(sha256 ? [" · sha256 ", element("code", {}, sha256)] : [])));
    return parts;
  };
  const detailsOf = (position, row) => {
    const summary = element("summary", {}, element("b", {}, row.cells[0].textContent), " ");
    summary.append(...[...row.cells[2].children].map((badge) => badge.cloneNode(true)));
    const details = element("details", { class: "clip", id: `clip-${position}` }, summary);
    details.addEventListener("toggle", () => { if (details.open) fill(details, position); });
    return details;
  };
  const fill = async (details, position) => {
    if (details.dataset.filled) return;
    details.dataset.filled = "yes";
    try {
      const [row, clip] = await Promise.all([recordOf("rows", position), recordOf("clips", position)]);
      details.append(...partsOf(row, clip));
    } catch (error) {
      delete details.dataset.filled;
      details.open = false;
      tell(error);
    }
  };

  // ---- which clips are shown
  let order = null; // positions of the clips to show; null for all, as they come
  let first = 0;
  let turn = 0; // of two searches the later one counts
  const tell = (error) => { shown.textContent = error.message; };
  const length = () => (order ? order.length : layout.clips);
  const positionsFrom = (start) => Array.from(
    { length: Math.min(layout.page, length() - start) }, (_, i) => (order ? order[start + i] : start + i),
  );
  const settle = (positions) => {
    opened.replaceChildren(...positions.map((position, i) => detailsOf(position, body.rows[i])));
    const last = first + positions.length;
    place.textContent = length() ? `${first + 1} to ${last} of ${length()} clips` : "no clip";
    for (const button of pages.querySelectorAll("button")) {
      button.disabled = /first|previous/.test(button.dataset.go) ? first === 0 : last >= length();
    }
  };
  const show = async (start) => {
    const mine = ++turn;
    const positions = positionsFrom(start);
    const records = await Promise.all(positions.map((position) => recordOf("rows", position)));
    if (mine !== turn) return;
    first = start;
    body.replaceChildren(...records.map((record, i) => rowOf(positions[i], record)));
    settle(positions);
  };

  const fits = ([id, , unreadable, flags, prompt, cells], wanted, key) => {
    if (wanted && !`${id} ${prompt} ${flags.map(([flag]) => flag).join(" ")}`.toLowerCase().includes(wanted)) return false;
    if (!key) return true;
    if (key.startsWith("flag:")) return flags.some(([flag]) => `flag:${flag}` === key);
    return (key === "failed" && unreadable) || cells.some((cell) => statusOf(cell) === key);
  };
  const keyOf = (column) => (record) => {
    if (column === 0) return record[0];
    if (column === 1) return record[1] ?? "";
    if (column === 2) return record[3].map(([flag]) => flag).join(" ");
    return valueOf(record[5][column - FIXED]) ?? "";
  };
  const collator = new Intl.Collator("en", { numeric: true });
  const sorted = (positions, rows, head) => {
    const key = keyOf(Number(head.querySelector("button").dataset.column));
    const sign = head.getAttribute("aria-sort") === "descending" ? -1 : 1;
    const keyed = positions.map((position) => [key(rows[position]), position]);
    const compare = (a, b) => (typeof a === "number" && typeof b === "number" ? a - b : collator.compare(a, b));
    const filled = keyed.filter(([value]) => value !== "").sort((a, b) => sign * compare(a[0], b[0]) || a[1] - b[1]);
    return [...filled, ...keyed.filter(([value]) => value === "")].map(([, position]) => position);
  };
  const choose = async () => {
    const mine = ++turn;
    const wanted = filter.value.toLowerCase();
    const head = table.tHead.querySelector("[aria-sort]");
    if (!wanted && !state.value && !head) {
      order = null;
      shown.textContent = "";
      return show(0);
    }
    const rows = await allRows();
    if (mine !== turn) return;
    const some = [];
    rows.forEach((row, position) => { if (fits(row, wanted, state.value)) some.push(position); });
    order = head ? sorted(some, rows, head) : some;
    shown.textContent = wanted || state.value ? `${some.length} of ${layout.clips} clips` : "";
    return show(0);
  };
  let pause = 0;
  filter.addEventListener("input", () => {
    clearTimeout(pause);
    pause = setTimeout(() => choose().catch(tell), 150);
  });
  state.addEventListener("change", () => choose().catch(tell));
  table.tHead.addEventListener("click", (event) => {
    const head = event.target.closest("button")?.closest("th");
    if (!head) return;
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    choose().catch(tell);
  });
  pages.addEventListener("click", (event) => {
    const go = event.target.closest("button")?.dataset.go;
    if (!go) return;
    const last = Math.max(0, Math.ceil(length() / layout.page) - 1) * layout.page;
    const start = { first: 0, last, previous: first - layout.page, next: first + layout.page }[go];
    show(start).catch(tell);
  });

  // ---- links to a clip
  const openClip = async () => {
    const found = /^#clip-(\d+)$/.exec(location.hash);
    const position = found ? Number(found[1]) : layout.clips;
    if (position >= layout.clips) return;
    let at = order ? order.indexOf(position) : position;
    if (at < 0) {
      filter.value = state.value = "";
      shown.textContent = "";
      for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
      order = null;
      at = position;
    }
    const start = at - (at % layout.page);
    if (start !== first || !document.getElementById(`clip-${position}`)) await show(start);
    const details = document.getElementById(`clip-${position}`);
    if (!details) return; // the reader has gone on meanwhile
    details.open = true;
    await fill(details, position);
    details.querySelector("summary").focus({ preventScroll: true });
    details.scrollIntoView();
  };
  addEventListener("hashchange", () => openClip().catch(tell));

  pages.hidden = false;
  settle(positionsFrom(0));
  openClip().catch(tell);
})();
