# ruff: noqa: ANN001, ANN202
"""Compiled twin of the array engine: study integrals and intercept-only fits, one scalar loop each.

Import this module only through `analysis.synthesis._engine`, as numba takes seconds to load.  The
algorithm is that of `analysis.synthesis.quadrature` and `analysis.synthesis._glmm_newton`; tests hold
the two together.  Nodes are walked outwards from the mode until they no longer count, which the
log-concave integrand makes safe: each further node shrinks by a growing factor.
"""

from __future__ import annotations

import math

import numpy as np
from numba import njit

__all__ = [
    "climb",
    "fit_one",
    "fit_rows",
    "study",
    "study_row",
    "total_terms",
]

TAIL = 1e-13
SPLIT_TOLERANCE = 1e-4
FEW = 8.0
STEP_SD = 0.6
STEP_SD_FEW = 0.5
STEP_TAU_FEW = 0.25
#: Nodes of the first window and of each extension.
WINDOW = 32
MORE = 8
SMALL_SPREAD = 1e-8
#: Above this size of study the rounding of 1 + p0 (e^d - 1), times n, would show.
PRECISE_ABOVE = 1e5
LOG2_E = 1.4426950408889634
LN2_HIGH = 0.6931471803691238
LN2_LOW = 1.9082149292705877e-10
#: Adding 1.5 * 2^52 rounds to an integer and leaves it in the low bits.
MAGIC = 6755399441055744.0
TWO_52 = 4503599627370496.0
TWO_52_BITS = 0x4330000000000000
#: Moves the split of exponent and fraction from 1 to sqrt(1/2).
LOG_SHIFT = (1023 << 52) - 0x3FE6A09E667F3BCD
LOG_ROOT_2PI = 0.9189385332046727
DECREMENT = 1e-18
STALLED_DECREMENT = 1e-10
VANISHED = 1e-10
TAU_LIMIT = 300.0
RIDGE = 1e-13
MAX_ITERATIONS = 200
SAME = 1e-11


@njit(cache=True, nogil=True)
def _expit(theta):
    small = math.exp(-abs(theta))
    return 1.0 / (1.0 + small) if theta > 0 else small / (1.0 + small)


@njit(cache=True, nogil=True)
def _log1pexp(theta):
    return math.log1p(math.exp(-abs(theta))) + (theta if theta > 0 else 0.0)


@njit(cache=True, nogil=True)
def _deviance_part(x, n, theta):
    """Binomial log-probability at theta minus the saturated one."""
    if x <= 0:
        return -n * _log1pexp(theta)
    if x >= n:
        return -n * _log1pexp(-theta)
    p_hat = x / n
    d = theta - math.log(p_hat / (1 - p_hat))
    if d > 0:
        return -(n - x) * d - n * math.log1p((1 - p_hat) * math.expm1(-d))
    return x * d - n * math.log1p(p_hat * math.expm1(d))


# contract: fused multiply-add; no reassociation, which would undo the rounding by MAGIC
@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")
def _fill(x, n, p0, tau, u, h, first, m, real, whole):
    """Fill rows 0-2 of `real` with distance t, weight w and score s at nodes first ... first + m - 1.

    `whole` is the same memory as integers.  exp and log are written out so that the loops run four
    nodes at a time: exp by reduction to |r| <= log(2)/2 and Taylor to r^12, log by the series of
    atanh((z - 1)/(z + 1)) after the exponent is split off.  Both are good to about 2 units in the last
    place.
    """
    t, w, s, a, b = real[0], real[1], real[2], real[3], real[4]
    ib, iw = whole[4], whole[1]
    for j in range(m):
        t[j] = (first + j) * h
        a[j] = min(max(tau * t[j], -700.0), 700.0)
        b[j] = a[j] * LOG2_E + MAGIC
    for j in range(m):
        r = (a[j] - (b[j] - MAGIC) * LN2_HIGH) - (b[j] - MAGIC) * LN2_LOW
        w[j] = _exp_series(r)
    for j in range(m):
        iw[j] += ib[j] << 52
    for j in range(m):
        odds = p0 * w[j]
        z = (1.0 - p0) + odds
        s[j] = x - n * (odds / z)
        w[j] = z
    for j in range(m):
        ib[j] = (iw[j] + LOG_SHIFT) >> 52
        iw[j] -= (ib[j] - 1023) << 52
        ib[j] += TWO_52_BITS
    for j in range(m):
        f = (w[j] - 1.0) / (w[j] + 1.0)
        g = f * f
        y = 1.0 / 21
        y = y * g + 1.0 / 19
        y = y * g + 1.0 / 17
        y = y * g + 1.0 / 15
        y = y * g + 1.0 / 13
        y = y * g + 1.0 / 11
        y = y * g + 1.0 / 9
        y = y * g + 1.0 / 7
        y = y * g + 1.0 / 5
        y = y * g + 1.0 / 3
        e = b[j] - (TWO_52 + 1023.0)
        log_z = e * LN2_HIGH + (2.0 * f + (2.0 * f * g * y + e * LN2_LOW))
        v = x * tau * t[j] - n * log_z - t[j] * (u + 0.5 * t[j])
        a[j] = min(max(v, -700.0), 700.0)
        b[j] = a[j] * LOG2_E + MAGIC
    for j in range(m):
        r = (a[j] - (b[j] - MAGIC) * LN2_HIGH) - (b[j] - MAGIC) * LN2_LOW
        w[j] = _exp_series(r)
    for j in range(m):
        iw[j] += ib[j] << 52


