"use strict";
// Sorts and filters tables, and zooms flame graphs. Without it all of the report is there.

function sortable(table) {
  const body = table.tBodies[0];
  const heads = [...table.tHead.rows[0].cells];
  const value = (row, column) => {
    const cell = row.cells[column];
    return cell.dataset.v === undefined ? cell.textContent.trim().toLowerCase() : Number(cell.dataset.v);
  };
  const sort = (column) => {
    const head = heads[column];
    const isNumber = head.classList.contains("n");
    const up = head.ariaSort ? head.ariaSort !== "ascending" : !isNumber;
    heads.forEach((other) => other.removeAttribute("aria-sort"));
    head.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...body.rows].map((row) => [value(row, column), row]);
    rows.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0) * (up ? 1 : -1));
    body.append(...rows.map(([, row]) => row));
  };
  heads.forEach((head, column) => {
    const button = document.createElement("button");
    button.type = "button";
    button.append(...head.childNodes);
    button.addEventListener("click", () => sort(column));
    head.append(button);
  });
}

function filter(input, table) {
  const output = input.parentElement.querySelector("output");
  const rows = [...table.tBodies[0].rows];
  input.addEventListener("input", () => {
    const wanted = input.value.trim().toLowerCase();
    let shown = 0;
    for (const row of rows) {
      row.hidden = !row.textContent.toLowerCase().includes(wanted);
      shown += row.hidden ? 0 : 1;
    }
    output.value = wanted ? `${shown} of ${rows.length}` : "";
  });
}

function flame(figure) {
  const svg = figure.querySelector(":scope > svg");
  const detail = figure.querySelector(".detail");
  const reset = figure.querySelector(".reset");
  const search = figure.querySelector("input");
  const found = figure.querySelector("output");
  const row = Number(svg.dataset.row);
  const boxes = [...svg.children].map((item) => {
    const inner = item.querySelector("svg");
    return {
      item, inner,
      x: parseFloat(inner.getAttribute("x")), width: parseFloat(inner.getAttribute("width")),
      depth: Number(item.getAttribute("aria-level")),
      text: item.querySelector("title").textContent,
    };
  });
  const of = new Map(boxes.map((box) => [box.item, box]));
  const root = boxes[0];
  let zoomed = root;
  const slack = 0.002;
  const within = (inner, outer) => inner.x >= outer.x - slack && inner.x + inner.width <= outer.x + outer.width + slack;

  function zoom(to) {
    zoomed = to;
    for (const box of boxes) {
      const isPast = box.depth < to.depth && within(to, box);
      const isIn = box.depth >= to.depth && within(box, to);
      box.item.classList.toggle("past", isPast);
      box.item.classList.toggle("off", !isPast && !isIn);
      const x = isPast ? 0 : (box.x - to.x) * 100 / to.width;
      const width = isPast ? 100 : box.width * 100 / to.width;
      box.inner.setAttribute("x", `${x.toFixed(3)}%`);
      box.inner.setAttribute("width", `${width.toFixed(3)}%`);
    }
    reset.disabled = to === root;
    mark();
  }

  function focus(box) {
    boxes.forEach((other) => other.item.setAttribute("tabindex", other === box ? "0" : "-1"));
    box.item.focus();
  }

  function mark() {
    const wanted = search.value.trim().toLowerCase();
    let share = 0, end = -1;
    for (const box of boxes) {
      const isFound = wanted !== "" && box !== root && box.text.toLowerCase().includes(wanted);
      box.item.classList.toggle("found", isFound);
      // Outer boxes come before those in them.
      if (isFound && within(box, zoomed) && box.depth >= zoomed.depth && box.x >= end - slack) {
        share += box.width;
        end = box.x + box.width;
      }
    }
    found.value = wanted ? `${(share * 100 / zoomed.width).toFixed(1)}% matched` : "";
  }

  const visible = (box) => box && !box.item.classList.contains("off");
  const next = {
    ArrowUp: (at) => boxes.find((box) => box.depth === at.depth + 1 && within(box, at) && visible(box)),
    ArrowDown: (at) => boxes.find((box) => box.depth === at.depth - 1 && within(at, box)),
    ArrowRight: (at) => boxes.find((box) => box.depth === at.depth && box.x > at.x + slack && visible(box)),
    ArrowLeft: (at) => boxes.findLast((box) => box.depth === at.depth && box.x < at.x - slack && visible(box)),
    Home: () => root,
  };

  svg.addEventListener("click", (event) => {
    const box = of.get(event.target.closest("g"));
    if (box) { zoom(box); focus(box); }
  });
  svg.addEventListener("keydown", (event) => {
    const box = of.get(event.target.closest("g"));
    if (!box || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter" || event.key === " ") zoom(box);
    else if (event.key === "Escape") { zoom(root); focus(box); }
    else if (next[event.key]) { const to = next[event.key](box); if (to) focus(to); }
    else return;
    event.preventDefault();
  });
  const tell = (event) => {
    const box = of.get(event.target.closest("g"));
    if (box) detail.textContent = box.text;
  };
  svg.addEventListener("focusin", tell);
  svg.addEventListener("mouseover", tell);
  reset.addEventListener("click", () => zoom(root));
  search.addEventListener("input", mark);
}

document.querySelectorAll("table.sortable").forEach(sortable);
const filterInput = document.getElementById("filter");
if (filterInput) filter(filterInput, document.getElementById("process-table"));
document.querySelectorAll(".flame").forEach(flame);
addEventListener("beforeprint", () => document.querySelectorAll("details.finding").forEach((one) => { one.open = true; }));
