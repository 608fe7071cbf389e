/* Log-likelihood of one study in the random-intercept logistic model, with its derivatives.
 *
 * The integral over the study's own intercept u ~ N(0, 1) is a trapezoid sum about the mode of the
 * integrand, with steps short enough for twelve digits. Should even and odd nodes disagree all the same,
 * or their first moments, whose phase differs, the nodes are doubled. The saturated log-likelihood, which
 * no parameter moves, is left out.
 */
(function (root) {
  "use strict";

  const TAIL_DROP = 34.5;
  /* Largest relative difference of even and odd nodes, or of their first moments: a safety net. */
  const SPLIT_TOLERANCE = 1e-4;
  /* With fewer events or non-events than this one side of the integrand is an edge, not a Gaussian tail. */
  const FEW = 8;
  const STEP_SD = 0.6;
  const STEP_SD_FEW = 0.5;
  const STEP_TAU_FEW = 0.25;
  /* Below this tau^2 n the expansion to second order in tau is exact to double precision. */
  const SMALL_SPREAD = 1e-8;
  const FINE_BELOW = 0.05;
  const MOST_NODES = 2000000;
  const LOG_ROOT_2PI = 0.5 * Math.log(2 * Math.PI);

  function expit(theta) {
    const small = Math.exp(-Math.abs(theta));
    return (theta > 0 ? 1 : small) / (1 + small);
  }

  function softplus(theta) {
    return Math.max(theta, 0) + Math.log1p(Math.exp(-Math.abs(theta)));
  }

  /* Binomial log-probability at theta minus the saturated one. */
  function deviancePart(x, n, theta) {
    if (x === 0) return -n * softplus(theta);
    if (x === n) return -n * softplus(-theta);
    const p = x / n;
    const d = theta - Math.log(p / (1 - p));
    const gap = Math.expm1(-Math.abs(d));
    return d > 0 ? -(n - x) * d - n * Math.log1p((1 - p) * gap) : x * d - n * Math.log1p(p * gap);
  }

  function atZero(x, n, eta, tau, out) {
    const p = expit(eta);
    const q = expit(-eta);
    const score = p < 0.5 ? x - n * p : n * q - (n - x);
    const curve = -n * p * q;
    const twice = score * score + curve;
    out[0] = deviancePart(x, n, eta) + 0.5 * tau * tau * twice;
    out[1] = score;
    out[2] = tau * twice;
    out[3] = curve;
    out[4] = tau * (2 * score * curve - n * p * q * (q - p));
    out[5] = twice;
  }

  function mode(x, n, eta, tau) {
    const far = tau * (x - n * expit(eta));
    let low = Math.min(far, 0);
    let high = Math.max(far, 0);
    const share = (x + 0.5) / (n + 1);
    let u =
      (tau * (Math.log(share / (1 - share)) - eta)) /
      (tau * tau + 1 / ((n + 1) * share * (1 - share)));
    u = Math.min(Math.max(u, low), high);
    let moved = high - low;
    for (let i = 0; i < 100; i++) {
      const p = expit(eta + tau * u);
      const g = tau * (x - n * p) - u;
      const bend = 1 + tau * tau * n * p * (1 - p);
      /* The rule is right about any centre; a rough mode costs a node or two. */
      if (g * g < 0.02 * bend) break;
      if (g >= 0) low = u;
      if (g <= 0) high = u;
      let next = u + g / bend;
      /* A sigmoid can throw Newton's steps from side to side: halve when they do not shrink. */
      if (next < low || next > high || Math.abs(next - u) > 0.5 * moved) {
        next = 0.5 * (low + high);
        moved = 0.5 * (high - low);
      } else {
        moved = Math.abs(next - u);
      }
      u = next;
    }
    return u;
  }

  /* Distance from the mode beyond which the integrand is below exp(-TAIL_DROP) of its top. */
  function reach(x, n, p0, tau, u0, side) {
    let length = Math.sqrt(2 * TAIL_DROP) + 0.01;
    for (let i = 0; i < 3; i++) {
      const t = side * length;
      const d = tau * t;
      const ratio = d > 300 ? d + Math.log(p0) : Math.log1p(p0 * Math.expm1(d));
      const fall = x * d - n * ratio - t * (u0 + 0.5 * t);
      const small = Math.exp(-Math.abs(d));
      const p = d > 0 ? p0 / (p0 + (1 - p0) * small) : (p0 * small) / (p0 * small + 1 - p0);
      const slope = side * (tau * (x - n * p) - u0 - t);
      if (slope < 0) length += (-TAIL_DROP - fall) / Math.min(slope, -1e-9);
    }
    return length;
  }

  function integrate(x, n, eta, tau, out) {
    let u0 = mode(x, n, eta, tau);
    /* Events and non-events change places where the rate at the mode is above one half: keeps 1 - p. */
    const flip = eta + tau * u0 > 0 ? -1 : 1;
    const xm = flip < 0 ? n - x : x;
    u0 = flip * u0;
    const theta0 = flip * eta + tau * u0;
    const p0 = expit(theta0);
    const sd = 1 / Math.sqrt(1 + tau * tau * n * p0 * (1 - p0));
    const left = reach(xm, n, p0, tau, u0, -1);
    const right = reach(xm, n, p0, tau, u0, 1);
    const width = left + right;
    const few = Math.min(x, n - x) < FEW;
    const h = few ? Math.min(STEP_SD_FEW * sd, STEP_TAU_FEW / tau) : STEP_SD * sd;
    let m = (Math.ceil(width / h) + 1) | 1;
    while (trapezoid(xm, n, p0, tau, u0, sd, -left, width, m, out) > SPLIT_TOLERANCE && m < MOST_NODES) {
      m = 2 * m + 1;
    }
    out[0] += deviancePart(xm, n, theta0) - 0.5 * u0 * u0;
    out[1] *= flip;
    out[4] *= flip;
  }

  /* Sums of one rule; returns how far its even and odd nodes differ, in mass or in mean.
   *
   * With s = x - n p, l_e = E[s] and l_t = E[u s] under the posterior of u; by Stein's identity the second
   * derivatives are Cov(u, s) / tau and the like, which cancel less than the plain second moments.
   */
  function trapezoid(x, n, p0, tau, u0, sd, low, width, m, out) {
    const h = width / (m - 1);
    const ratio = Math.exp(tau * h);
    /* Steps of the exponential by multiplication, unless that would overflow or, for a small tau, lose
       digits that the division by tau below brings to light. */
    const fine = tau < FINE_BELOW;
    const chain = !fine && tau * (low + width) < 600 && tau * low > -600;
    let e = Math.exp(tau * low);
    let even = 0;
    let odd = 0;
    let drift = 0;
    let sS = 0;
    let sT = 0;
    let sTS = 0;
    let sTT = 0;
    let sTTS = 0;
    let sTTTS = 0;
    for (let j = 0; j < m; j++) {
      const t = low + h * j;
      const d = tau * t;
      let base;
      let log;
      if (chain) {
        base = p0 * (e - 1);
        log = Math.log(1 + base);
      } else {
        base = p0 * Math.expm1(Math.min(d, 700));
        log = Math.log1p(base);
      }
      const w = Math.exp(x * d - n * log - t * (u0 + 0.5 * t));
      const s = x - (n * (p0 + base)) / (1 + base);
      const wt = w * t;
      if (j & 1) {
        odd += w;
        drift -= wt;
      } else {
        even += w;
        drift += wt;
      }
      const ws = w * s;
      const wts = wt * s;
      sS += ws;
      sT += wt;
      sTS += wts;
      sTT += wt * t;
      sTTS += wts * t;
      sTTTS += wts * t * t;
      e *= ratio;
    }
    const sum = even + odd;
    const mS = sS / sum;
    const mT = sT / sum;
    const mTS = sTS / sum;
    const mTT = sTT / sum;
    const mTTS = sTTS / sum;
    const mTTTS = sTTTS / sum;
    const cS = mTS - mT * mS;
    const cTS = mTTS - mT * mTS;
    const c2S = mTTS - mTT * mS;
    const c2TS = mTTTS - mTT * mTS;
    const byEta = mS;
    const byTau = mTS + u0 * mS;
    out[0] = Math.log(sum * h) - LOG_ROOT_2PI;
    out[1] = byEta;
    out[2] = byTau;
    out[3] = cS / tau;
    out[4] = (cTS + u0 * cS - byEta) / tau;
    out[5] = (c2TS + 2 * u0 * cTS + u0 * c2S + 2 * u0 * u0 * cS - byTau) / tau;
    return Math.max(Math.abs(even - odd), Math.abs(drift) / sd) / sum;
  }

  /* Writes value and derivatives by eta (e) and tau (t): value, e, t, ee, et, tt. */
  function studyTerms(x, n, eta, tau, out) {
    if (tau * tau * n < SMALL_SPREAD) atZero(x, n, eta, tau, out);
    else integrate(x, n, eta, tau, out);
  }

  const api = { studyTerms: studyTerms, deviancePart: deviancePart, expit: expit };
  if (typeof module !== "undefined" && module.exports) module.exports = api;
  else (root.ReviewExplore = root.ReviewExplore || {}).quadrature = api;
})(typeof globalThis !== "undefined" ? globalThis : this);
