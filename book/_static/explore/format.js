/* Numbers as readers see them: as precise as their interval allows, halves rounded up, never a bare NaN. */
(function (root) {
  "use strict";

  const MISSING = "not available";
  const MINUS = "\u2212";
  const MOST_DECIMALS = 8;
  const RARE = 0.1;
  const THIN_SPACE = "\u202f";

  function missing(value) {
    return value === null || value === undefined || !Number.isFinite(value);
  }

  function fixed(value, decimals) {
    if (missing(value)) return MISSING;
    const places = decimals || 0;
    /* Ten places first undo binary noise: 100 * 0.285 is 28.499999999999996. */
    const parts = Math.abs(value).toFixed(10).split(".");
    let digits = BigInt(parts[0] + parts[1].slice(0, places));
    if (parts[1].charCodeAt(places) >= 53) digits += 1n;
    let text = digits.toString().padStart(places + 1, "0");
    if (places) text = text.slice(0, -places) + "." + text.slice(-places);
    return value < 0 && digits > 0n ? MINUS + text : text;
  }

  function count(value) {
    const text = fixed(value, 0);
    return text.length < 5 ? text : text.replace(/\B(?=(\d{3})+$)/g, THIN_SPACE);
  }

  function counted(value, singular, plural) {
    return count(value) + " " + (value === 1 ? singular : plural);
  }

  /* Decimals of a per cent that a rate and its interval need: none from a width of five points on, one
     more for every tenth of it; a rate below 0.1% or above 99.9% has two digits that count. */
  function percentDecimals(low, high, value) {
    let places = 0;
    if (!missing(low) && !missing(high)) {
      const width = Number((100 * Math.abs(high - low)).toFixed(9));
      if (width < 5) places = width >= 0.5 ? 1 : 2;
      while (width > 0 && width < 5 * Math.pow(10, -places) && places < MOST_DECIMALS) places++;
    }
    if (!missing(value) && value > 0 && value < 1) {
      const rest = 100 * Math.min(value, 1 - value);
      if (rest < RARE) {
        places = Math.max(places, Math.min(1 - Math.floor(Math.log10(rest)), MOST_DECIMALS));
      }
    }
    return places;
  }

  /* A percentage without its sign; what would round to 0 or 100 says so. */
  function share(proportion, decimals) {
    if (missing(proportion)) return MISSING;
    const places = decimals || 0;
    const text = fixed(100 * proportion, places);
    const step = Math.pow(10, -places);
    const shown = Number(text.replace(MINUS, "-"));
    if (shown === 0) return proportion > 0 ? "<" + step.toFixed(places) : "0";
    if (shown === 100) return proportion >= 1 ? "100" : ">" + (100 - step).toFixed(places);
    return text;
  }

  function percentRange(low, high, decimals) {
    if (missing(low) || missing(high)) return MISSING;
    const places = decimals === undefined ? percentDecimals(low, high) : decimals;
    const ends = [low, high].map((end) => Math.min(Math.max(end, 0), 1));
    return share(ends[0], places) + " to " + share(ends[1], places);
  }

  function percent(proportion, low, high) {
    if (missing(proportion)) return MISSING;
    const places = percentDecimals(low, high, proportion);
    const inside =
      missing(low) || missing(high) ? "interval " + MISSING : percentRange(low, high, places);
    return share(proportion, places) + "% (" + inside + ")";
  }

  function pValue(value) {
    if (missing(value)) return "p " + MISSING;
    if (value < 0.001) return "p<0.001";
    if (value > 0.99) return "p>0.99";
    const close =
      value < 0.01 || (value >= 0.045 && value < 0.055) || (value >= 0.095 && value < 0.105);
    return "p=" + fixed(value, close ? 3 : 2);
  }

  function variance(value) {
    if (missing(value)) return MISSING;
    if (value === 0) return "0";
    if (value < 0.001) return "<0.001";
    return fixed(value, value < 0.1 ? 3 : value < 10 ? 2 : value < 100 ? 1 : 0);
  }

  function tau2(value, low, high) {
    const text = variance(value);
    if (text === MISSING) return text;
    if (low === undefined || Number.isNaN(low) || Number.isNaN(high)) {
      return text + " (interval " + MISSING + ")";
    }
    const upper = high === Infinity ? "no upper limit" : variance(high);
    return text + " (" + variance(low) + " to " + upper + ")";
  }

  function iSquared(value) {
    const text = share(value, 0);
    return text === MISSING ? text : text + "%";
  }

  function statistic(value) {
    if (missing(value)) return MISSING;
    const size = Math.abs(value);
    return fixed(value, size < 10 ? 2 : size < 100 ? 1 : 0);
  }

  const api = {
    MISSING: MISSING,
    missing: missing,
    fixed: fixed,
    count: count,
    counted: counted,
    percentDecimals: percentDecimals,
    share: share,
    percentRange: percentRange,
    percent: percent,
    pValue: pValue,
    tau2: tau2,
    iSquared: iSquared,
    statistic: statistic,
  };
  if (typeof module !== "undefined" && module.exports) module.exports = api;
  else (root.ReviewExplore = root.ReviewExplore || {}).format = api;
})(typeof globalThis !== "undefined" ? globalThis : this);
