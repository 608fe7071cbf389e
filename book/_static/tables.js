// Sorting and searching of the review's tables. Without it the tables are complete, only fixed.
(function () {
  "use strict";

  function rawValue(cell) {
    return cell.dataset.value !== undefined ? cell.dataset.value : cell.textContent.trim();
  }

  function asNumber(text) {
    return text !== "" && isFinite(text) ? Number(text) : null;
  }

  function compare(first, second) {
    const a = asNumber(first);
    const b = asNumber(second);
    if (a !== null && b !== null) return a - b;
    return first.localeCompare(second, "en", { numeric: true, sensitivity: "base" });
  }

  // Empty cells stay last in either direction.
  function sortRows(body, column, direction) {
    const rows = Array.from(body.rows).map(function (row, place) {
      return { row: row, place: place, value: rawValue(row.cells[column]) };
    });
    rows.sort(function (one, other) {
      if ((one.value === "") !== (other.value === "")) return one.value === "" ? 1 : -1;
      return direction * compare(one.value, other.value) || one.place - other.place;
    });
    rows.forEach(function (item) { body.appendChild(item.row); });
  }

  function makeSortable(table) {
    const heads = Array.from(table.tHead.rows[0].cells);
    heads.forEach(function (head, column) {
      const button = document.createElement("button");
      button.type = "button";
      while (head.firstChild) button.appendChild(head.firstChild);
      head.appendChild(button);
      button.addEventListener("click", function () {
        const ascending = head.getAttribute("aria-sort") !== "ascending";
        heads.forEach(function (other) { other.removeAttribute("aria-sort"); });
        head.setAttribute("aria-sort", ascending ? "ascending" : "descending");
        sortRows(table.tBodies[0], column, ascending ? 1 : -1);
      });
    });
  }

  function makeSearchable(block, table) {
    const line = document.createElement("div");
    const label = document.createElement("label");
    const input = document.createElement("input");
    const state = document.createElement("span");
    const rows = Array.from(table.tBodies[0].rows);
    line.className = "review-table-search";
    input.type = "search";
    input.id = block.id + "-search";
    label.htmlFor = input.id;
    label.textContent = "Search this table";
    state.setAttribute("role", "status");
    input.addEventListener("input", function () {
      const words = input.value.toLowerCase().split(/\s+/).filter(Boolean);
      let shown = 0;
      rows.forEach(function (row) {
        const text = row.textContent.toLowerCase();
        row.hidden = !words.every(function (word) { return text.includes(word); });
        if (!row.hidden) shown += 1;
      });
      state.textContent = words.length ? shown + " of " + rows.length + " rows" : "";
    });
    line.append(label, input, state);
    block.insertBefore(line, block.firstChild);
  }

  function start() {
    document.querySelectorAll(".review-table").forEach(function (block) {
      const table = block.querySelector("table.sortable");
      if (!table || table.tBodies[0].rows.length < 2) return;
      makeSortable(table);
      if (block.dataset.search) makeSearchable(block, table);
    });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
