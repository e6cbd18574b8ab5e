"use strict";
const page = (() => {
  const root = document.documentElement;
  document.getElementById("theme").addEventListener("click", () => {
    const dark = root.dataset.theme
      ? root.dataset.theme === "dark"
      : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  });

  const open = () => {
    const target = location.hash && document.getElementById(location.hash.slice(1));
    if (!target) return;
    for (let at = target; at; at = at.parentElement) if (at.matches("details")) at.open = true;
    if (target.matches("details")) target.scrollIntoView();
  };
  addEventListener("hashchange", open);

  // a curve's path is written in seconds and values; its transform puts them into a box 1000 wide
  const pointsOf = (line) =>
    line.getAttribute("d").split(/[ML]/).filter(Boolean)
      .map((pair) => pair.replace("h0", "").split(" ").map(Number));

  const followPointer = (svg) => {
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
  };
  for (const svg of document.querySelectorAll(".curve")) followPointer(svg);
  open();
  return { followPointer };
})();
