# Times metafor and lme4 on the counts that benchmarks/run.py wrote; prints key, seconds, mu, tau2 a line.
# Usage: Rscript peers.R FOLDER
suppressMessages({library(metafor); library(lme4)})
folder <- commandArgs(TRUE)[1]
read <- function(k) read.csv(file.path(folder, sprintf("counts_%d.csv", k)))
clock <- function(f, times) {
  spent <- numeric(times)
  for (i in seq_len(times)) { t0 <- proc.time(); out <- f(); t1 <- proc.time()
    spent[i] <- sum((t1 - t0)[c("user.self", "sys.self")]) }
  list(seconds = median(spent), out = out)
}
say <- function(key, peer, got, mu = NA, tau2 = NA)
  cat(sprintf("%s\t%s\t%.9g\t%.12g\t%.12g\n", key, peer, got$seconds, mu, tau2))
d <- read(29)
one <- function() rma.glmm(xi = xi, ni = ni, data = d, measure = "PLO")
got <- clock(one, 15); say("glmm_29", "metafor rma.glmm", got, coef(got$out), got$out$tau2)
mixed <- function(data) function() glmer(cbind(xi, ni - xi) ~ 1 + (1 | study), data = data, family = binomial, nAGQ = 7)
got <- clock(mixed(d), 15); say("glmm_29", "lme4 glmer", got, fixef(got$out), unlist(VarCorr(got$out)))
e <- escalc(measure = "PLO", xi = xi, ni = ni, data = d)
for (m in c("REML", "DL")) {
  got <- clock(function() for (i in 1:20) fit <<- rma(yi, vi, data = e, method = m), 5)
  got$seconds <- got$seconds / 20
  say(sprintf("%s_29", tolower(m)), "metafor rma", got, coef(fit), fit$tau2)
}
got <- clock(function() for (i in seq_len(29)) rma.glmm(xi = xi, ni = ni, data = d[-i, ], measure = "PLO"), 1)
say("glmm_leave_one_out_29", "metafor rma.glmm in a loop", got)
d20 <- read(20); e20 <- escalc(measure = "PLO", xi = xi, ni = ni, data = d20)
got <- clock(function() gosh(rma(yi, vi, data = e20, method = "REML"), subsets = 500, progbar = FALSE), 1)
got$seconds <- got$seconds * 20
say("gosh_reml_20", "metafor gosh (500 subsets, times 20)", got)
got <- clock(function() for (i in 1:60) rma.glmm(xi = xi, ni = ni, data = d[sample(29, 15), ], measure = "PLO"), 1)
got$seconds <- got$seconds * 1e6 / 60
say("gosh_glmm_29", "metafor rma.glmm in a loop (60 subsets, scaled)", got)
big <- read(10000)
got <- clock(mixed(big), 1); say("glmm_10000", "lme4 glmer", got, fixef(got$out), unlist(VarCorr(got$out)))
cat(sprintf("versions\tR %s, metafor %s, lme4 %s\t0\t0\t0\n", getRversion(), packageVersion("metafor"), packageVersion("lme4")))
