/* Random-intercept logistic (binomial-normal) model of one pooled rate, by maximum likelihood.
 *
 * x_i ~ Bin(n_i, expit(theta_i)), theta_i ~ N(mu, tau^2). Newton steps on exact derivatives, from several
 * starts; where tau^2 is small beside the within-study variance the step is taken in tau^2, in which the
 * likelihood is nearly quadratic and zero an ordinary edge. Intervals by inverting the profile likelihood.
 */
(function (root) {
  "use strict";

  const inNode = typeof module !== "undefined" && module.exports;
  const stats = inNode ? require("./stats.js") : root.ReviewExplore.stats;
  const quadrature = inNode ? require("./quadrature.js") : root.ReviewExplore.quadrature;

  /* Newton decrement, in squared standard errors, at which a fit has converged. */
  const DECREMENT = 1e-18;
  /* Inside a profile the error of its height is half of this. */
  const PROFILE_DECREMENT = 1e-12;
  /* Looser one, accepted where rounding stops any further gain. */
  const STALLED = 1e-10;
  const VANISHED = 1e-10;
  const TAU_LIMIT = 300;
  const MOST_STEPS = 200;
  /* Starts in tau beside the moment estimate: sparse data can have one hill near 0 and one far out. */
  const EXTRA_STARTS = [0.3, 1.2, 4];
  const SAME = 1e-11;
  const MU_LIMIT = 1e3;
  const TAU_SEARCH_LIMIT = 1e3;
  /* A Newton step below the first leaves an error near its square; a bracket must shrink to the second. */
  const NEWTON_TOLERANCE = 1e-6;
  const BRACKET_TOLERANCE = 1e-11;

  const BOTH = "both";
  const MU = "mu";
  const TAU = "tau";

  const term = new Float64Array(6);

  /* Value and derivatives of the log-likelihood without its saturated part. */
  function evaluate(data, mu, tau) {
    const at = { mu: mu, tau: tau, value: 0, g0: 0, g1: 0, h00: 0, h01: 0, h11: 0 };
    for (let i = 0; i < data.x.length; i++) {
      quadrature.studyTerms(data.x[i], data.n[i], mu, tau, term);
      at.value += term[0];
      at.g0 += term[1];
      at.g1 += term[2];
      at.h00 += term[3];
      at.h01 += term[4];
      at.h11 += term[5];
    }
    return at;
  }

  /* Start (mu, tau) from empirical logits, and a typical within-study information. */
  function startValues(data) {
    const k = data.x.length;
    const y = new Array(k);
    const v = new Array(k);
    let logs = 0;
    let sumV = 0;
    let sumW = 0;
    for (let i = 0; i < k; i++) {
      const a = data.x[i] + 0.5;
      const b = data.n[i] - data.x[i] + 0.5;
      y[i] = Math.log(a / b);
      v[i] = 1 / a + 1 / b;
      logs += Math.log(v[i]);
      sumV += v[i];
      sumW += 1 / v[i];
    }
    const typical = Math.exp(-logs / k);
    let tau2 = 0;
    let mu = 0;
    for (let round = 0; round < 2; round++) {
      let top = 0;
      let bottom = 0;
      for (let i = 0; i < k; i++) {
        top += y[i] / (v[i] + tau2);
        bottom += 1 / (v[i] + tau2);
      }
      mu = top / bottom;
      let squares = 0;
      let weighted = 0;
      for (let i = 0; i < k; i++) {
        const r = y[i] - mu;
        squares += r * r;
        weighted += (r * r) / v[i];
      }
      const excess = squares / Math.max(k - 1, 1) - sumV / k;
      tau2 = Math.max(excess, (0.5 * weighted) / sumW, 0.02 / typical);
    }
    return { mu: mu, tau: Math.sqrt(tau2), typical: typical };
  }

  /* Step (last part in tau or tau^2), squared decrement, and whether the surface bends down. */
  function newtonStep(at, typical, free) {
    if (free === MU) return oneStep(at.g0, -at.h00, false);
    const inVariance = at.tau * at.tau * typical < 1;
    const tau = inVariance ? Math.max(at.tau, 1e-150) : 1;
    const a = inVariance ? 0.5 / tau : 1;
    /* Chain rule for v = tau^2. */
    const bend = inVariance ? (-at.h11 + at.g1 / tau) * a * a : -at.h11;
    if (free === TAU) {
      const step = oneStep(at.g1 * a, bend, inVariance);
      return { mu: 0, tau: step.mu, decrement: step.decrement, concave: step.concave, inVariance: inVariance };
    }
    const s0 = Math.sqrt(Math.max(Math.abs(at.h00), 1e-300));
    const s1 = Math.sqrt(Math.max(Math.abs(bend), 1e-300));
    const m00 = -at.h00 / (s0 * s0);
    const m01 = (-at.h01 * a) / (s0 * s1);
    const m11 = bend / (s1 * s1);
    const half = 0.5 * (m00 - m11);
    const radius = Math.hypot(half, m01);
    const centre = 0.5 * (m00 + m11);
    const values = [centre - radius, centre + radius];
    const angle = 0.5 * Math.atan2(2 * m01, m00 - m11);
    /* Eigenvectors: the larger value along the angle, the smaller across it. */
    const vectors = [
      [-Math.sin(angle), Math.cos(angle)],
      [Math.cos(angle), Math.sin(angle)],
    ];
    const concave = values[0] > 1e-9;
    const g0 = at.g0 / s0;
    const g1 = (at.g1 * a) / s1;
    let d0 = 0;
    let d1 = 0;
    let decrement = 0;
    for (let j = 0; j < 2; j++) {
      /* Uphill along every eigenvector also where the surface bends the wrong way. */
      const bent = Math.max(Math.abs(values[j]), (concave ? 0 : 1e-3) + 1e-9);
      const along = vectors[j][0] * g0 + vectors[j][1] * g1;
      d0 += (vectors[j][0] * along) / bent;
      d1 += (vectors[j][1] * along) / bent;
      decrement += (along * along) / bent;
    }
    return { mu: d0 / s0, tau: d1 / s1, decrement: decrement, concave: concave, inVariance: inVariance };
  }

  function oneStep(gradient, bend, inVariance) {
    const size = Math.max(Math.abs(bend), 1e-300);
    return {
      mu: gradient / size,
      tau: 0,
      decrement: (gradient * gradient) / size,
      concave: bend > 0,
      inVariance: inVariance,
    };
  }

  /* Climb from (mu, tau); `free` says which of them may move.
   *
   * `floor` is the likelihood at tau = 0 where that is a local maximum, else -Infinity: a climb that heads
   * for zero and lies below it stops with `toZero`.
   */
  function climb(data, mu, tau, typical, floor, free) {
    let at = evaluate(data, mu, tau);
    let before = Infinity;
    const enough = free === BOTH ? DECREMENT : PROFILE_DECREMENT;
    for (let i = 0; i < MOST_STEPS; i++) {
      const step = newtonStep(at, typical, free);
      if (step.inVariance && at.tau * at.tau + step.tau <= 0) {
        const size = at.tau * at.tau * typical;
        if ((floor >= at.value - 1e-13 && size < 0.3) || size < VANISHED) {
          at.toZero = true;
          return at;
        }
      }
      const still = step.decrement < STALLED && step.decrement > 0.25 * before;
      if (step.concave && (step.decrement < enough || still)) {
        at.converged = true;
        return at;
      }
      before = step.decrement;
      if (at.tau >= TAU_LIMIT) return at;
      const next = lineSearch(data, at, step, free);
      if (!next) {
        at.converged = step.concave && step.decrement < STALLED;
        return at;
      }
      at = next;
    }
    return at;
  }

  function lineSearch(data, at, step, free) {
    const old = at.tau;
    const slack = step.decrement < 1e-8 ? 4e-13 * (1 + Math.abs(at.value)) : 0;
    let factor = Math.min(1, 4 / Math.max(Math.abs(step.mu), 1e-300));
    for (let i = 0; i < 40; i++) {
      let tau = old;
      if (free !== MU) {
        const move = factor * step.tau;
        if (step.inVariance) {
          const square = old * old;
          tau = Math.sqrt(Math.min(Math.max(square + move, square / 16), 16 * square + 0.1));
        } else {
          tau = Math.min(Math.max(old + move, old / 4), 4 * old + 0.2);
        }
      }
      const next = evaluate(data, at.mu + factor * step.mu, tau);
      if (next.value >= at.value - slack) return next;
      if (step.concave && step.decrement < STALLED) return null;
      factor *= 0.35;
    }
    return null;
  }

  function sum(values) {
    let total = 0;
    for (const value of values) total += value;
    return total;
  }

  /* Log binomial probabilities of the studies at their own proportions. */
  function saturated(data) {
    let total = 0;
    for (let i = 0; i < data.x.length; i++) {
      const x = data.x[i];
      const n = data.n[i];
      if (x === 0 || x === n) continue;
      const choose = stats.logGamma(n + 1) - stats.logGamma(x + 1) - stats.logGamma(n - x + 1);
      total += choose + x * Math.log(x / n) + (n - x) * Math.log((n - x) / n);
    }
    return total;
  }

  function equalEffects(data) {
    const events = sum(data.x);
    return evaluate(data, Math.log(events) - Math.log(sum(data.n) - events), 0);
  }

  /* Maximum over (mu, tau); there must be an event and a non-event somewhere. */
  function fit(data) {
    const zero = equalEffects(data);
    const start = startValues(data);
    const single = data.n.every((n) => n <= 1);
    const zeroIsTop = zero.h11 <= 1e-12 * Math.abs(zero.h00);
    let best = null;
    let runsOff = false;
    if (!single) {
      const floor = zeroIsTop ? zero.value : -Infinity;
      let mark = zeroIsTop ? zero.value + SAME : -Infinity;
      for (const tau of [start.tau].concat(EXTRA_STARTS)) {
        const end = climb(data, start.mu, tau, start.typical, floor, BOTH);
        const off = end.tau >= TAU_LIMIT;
        if ((end.converged || off) && end.value > mark) {
          mark = end.value + SAME;
          best = end;
          runsOff = off;
        }
      }
    }
    const boundary = best === null;
    const top = boundary ? zero : best;
    return {
      data: data,
      mu: top.mu,
      tau: top.tau,
      tau2: top.tau * top.tau,
      value: top.value,
      valueEqual: zero.value,
      zeroIsTop: zeroIsTop,
      typical: start.typical,
      boundary: boundary,
      converged: !runsOff,
      runsOff: runsOff,
      single: single,
      se: standardError(top, boundary),
      weights: informationShares(data, top),
    };
  }

  function fitEqual(data) {
    const zero = equalEffects(data);
    return {
      data: data,
      mu: zero.mu,
      tau: 0,
      tau2: 0,
      value: zero.value,
      valueEqual: zero.value,
      boundary: true,
      converged: true,
      runsOff: false,
      single: false,
      se: standardError(zero, true),
      weights: informationShares(data, zero),
    };
  }

  /* From the inverse of the whole observed information; at tau = 0 from that of mu alone. */
  function standardError(at, boundary) {
    if (boundary) return Math.sqrt(-1 / at.h00);
    return Math.sqrt(-at.h11 / (at.h00 * at.h11 - at.h01 * at.h01));
  }

  function informationShares(data, at) {
    const information = [];
    for (let i = 0; i < data.x.length; i++) {
      quadrature.studyTerms(data.x[i], data.n[i], at.mu, at.tau, term);
      information.push(-term[3]);
    }
    const total = sum(information);
    return information.map((value) => value / total);
  }

  /* Wald and likelihood-ratio tests that all studies share one rate. */
  function heterogeneityTests(result) {
    const data = result.data;
    let top = 0;
    let bottom = 0;
    const kept = [];
    for (let i = 0; i < data.x.length; i++) {
      const x = data.x[i];
      const rest = data.n[i] - x;
      if (x === 0 || rest === 0) continue;
      const a = (x * rest) / data.n[i];
      const y = Math.log(x / rest);
      kept.push([a, y]);
      top += a * y;
      bottom += a;
    }
    let wald = 0;
    for (const pair of kept) wald += pair[0] * (pair[1] - top / bottom) ** 2;
    const df = data.x.length - 1;
    const lrt = Math.max(0, -2 * result.valueEqual);
    return {
      wald: wald,
      waldP: df ? stats.chi2Tail(wald, df) : NaN,
      lrt: lrt,
      lrtP: df ? stats.chi2Tail(lrt, df) : NaN,
      df: df,
    };
  }

  /* Where a profile crosses zero between `centre` (above it) and `limit`, or infinity.
   *
   * The bracket grows by doubling and shrinks by Newton steps with the profile's own slope.
   */
  function crossing(profile, centre, step, limit) {
    const sign = limit > centre ? 1 : -1;
    let inside = centre;
    let outside = centre + step;
    let found;
    for (;;) {
      if (sign * (outside - limit) >= 0) outside = limit;
      found = profile(outside);
      if (found.height <= 0) break;
      if (outside === limit) return limit !== 0 ? sign * Infinity : 0;
      inside = outside;
      outside = centre + 2 * (outside - centre);
    }
    let point = outside;
    let width = Math.abs(outside - inside);
    for (let i = 0; i < 200; i++) {
      const unit = Math.max(1, Math.abs(point));
      let next = found.slope !== 0 ? point - found.height / found.slope : Infinity;
      const low = Math.min(inside, outside);
      const high = Math.max(inside, outside);
      const near = Math.abs(next - point) < NEWTON_TOLERANCE * unit;
      if (near && low <= next && next <= high) return next;
      if (!(low < next && next < high) || Math.abs(next - point) > 0.6 * width) {
        next = 0.5 * (low + high);
      }
      width = high - low;
      if (width < BRACKET_TOLERANCE * unit) return next;
      point = next;
      found = profile(point);
      if (found.height > 0) inside = point;
      else outside = point;
    }
    return point;
  }

  const GONE = { low: NaN, high: NaN };

  function profileMu(result, level) {
    if (!result.converged) return GONE;
    const data = result.data;
    const cut = result.value - 0.5 * stats.chi2Quantile(level, 1);
    let warm = Math.max(result.tau, 0.1);
    function profile(mu) {
      const zero = evaluate(data, mu, 0);
      const zeroIsTop = zero.h11 <= 0;
      let best = zeroIsTop ? zero : { value: -Infinity, g0: 0, tau: 0 };
      let next = zeroIsTop ? 0.1 : warm;
      for (const tau of zeroIsTop ? [warm].concat(EXTRA_STARTS) : [warm]) {
        const end = climb(data, mu, tau, result.typical, zeroIsTop ? zero.value : -Infinity, TAU);
        if (end.value > best.value) {
          best = end;
          next = Math.max(end.tau, 0.05);
        }
      }
      warm = next;
      return { height: best.value - cut, slope: best.g0 };
    }
    return {
      low: crossing(profile, result.mu, -result.se, -MU_LIMIT),
      high: crossing(profile, result.mu, result.se, MU_LIMIT),
    };
  }

  function profileTau2(result, level) {
    if (!result.converged) return GONE;
    const data = result.data;
    const cut = result.value - 0.5 * stats.chi2Quantile(level, 1);
    let warm = result.mu;
    function profile(tau) {
      const end = climb(data, warm, tau, 1, -Infinity, MU);
      warm = end.mu;
      return { height: end.value - cut, slope: end.g1 };
    }
    let low = 0;
    if (result.valueEqual < cut) {
      low = crossing(profile, result.tau, -0.5 * result.tau, 0) ** 2;
      warm = result.mu;
    }
    const high = crossing(profile, result.tau, 0.5 * result.tau + 0.25, TAU_SEARCH_LIMIT) ** 2;
    return { low: low, high: high };
  }

  /* Likelihood interval of one common rate, tau held at zero. */
  function commonRateInterval(events, total, level) {
    const data = { x: [events], n: [total] };
    const centre = Math.log(events) - Math.log(total - events);
    const top = evaluate(data, centre, 0);
    const cut = top.value - 0.5 * stats.chi2Quantile(level, 1);
    const se = Math.sqrt(-1 / top.h00);
    const profile = (mu) => {
      const at = evaluate(data, mu, 0);
      return { height: at.value - cut, slope: at.g0 };
    };
    return {
      low: crossing(profile, centre, -se, -MU_LIMIT),
      high: crossing(profile, centre, se, MU_LIMIT),
    };
  }

  const api = {
    evaluate: evaluate,
    fit: fit,
    fitEqual: fitEqual,
    saturated: saturated,
    heterogeneityTests: heterogeneityTests,
    profileMu: profileMu,
    profileTau2: profileTau2,
    commonRateInterval: commonRateInterval,
  };
  if (inNode) module.exports = api;
  else root.ReviewExplore.glmm = api;
})(typeof globalThis !== "undefined" ? globalThis : this);
