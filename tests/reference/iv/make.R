# Reference values of the inverse-variance side, made with metafor; own data, so that a clone can be checked alone.
# Usage: Rscript tests/reference/iv/make.R tests/reference/iv
suppressMessages(library(metafor))
options(digits = 17)
out <- commandArgs(TRUE)[1]
tight <- list(threshold = 1e-13, tol = 1e-14, maxiter = 10000)

json <- function(v) {
  if (is.null(v)) return("null")
  if (is.list(v)) {
    keys <- names(v)
    return(paste0("{", paste(sprintf("\"%s\": %s", keys, vapply(v, json, "")), collapse = ", "), "}"))
  }
  if (is.character(v)) text <- sprintf("\"%s\"", v)
  else if (is.logical(v)) text <- ifelse(is.na(v), "null", ifelse(v, "true", "false"))
  else text <- ifelse(is.na(v), "null", formatC(v, digits = 17, format = "g"))
  if (length(v) == 1) text else paste0("[", paste(text, collapse = ", "), "]")
}
save <- function(name, value) {
  value$versions <- list(R = paste(R.version$major, R.version$minor, sep = "."),
                         metafor = as.character(packageVersion("metafor")))
  writeLines(json(value), file.path(out, paste0(name, ".json")))
}

# Synthetic counts with a zero and a full study.
events <- c(12, 0, 33, 9, 25, 41, 7, 18)
total  <- c(20, 11, 40, 31, 25, 60, 30, 22)
region <- c("a", "a", "b", "b", "c", "c", "c", "a")
year   <- c(2011, 2013, 2013, 2016, 2017, 2019, 2020, 2022)
# Synthetic two-arm counts with a zero cell and a double zero.
ai <- c(4, 0, 12, 7, 3, 0); n1 <- c(40, 25, 80, 61, 33, 20)
ci <- c(9, 2, 17, 6, 8, 0); n2 <- c(41, 24, 78, 60, 35, 21)

fitlist <- function(r) {
  f <- function(x) as.numeric(x)
  list(beta = f(r$beta), se = f(r$se), ci_low = f(r$ci.lb), ci_high = f(r$ci.ub), p_value = f(r$pval),
       tau2 = r$tau2, se_tau2 = r$se.tau2, i2 = r$I2 / 100, h2 = r$H2, q = r$QE, q_p = r$QEp,
       log_likelihood = r$fit.stats["ll", "ML"], restricted = r$fit.stats["ll", "REML"])
}
measures <- c(raw = "PR", log = "PLN", logit = "PLO", arcsine = "PAS", `freeman-tukey` = "PFT")
tests <- c(wald = "z", t = "t", `knapp-hartung` = "knha", `knapp-hartung-adhoc` = "adhoc")
methods <- c(ee = "EE", dl = "DL", he = "HE", hs = "HS", sj = "SJ", ml = "ML", reml = "REML", eb = "EB", pm = "PM")

fits <- list(); effects <- list()
for (s in names(measures)) {
  e <- escalc(measures[[s]], xi = events, ni = total)
  effects[[s]] <- list(yi = as.numeric(e$yi), vi = as.numeric(e$vi))
  for (m in names(methods)) for (t in names(tests))
    fits[[paste(s, m, t)]] <- fitlist(suppressWarnings(rma(yi, vi, data = e, method = methods[[m]], test = tests[[t]], control = tight)))
}
save("fits", list(events = events, total = total, effects = effects, fits = fits))

e <- escalc("PLO", xi = events, ni = total)
intervals <- list()
for (m in c("DL", "ML", "REML")) {
  r <- rma(yi, vi, data = e, method = m, control = tight)
  z <- confint(r, control = list(tol = 1e-14, maxiter = 10000))$random
  intervals[[paste(tolower(m), "q-profile")]] <- list(low = z[1, 2], high = z[1, 3])
  if (m != "DL") {
    z <- confint(r, type = "PL", control = list(tol = 1e-14, maxiter = 10000))$random
    intervals[[paste(tolower(m), "profile")]] <- list(low = z[1, 2], high = z[1, 3])
  }
}
save("intervals", list(intervals = intervals))

