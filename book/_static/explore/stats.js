/* Tail areas and quantiles of the normal, t, chi-square and beta distributions.
 *
 * Continued fractions and series to double precision; quantiles by Newton steps that a bracket guards.
 * Degrees of freedom of Infinity mean the normal distribution; zero or less give NaN.
 */
(function (root) {
  "use strict";

  const TINY = 1e-300;
  const EPS = 1e-16;
  const MOST_TERMS = 100000;

  const LANCZOS = [
    0.99999999999980993, 676.5203681218851, -1259.1392167224028, 771.32342877765313,
    -176.61502916214059, 12.507343278686905, -0.13857109526572012, 9.9843695780195716e-6,
    1.5056327351493116e-7,
  ];

  function logGamma(x) {
    if (x < 0.5) return Math.log(Math.PI / Math.abs(Math.sin(Math.PI * x))) - logGamma(1 - x);
    const y = x - 1;
    let sum = LANCZOS[0];
    for (let i = 1; i < LANCZOS.length; i++) sum += LANCZOS[i] / (y + i);
    const t = y + 7.5;
    return 0.5 * Math.log(2 * Math.PI) + (y + 0.5) * Math.log(t) - t + Math.log(sum);
  }

  /* Lower and upper regularised incomplete gamma functions, each from the form that keeps its digits. */
  function gammaShares(a, x) {
    if (x <= 0) return { lower: 0, upper: 1 };
    if (x === Infinity) return { lower: 1, upper: 0 };
    const front = Math.exp(a * Math.log(x) - x - logGamma(a));
    if (x < a + 1) {
      let term = 1 / a;
      let sum = term;
      for (let i = 1; i < MOST_TERMS; i++) {
        term *= x / (a + i);
        sum += term;
        if (term < sum * EPS) break;
      }
      const lower = front * sum;
      return { lower: lower, upper: 1 - lower };
    }
    let b = x + 1 - a;
    let c = 1 / TINY;
    let d = 1 / b;
    let h = d;
    for (let i = 1; i < MOST_TERMS; i++) {
      const an = -i * (i - a);
      b += 2;
      d = an * d + b;
      if (Math.abs(d) < TINY) d = TINY;
      c = b + an / c;
      if (Math.abs(c) < TINY) c = TINY;
      d = 1 / d;
      const change = d * c;
      h *= change;
      if (Math.abs(change - 1) < EPS) break;
    }
    const upper = front * h;
    return { lower: 1 - upper, upper: upper };
  }

  function betaFraction(a, b, x) {
    let c = 1;
    let d = 1 - ((a + b) * x) / (a + 1);
    if (Math.abs(d) < TINY) d = TINY;
    d = 1 / d;
    let h = d;
    for (let m = 1; m < MOST_TERMS; m++) {
      const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
      const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
      for (const an of [even, odd]) {
        d = 1 + an * d;
        if (Math.abs(d) < TINY) d = TINY;
        c = 1 + an / c;
        if (Math.abs(c) < TINY) c = TINY;
        d = 1 / d;
        h *= d * c;
      }
      if (Math.abs(d * c - 1) < EPS) break;
    }
    return h;
  }

  /* Regularised incomplete beta function. */
  function betaShare(a, b, x) {
    if (x <= 0) return 0;
    if (x >= 1) return 1;
    const front = Math.exp(
      logGamma(a + b) - logGamma(a) - logGamma(b) + a * Math.log(x) + b * Math.log1p(-x)
    );
    if (x < (a + 1) / (a + b + 2)) return (front * betaFraction(a, b, x)) / a;
    return 1 - (front * betaFraction(b, a, 1 - x)) / b;
  }

  function normalTail(z) {
    const half = 0.5 * gammaShares(0.5, 0.5 * z * z).upper;
    return z >= 0 ? half : 1 - half;
  }

  function tTail(t, df) {
    if (df === Infinity) return normalTail(t);
    if (!(df > 0)) return NaN;
    const half = 0.5 * betaShare(df / 2, 0.5, df / (df + t * t));
    return t >= 0 ? half : 1 - half;
  }

  /* Upper tail; one where there are no degrees of freedom. */
  function chi2Tail(statistic, df) {
    if (Number.isNaN(statistic)) return NaN;
    return df > 0 ? gammaShares(df / 2, Math.max(statistic, 0) / 2).upper : 1;
  }

  /* A root of a function that falls from positive to negative between low and high. */
  function invert(value, slope, start, low, high) {
    let x = start;
    for (let i = 0; i < 300; i++) {
      const v = value(x);
      if (v === 0) return x;
      if (v > 0) low = x;
      else high = x;
      let next = x - v / slope(x);
      if (!(next > low && next < high)) {
        next = high === Infinity ? 2 * Math.max(x, 1) : 0.5 * (low + high);
      }
      if (Math.abs(next - x) <= 2e-16 * Math.abs(next)) return next;
      x = next;
    }
    return x;
  }

  /* Two-sided multiplier of a level: 1.96 for 0.95. */
  function normalQuantile(level) {
    const tail = (1 - level) / 2;
    return invert(
      (z) => normalTail(z) - tail,
      (z) => -Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI),
      1,
      0,
      Infinity
    );
  }

  function tQuantile(level, df) {
    if (df === Infinity) return normalQuantile(level);
    if (!(df > 0)) return NaN;
    const tail = (1 - level) / 2;
    const constant =
      logGamma((df + 1) / 2) - logGamma(df / 2) - 0.5 * Math.log(df * Math.PI);
    return invert(
      (t) => tTail(t, df) - tail,
      (t) => -Math.exp(constant - ((df + 1) / 2) * Math.log1p((t * t) / df)),
      normalQuantile(level),
      0,
      Infinity
    );
  }

  /* Quantile at a lower-tail probability. */
  function chi2Quantile(probability, df) {
    if (!(df > 0)) return NaN;
    const a = df / 2;
    const upper = probability > 0.5;
    const target = upper ? 1 - probability : probability;
    const constant = -logGamma(a);
    const density = (x) => Math.exp(constant + (a - 1) * Math.log(x) - x);
    const value = (x) => {
      const shares = gammaShares(a, x);
      return upper ? shares.upper - target : target - shares.lower;
    };
    const cube = 1 - 2 / (9 * df);
    const z = (upper ? 1 : -1) * normalQuantile(1 - 2 * target);
    const guess = a * Math.pow(Math.max(cube + z * Math.sqrt(2 / (9 * df)), 0.05), 3);
    return 2 * invert(value, (x) => -density(x), guess, 0, Infinity);
  }

  function betaQuantile(a, b, probability) {
    const constant = logGamma(a + b) - logGamma(a) - logGamma(b);
    return invert(
      (x) => probability - betaShare(a, b, x),
      (x) => -Math.exp(constant + (a - 1) * Math.log(x) + (b - 1) * Math.log1p(-x)),
      a / (a + b),
      0,
      1
    );
  }

  const exactCache = new Map();

  /* Clopper-Pearson interval of one study. */
  function exactInterval(events, total, level) {
    const key = events + "/" + total + "/" + level;
    let found = exactCache.get(key);
    if (!found) {
      const tail = (1 - level) / 2;
      const rest = total - events;
      found = {
        low: events === 0 ? 0 : betaQuantile(events, rest + 1, tail),
        high: rest === 0 ? 1 : 1 - betaQuantile(rest, events + 1, tail),
      };
      exactCache.set(key, found);
    }
    return found;
  }

  const api = {
    logGamma: logGamma,
    gammaShares: gammaShares,
    betaShare: betaShare,
    normalTail: normalTail,
    normalQuantile: normalQuantile,
    tTail: tTail,
    tQuantile: tQuantile,
    chi2Tail: chi2Tail,
    chi2Quantile: chi2Quantile,
    betaQuantile: betaQuantile,
    exactInterval: exactInterval,
  };
  if (typeof module !== "undefined" && module.exports) module.exports = api;
  else (root.ReviewExplore = root.ReviewExplore || {}).stats = api;
})(typeof globalThis !== "undefined" ? globalThis : this);
