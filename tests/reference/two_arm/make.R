# Reference values for rarer ways with two-arm counts. Run from the repository: Rscript tests/reference/two_arm/make.R
# Penalised logistic regression by brglm2, sample-size weights by metafor, tables from R's own tests, the LFK index
# by its formula in R. Counts are synthetic.
suppressMessages({library(metafor); library(brglm2); library(jsonlite)})
folder <- "tests/reference/two_arm"
sets <- list(zeros = data.frame(ai = c(4, 0, 12, 7, 3, 0), n1i = c(40, 25, 80, 61, 33, 20), ci = c(9, 2, 17, 6, 8, 0), n2i = c(41, 24, 78, 60, 35, 21)),
             plain = data.frame(ai = c(12, 30, 9, 22), n1i = c(60, 90, 44, 71), ci = c(20, 41, 11, 30), n2i = c(58, 88, 47, 70)),
             separated = data.frame(ai = c(0, 0, 0), n1i = c(30, 25, 40), ci = c(3, 1, 5), n2i = c(31, 24, 38)))

firth <- function(d) {
  k <- nrow(d)
  long <- data.frame(x = c(d$ai, d$ci), m = c(d$n1i - d$ai, d$n2i - d$ci), arm = rep(1:0, each = k), s = factor(rep(seq_len(k), 2)))
  f <- glm(cbind(x, m) ~ arm + s, family = binomial, data = long, method = "brglmFit", type = "AS_mean",
           control = brglmControl(epsilon = 1e-13, maxit = 10000))
  list(estimate = unname(coef(f)["arm"]), se = sqrt(vcov(f)["arm", "arm"]))
}
weighted <- function(d, measure, method) {
  e <- escalc(measure, ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = d)
  e$w <- d$n1i * d$n2i / (d$n1i + d$n2i)
  f <- rma(yi, vi, weights = w, data = e, method = method, control = list(threshold = 1e-13, maxiter = 10000))
  list(estimate = as.numeric(f$beta), se = f$se, tau2 = f$tau2)
}
informative <- function(d) d[d$ai + d$ci > 0 & d$ai + d$ci < d$n1i + d$n2i, ]
lfk <- function(y, v) {
  o <- order(y); y <- y[o]; n <- 100 * max(v) / v[o]; z <- qnorm((cumsum(n) - n / 2 - 0.5) / sum(n))
  5 / (2 * length(y)) * sum(z + diff(range(z)) / diff(range(y)) * (y - y[which.min(abs(z))]))
}
tables <- lapply(list(c(14, 29, 19, 28), c(40, 20, 25, 35), c(3, 57, 9, 51)), function(x) {
  m <- matrix(x, 2, byrow = TRUE)
  both <- lapply(c(corrected = TRUE, plain = FALSE), function(cc) { t <- suppressWarnings(chisq.test(m, correct = cc)); list(chi2 = unname(t$statistic), p_value = t$p.value) })
  c(list(events1 = x[1], total1 = sum(x[1:2]), events2 = x[3], total2 = sum(x[3:4]), odds_ratio = x[1] * x[4] / x[2] / x[3],
         phi = (x[1] * x[4] - x[2] * x[3]) / sqrt(prod(c(rowSums(m), colSums(m))))), both)
})
written <- lapply(sets, function(d) {
  e <- escalc("OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = d)
  list(counts = d, penalised = firth(informative(d)), penalised_all = firth(d),
       weighted = list("OR ee" = weighted(d, "OR", "EE"), "OR reml" = weighted(d, "OR", "REML"), "RR dl" = weighted(d, "RR", "DL"), "RD reml" = weighted(d, "RD", "REML")),
       lfk = lfk(as.numeric(e$yi), as.numeric(e$vi)))
})
write_json(list(versions = list(R = R.version.string, metafor = as.character(packageVersion("metafor")), brglm2 = as.character(packageVersion("brglm2"))),
                sets = written, tables = tables), file.path(folder, "reference.json"), auto_unbox = TRUE, digits = I(15), pretty = TRUE)