design <- list()
for (m in c("dl", "reml", "ml", "eb", "sj")) for (t in c("wald", "knapp-hartung")) {
  r <- rma(yi, vi, mods = ~ year, data = cbind(e, year = year - 2015), method = methods[[m]], test = tests[[t]], control = tight)
  v <- fitlist(r); v$qm <- r$QM; v$qm_p <- r$QMp; v$r2 <- r$R2 / 100; design[[paste("year", m, t)]] <- v
  r <- rma(yi, vi, mods = ~ g - 1, data = cbind(e, g = region), method = methods[[m]], test = tests[[t]], control = tight)
  design[[paste("cells", m, t)]] <- fitlist(r)
  r <- rma(yi, vi, mods = ~ g, data = cbind(e, g = region), method = methods[[m]], test = tests[[t]], control = tight)
  v <- fitlist(r); v$qm <- r$QM; v$qm_p <- r$QMp; design[[paste("groups", m, t)]] <- v
}
save("design", list(year = year - 2015, region = region, fits = design))

influence <- list()
for (m in c("ee", "dl", "reml")) for (t in c("wald", "knapp-hartung")) {
  r <- rma(yi, vi, data = e, method = methods[[m]], test = tests[[t]], control = tight)
  z <- suppressWarnings(influence(r)); i <- unclass(z$inf)[c("rstudent", "dffits", "cook.d", "cov.r", "tau2.del", "QE.del", "hat", "weight")]
  names(i) <- c("rstudent", "dffits", "cook_d", "cov_ratio", "tau2_deleted", "q_deleted", "hat", "weight")
  i <- lapply(i, as.numeric); i$dfbetas <- as.numeric(z$dfbs[[1]]); i$influential <- as.logical(z$is.infl)
  b <- baujat(r); i$baujat_x <- as.numeric(b$x); i$baujat_y <- as.numeric(b$y)
  u <- blup(r); i$blup <- as.numeric(u$pred); i$blup_se <- as.numeric(u$se)
  influence[[paste(m, t)]] <- i
}
save("influence", list(fits = influence))

two <- list()
for (s in c("OR", "RR", "RD", "AS", "PETO")) {
  z <- escalc(s, ai = ai, n1i = n1, ci = ci, n2i = n2)
  two[[s]] <- list(yi = as.numeric(z$yi), vi = as.numeric(z$vi))
}
common <- list()
for (s in c("OR", "RR", "RD")) {
  r <- rma.mh(measure = s, ai = ai, n1i = n1, ci = ci, n2i = n2)
  common[[s]] <- list(estimate = c(r$beta), se = r$se, q = r$QE)
  if (s == "OR") { common[[s]]$association <- r$MH; common[[s]]$breslow_day <- r$BD; common[[s]]$tarone <- r$TA }
}
r <- rma.peto(ai = ai, n1i = n1, ci = ci, n2i = n2)
common$PETO <- list(estimate = c(r$beta), se = r$se, q = r$QE)
save("two_arm", list(events1 = ai, total1 = n1, events2 = ci, total2 = n2, effects = two, common = common))

reml <- rma(yi, vi, data = e, ni = total, control = tight)
bias <- list()
for (p in c("sei", "vi", "ni", "ninv", "sqrtni", "sqrtninv")) for (m in c("lm", "rma")) {
  z <- regtest(reml, predictor = p, model = m); bias[[paste(p, m)]] <- list(statistic = z$zval, p_value = z$pval)
}
k <- ranktest(reml); k2 <- suppressWarnings(ranktest(reml, exact = FALSE))
trim <- list()
for (s in c("L0", "R0")) { z <- trimfill(rma(yi, vi, data = e, method = "DL"), estimator = s)
  trim[[s]] <- list(k0 = z$k0, side = z$side, beta = c(z$beta), tau2 = z$tau2, se_k0 = z$se.k0) }
save("bias", list(regression = bias, rank = list(tau = unname(k$tau), exact = k$pval, normal = k2$pval), trim = trim,
                  fail_safe = list(rosenthal = fsn(e$yi, e$vi)$fsnum, orwin = fsn(e$yi, e$vi, type = "Orwin")$fsnum,
                                   rosenberg = fsn(e$yi, e$vi, type = "Rosenberg")$fsnum)))