@njit(cache=True, nogil=True, fastmath={"contract", "nsz"}, error_model="numpy")
def _exp_series(r):
    y = 1.0 / 479001600
    y = y * r + 1.0 / 39916800
    y = y * r + 1.0 / 3628800
    y = y * r + 1.0 / 362880
    y = y * r + 1.0 / 40320
    y = y * r + 1.0 / 5040
    y = y * r + 1.0 / 720
    y = y * r + 1.0 / 120
    y = y * r + 1.0 / 24
    y = y * r + 1.0 / 6
    y = y * r + 0.5
    y = y * r + 1.0
    return y * r + 1.0


@njit(cache=True, nogil=True)
def _fill_precise(x, n, p0, tau, u, h, first, m, real):
    """As `_fill`, through expm1 and log1p, for studies so large that 1 + p0 (e^d - 1) rounds."""
    for j in range(m):
        t = (first + j) * h
        d = min(max(tau * t, -700.0), 700.0)
        base = p0 * math.expm1(d)
        real[0, j] = t
        real[1, j] = math.exp(min(x * d - n * math.log1p(base) - t * (u + 0.5 * t), 700.0))
        real[2, j] = x - n * ((p0 + base) / (1.0 + base))


@njit(cache=True, nogil=True, fastmath=True)
def _sums(real, m):
    """Sums over an even number of nodes: even and odd weights, their first moments, and w s, ..."""
    t, w, s = real[0], real[1], real[2]
    even, odd, even_t, odd_t = 0.0, 0.0, 0.0, 0.0
    for j in range(0, m, 2):
        even += w[j]
        odd += w[j + 1]
        even_t += w[j] * t[j]
        odd_t += w[j + 1] * t[j + 1]
    m_s, m_ts, m_tt, m_tts, m_ttts = 0.0, 0.0, 0.0, 0.0, 0.0
    for j in range(m):
        wt = w[j] * t[j]
        wts = wt * s[j]
        m_s += w[j] * s[j]
        m_ts += wts
        m_tt += wt * t[j]
        m_tts += wts * t[j]
        m_ttts += wts * t[j] * t[j]
    return even, odd, even_t, odd_t, m_s, m_ts, m_tt, m_tts, m_ttts


@njit(cache=True, nogil=True)
def _window(x, n, p0, tau, u, h, first, m, real, whole):
    if n > PRECISE_ABOVE:
        _fill_precise(x, n, p0, tau, u, h, first, m, real)
    else:
        _fill(x, n, p0, tau, u, h, first, m, real, whole)
    return _sums(real, m)


