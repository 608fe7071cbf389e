/* Inverse-variance random-effects model of one pooled logit.
 *
 * Studies without events or with events only get one half added to both counts. The between-study variance
 * is estimated by DerSimonian-Laird, Paule-Mandel, maximum likelihood or restricted maximum likelihood; the
 * two likelihoods can have several maxima, so every change of the score's sign on a grid is followed up.
 */
(function (root) {
  "use strict";

  const inNode = typeof module !== "undefined" && module.exports;
  const stats = inNode ? require("./stats.js") : root.ReviewExplore.stats;

  const CORRECTION = 0.5;
  const GRID_RATIO = 3;
  const GRID_START = 0.05;
  const MOST_STEPS = 200;
  /* A residual sum of squares below this is rounding: the Knapp-Hartung factor is then zero. */
  const RESIDUAL_FLOOR = 2.220446049250313e-16;
  /* Estimates whose Q is below this quantile of chance alone keep an interval of some width. */
  const TOO_ALIKE = 0.01;

  function effects(events, total) {
    const y = [];
    const v = [];
    let corrected = 0;
    for (let i = 0; i < events.length; i++) {
      let x = events[i];
      let m = total[i] - x;
      if (x === 0 || m === 0) {
        x += CORRECTION;
        m += CORRECTION;
        corrected += 1;
      }
      y.push(Math.log(x) - Math.log(m));
      v.push(1 / x + 1 / m);
    }
    return { y: y, v: v, corrected: corrected };
  }

  /* Sums at a between-study variance t, with w = 1 / (v + t) and P the weights less their mean. */
  function sums(data, t) {
    let s1 = 0;
    let s2 = 0;
    let s3 = 0;
    let wy = 0;
    let logs = 0;
    const k = data.y.length;
    for (let i = 0; i < k; i++) {
      const w = 1 / (data.v[i] + t);
      s1 += w;
      s2 += w * w;
      s3 += w * w * w;
      wy += w * data.y[i];
      logs -= Math.log(w);
    }
    const mu = wy / s1;
    let ypy = 0;
    let yppy = 0;
    let cubic = 0;
    let square = 0;
    for (let i = 0; i < k; i++) {
      const w = 1 / (data.v[i] + t);
      const r = data.y[i] - mu;
      ypy += w * r * r;
      yppy += w * w * r * r;
      cubic += w * w * w * r * r;
      square += w * w * r;
    }
    const share = s2 / s1;
    return {
      mu: mu,
      s1: s1,
      s2: s2,
      ypy: ypy,
      yppy: yppy,
      traceP: s1 - share,
      ypppy: cubic - (square * square) / s1,
      tracePP: s2 - (2 * s3) / s1 + share * share,
      logs: logs,
    };
  }

  /* t with Q(t) = target; zero where Q(0) is below it. Newton steps on 1 / Q inside a bracket. */
  function solveQ(data, target) {
    let s = sums(data, 0);
    if (!(s.ypy > target)) return 0;
    let low = 0;
    let high = Infinity;
    let t = 0;
    for (let i = 0; i < MOST_STEPS; i++) {
      const q = s.ypy;
      if (q >= target) low = t;
      if (q <= target) high = t;
      let next = t + (q * (q - target)) / (target * s.yppy);
      const inside = next >= low && next <= high && Number.isFinite(next);
      if (!inside) next = high === Infinity ? 2 * low + 1e-8 : 0.5 * (low + high);
      const step = Math.abs(next - t);
      t = next;
      if (!(step > (inside ? 1e-8 : 4e-16) * t)) return t;
      s = sums(data, t);
    }
    return t;
  }

  function score(s, restricted) {
    return s.yppy - (restricted ? s.traceP : s.s1);
  }

  function logLikelihood(data, t, restricted) {
    const s = sums(data, t);
    return -0.5 * (s.logs + s.ypy + (restricted ? Math.log(s.s1) : 0));
  }

  function maximise(data, restricted) {
    const range = Math.max(...data.y) - Math.min(...data.y);
    /* No root lies beyond the squared range of the estimates. */
    const top = range * range;
    if (top <= 0) return 0;
    const low = Math.min(GRID_START * Math.min(...data.v), top);
    const cells = Math.max(1, Math.ceil(Math.log(top / low) / Math.log(GRID_RATIO)));
    const grid = [0];
    for (let j = 0; j <= cells; j++) grid.push(low * Math.pow(top / low, j / cells));
    const scores = grid.map((t) => score(sums(data, t), restricted));
    const rivals = scores[0] <= 0 ? [0] : [];
    for (let j = 0; j + 1 < grid.length; j++) {
      if (scores[j] > 0 && scores[j + 1] <= 0) {
        rivals.push(scoreRoot(data, restricted, grid[j], grid[j + 1], scores[j], scores[j + 1]));
      }
    }
    if (!rivals.length) return 0;
    const heights = rivals.map((t) => logLikelihood(data, t, restricted));
    return rivals[heights.indexOf(Math.max(...heights))];
  }

  function scoreRoot(data, restricted, low, high, first, last) {
    let t = low + ((high - low) * first) / (first - last);
    for (let i = 0; i < MOST_STEPS; i++) {
      const s = sums(data, t);
      const value = score(s, restricted);
      const slope = (restricted ? s.tracePP : s.s2) - 2 * s.ypppy;
      if (value > 0) low = t;
      else high = t;
      let next = t - value / slope;
      const inside = next >= low && next <= high;
      if (!inside) next = 0.5 * (low + high);
      const step = Math.abs(next - t);
      t = next;
      if (!(step > (inside ? 1e-8 : 4e-16) * t)) return t;
    }
    return t;
  }

  function estimateTau2(data, method) {
    const df = data.y.length - 1;
    if (df < 1) return 0;
    if (method === "dl") {
      const s = sums(data, 0);
      return Math.max((s.ypy - df) / s.traceP, 0);
    }
    if (method === "pm") return solveQ(data, df);
    if (method === "ml" || method === "reml") return maximise(data, method === "reml");
    throw new Error("unknown tau2 method " + method);
  }

  function fit(events, total, method, ciMethod, level) {
    const data = effects(events, total);
    const k = data.y.length;
    const df = k - 1;
    const tau2 = estimateTau2(data, method);
    const s = sums(data, tau2);
    const zero = sums(data, 0);
    const waldSe = Math.sqrt(1 / s.s1);
    let factor = 1;
    let alike = false;
    if (ciMethod === "knapp-hartung" && df > 0) {
      factor = s.ypy <= RESIDUAL_FLOOR ? 0 : s.ypy / df;
      alike = 1 - stats.chi2Tail(s.ypy, df) < TOO_ALIKE;
      if (alike) factor = Math.max(1, factor);
    }
    const se = Math.sqrt(factor) * waldSe;
    const half = stats.tQuantile(level, ciMethod === "wald" || df < 1 ? Infinity : df) * se;
    const typical = df > 0 ? df / zero.traceP : 0;
    const q = df > 0 ? zero.ypy : 0;
    const tail = (1 - level) / 2;
    return {
      data: data,
      mu: s.mu,
      se: se,
      waldSe: waldSe,
      tau2: tau2,
      ci: { low: s.mu - half, high: s.mu + half },
      ciTau2:
        df > 0
          ? {
              low: solveQ(data, stats.chi2Quantile(1 - tail, df)),
              high: solveQ(data, stats.chi2Quantile(tail, df)),
            }
          : { low: NaN, high: NaN },
      q: q,
      df: df,
      qP: stats.chi2Tail(q, df),
      i2: df > 0 ? tau2 / (tau2 + typical) : 0,
      h2: df > 0 ? tau2 / typical + 1 : 1,
      logLikelihood: -0.5 * (k * Math.log(2 * Math.PI) + s.logs + s.ypy),
      weights: data.v.map((v) => 1 / (v + tau2) / s.s1),
      boundary: tau2 === 0,
      alike: alike,
    };
  }

  const api = { effects: effects, estimateTau2: estimateTau2, fit: fit };
  if (inNode) module.exports = api;
  else root.ReviewExplore.iv = api;
})(typeof globalThis !== "undefined" ? globalThis : this);
