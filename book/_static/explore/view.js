/* From the choices of the reader to studies and results: no document, so it runs anywhere.
 *
 * The state is a plain object with one text a choice and `off`, the studies that are not ticked. Choices
 * that are not the default are written into the address, so that a view can be sent to someone.
 */
(function (root) {
  "use strict";

  const inNode = typeof module !== "undefined" && module.exports;
  const pooling = inNode ? require("./pool.js") : root.ReviewExplore.pool;
  const stats = inNode ? require("./stats.js") : root.ReviewExplore.stats;

  const MODEL_KEYS = ["model", "tau2_method", "ci_method"];

  function modelDefaults(model) {
    const offered = pooling.CHOICES[model];
    return { model: model, tau2_method: offered.tau2_method[0], ci_method: offered.ci_method[0] };
  }

  function defaults(data) {
    return Object.assign({}, data.defaults, { off: [] });
  }

  function options(data, key) {
    return data.controls.find((control) => control.key === key).options.map((option) => option.key);
  }

  /* A complete state from any: unknown choices fall back, and the model decides what else is offered. */
  function complete(data, given) {
    const base = defaults(data);
    const state = {};
    for (const control of data.controls) {
      const known = control.options.some((option) => option.key === given[control.key]);
      state[control.key] = known ? given[control.key] : base[control.key];
    }
    const offered = pooling.CHOICES[state.model];
    const own = state.model === base.model ? base : modelDefaults(state.model);
    for (const key of ["tau2_method", "ci_method"]) {
      if (!given[key] || !offered[key].includes(state[key])) state[key] = own[key];
    }
    const known = new Set(data.studies.map((study) => study.id));
    state.off = [...new Set(given.off || [])].filter((key) => known.has(key.split("~")[0])).sort();
    return state;
  }

  /* A changed model brings its own defaults with it. */
  function changed(data, state, changes) {
    const next = Object.assign({}, state, changes);
    if (changes.model && changes.model !== state.model) {
      for (const key of ["tau2_method", "ci_method"]) if (!(key in changes)) delete next[key];
    }
    return complete(data, next);
  }

  function toHash(data, state) {
    const base = defaults(data);
    const parts = [];
    for (const control of data.controls) {
      const key = control.key;
      const usual =
        MODEL_KEYS.includes(key) && key !== "model" && state.model !== base.model
          ? modelDefaults(state.model)[key]
          : base[key];
      if (state[key] !== usual) parts.push(key + "=" + encodeURIComponent(state[key]));
    }
    if (state.off.length) parts.push("off=" + state.off.map(encodeURIComponent).join(","));
    return parts.join("&");
  }

  /* Null for an address that holds no view, such as that of a heading. */
  function fromHash(data, hash) {
    const text = hash.replace(/^#/, "");
    if (text && !text.includes("=")) return null;
    const given = {};
    for (const part of text.split("&")) {
      const cut = part.indexOf("=");
      if (cut < 1) continue;
      let value;
      try {
        value = decodeURIComponent(part.slice(cut + 1));
      } catch (error) {
        continue;
      }
      given[part.slice(0, cut)] = value;
    }
    given.off = given.off ? given.off.split(",") : [];
    return complete(data, given);
  }

  /* Place of a question in the table of all questions: one digit a choice, the last one fastest. */
  function place(data, state) {
    let index = 0;
    for (const key of data.order) {
      const keys = options(data, key);
      index = index * keys.length + keys.indexOf(state[key]);
    }
    return index;
  }

  function entries(data, state) {
    const level = data.model.level;
    const off = new Set(state.off);
    return data.lists[data.questions[place(data, state)]].map((number) => {
      const raw = data.entries[number];
      const study = data.studies[raw[0]];
      const key = raw[1] ? study.id + "~" + raw[1] : study.id;
      const interval = stats.exactInterval(raw[2], raw[3], level);
      return {
        key: key,
        study_id: study.id,
        label: study.label,
        group: raw[1],
        events: raw[2],
        total: raw[3],
        source: data.sources[raw[4]],
        flags: raw[5].map((flag) => data.texts[flag]),
        estimate: raw[2] / raw[3],
        low: interval.low,
        high: interval.high,
        on: !off.has(study.id) && !off.has(key),
        weight: null,
      };
    });
  }

  function settings(data, state) {
    return {
      model: state.model,
      tau2_method: state.tau2_method,
      ci_method: state.ci_method,
      prediction_method: data.model.prediction_method,
      level: data.model.level,
    };
  }

  /* Everything that the page shows of a state. `comparison` is null without two levels to compare. */
  function compute(data, state) {
    const all = entries(data, state);
    const on = all.filter((entry) => entry.on);
    const choice = settings(data, state);
    const events = on.map((entry) => entry.events);
    const total = on.map((entry) => entry.total);
    let comparison = null;
    let result;
    if (state.subgroup !== "none" && on.length) {
      comparison = pooling.compare(events, total, on.map((entry) => entry.group), choice);
      result = comparison.overall;
    } else {
      result = pooling.pool(events, total, choice);
    }
    if (result) on.forEach((entry, i) => (entry.weight = result.weights[i]));
    const number = data.questions[place(data, state)];
    return { state: state, entries: all, result: result, comparison: comparison, number: number };
  }

  function setTicks(data, state, entriesShown, on) {
    const off = new Set(state.off);
    for (const entry of entriesShown) {
      off.delete(entry.key);
      off.delete(entry.study_id);
      if (!on) off.add(entry.key);
    }
    return complete(data, Object.assign({}, state, { off: [...off] }));
  }

  /* Ticks one entry on or off. A study switched off as a whole leaves its other levels off. */
  function toggle(data, state, view, key) {
    const off = new Set(state.off);
    const entry = view.entries.find((item) => item.key === key);
    if (!entry) return state;
    if (!entry.on) {
      if (off.delete(entry.study_id)) {
        for (const other of view.entries) {
          if (other.study_id === entry.study_id && other.key !== key) off.add(other.key);
        }
      }
      off.delete(key);
    } else {
      off.add(key);
    }
    return complete(data, Object.assign({}, state, { off: [...off] }));
  }

  /* A cell that a spreadsheet would read as a formula gets an apostrophe in front. */
  function cell(value) {
    if (value === null || value === undefined || Number.isNaN(value)) return "";
    let text = String(value);
    if (typeof value === "string" && /^[=+\-@\t\r]/.test(text)) text = "'" + text;
    return /[",\n\r]/.test(text) ? '"' + text.replace(/"/g, '""') + '"' : text;
  }

  function csv(data, view) {
    const heads = [
      "line", "study_id", "study", "level", "ticked", "events", "total", "estimate", "ci_low", "ci_high",
      "weight", "prediction_low", "prediction_high", "tau2", "tau2_ci_low", "tau2_ci_high", "i2",
      "i2_definition", "q", "q_df", "q_p", "lrt", "lrt_p", "remarks", "source", "view", "evidence_version",
      "data_hash",
    ];
    const hash = toHash(data, view.state);
    const shared = [hash, view.state.version, data.data_hash];
    const lines = view.entries.map((entry) => [
      "study", entry.study_id, entry.label, entry.group, entry.on ? "yes" : "no", entry.events,
      entry.total, entry.estimate, entry.low, entry.high, entry.weight, ...new Array(12).fill(""),
      entry.flags.join("; "), entry.source, ...shared,
    ]);
    const summary = (name, level, result) => [
      name, "", "", level, "", result.events, result.total, result.estimate, result.ci_low,
      result.ci_high, "", result.prediction_low, result.prediction_high, result.tau2,
      result.tau2_ci_low, result.tau2_ci_high, result.i2, result.i2_definition, result.q, result.q_df,
      result.q_p, result.lrt, result.lrt_p, result.notes.join("; "), "", ...shared,
    ];
    if (view.comparison) {
      view.comparison.levels.forEach((level, i) => {
        lines.push(summary("pooled level", level, view.comparison.pooled[i]));
      });
    }
    if (view.result) lines.push(summary("pooled", "", view.result));
    return [heads, ...lines].map((line) => line.map(cell).join(",")).join("\r\n") + "\r\n";
  }

  const api = {
    defaults: defaults,
    complete: complete,
    changed: changed,
    toHash: toHash,
    fromHash: fromHash,
    compute: compute,
    setTicks: setTicks,
    toggle: toggle,
    settings: settings,
    csv: csv,
  };
  if (inNode) module.exports = api;
  else root.ReviewExplore.view = api;
})(typeof globalThis !== "undefined" ? globalThis : this);
