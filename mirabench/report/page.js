"use strict";
(() => {
  const root = document.documentElement;
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  const table = document.getElementById("table");
  const body = table.tBodies[0];
  const shown = document.getElementById("shown");
  const valueOf = (row, column) => row.cells[column].dataset.value;
  const compare = (a, b) => {
    if (a === "" || b === "") return (a === "") - (b === "");
    const x = Number(a), y = Number(b);
    return Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b, "en", { numeric: true }) : x - y;
  };
  table.tHead.addEventListener("click", (event) => {
    const button = event.target.closest("button");
    if (!button) return;
    const head = button.closest("th");
    const down = head.getAttribute("aria-sort") === "ascending";
    for (const th of table.tHead.rows[0].cells) th.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    const column = Number(button.dataset.column);
    const rows = [...body.rows];
    const filled = rows.filter((row) => valueOf(row, column) !== "");
    const empty = rows.filter((row) => valueOf(row, column) === "");
    filled.sort((a, b) => compare(valueOf(a, column), valueOf(b, column)) * (down ? -1 : 1));
    body.append(...filled, ...empty);
  });

  const filter = document.getElementById("filter");
  filter.addEventListener("input", () => {
    const wanted = filter.value.toLowerCase();
    let count = 0;
    for (const row of body.rows) {
      row.hidden = !row.dataset.text.toLowerCase().includes(wanted);
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = wanted ? `${count} of ${body.rows.length} clips` : "";
  });

  const open = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.matches("details")) at.open = true;
    if (target.matches("details")) target.scrollIntoView();
  };
  addEventListener("hashchange", open);
  open();

  // a curve's path is written in seconds and values; its transform puts them into a box 1000 wide
  const pointsOf = (line) =>
    line.getAttribute("d").split(/[ML]/).filter(Boolean)
      .map((pair) => pair.replace("h0", "").split(" ").map(Number));

  for (const svg of document.querySelectorAll(".curve")) {
    const line = svg.querySelector(".line");
    const scale = Number(line.getAttribute("transform").match(/[\d.e+-]+/)[0]);
    const reading = svg.closest(".row").querySelector(".reading");
    const resting = reading.textContent;
    const cursor = document.createElementNS("http://www.w3.org/2000/svg", "path");
    cursor.setAttribute("class", "cursor");
    let points = null;
    svg.addEventListener("pointermove", (event) => {
      points ??= pointsOf(line);
      const box = svg.getBoundingClientRect();
      const at = ((event.clientX - box.left) / box.width) * 1000 / scale;
      const nearest = points.reduce((a, b) => (Math.abs(b[0] - at) < Math.abs(a[0] - at) ? b : a));
      cursor.setAttribute("d", `M${nearest[0] * scale} -5V65`);
      svg.append(cursor);
      reading.textContent = `${nearest[1]} at ${nearest[0].toFixed(2)} s`;
    });
    svg.addEventListener("pointerleave", () => {
      cursor.remove();
      reading.textContent = resting;
    });
  }
})();
