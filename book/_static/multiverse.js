// The specification curve, asked: keep only some choices, and read any specification drawn.
// Without it the curve is a still with its data table. Every number comes from the page itself.
(function () {
  "use strict";
  if (window.reviewMultiverse) return;
  window.reviewMultiverse = true;

  const SVG = "http://www.w3.org/2000/svg";
  const ANY = "";

  function make(tag, text, attributes) {
    const item = document.createElement(tag);
    if (text) item.textContent = text;
    Object.entries(attributes || {}).forEach(function (pair) { item.setAttribute(pair[0], pair[1]); });
    return item;
  }

  function percent(value) { return (100 * value).toFixed(1) + "%"; }

  function share(part, whole) {
    const value = 100 * part / whole;
    if (part && value < 0.5) return "<1%";
    if (part < whole && value >= 99.5) return ">99%";
    return Math.round(value) + "%";
  }

  // The drawn specifications, as the data table below the figure gives them.
  function readDrawn(figure) {
    const drawn = new Map();
    figure.querySelectorAll("details table tbody tr").forEach(function (row) {
      const values = {};
      Array.from(row.cells).forEach(function (cell) { values[cell.dataset.label] = cell.textContent.trim(); });
      drawn.set(row.cells[0].textContent.trim(), values);
    });
    return drawn;
  }

  // All specifications that keep to the wanted choices, drawn or not.
  function keptEstimates(data, wanted, sameOnly) {
    const found = [];
    let all = 0;
    data.selections.forEach(function (selection, place) {
      const fits = selection.every(function (option, at) { return wanted[at] < 0 || wanted[at] === option; });
      data.models.forEach(function (model, column) {
        const value = data.estimates[data.sets[place]][column];
        if (value < 0) return;
        all += 1;
        if (!fits || (sameOnly && !data.same[place])) return;
        const asked = model.every(function (option, at) {
          return wanted[data.split + at] < 0 || wanted[data.split + at] === option;
        });
        if (asked) found.push(value / 1000);
      });
    });
    return { values: found.sort(function (a, b) { return a - b; }), all: all };
  }

  function summary(data, kept) {
    const values = kept.values;
    if (!values.length) return "No specification keeps to these choices.";
    let text = values.length + " of " + kept.all + " specifications; estimates from " + percent(values[0]) +
      " to " + percent(values[values.length - 1]) + ", half of them below " +
      percent(values[Math.floor((values.length - 1) / 2)]) + ".";
    data.thresholds.forEach(function (limit) {
      const above = values.filter(function (value) { return value > limit; }).length;
      text += " " + share(above, values.length) + " lie above " + Math.round(100 * limit) + "%.";
    });
    if (data.paper) {
      const inside = values.filter(function (v) { return v >= data.paper[0] && v <= data.paper[1]; }).length;
      text += " " + share(inside, values.length) + " lie inside the paper's interval.";
    }
    return text;
  }

  function marksOf(svg) {
    return Array.from(svg.querySelectorAll("[data-mark]")).map(function (mark) {
      return { id: mark.dataset.mark, x: Number(mark.getAttribute("cx")) };
    });
  }

  function layer(svg, name) {
    const group = document.createElementNS(SVG, "g");
    group.setAttribute("class", name);
    svg.append(group);
    return group;
  }

  function setUp(figure, data) {
    const drawn = readDrawn(figure);
    const pictures = Array.from(figure.querySelectorAll("svg")).filter(function (svg) {
      return svg.querySelector("[data-mark]");
    }).map(function (svg) {
      const marks = marksOf(svg);
      const step = marks.length > 1 ? (marks[marks.length - 1].x - marks[0].x) / (marks.length - 1) : 8;
      return { svg: svg, marks: marks, step: step, veil: layer(svg, "review-veil"), cursor: layer(svg, "review-cursor") };
    });
    if (!pictures.length) return;
    const ids = pictures[0].marks.map(function (mark) { return mark.id; });
    const panel = make("fieldset", "", { class: "review-ask" });
    panel.append(make("legend", "Ask this curve"));
    const selects = data.choices.map(function (choice, place) {
      const label = make("label", choice[0]);
      const select = make("select");
      select.append(make("option", "any", { value: ANY }));
      choice[1].forEach(function (option, at) { select.append(make("option", option, { value: String(at) })); });
      label.append(select);
      if (choice[1].length > 1) panel.append(label);
      select.addEventListener("change", update);
      return select;
    });
    const same = make("input", "", { type: "checkbox" });
    const sameLabel = make("label", " Only those that ask the same question", { class: "review-ask-wide" });
    sameLabel.prepend(same);
    same.addEventListener("change", update);
    const reset = make("button", "Start again", { type: "button" });
    reset.addEventListener("click", function () {
      selects.forEach(function (select) { select.value = ANY; });
      same.checked = false;
      update();
    });
    const state = make("p", "", { role: "status", class: "review-ask-wide" });
    const slider = make("input", "", { type: "range", min: "1", max: String(ids.length), value: "1" });
    const sliderLabel = make("label", "Specification", { class: "review-ask-wide" });
    sliderLabel.append(slider);
    const detail = make("p", "", { class: "review-ask-wide review-ask-detail" });
    panel.append(sameLabel, reset, state, sliderLabel, detail);

    function keeps(id, wanted) {
      const values = drawn.get(id);
      if (!values) return true;
      if (same.checked && values.Tag && values.Tag !== "same question") return false;
      return data.choices.every(function (choice, at) {
        return wanted[at] < 0 || values[choice[0]] === choice[1][wanted[at]];
      });
    }

    function update() {
      const wanted = selects.map(function (select) { return select.value === ANY ? -1 : Number(select.value); });
      state.textContent = summary(data, keptEstimates(data, wanted, same.checked));
      pictures.forEach(function (picture) {
        picture.veil.replaceChildren();
        picture.marks.forEach(function (mark) {
          if (keeps(mark.id, wanted)) return;
          const cover = document.createElementNS(SVG, "rect");
          cover.setAttribute("x", mark.x - picture.step / 2);
          cover.setAttribute("width", picture.step);
          cover.setAttribute("height", "100%");
          picture.veil.append(cover);
        });
      });
    }

    function show(place) {
      const id = ids[place];
      const values = drawn.get(id) || {};
      const words = data.choices.map(function (choice) { return choice[0] + ": " + values[choice[0]]; });
      const text = values.Estimate + " (" + values["Lower end"] + " to " + values["Upper end"] + "). " +
        words.join("; ") + ".";
      detail.textContent = text;
      slider.value = String(place + 1);
      slider.setAttribute("aria-valuetext", place + 1 + " of " + ids.length + ": " + text);
      pictures.forEach(function (picture) {
        const line = document.createElementNS(SVG, "line");
        const x = picture.marks[place].x;
        [["x1", x], ["x2", x], ["y1", 0], ["y2", "100%"]].forEach(function (pair) {
          line.setAttribute(pair[0], pair[1]);
        });
        picture.cursor.replaceChildren(line);
      });
    }

    slider.addEventListener("input", function () { show(Number(slider.value) - 1); });
    pictures.forEach(function (picture) {
      picture.svg.addEventListener("pointermove", function (event) {
        const box = picture.svg.getBoundingClientRect();
        const x = (event.clientX - box.left) * picture.svg.viewBox.baseVal.width / box.width;
        let best = 0;
        picture.marks.forEach(function (mark, at) {
          if (Math.abs(mark.x - x) < Math.abs(picture.marks[best].x - x)) best = at;
        });
        if (Math.abs(picture.marks[best].x - x) <= 2 * picture.step) show(best);
      });
    });
    figure.querySelector("figcaption").after(panel);
    update();
  }

  function start() {
    document.querySelectorAll("script.review-data").forEach(function (holder) {
      const figure = document.getElementById(holder.dataset.figure);
      if (figure) setUp(figure, JSON.parse(holder.textContent));
    });
  }

  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
