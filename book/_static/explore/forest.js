/* The forest plot of a view as inline SVG, drawn in CSS pixels for the width it is given.
 *
 * Shapes carry the light colour as an attribute and a role as a class, as all figures of the review do: on
 * the page the style sheet swaps the colours for the dark theme, and a saved file prints as it is. All text
 * enters as text nodes.
 */
(function (root) {
  "use strict";

  const NS = "http://www.w3.org/2000/svg";
  const COLOURS = {
    paper: "#ffffff",
    ink: "#1b1f24",
    muted: "#57606a",
    grid: "#d5dae0",
    accent: "#0b5394",
    second: "#b34700",
  };
  const FONT = "Arial, Helvetica, 'Liberation Sans', 'DejaVu Sans', sans-serif";
  const SIZE = 13;
  const SMALL = 11.5;
  const MARGIN = 8;
  const GAP = 12;
  const LINE = 24;
  const NARROW_LINE = 44;
  const NOTE_LINE = 15;
  /* Below this width a study takes two lines. */
  const NARROW_BELOW = 560;
  /* Long labels are clipped before the plot gets narrower than this. */
  const LEAST_PLOT = 210;
  const ENDS = [0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1];
  const STEPS = { 0.05: 0.01, 0.1: 0.02, 0.2: 0.05, 0.3: 0.1, 0.4: 0.1, 0.5: 0.1 };

  let pen = null;
  const widths = new Map();

  /* Sum of the widths of the characters: each is measured once, kerning is let go. */
  function textWidth(text, size, bold) {
    let width = 0;
    for (const character of text) width += characterWidth(character, bold);
    return (width * size) / 100;
  }

  function characterWidth(character, bold) {
    const key = bold ? "b" + character : character;
    let width = widths.get(key);
    if (width === undefined) {
      pen = pen || document.createElement("canvas").getContext("2d");
      pen.font = (bold ? "bold " : "") + "100px " + FONT;
      width = pen.measureText(character).width;
      widths.set(key, width);
    }
    return width;
  }

  function clip(text, size, bold, limit) {
    if (textWidth(text, size, bold) <= limit) return text;
    let end = text.length;
    while (end > 1 && textWidth(text.slice(0, end) + "\u2026", size, bold) > limit) end -= 1;
    return text.slice(0, end).trimEnd() + "\u2026";
  }

  function wrap(text, size, limit) {
    const lines = [];
    let line = "";
    for (const word of text.split(" ")) {
      const longer = line ? line + " " + word : word;
      if (line && textWidth(longer, size, false) > limit) {
        lines.push(line);
        line = word;
      } else {
        line = longer;
      }
    }
    lines.push(line);
    return lines;
  }

  /* From zero to a round end that holds the values. */
  function percentAxis(values) {
    const largest = Math.min(1, Math.max(0, ...values.filter(Number.isFinite)));
    const high = ENDS.find((end) => end >= largest - 1e-12) || 1;
    const step = STEPS[high] || 0.2;
    const ticks = [];
    for (let i = 0; i <= Math.round(high / step); i++) {
      ticks.push({ value: i * step, text: String(Math.round(100 * step * i)) });
    }
    ticks[ticks.length - 1].text += "%";
    return { high: high, ticks: ticks };
  }

  function round(value) {
    return Math.round(value * 100) / 100;
  }

  function Drawing(width) {
    const svg = document.createElementNS(NS, "svg");
    const self = { svg: svg, width: width };

    self.add = function (tag, values, roles, text) {
      const node = document.createElementNS(NS, tag);
      const classes = [];
      for (const part of ["fill", "stroke"]) {
        const role = roles && roles[part];
        if (role) {
          classes.push(part[0] + "-" + role);
          node.setAttribute(part, COLOURS[role]);
        } else if (part === "fill" && roles && roles.stroke) {
          node.setAttribute("fill", "none");
        }
      }
      if (classes.length) node.setAttribute("class", classes.join(" "));
      for (const name of Object.keys(values)) {
        const value = values[name];
        node.setAttribute(name, typeof value === "number" ? round(value) : value);
      }
      if (text !== undefined) node.textContent = text;
      svg.appendChild(node);
      return node;
    };
    self.line = function (x1, y1, x2, y2, role, extra) {
      self.add("line", Object.assign({ x1: x1, y1: y1, x2: x2, y2: y2 }, extra), { stroke: role });
    };
    self.text = function (x, y, text, style) {
      const s = style || {};
      const values = { x: x, y: y };
      if (s.size) values["font-size"] = s.size;
      if (s.anchor) values["text-anchor"] = s.anchor;
      if (s.bold) values["font-weight"] = "bold";
      const shown = s.limit ? clip(text, s.size || SIZE, s.bold, s.limit) : text;
      self.add("text", values, { fill: s.role || "ink" }, shown);
    };
    self.polygon = function (points, role) {
      const text = points.map((p) => p.map(round).join(",")).join(" ");
      self.add("polygon", { points: text }, { fill: role });
    };
    return self;
  }

  function mark(drawing, row, axis, left, right, y) {
    const at = (value) => left + Math.min(Math.max(value / axis.high, 0), 1) * (right - left);
    const bounded = Number.isFinite(row.low) && Number.isFinite(row.high);
    if (row.kind === "prediction") {
      if (!bounded) return;
      drawing.line(at(row.low), y, at(row.high), y, "second", { "stroke-width": 3 });
      for (const end of [row.low, row.high]) {
        if (end <= axis.high) drawing.line(at(end), y - 5, at(end), y + 5, "second", { "stroke-width": 2 });
      }
    } else if (row.kind === "pooled") {
      if (!Number.isFinite(row.estimate)) return;
      const low = bounded ? row.low : row.estimate;
      const high = bounded ? row.high : row.estimate;
      const x = at(row.estimate);
      drawing.polygon([[at(low), y], [x, y - 7], [at(high), y], [x, y + 7]], "accent");
    } else {
      const role = row.off ? "muted" : "ink";
      drawing.line(at(row.low), y, at(row.high), y, role, row.off ? { "stroke-dasharray": "2 3" } : {});
      const x = at(row.estimate);
      if (row.off) {
        drawing.add("circle", { cx: x, cy: y, r: 3.5 }, { fill: "paper", stroke: "muted" });
      } else {
        const side = 3.5 + 9.5 * Math.sqrt(Math.max(row.size, 0));
        drawing.add(
          "rect",
          { x: x - side / 2, y: y - side / 2, width: side, height: side },
          { fill: "accent" }
        );
      }
    }
    /* An end beyond the axis gets an arrow. */
    if (bounded && row.high > axis.high + 1e-12) {
      const role = row.kind === "prediction" ? "second" : row.off ? "muted" : "ink";
      drawing.polygon([[right + 5, y], [right - 2, y - 4], [right - 2, y + 4]], role);
    }
  }

  function hasMark(row) {
    return row.kind === "study" || row.kind === "pooled" || row.kind === "prediction";
  }

  function height(row, narrow, limit) {
    if (row.kind === "note") return NOTE_LINE * wrap(row.label, SMALL, limit).length + 8;
    if (row.kind === "heading") return LINE + 4;
    return narrow ? NARROW_LINE : LINE;
  }

  /* Draws rows of kind study, heading, pooled, prediction or note.
   *
   * options: width, alt, axisTitle, footer (lines), guide (value of the dashed line), hits (lay an area with
   * the study's key over each row, for the pointer; the tick boxes do the same for the keyboard).
   */
  function draw(rows, options) {
    const width = options.width;
    const narrow = width < NARROW_BELOW;
    const drawing = Drawing(width);
    const limit = width - 2 * MARGIN;
    const axis = percentAxis(
      rows.flatMap((row) => (row.kind === "study" ? [row.estimate] : hasMark(row) ? [row.estimate || 0, row.high] : []))
    );
    const paper = drawing.add("rect", { width: width }, { fill: "paper" });
    const heights = rows.map((row) => height(row, narrow, limit));
    const widest = (pick, head) =>
      Math.max(textWidth(head, SIZE, true), ...rows.filter(hasMark).map((row) => textWidth(pick(row), SIZE, true)));
    const shownHead = "% (" + options.levelText + " CI)";
    let left;
    let right = width - MARGIN;
    let countsRight = 0;
    let shownRight = right;
    let labelLimit = 0;
    let top;
    if (narrow) {
      const second = rows.filter(hasMark).map((row) => textWidth(secondLine(row), SMALL, false));
      left = MARGIN + Math.max(60, ...second) + 10;
      right -= 6;
      drawing.text(MARGIN, 18, "Study", { bold: true });
      drawing.text(width - MARGIN, 18, shownHead, { bold: true, anchor: "end" });
      drawing.text(MARGIN, 34, "Events/total \u00b7 weight", { size: SMALL, role: "muted" });
      top = 42;
    } else {
      const counts = widest((row) => row.counts, "Events/total");
      const shown = widest((row) => row.shown, shownHead);
      const weight = widest((row) => row.weight, "Weight");
      labelLimit = Math.min(
        widest((row) => row.label, "Study") + 2,
        Math.max(110, width - 2 * MARGIN - counts - shown - weight - 4 * GAP - LEAST_PLOT)
      );
      countsRight = MARGIN + labelLimit + GAP + counts;
      shownRight = width - MARGIN - weight - GAP;
      left = countsRight + GAP + 4;
      right = shownRight - shown - GAP - 4;
      drawing.text(MARGIN, 18, "Study", { bold: true });
      drawing.text(countsRight, 18, "Events/total", { bold: true, anchor: "end" });
      drawing.text(shownRight, 18, shownHead, { bold: true, anchor: "end" });
      drawing.text(width - MARGIN, 18, "Weight", { bold: true, anchor: "end" });
      top = 26;
    }
    drawing.line(MARGIN, top, width - MARGIN, top, "ink");
    const at = (value) => left + (value / axis.high) * (right - left);

    /* Grid lines beside the marks only, each kind as one path. */
    const spans = [];
    let y = top;
    rows.forEach((row, i) => {
      if (hasMark(row)) {
        const from = narrow ? y + 19 : y;
        const last = spans[spans.length - 1];
        if (last && last[1] === from) last[1] = y + heights[i];
        else spans.push([from, y + heights[i]]);
      }
      y += heights[i];
    });
    const upright = (value) => spans.map((span) => "M" + round(at(value)) + " " + span[0] + "V" + span[1]).join("");
    drawing.add("path", { d: axis.ticks.map((tick) => upright(tick.value)).join("") }, { stroke: "grid" });
    if (Number.isFinite(options.guide)) {
      drawing.add("path", { d: upright(options.guide), "stroke-dasharray": "3 3" }, { stroke: "accent" });
    }
    const bottom = y + 2;

    y = top;
    rows.forEach((row, i) => {
      const bold = row.kind === "pooled";
      const role = row.off ? "muted" : "ink";
      if (row.kind === "note") {
        wrap(row.label, SMALL, limit).forEach((line, j) => {
          drawing.text(MARGIN, y + 14 + NOTE_LINE * j, line, { size: SMALL, role: "muted" });
        });
      } else if (row.kind === "heading") {
        drawing.text(MARGIN, y + 19, row.label, { bold: true, limit: limit });
      } else if (narrow) {
        const used = textWidth(row.shown, SIZE, bold);
        drawing.text(MARGIN, y + 15, row.label, { bold: bold, role: role, limit: limit - used - 12 });
        drawing.text(width - MARGIN, y + 15, row.shown, { bold: bold, role: role, anchor: "end" });
        drawing.text(MARGIN, y + 34, secondLine(row), { size: SMALL, role: "muted" });
        mark(drawing, row, axis, left, right, y + 30);
      } else {
        const base = y + 16;
        drawing.text(MARGIN, base, row.label, { bold: bold, role: role, limit: labelLimit });
        if (row.counts) drawing.text(countsRight, base, row.counts, { bold: bold, role: role, anchor: "end" });
        drawing.text(shownRight, base, row.shown, { bold: bold, role: role, anchor: "end" });
        if (row.weight) drawing.text(width - MARGIN, base, row.weight, { role: "muted", anchor: "end" });
        mark(drawing, row, axis, left, right, y + LINE / 2);
      }
      if (row.kind === "study" && options.hits) {
        const hit = drawing.add("rect", { y: y, width: width, height: heights[i], fill: "transparent" });
        hit.setAttribute("class", "explore-hit");
        hit.dataset.key = row.key;
      }
      y += heights[i];
    });

    drawing.line(left, bottom, right, bottom, "ink");
    for (const tick of axis.ticks) {
      const half = textWidth(tick.text, SMALL, false) / 2;
      const x = Math.min(Math.max(at(tick.value), half + 1), width - half - 1);
      drawing.line(at(tick.value), bottom, at(tick.value), bottom + 4, "ink");
      drawing.text(x, bottom + 17, tick.text, { size: SMALL, anchor: "middle" });
    }
    drawing.text((left + right) / 2, bottom + 34, options.axisTitle, {
      size: SMALL,
      role: "muted",
      anchor: "middle",
    });
    y = bottom + 42;
    for (const text of options.footer || []) {
      for (const line of wrap(text, SMALL, limit)) {
        y += NOTE_LINE;
        drawing.text(MARGIN, y, line, { size: SMALL, role: "muted" });
      }
      y += 3;
    }
    const tall = Math.round(y + 8);
    const svg = drawing.svg;
    paper.setAttribute("height", tall);
    svg.setAttribute("viewBox", "0 0 " + width + " " + tall);
    svg.setAttribute("width", width);
    svg.setAttribute("height", tall);
    svg.setAttribute("font-family", FONT);
    svg.setAttribute("font-size", SIZE);
    svg.setAttribute("role", "img");
    svg.setAttribute("aria-label", options.alt);
    return svg;
  }

  function secondLine(row) {
    return [row.counts, row.weight].filter(Boolean).join(" \u00b7 ");
  }

  root.ReviewExplore.forest = { draw: draw };
})(globalThis);