@njit(cache=True, nogil=True)
def study(x, n, eta, tau, real, whole):
    """Value (relative to saturated) and derivatives by eta and tau of one study; tau >= 0.

    `real` is scratch of shape (5, WINDOW) and `whole` its view as int64.
    """
    if tau * tau * n < SMALL_SPREAD:
        p, q = _expit(eta), _expit(-eta)
        score = x - n * p if p < 0.5 else n * q - (n - x)
        curve = -n * p * q
        twice = score * score + curve
        third = 2 * score * curve - n * p * q * (q - p)
        value = _deviance_part(x, n, eta) + 0.5 * tau * tau * twice
        return value, score, tau * twice, curve, tau * third, twice
    # mode: bracketed Newton, rough, as the rule is right about any centre
    share = (x + 0.5) / (n + 1.0)
    level = math.log(share / (1.0 - share))
    p = _expit(eta)
    far = tau * (x - n * p)
    low, high = min(far, 0.0), max(far, 0.0)
    u = tau * (level - eta) / (tau * tau + 1.0 / ((n + 1.0) * share * (1.0 - share)))
    u = min(max(u, low), high)
    moved = high - low
    for _ in range(100):
        p = _expit(eta + tau * u)
        g = tau * (x - n * p) - u
        bend = 1.0 + tau * tau * n * p * (1.0 - p)
        if g * g < 0.02 * bend:
            break
        if g >= 0:
            low = u
        else:
            high = u
        new = u + g / bend
        if low <= new <= high and abs(new - u) <= 0.5 * moved:
            moved = abs(new - u)
            u = new
        else:
            # a sigmoid can throw Newton's steps from side to side
            moved = 0.5 * (high - low)
            u = 0.5 * (low + high)
    flip = 1.0
    if eta + tau * u > 0:
        flip, eta, u, x, p = -1.0, -eta, -u, n - x, _expit(-eta - tau * u)
    theta0 = eta + tau * u
    sd = 1.0 / math.sqrt(bend)
    h = STEP_SD * sd
    if min(x, n - x) < FEW:
        h = min(STEP_SD_FEW * sd, STEP_TAU_FEW / tau)
    # the tail reaches further on the side to which the log-integrand bends less (third derivative)
    skew = tau * tau * tau * n * p * (1.0 - p) * (1.0 - 2.0 * p) * sd * sd * sd
    shift = min(int(11.0 * skew * sd / h), 8)
    while True:
        first, last = -WINDOW // 2 - shift, WINDOW // 2 - shift
        even, odd, even_t, odd_t, m_s, m_ts, m_tt, m_tts, m_ttts = _window(
            x, n, p, tau, u, h, first, WINDOW, real, whole
        )
        w_first, w_last = real[1, 0], real[1, WINDOW - 1]
        while w_first > TAIL * (even + odd) and first > -4000000:
            first -= MORE
            part = _window(x, n, p, tau, u, h, first, MORE, real, whole)
            even, odd, even_t, odd_t, m_s, m_ts, m_tt, m_tts, m_ttts = (
                even + part[0], odd + part[1], even_t + part[2], odd_t + part[3], m_s + part[4],
                m_ts + part[5], m_tt + part[6], m_tts + part[7], m_ttts + part[8],
            )  # fmt: skip
            w_first = real[1, 0]
        while w_last > TAIL * (even + odd) and last < 4000000:
            part = _window(x, n, p, tau, u, h, last, MORE, real, whole)
            last += MORE
            even, odd, even_t, odd_t, m_s, m_ts, m_tt, m_tts, m_ttts = (
                even + part[0], odd + part[1], even_t + part[2], odd_t + part[3], m_s + part[4],
                m_ts + part[5], m_tt + part[6], m_tts + part[7], m_ttts + part[8],
            )  # fmt: skip
            w_last = real[1, MORE - 1]
        total = even + odd
        split = max(abs(even - odd), abs(even_t - odd_t) / sd)
        if split <= SPLIT_TOLERANCE * total or h < 1e-9:
            break
        h *= 0.5
    inv = 1.0 / total
    m_t = (even_t + odd_t) * inv
    m_s *= inv
    m_ts *= inv
    m_tt *= inv
    m_tts *= inv
    m_ttts *= inv
    c_s = m_ts - m_t * m_s
    c_ts = m_tts - m_t * m_ts
    c2_s = m_tts - m_tt * m_s
    c2_ts = m_ttts - m_tt * m_ts
    l_t = m_ts + u * m_s
    value = math.log(total * h) - LOG_ROOT_2PI + _deviance_part(x, n, theta0) - 0.5 * u * u
    ee = c_s / tau
    et = (c_ts + u * c_s - m_s) / tau
    tt = (c2_ts + 2 * u * c_ts + u * c2_s + 2 * u * u * c_s - l_t) / tau
    return value, flip * m_s, l_t, ee, flip * et, tt


