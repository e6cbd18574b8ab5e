// the table of a page that has all clips in it
(() => {
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
  const state = document.getElementById("state");
  const choose = () => {
    const wanted = filter.value.toLowerCase();
    let count = 0;
    for (const row of body.rows) {
      const fits = !state.value || row.dataset.state.split(" ").includes(state.value);
      row.hidden = !fits || !row.dataset.text.toLowerCase().includes(wanted);
      count += row.hidden ? 0 : 1;
    }
    shown.textContent = wanted || state.value ? `${count} of ${body.rows.length} clips` : "";
  };
  filter.addEventListener("input", choose);
  state.addEventListener("change", choose);
})();
