# Reference values for the randomised evidence, from R. Run from the repository: Rscript tests/reference/trials/make.R
# It reads data/outcomes.csv and data/rct_mrs_distribution.csv and writes reference.json beside itself.
suppressMessages({library(metafor); library(MASS); library(ordinal); library(jsonlite)})

folder <- "tests/reference/trials"
trials <- c("goyal2025", "psychogios2025", "hu2026", "distals2026")
rows <- read.csv("data/outcomes.csv", na.strings = "", stringsAsFactors = FALSE)

counts_of <- function(outcome) {
  part <- rows[rows$outcome == outcome & rows$study_id %in% trials & !is.na(rows$events), ]
  evt <- part[part$arm_id == "evt", c("study_id", "events", "total")]
  control <- part[part$arm_id == "control", c("study_id", "events", "total")]
  both <- merge(evt, control, by = "study_id", suffixes = c("1", "2"))
  both[order(both$study_id), ]
}

numbers <- function(fit) list(
  estimate = as.numeric(fit$beta), se = fit$se, ci_low = fit$ci.lb, ci_high = fit$ci.ub, p_value = fit$pval)

inverse_variance <- function(d, measure) {
  # A trial without events in either arm says nothing on a ratio; on the difference it does.
  e <- escalc(measure, ai = events1, n1i = total1, ci = events2, n2i = total2, data = d, drop00 = measure != "RD")
  e <- e[!is.na(e$yi), ]
  fit <- rma(yi, vi, data = e, method = "REML", test = "knha", control = list(threshold = 1e-12, maxiter = 10000))
  wald <- rma(yi, vi, data = e, tau2 = fit$tau2)
  equal <- rma(yi, vi, data = e, method = "EE")
  list(yi = as.numeric(e$yi), vi = as.numeric(e$vi), knapp_hartung = numbers(fit), wald = numbers(wald),
       equal = numbers(equal), tau2 = fit$tau2, i2 = fit$I2 / 100, q = fit$QE, q_p = fit$QEp)
}

pooled <- lapply(c(mrs01 = "mrs01", mrs02 = "mrs02", mortality90 = "mortality90", sich = "sich"), function(outcome) {
  d <- counts_of(outcome)
  mh <- function(measure) numbers(rma.mh(measure = measure, ai = events1, n1i = total1, ci = events2, n2i = total2, data = d))
  list(counts = d, iv = lapply(c(OR = "OR", RR = "RR", RD = "RD"), function(m) inverse_variance(d, m)),
       mh = lapply(c(OR = "OR", RR = "RR", RD = "RD"), mh),
       peto = numbers(rma.peto(ai = events1, n1i = total1, ci = events2, n2i = total2, data = d)))
})

grades <- read.csv("data/rct_mrs_distribution.csv", stringsAsFactors = FALSE)
ordinal_of <- function(id) {
  part <- grades[grades$study_id == id, ]
  long <- do.call(rbind, lapply(seq_len(nrow(part)), function(i) data.frame(
    treated = as.integer(part$arm_id[i] == "evt"), grade = 0:6, n = as.integer(part[i, paste0("mrs", 0:6)]))))
  long$grade <- factor(long$grade, ordered = TRUE)
  fit <- clm(grade ~ treated, weights = n, data = long, control = clm.control(gradTol = 1e-10))
  polr_fit <- polr(grade ~ treated, weights = n, data = long, Hess = TRUE, control = list(reltol = 1e-15, maxit = 1000))
  # Both model logit P(grade <= j) = threshold - effect, so minus the effect is the log odds of a better grade.
  list(evt = as.integer(part[part$arm_id == "evt", paste0("mrs", 0:6)]),
       control = as.integer(part[part$arm_id == "control", paste0("mrs", 0:6)]),
       clm = list(log_odds = -as.numeric(fit$beta), se = sqrt(vcov(fit)["treated", "treated"]),
                  log_likelihood = as.numeric(fit$logLik), thresholds = as.numeric(fit$alpha)),
       polr = list(log_odds = -as.numeric(coef(polr_fit)), se = sqrt(vcov(polr_fit)["treated", "treated"])),
       nominal_log_likelihood = as.numeric(clm(grade ~ 1, nominal = ~treated, weights = n, data = long)$logLik))
}
shift <- lapply(c(goyal2025 = "goyal2025", psychogios2025 = "psychogios2025"), ordinal_of)

versions <- list(R = R.version.string, metafor = as.character(packageVersion("metafor")),
                 MASS = as.character(packageVersion("MASS")), ordinal = as.character(packageVersion("ordinal")))
write_json(list(versions = versions, pooled = pooled, ordinal = shift), file.path(folder, "reference.json"),
           auto_unbox = TRUE, digits = I(16), pretty = TRUE)