@njit(cache=True, nogil=True)
def study_row(x, n, eta, tau, start, stop, out):
    """Fill columns start to stop of out (6, N) for flat arrays; tau may be negative."""
    real = np.empty((5, WINDOW))
    whole = real.view(np.int64)
    for i in range(start, stop):
        t = tau[i]
        v, e, lt, ee, et, tt = study(x[i], n[i], eta[i], abs(t), real, whole)
        sign = -1.0 if t < 0 else 1.0
        out[0, i] = v
        out[1, i] = e
        out[2, i] = sign * lt
        out[3, i] = ee
        out[4, i] = sign * et
        out[5, i] = tt


@njit(cache=True, nogil=True)
def total_terms(x, n, w, mu, tau, out, real, whole):
    """Weighted sums over studies into out: value, e, t, ee, et, tt."""
    out[:] = 0.0
    for i in range(x.size):
        if w[i] > 0:
            v, e, t, ee, et, tt = study(x[i], n[i], mu, tau, real, whole)
            out[0] += w[i] * v
            out[1] += w[i] * e
            out[2] += w[i] * t
            out[3] += w[i] * ee
            out[4] += w[i] * et
            out[5] += w[i] * tt


@njit(cache=True, nogil=True)
def climb(x, n, w, mu, tau, typical, floor, now, real, whole):
    """Climb in (mu, tau); `now` ends with the terms at the end.

    Returns mu, tau, code (0 failed, 1 converged, 2 fell to zero, 3 ran off), iterations.
    """
    new = np.empty(6)
    total_terms(x, n, w, mu, tau, now, real, whole)
    before = np.inf
    for iteration in range(1, MAX_ITERATIONS + 1):
        a = 1.0
        g1, g2 = now[1], now[2]
        m11, m12, m22 = -now[3], -now[4], -now[5]
        in_variance = tau * tau * typical < 1.0
        if in_variance:
            a = 0.5 / tau
            m22 = (m22 + g2 / tau) * a * a
            g2 *= a
            m12 *= a
        # eliminate mu, whose curvature always has the right sign; see _glmm_newton
        m11 = max(m11 * (1.0 + RIDGE), 1e-300)
        pivot = m22 - m12 * m12 / m11
        rest = g2 - m12 * g1 / m11
        least = RIDGE * abs(m22) + 1e-300
        concave = pivot > least
        step2 = rest / max(abs(pivot), least)
        step1 = (g1 - m12 * step2) / m11
        decrement = g1 * g1 / m11 + rest * step2
        if in_variance and tau * tau + step2 <= 0:
            small = tau * tau * typical
            if small < VANISHED or (small < 0.3 and floor >= now[0] - 1e-13):
                return mu, tau, 2, iteration
        still = decrement < STALLED_DECREMENT and decrement > 0.25 * before
        if concave and (decrement < DECREMENT or still):
            return mu, tau, 1, iteration
        if tau >= TAU_LIMIT:
            return mu, tau, 3, iteration
        before = decrement
        factor = min(1.0, 4.0 / max(abs(step1), 1e-300))
        slack = 4e-13 * (1 + abs(now[0])) if decrement < 1e-8 else 0.0
        gained = False
        for _ in range(40):
            mu_new = mu + factor * step1
            if in_variance:
                v = tau * tau + factor * step2
                v = min(max(v, tau * tau / 16), 16 * tau * tau + 0.1)
                tau_new = math.sqrt(v)
            else:
                tau_new = min(max(tau + factor * step2, tau / 4), 4 * tau + 0.2)
            total_terms(x, n, w, mu_new, tau_new, new, real, whole)
            if new[0] >= now[0] - slack:
                gained = True
                break
            if concave and decrement < STALLED_DECREMENT:
                return mu, tau, 1, iteration
            factor *= 0.35
        if not gained:
            return mu, tau, 0, iteration
        mu, tau = mu_new, tau_new
        now[:] = new
    return mu, tau, 0, MAX_ITERATIONS


