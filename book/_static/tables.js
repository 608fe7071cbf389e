// Sorting, searching and folding of the review's tables; copy buttons; tooltips. Without it the tables are
// complete, only fixed, and every explained word still leads to the glossary.
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

  // Long tables show their first rows on phones; the style sheet decides what counts as a phone.
  const LONGEST = 12;

  function makeShort(block, table) {
    const rows = table.tBodies[0].rows.length;
    if (rows <= LONGEST) return;
    const button = document.createElement("button");
    button.type = "button";
    button.className = "review-table-more";
    function show(all) {
      block.classList.toggle("review-table-short", !all);
      button.setAttribute("aria-expanded", String(all));
      button.textContent = all ? "Show fewer rows" : "Show all " + rows + " rows";
    }
    button.addEventListener("click", function () { show(button.getAttribute("aria-expanded") !== "true"); });
    block.addEventListener("input", function () { show(true); });
    block.querySelector(".review-table-scroll").after(button);
    show(false);
    if (location.hash) {
      const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
      if (target && block.contains(target)) show(true);
    }
  }

  function makeCopyable(block) {
    const line = document.createElement("div");
    const button = document.createElement("button");
    const state = document.createElement("span");
    const text = Array.from(block.querySelectorAll("p")).map(function (part) {
      const clone = part.cloneNode(true);
      clone.querySelectorAll(".review-tip").forEach(function (tip) { tip.remove(); });
      return clone.textContent;
    }).join("\n\n");
    line.className = "review-copy";
    button.type = "button";
    button.textContent = "Copy the " + block.dataset.copy;
    state.setAttribute("role", "status");
    function done(worked) { state.textContent = worked ? "Copied" : "Select the text and copy it by hand"; }
    function byHand() {
      const field = document.createElement("textarea");
      field.value = text;
      block.append(field);
      field.select();
      const worked = document.execCommand("copy");
      field.remove();
      button.focus();
      done(worked);
    }
    button.addEventListener("click", function () {
      if (!navigator.clipboard) { byHand(); return; }
      navigator.clipboard.writeText(text).then(function () { done(true); }, byHand);
    });
    line.append(button, state);
    block.prepend(line);
  }

  // A tooltip stays inside the window, and Escape puts it away.
  function makeExplained(word) {
    const tip = word.querySelector(".review-tip");
    function place() {
      word.classList.remove("review-quiet");
      tip.style.translate = "";
      const over = tip.getBoundingClientRect().right - document.documentElement.clientWidth + 8;
      if (over > 0) tip.style.translate = -over + "px 0";
    }
    word.addEventListener("mouseenter", place);
    word.addEventListener("focusin", place);
  }

  function quietTips(event) {
    if (event.key !== "Escape") return;
    document.querySelectorAll(".review-explained:hover, .review-explained:focus-within").forEach(function (word) {
      word.classList.add("review-quiet");
    });
  }

  function start() {
    document.querySelectorAll(".review-explained").forEach(makeExplained);
    document.addEventListener("keydown", quietTips);
    document.querySelectorAll(".review-copyable").forEach(makeCopyable);
    document.querySelectorAll(".review-table").forEach(function (block) {
      const any = block.querySelector("table");
      if (any && any.tBodies[0]) makeShort(block, any);
      const table = block.querySelector("table.sortable");
      if (!table || table.tBodies[0].rows.length < 2) return;
      makeSortable(table);
      if (block.dataset.search) makeSearchable(block, table);
    });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
