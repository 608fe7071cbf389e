/* The Explore page itself: reads the form and the address, shows the view, offers files to take away.
 *
 * Everything from the data enters the document as text, never as markup.
 */
(function (root) {
  "use strict";

  const R = root.ReviewExplore;
  const f = R.format;
  const view = R.view;
  const EXPORT_WIDTH = 760;

  const box = document.getElementById("explore");
  const holder = document.getElementById("explore-data");
  if (!box || !holder) return;
  const data = JSON.parse(holder.textContent);
  const byId = (name) => document.getElementById("explore-" + name);
  const selects = {};
  for (const control of data.controls) selects[control.key] = byId(control.key);
  const levelText = f.share(data.model.level, 0) + "%";

  let state = view.fromHash(data, location.hash) || view.defaults(data);
  let shown = null;
  let shownNumber = -1;
  let timings = [];
  let waiting = [];
  /* Told by the browser once it has laid the page out: asking would make it do so at once. */
  let plotWidth = 0;

  function element(tag, values, children) {
    const node = document.createElement(tag);
    for (const name of Object.keys(values || {})) {
      if (name === "text") node.textContent = values[name];
      else if (values[name] === true) node.setAttribute(name, "");
      else if (values[name] !== false && values[name] !== null) node.setAttribute(name, values[name]);
    }
    for (const child of children || []) node.append(child);
    return node;
  }

  function optionLabel(key) {
    const control = data.controls.find((item) => item.key === key);
    return control.options.find((option) => option.key === state[key]).label;
  }

  function levelLabel(level) {
    return data.controls.find((item) => item.key === "subgroup").levels[level] || level;
  }

  function lowerFirst(text) {
    return /^[A-Z][a-z]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text;
  }

  function upperFirst(text) {
    return text[0].toUpperCase() + text.slice(1);
  }

  function definition(text) {
    return text.replace(/tau2/g, "\u03c4\u00b2").replace(/s2/g, "s\u00b2");
  }

  /* Words ---------------------------------------------------------------------------------------- */

  /* Rows of occlusions and procedures can hold a patient twice. */
  function counted() {
    return state.units === "patients" ? "patients" : "patients, occlusions or procedures";
  }

  /* A range of a scale, "mRS 0-2" or "mTICI 2b-3", stays on one line. */
  function kept(text) {
    return text.split(/(\S+-\d\S*)/).map((part, place) => (place % 2 ? element("span", { class: "review-keep", text: part }) : part));
  }

  function happened() {
    const words = data.happened[state.outcome];
    return "of " + counted() + (words ? " " + words : ": " + lowerFirst(optionLabel("outcome")));
  }

  function sizeWords(result) {
    const all = shown.entries.length;
    const unit = shown.comparison ? "entry" : "study";
    const units = shown.comparison ? "entries" : "studies";
    const of = result.k === all ? f.counted(result.k, unit, units) : f.count(result.k) + " of " + f.counted(all, unit, units);
    return of + ", " + f.count(result.events) + " of " + f.count(result.total) + " " + counted();
  }

  function heterogeneityLine(result) {
    if (result.k < 2) return "Heterogeneity: not defined for one study";
    const parts = [
      "\u03c4\u00b2 " + f.tau2(result.tau2, result.tau2_ci_low, result.tau2_ci_high),
      "I\u00b2 " + f.iSquared(result.i2) + " [" + definition(result.i2_definition) + "]",
      result.q_method + " Q " + f.statistic(result.q) + ", " + result.q_df + " df, " + f.pValue(result.q_p),
    ];
    if (!f.missing(result.lrt)) {
      parts.push("likelihood ratio " + f.statistic(result.lrt) + ", " + f.pValue(result.lrt_p));
    }
    return "Heterogeneity: " + parts.join("; ");
  }

  function testLine(comparison) {
    if (f.missing(comparison.statistic)) return "Test for subgroup differences: " + f.MISSING;
    return (
      "Test for subgroup differences (Q between, separate \u03c4\u00b2): " + f.statistic(comparison.statistic) +
      ", " + comparison.df + " df, " + f.pValue(comparison.p_value)
    );
  }

  function usable(result) {
    return result && !f.missing(result.estimate) && (result.converged || !f.missing(result.ci_low));
  }

  function rate(result) {
    return usable(result) ? f.percent(result.estimate, result.ci_low, result.ci_high) : f.MISSING;
  }

  function rateWithLevel(result) {
    return rate(result).replace("(", "(" + levelText + " CI ");
  }

  function modelWords() {
    return upperFirst(
      [optionLabel("model"), "\u03c4\u00b2 by " + optionLabel("tau2_method"), optionLabel("ci_method") + " interval"].join("; ")
    );
  }

  function title() {
    return [optionLabel("outcome"), lowerFirst(optionLabel("population")), "evidence " + lowerFirst(optionLabel("version"))].join("; ");
  }

  /* Rows of the forest plot ------------------------------------------------------------------------ */

  function studyRows(entries) {
    const largest = Math.max(0, ...shown.entries.map((entry) => entry.weight || 0));
    return entries.map((entry) => ({
      kind: "study",
      key: entry.key,
      label: entry.label + (entry.flags.length ? " \u2020" : ""),
      counts: f.count(entry.events) + "/" + f.count(entry.total),
      shown: f.percent(entry.estimate, entry.low, entry.high),
      weight: entry.on && entry.weight !== null ? f.share(entry.weight, 1) + "%" : entry.on ? "" : "off",
      estimate: entry.estimate,
      low: entry.low,
      high: entry.high,
      size: largest > 0 ? (entry.weight || 0) / largest : 0,
      off: !entry.on,
    }));
  }

  function summaryRows(result, name) {
    const rows = [
      {
        kind: "pooled",
        label: name,
        counts: f.count(result.events) + "/" + f.count(result.total),
        shown: rate(result),
        weight: "",
        estimate: usable(result) ? result.estimate : NaN,
        low: result.ci_low,
        high: result.ci_high,
      },
    ];
    if (!f.missing(result.prediction_low)) {
      rows.push({
        kind: "prediction",
        label: levelText + " prediction interval",
        counts: "",
        shown: f.percentRange(result.prediction_low, result.prediction_high),
        weight: "",
        low: result.prediction_low,
        high: result.prediction_high,
      });
    }
    rows.push({ kind: "note", label: heterogeneityLine(result) });
    return rows;
  }

  function forestRows() {
    const rows = [];
    const split = state.subgroup !== "none";
    if (!split) rows.push(...studyRows(shown.entries));
    for (const level of split ? new Set(shown.entries.map((entry) => entry.group)) : []) {
      rows.push({ kind: "heading", label: levelLabel(level) });
      rows.push(...studyRows(shown.entries.filter((entry) => entry.group === level)));
      const i = shown.comparison ? shown.comparison.levels.indexOf(level) : -1;
      if (i >= 0) rows.push(...summaryRows(shown.comparison.pooled[i], "Pooled"));
    }
    if (shown.result) {
      if (split) rows.push({ kind: "heading", label: "All levels together" });
      rows.push(...summaryRows(shown.result, "Pooled, " + sizeWords(shown.result).split(",")[0]));
      if (shown.comparison) rows.push({ kind: "note", label: testLine(shown.comparison) });
    }
    return rows;
  }

  function altText() {
    const parts = ["Forest plot. " + title() + "."];
    if (shown.result) {
      parts.push("Pooled rate " + rateWithLevel(shown.result) + " from " + sizeWords(shown.result) + ".");
      if (shown.comparison) {
        shown.comparison.levels.forEach((level, i) => {
          parts.push(levelLabel(level) + ": " + rate(shown.comparison.pooled[i]) + ".");
        });
      }
    }
    parts.push("Each study stands in the table below.");
    return parts.join(" ");
  }

  function drawForest(width, forFile) {
    const footer = forFile
      ? [title() + ".", modelWords() + ". Studies: exact intervals.",
          "A pooled rate among treated patients is not an effect of treatment.",
          "View: #" + (view.toHash(data, state) || "defaults") + "; data " + data.data_hash.slice(0, 12) + "."]
      : [];
    return R.forest.draw(forestRows(), {
      width: width,
      levelText: levelText,
      alt: altText(),
      axisTitle: "Per cent of " + counted(),
      guide: usable(shown.result) ? shown.result.estimate : NaN,
      footer: footer,
      hits: !forFile,
    });
  }

  /* Parts of the page ------------------------------------------------------------------------------ */

  function showForm() {
    const offered = R.pool.CHOICES[state.model];
    for (const control of data.controls) {
      const select = selects[control.key];
      const allowed = offered[control.key];
      for (const option of select.options) {
        const hidden = Boolean(allowed) && !allowed.includes(option.value);
        if (option.hidden !== hidden) option.hidden = option.disabled = hidden;
      }
      if (select.value !== state[control.key]) select.value = state[control.key];
    }
    for (const fold of byId("form").querySelectorAll("details")) {
      const own = data.controls.filter((control) => fold.contains(selects[control.key]));
      const other = own.filter((control) => state[control.key] !== data.defaults[control.key]);
      const text = other.length
        ? other.map((control) => control.label + ": " + optionLabel(control.key)).join("; ")
        : "as in the protocol";
      fold.querySelector("summary span").textContent = text;
    }
  }

  function showStatus() {
    const result = shown.result;
    if (!shown.entries.length) {
      const key = [state.outcome, state.population, state.version].join("/");
      const names = (data.awaited[key] || []).map((number) => data.studies[number].label);
      byId("rate").textContent = "No public count";
      byId("status").textContent = names.length
        ? "No study in this view has a count that can be read. Awaited from " + names.join(", ") + "."
        : "No study in this view has a count that can be read.";
    } else if (!result) {
      byId("rate").textContent = "No study ticked";
      byId("status").textContent = "Tick at least one study to pool.";
    } else {
      byId("rate").replaceChildren(...kept(rateWithLevel(result) + " " + happened()));
      const parts = [sizeWords(result)];
      if (!f.missing(result.prediction_low)) {
        parts.push("prediction interval " + f.percentRange(result.prediction_low, result.prediction_high));
      }
      byId("status").replaceChildren(
        element("span", { class: "explore-unseen", text: "Pooled rate " + rate(result) + ": " }),
        parts.join("; ") + ". A rate among treated patients, not an effect of treatment."
      );
    }
  }

  function line(head, value, remark) {
    return element("tr", {}, [
      element("th", { scope: "row", text: head }),
      element("td", { text: value }),
      element("td", { text: remark || "" }),
    ]);
  }

  function showNumbers() {
    const holderNode = byId("numbers");
    const result = shown.result;
    if (!result) {
      holderNode.replaceChildren();
      return;
    }
    const body = element("tbody", {}, [
      line("Pooled rate", rate(result), levelText + " confidence interval, " + optionLabel("ci_method")),
      line(
        "Prediction interval",
        f.percentRange(result.prediction_low, result.prediction_high),
        "where the rate of a new study would lie, " + levelText
      ),
      line(
        "\u03c4\u00b2",
        result.k > 1 ? f.tau2(result.tau2, result.tau2_ci_low, result.tau2_ci_high) : f.MISSING,
        "variance between studies on the logit scale; interval: " + result.tau2_ci_method
      ),
      line("I\u00b2", result.k > 1 ? f.iSquared(result.i2) : f.MISSING, "defined as " + definition(result.i2_definition)),
      line(
        result.q_method + " Q",
        result.k > 1 ? f.statistic(result.q) + ", " + result.q_df + " df, " + f.pValue(result.q_p) : f.MISSING,
        "test that all studies share one rate"
      ),
    ]);
    if (!f.missing(result.lrt) && result.k > 1) {
      body.append(line("Likelihood ratio", f.statistic(result.lrt) + ", " + result.q_df + " df, " + f.pValue(result.lrt_p), "the same, by the likelihood"));
    }
    if (shown.comparison) {
      shown.comparison.levels.forEach((level, i) => {
        const part = shown.comparison.pooled[i];
        body.append(line(levelLabel(level), rate(part), f.counted(part.k, "study", "studies") + ", \u03c4\u00b2 " + f.tau2(part.tau2, part.tau2_ci_low, part.tau2_ci_high)));
      });
      body.append(
        line("Between levels", testLine(shown.comparison).split(": ")[1], "the levels were not randomised")
      );
    }
    const notes = [modelWords() + ".", ...result.notes.map((note) => upperFirst(note) + ".")];
    holderNode.replaceChildren(
      element("table", { class: "explore-table" }, [body]),
      ...notes.map((note) => element("p", { class: "explore-note", text: note }))
    );
  }

  /* Tick boxes are made anew only when the list of studies changes, so that focus stays on them. */
  function showStudies() {
    const node = byId("studies");
    if (shown.number !== shownNumber) {
      shownNumber = shown.number;
      const split = state.subgroup !== "none";
      const rows = shown.entries.map((entry, i) => {
        const input = element("input", { type: "checkbox", id: "explore-tick-" + i, "data-key": entry.key });
        const label = element("label", { for: input.id, text: entry.label + (split ? " (" + levelLabel(entry.group) + ")" : "") });
        const remarks = element("td", { class: "explore-remarks" });
        if (entry.source) {
          remarks.append(element("a", { href: entry.source, "aria-label": "Source of " + entry.label, text: "Source" }));
        }
        if (entry.flags.length) remarks.append((entry.source ? " \u2020 " : "\u2020 ") + entry.flags.join("; "));
        return element("tr", {}, [
          element("th", { scope: "row" }, [element("span", { class: "explore-tick" }, [input, label])]),
          element("td", { class: "explore-num", text: f.count(entry.events) + "/" + f.count(entry.total) }),
          element("td", { class: "explore-num", text: f.percent(entry.estimate, entry.low, entry.high) }),
          element("td", { class: "explore-num explore-weight" }),
          remarks,
        ]);
      });
      const heads = ["Study", "Events/total", "% (" + levelText + " CI, exact)", "Weight", "Source and remarks"];
      node.replaceChildren(
        element("table", { class: "explore-table explore-ticks" }, [
          element("thead", {}, [element("tr", {}, heads.map((text) => element("th", { scope: "col", text: text })))]),
          element("tbody", {}, rows),
        ])
      );
      const aside = data.left_out[shown.number].map((pair) =>
        element("li", { text: data.studies[pair[0]].label + ": " + data.texts[pair[1]] })
      );
      byId("left-out").replaceChildren(...aside);
      byId("aside").hidden = !aside.length;
    }
    const inputs = node.querySelectorAll("input");
    const weights = node.querySelectorAll(".explore-weight");
    shown.entries.forEach((entry, i) => {
      if (inputs[i].checked !== entry.on) inputs[i].checked = entry.on;
      weights[i].textContent = entry.on && entry.weight !== null ? f.share(entry.weight, 1) + "%" : "\u2013";
      weights[i].parentNode.classList.toggle("explore-off", !entry.on);
    });
    byId("all").disabled = shown.entries.every((entry) => entry.on);
    byId("none").disabled = shown.entries.every((entry) => !entry.on);
  }

  function showForest() {
    byId("plot").replaceChildren(...(shown.entries.length ? [drawForest(plotWidth || EXPORT_WIDTH, false)] : []));
    byId("caption").textContent = title() + ". " + modelWords() + ". Studies with exact intervals." +
      (shown.entries.some((entry) => entry.flags.length) ? " \u2020 see the remarks below." : "");
  }

  function writeAddress() {
    const hash = view.toHash(data, state);
    if (hash === location.hash.slice(1)) return;
    try {
      history.replaceState(null, "", hash ? "#" + hash : location.pathname + location.search);
    } catch (error) {
      location.hash = hash;
    }
  }

  function showButtons() {
    byId("csv").disabled = byId("svg").disabled = !shown.entries.length;
    byId("done").textContent = "";
  }

  function show(next) {
    const started = performance.now();
    waiting = [];
    state = next;
    shown = view.compute(data, state);
    showForm();
    showStatus();
    showForest();
    showNumbers();
    showStudies();
    showButtons();
    timings.push(performance.now() - started);
    if (timings.length > 1000) timings = timings.slice(-500);
    writeAddress();
  }

  /* Files ------------------------------------------------------------------------------------------ */

  function fileName(kind) {
    return ["explore", state.population, state.outcome, state.version].join("-") + "." + kind;
  }

  function csvText() {
    return "\ufeff" + view.csv(data, shown);
  }

  function svgText() {
    const svg = drawForest(EXPORT_WIDTH, true);
    return new XMLSerializer().serializeToString(svg) + "\n";
  }

  function save(text, kind, type) {
    const url = URL.createObjectURL(new Blob([text], { type: type }));
    const anchor = element("a", { href: url, download: fileName(kind) });
    document.body.append(anchor);
    anchor.click();
    anchor.remove();
    setTimeout(() => URL.revokeObjectURL(url), 10000);
    byId("done").textContent = "Saved " + fileName(kind);
  }

  function copyLink() {
    const done = (text) => (byId("done").textContent = text);
    const fallback = () => done("The address bar holds the link to this view.");
    if (!navigator.clipboard) return fallback();
    navigator.clipboard.writeText(location.href).then(() => done("Link copied"), fallback);
  }

  for (const control of data.controls) {
    selects[control.key].addEventListener("change", (event) => {
      show(view.changed(data, state, { [control.key]: event.target.value }));
    });
  }
  byId("studies").addEventListener("change", (event) => {
    show(view.toggle(data, state, shown, event.target.dataset.key));
  });
  byId("plot").addEventListener("click", (event) => {
    if (event.target.dataset.key) show(view.toggle(data, state, shown, event.target.dataset.key));
  });
  byId("form").addEventListener("submit", (event) => event.preventDefault());
  byId("reset").addEventListener("click", () => show(view.defaults(data)));
  byId("all").addEventListener("click", () => show(view.setTicks(data, state, shown.entries, true)));
  byId("none").addEventListener("click", () => show(view.setTicks(data, state, shown.entries, false)));
  byId("csv").addEventListener("click", () => save(csvText(), "csv", "text/csv;charset=utf-8"));
  byId("svg").addEventListener("click", () => save(svgText(), "svg", "image/svg+xml"));
  byId("link").addEventListener("click", copyLink);
  root.addEventListener("hashchange", () => {
    const next = view.fromHash(data, location.hash);
    if (next) show(next);
  });

  /* The first view is shown part by part, so that a slow phone can scroll and draw in between. */
  waiting = [
    () => {
      shown = view.compute(data, state);
    },
    () => {
      showForm();
      showStatus();
    },
    showNumbers,
    showStudies,
    showButtons,
    () => {
      new ResizeObserver((entries) => {
        const width = Math.floor(entries[0].contentRect.width);
        if (!width || width === plotWidth) return;
        plotWidth = width;
        showForest();
      }).observe(byId("plot"));
    },
  ];
  function next() {
    const part = waiting.shift();
    if (part) part();
    if (waiting.length) setTimeout(next);
  }
  setTimeout(next);

  /* For the tests that drive the page. */
  R.app = {
    data: data,
    state: () => Object.assign({}, state),
    shown: () => shown,
    set: (changes) => show(view.changed(data, state, changes)),
    timings: () => timings.slice(),
    clearTimings: () => (timings = []),
    csvText: csvText,
    svgText: svgText,
  };
})(globalThis);