@njit(cache=True, nogil=True)
def start_values(x, n, w):
    """Moment start (mu, tau) from empirical logits, and a typical within-study information."""
    count = 0
    log_v, mean_v = 0.0, 0.0
    for i in range(x.size):
        if w[i] > 0:
            v = 1.0 / (x[i] + 0.5) + 1.0 / (n[i] - x[i] + 0.5)
            count += 1
            log_v += math.log(v)
            mean_v += v
    typical = math.exp(-log_v / count)
    mean_v /= count
    mu, tau2 = 0.0, 0.0
    for _ in range(2):
        sum_a, sum_ay = 0.0, 0.0
        for i in range(x.size):
            if w[i] > 0:
                v = 1.0 / (x[i] + 0.5) + 1.0 / (n[i] - x[i] + 0.5)
                a = w[i] / (v + tau2)
                sum_a += a
                sum_ay += a * math.log((x[i] + 0.5) / (n[i] - x[i] + 0.5))
        mu = sum_ay / sum_a
        squares, q, sum_q = 0.0, 0.0, 0.0
        for i in range(x.size):
            if w[i] > 0:
                v = 1.0 / (x[i] + 0.5) + 1.0 / (n[i] - x[i] + 0.5)
                r = math.log((x[i] + 0.5) / (n[i] - x[i] + 0.5)) - mu
                squares += r * r
                q += w[i] / v * r * r
                sum_q += w[i] / v
        excess = squares / max(count - 1, 1) - mean_v
        tau2 = max(max(excess, 0.5 * q / sum_q), 0.02 / typical)
    return mu, math.sqrt(tau2), typical


@njit(cache=True, nogil=True)
def fit_one(x, n, w, starts, out, real, whole):
    """Maximise one intercept-only likelihood, as `analysis.synthesis._glmm_solve.solve` does.

    `out` gets mu, tau, value (without saturated constants), se, value at tau = 0, code (1 converged,
    2 boundary, 3 runs off, 0 failed, -1 no events, -2 no non-events, -3 nothing, -4 all studies at
    0 % or 100 %), iterations, the gradient by mu and tau, and the second derivatives ee, et, tt.
    """
    out[:] = np.nan
    events, rest = 0.0, 0.0
    most = 0.0
    mixed = False
    for i in range(x.size):
        events += w[i] * x[i]
        rest += w[i] * (n[i] - x[i])
        if w[i] > 0:
            most = max(most, n[i])
            mixed = mixed or (x[i] > 0 and x[i] < n[i])
    out[6] = 0.0
    if events <= 0 or rest <= 0:
        out[5] = -3.0 if events <= 0 and rest <= 0 else (-1.0 if events <= 0 else -2.0)
        return
    if most > 1.0 and not mixed:
        out[5] = -4.0
        return
    now = np.empty(6)
    mu0 = math.log(events / rest)
    total_terms(x, n, w, mu0, 0.0, now, real, whole)
    value0 = now[0]
    zero_is_top = now[5] <= 1e-12 * abs(now[3]) or most <= 1.0
    floor = value0 if zero_is_top else -np.inf
    best = value0 + SAME if zero_is_top else -np.inf
    code = 2.0 if zero_is_top else 0.0
    out[0], out[1], out[2] = mu0, 0.0, value0
    out[7:] = now[1:]
    if most > 1.0:
        begin_mu, begin_tau, typical = start_values(x, n, w)
        for j in range(starts.size + 1):
            begin = begin_tau if j == 0 else starts[j - 1]
            mu, tau, ended, steps = climb(x, n, w, begin_mu, begin, typical, floor, now, real, whole)
            out[6] += steps
            if (ended == 1 or ended == 3) and now[0] > best:
                best = now[0] + SAME
                code = float(ended)
                out[0], out[1], out[2] = mu, tau, now[0]
                out[7:] = now[1:]
            if ended == 2 and code == 0 and j == starts.size:
                code = 2.0
            if ended == 1:
                break
    out[4], out[5] = value0, code
    information = -out[9]
    if code != 2:
        information += out[10] * out[10] / out[11]
    out[3] = 1.0 / math.sqrt(information) if information > 0 else np.nan


@njit(cache=True, nogil=True)
def fit_rows(x, n, w, starts, out, start, stop):
    """Fit rows start to stop; x, n and w have one row for all or one row each; out is (B, 12)."""
    one_x, one_n, one_w = x.shape[0] == 1, n.shape[0] == 1, w.shape[0] == 1
    real = np.empty((5, WINDOW))
    whole = real.view(np.int64)
    for b in range(start, stop):
        fit_one(
            x[0 if one_x else b],
            n[0 if one_n else b],
            w[0 if one_w else b],
            starts,
            out[b],
            real,
            whole,
        )
