/* One pooled rate with everything that goes with it, under the names that `python -m analysis pool` prints.
 *
 * Small cases are specified. No study: null. One study: tau2 is zero, the normal interval stands
 * in for t and Knapp-Hartung, and the interval of tau2 and the prediction interval do not exist (NaN). No event, or events only: the binomial model has no finite
 * maximum; the estimate is 0 or 1 with the exact interval of the summed counts.
 */
(function (root) {
  "use strict";

  const inNode = typeof module !== "undefined" && module.exports;
  const stats = inNode ? require("./stats.js") : root.ReviewExplore.stats;
  const quadrature = inNode ? require("./quadrature.js") : root.ReviewExplore.quadrature;
  const glmm = inNode ? require("./glmm.js") : root.ReviewExplore.glmm;
  const iv = inNode ? require("./iv.js") : root.ReviewExplore.iv;

  const FROM_TAU2 = "tau2/(tau2+s2)";
  const NONE = { low: NaN, high: NaN };
  /* Degrees of freedom taken off k by the named prediction intervals; null is the normal. */
  const PREDICTION_LESS = { normal: null, "t-k-1": 1, "t-k-2": 2 };
  /* What the page offers, in the order in which it offers it; the first of each is the default. */
  const CHOICES = {
    glmm: { tau2_method: ["ml"], ci_method: ["profile", "wald", "t"] },
    iv: {
      tau2_method: ["reml", "dl", "pm", "ml"],
      ci_method: ["knapp-hartung", "wald", "t"],
    },
  };

  function sum(values) {
    let total = 0;
    for (const value of values) total += value;
    return total;
  }

  /* The logit of 1 is infinite, so no finite value may round to it. */
  function share(mu) {
    const value = quadrature.expit(mu);
    return Number.isFinite(mu) ? Math.min(value, 1 - Number.EPSILON / 2) : value;
  }

  function prediction(mu, se, tau2, k, settings) {
    const less = PREDICTION_LESS[settings.prediction_method];
    const df = less === null ? Infinity : k - less;
    if (k < 2 || !(df > 0)) return NONE;
    const half = stats.tQuantile(settings.level, df) * Math.sqrt(se * se + tau2);
    return { low: mu - half, high: mu + half };
  }

  function typicalVariance(events, total) {
    const weights = iv.effects(events, total).v.map((v) => 1 / v);
    if (weights.length < 2) return 0;
    const first = sum(weights);
    return (weights.length - 1) / (first - sum(weights.map((w) => w * w)) / first);
  }

  function i2FromQ(q, df) {
    return q > 0 ? Math.max(0, (q - df) / q) : 0;
  }

  function assemble(events, total, settings, found) {
    const notes = found.notes || [];
    if (events.length === 1) {
      notes.push("one study: the variation between studies cannot be estimated");
      if (found.converged && (settings.ci_method === "t" || settings.ci_method === "knapp-hartung")) {
        notes.push("one study: the normal interval stands in for the one chosen");
      }
    }
    return {
      k: events.length,
      events: sum(events),
      total: sum(total),
      model: settings.model,
      tau2_method: settings.tau2_method,
      ci_method: settings.ci_method,
      prediction_method: settings.prediction_method,
      level: settings.level,
      mu: found.mu,
      se: found.se,
      ci_low_mu: found.ci.low,
      ci_high_mu: found.ci.high,
      estimate: share(found.mu),
      ci_low: share(found.ci.low),
      ci_high: share(found.ci.high),
      prediction_low: share(found.prediction.low),
      prediction_high: share(found.prediction.high),
      tau2: found.tau2,
      tau2_ci_low: found.ciTau2.low,
      tau2_ci_high: found.ciTau2.high,
      tau2_ci_method: found.ciTau2Method,
      i2: found.i2,
      i2_definition: FROM_TAU2,
      i2_from_q: i2FromQ(found.q, found.qDf),
      h2: found.h2,
      q: found.q,
      q_df: found.qDf,
      q_p: found.qP,
      q_method: found.qMethod,
      lrt: found.lrt,
      lrt_p: found.lrtP,
      log_likelihood: found.logLikelihood,
      converged: found.converged,
      boundary: found.boundary,
      weights: found.weights,
      weight_name: found.weightName,
      notes: notes,
    };
  }

  function poolIv(events, total, settings) {
    const found = iv.fit(events, total, settings.tau2_method, settings.ci_method, settings.level);
    const notes = [];
    if (found.data.corrected) {
      notes.push(
        found.data.corrected + " of " + events.length +
          " studies had 0.5 added to events and non-events, as they had no events or only events"
      );
    }
    if (found.alike) {
      notes.push(
        "the studies are more alike than chance makes them, so the Knapp-Hartung interval is " +
          "given in its safeguarded form, not narrower than that of a common effect"
      );
    }
    return assemble(events, total, settings, {
      mu: found.mu,
      se: found.se,
      ci: found.ci,
      prediction: prediction(found.mu, found.waldSe, found.tau2, events.length, settings),
      tau2: found.tau2,
      ciTau2: found.ciTau2,
      ciTau2Method: found.df > 0 ? "Q-profile" : "none",
      i2: found.i2,
      h2: found.h2,
      q: found.q,
      qDf: found.df,
      qP: found.qP,
      qMethod: "Cochran",
      lrt: NaN,
      lrtP: NaN,
      logLikelihood: found.logLikelihood,
      converged: true,
      boundary: found.boundary,
      weights: found.weights,
      weightName: "inverse variance",
      notes: notes,
    });
  }

  function poolOneSided(events, total, settings) {
    const none = events.every((x) => x === 0);
    const limits = stats.exactInterval(sum(events), sum(total), settings.level);
    const logit = (p) => Math.log(p) - Math.log1p(-p);
    const size = sum(total);
    return assemble(events, total, settings, {
      mu: none ? -Infinity : Infinity,
      se: NaN,
      ci: { low: logit(limits.low), high: logit(limits.high) },
      prediction: NONE,
      tau2: 0,
      ciTau2: NONE,
      ciTau2Method: "none",
      i2: 0,
      h2: 1,
      q: 0,
      qDf: events.length - 1,
      qP: 1,
      qMethod: "Wald",
      lrt: NaN,
      lrtP: NaN,
      logLikelihood: 0,
      converged: false,
      boundary: true,
      weights: total.map((n) => n / size),
      weightName: "share of patients",
      notes: [
        (none ? "no events in any study" : "events in every patient of every study") +
          ": the estimate is at the edge, and its interval is the exact one of the summed counts",
      ],
    });
  }

  function poolGlmm(events, total, settings) {
    if (events.every((x) => x === 0) || events.every((x, i) => x === total[i])) {
      return poolOneSided(events, total, settings);
    }
    const k = events.length;
    const data = { x: events, n: total };
    const single = k === 1;
    const found = single ? glmm.fitEqual(data) : glmm.fit(data);
    const notes = [];
    if (found.runsOff) {
      notes.push("no finite maximum: every study is near 0% or 100%, and the variance grows without end");
    } else if (found.single) {
      notes.push("every study has one patient: the variation between studies cannot be estimated");
    }
    let ci;
    if (settings.ci_method === "profile") {
      ci = single
        ? glmm.commonRateInterval(events[0], total[0], settings.level)
        : glmm.profileMu(found, settings.level);
    } else {
      const df = settings.ci_method === "wald" || single ? Infinity : k - 1;
      const half = stats.tQuantile(settings.level, df) * found.se;
      ci = { low: found.mu - half, high: found.mu + half };
    }
    const tests = single
      ? { wald: 0, waldP: 1, lrt: 0, lrtP: 1, df: 0 }
      : glmm.heterogeneityTests(found);
    const typical = typicalVariance(events, total);
    return assemble(events, total, settings, {
      mu: found.mu,
      se: found.se,
      ci: ci,
      prediction: prediction(found.mu, found.se, found.tau2, k, settings),
      tau2: found.tau2,
      ciTau2: single ? NONE : glmm.profileTau2(found, settings.level),
      ciTau2Method: single ? "none" : "profile",
      i2: typical > 0 ? found.tau2 / (found.tau2 + typical) : 0,
      h2: typical > 0 ? found.tau2 / typical + 1 : 1,
      q: tests.wald,
      qDf: tests.df,
      qP: tests.waldP,
      qMethod: "Wald",
      lrt: tests.lrt,
      lrtP: tests.lrtP,
      logLikelihood: found.value + glmm.saturated(data),
      converged: found.converged,
      boundary: found.boundary,
      weights: found.weights,
      weightName: "share of the information on the pooled rate",
      notes: notes,
    });
  }

  /* Defaults of a model filled in; refuses what the page does not offer. */
  function settingsFor(choice) {
    const offered = CHOICES[choice.model];
    if (!offered) throw new Error("unknown model " + choice.model);
    const settings = {
      model: choice.model,
      tau2_method: choice.tau2_method || offered.tau2_method[0],
      ci_method: choice.ci_method || offered.ci_method[0],
      prediction_method: choice.prediction_method || "t-k-2",
      level: choice.level || 0.95,
    };
    for (const name of ["tau2_method", "ci_method"]) {
      if (!offered[name].includes(settings[name])) {
        throw new Error("the model " + choice.model + " has no " + name + " " + settings[name]);
      }
    }
    if (!(settings.prediction_method in PREDICTION_LESS)) {
      throw new Error("unknown prediction method " + settings.prediction_method);
    }
    return settings;
  }

  function pool(events, total, choice) {
    if (!events.length) return null;
    const settings = settingsFor(choice);
    return settings.model === "glmm"
      ? poolGlmm(events, total, settings)
      : poolIv(events, total, settings);
  }

  /* Each level on its own, all together, and Q between the levels with separate variances. */
  function compare(events, total, groups, choice) {
    const levels = [...new Set(groups)];
    const parts = levels.map((level) => {
      const rows = groups.flatMap((group, i) => (group === level ? [i] : []));
      return pool(
        rows.map((i) => events[i]),
        rows.map((i) => total[i]),
        choice
      );
    });
    const usable = parts.filter(
      (part) => Number.isFinite(part.mu) && Number.isFinite(part.se) && part.se > 0
    );
    const df = Math.max(usable.length - 1, 0);
    let statistic = NaN;
    if (df >= 1) {
      const weights = usable.map((part) => 1 / (part.se * part.se));
      const mean = sum(usable.map((part, i) => part.mu * weights[i])) / sum(weights);
      statistic = sum(usable.map((part, i) => weights[i] * (part.mu - mean) ** 2));
    }
    return {
      levels: levels,
      pooled: parts,
      overall: pool(events, total, choice),
      statistic: statistic,
      df: df,
      p_value: df >= 1 ? stats.chi2Tail(statistic, df) : NaN,
    };
  }

  const api = { CHOICES: CHOICES, pool: pool, compare: compare, settingsFor: settingsFor };
  if (inNode) module.exports = api;
  else root.ReviewExplore.pool = api;
})(typeof globalThis !== "undefined" ? globalThis : this);
