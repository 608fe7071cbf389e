# Reference values for the two-arm model with random study levels (UM.RS), and for its conditional rivals.
# Run from the repository: Rscript tests/reference/glmm/random_studies.R ; it writes random_studies.json beside itself.
# Counts are made up here (synthetic). glmer's own Laplace stops its inner search early, so glmmTMB fits it.
suppressMessages({library(metafor); library(jsonlite)})
set.seed(20261122)

made <- function(k, level, spread, effect, tau, low, high) {
  n1 <- sample(low:high, k, TRUE); n2 <- sample(low:high, k, TRUE)
  c0 <- rnorm(k, level, spread); th <- rnorm(k, effect, tau)
  data.frame(ai = rbinom(k, n1, plogis(c0 + th / 2)), n1i = n1, ci = rbinom(k, n2, plogis(c0 - th / 2)), n2i = n2)
}
sets <- list(common = made(12, -0.5, 0.8, -0.6, 0.5, 20, 90), rare = made(14, -3, 0.9, 0.5, 0.6, 30, 150),
             frequent = made(9, 1.6, 0.6, 0.7, 0.9, 10, 60), even = made(8, -0.8, 0.5, 0.3, 0, 15, 60))

# The exact log-likelihood: a plain sum over a square grid that holds all of the mass.
z <- seq(-8, 8, length.out = 121); h <- z[2] - z[1]
z1 <- rep(z, each = length(z)); z2 <- rep(z, times = length(z)); weight <- dnorm(z1) * dnorm(z2) * h^2
exact <- function(p, d, cor, coding) {
  level <- p[1] + p[3] * z1
  theta <- p[2] + p[4] * z2 + (if (cor) p[5] * z1 else 0)
  p1 <- level + coding * theta; p2 <- level + (coding - 1) * theta
  sum(sapply(seq_len(nrow(d)), function(i) {
    up <- dbinom(d$ai[i], d$n1i[i], plogis(p1), log = TRUE) + dbinom(d$ci[i], d$n2i[i], plogis(p2), log = TRUE)
    log(sum(exp(up) * weight))
  }))
}

fit <- function(d, cor, coding) {
  r <- suppressWarnings(rma.glmm(measure = "OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = d, model = "UM.RS", cor = cor,
                                 coding = coding, nAGQ = 1, control = list(package = "glmmTMB", optCtrl = list(rel.tol = 1e-15, x.tol = 1e-13))))
  list(beta = as.numeric(r$beta), se = r$se, tau2 = r$tau2, sigma2 = r$sigma2, lrt = r$QE.LRT)
}

best <- function(d, cor, start) {
  o <- nlminb(start[seq_len(4 + cor)], function(p) -exact(p, d, cor, 0.5), control = list(rel.tol = 1e-14, x.tol = 1e-9, iter.max = 500))
  list(at = o$par, loglik = -o$objective)
}

answers <- lapply(sets, function(d) {
  plain <- best(d, FALSE, c(qlogis(sum(d$ai + d$ci) / sum(d$n1i + d$n2i)), 0, 0.6, 0.4))
  list(counts = d, laplace = fit(d, FALSE, 1/2), laplace_correlated = fit(d, TRUE, 1/2), laplace_first = fit(d, FALSE, 1),
       laplace_second = fit(d, FALSE, 0), exact = plain, exact_correlated = best(d, TRUE, c(plain$at, 0.1)),
       approximate = { r <- rma.glmm(measure = "OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = d, model = "CM.AL", nAGQ = 25)
                       list(beta = as.numeric(r$beta), se = r$se, tau2 = r$tau2, lrt = r$QE.LRT) })
})
write_json(list(versions = list(R = R.version.string, metafor = as.character(packageVersion("metafor")),
                                glmmTMB = as.character(packageVersion("glmmTMB")), lme4 = as.character(packageVersion("lme4"))), sets = answers),
           "tests/reference/glmm/random_studies.json", auto_unbox = TRUE, digits = I(14), pretty = TRUE)
