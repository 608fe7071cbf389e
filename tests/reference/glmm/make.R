# Reference values for the random-intercept logistic model, made with R alone.
#   Rscript make.R        writes reference.json beside this file
# Needs metafor, lme4, numDeriv and jsonlite (Debian: r-cran-metafor r-cran-lme4 r-cran-numderiv r-cran-jsonlite).
# The maximum is found twice: by R's integrate() (adaptive Gauss-Kronrod, nothing in common with our
# trapezoid rule) under nlminb and Newton's method with numDeriv, and by lme4 and metafor.
suppressMessages({library(metafor); library(lme4); library(numDeriv); library(jsonlite)})

study_ll <- function(x, n, eta, tau) {
  if (tau == 0) return(dbinom(x, n, plogis(eta), log = TRUE))
  f <- function(u) dbinom(x, n, plogis(eta + tau * u), log = TRUE) + dnorm(u, log = TRUE)
  mode <- optimize(f, c(-40, 40), maximum = TRUE, tol = 1e-10)$maximum
  top <- f(mode)
  # analytic curvature: a difference quotient would spoil the cuts for small tau
  p <- plogis(eta + tau * mode); s <- 1 / sqrt(1 + tau^2 * n * p * (1 - p))
  part <- function(a, b) integrate(function(u) exp(f(u) - top), a, b, rel.tol = 1e-12, abs.tol = 0, subdivisions = 2000L)$value
  cuts <- c(mode - 12, mode - 6 * s, mode - 2 * s, mode, mode + 2 * s, mode + 6 * s, mode + 12)
  top + log(sum(mapply(part, head(cuts, -1), tail(cuts, -1))))
}
loglik <- function(par, x, n, X) {
  p <- ncol(X); eta <- as.vector(X %*% par[seq_len(p)])
  sum(mapply(study_ll, x, n, eta, MoreArgs = list(tau = abs(par[p + 1]))))
}
exact <- function(x, n, X = matrix(1, length(x), 1)) {
  b0 <- unname(glm(cbind(x, n - x) ~ X - 1, family = binomial)$coefficients); p <- ncol(X)
  f <- function(par) loglik(par, x, n, X)
  o <- nlminb(c(b0, 0.7), function(v) -f(v), control = list(rel.tol = 1e-14))
  zero <- f(c(b0, 0))
  if (abs(o$par[p + 1]) < 1e-3 || -o$objective < zero + 1e-9)
    return(list(beta = I(b0), tau2 = 0, loglik = zero, loglik_equal = zero, boundary = TRUE,
                se = I(unname(sqrt(diag(vcov(glm(cbind(x, n - x) ~ X - 1, family = binomial, control = list(epsilon = 1e-14)))))))))
  # numDeriv's steps are relative: differentiate around one, so that small coefficients get the same step
  par <- o$par; args <- list(r = 6, d = 0.02); one <- rep(1, p + 1)
  near <- function(at) function(z) f(at + z - 1)
  for (i in 1:4) par <- par - solve(hessian(near(par), one, method.args = args), grad(near(par), one, method.args = args))
  V <- solve(-hessian(near(par), one, method.args = args))
  list(beta = I(par[seq_len(p)]), tau2 = par[p + 1]^2, loglik = f(par), loglik_equal = zero, boundary = FALSE,
       se = I(sqrt(diag(V))[seq_len(p)]), se_tau = sqrt(V[p + 1, p + 1]))
}
peer <- function(x, n) {
  r <- try(suppressWarnings(rma.glmm(measure = "PLO", xi = x, ni = n, nAGQ = 7)), silent = TRUE)
  if (inherits(r, "try-error")) return(NULL)
  g <- suppressWarnings(glmer(cbind(x, n - x) ~ 1 + (1 | s), data = data.frame(x, n, s = factor(seq_along(x))), family = binomial, nAGQ = 25))
  list(rma_beta = r$beta[1], rma_se = r$se, rma_tau2 = r$tau2, QE_Wld = r$QE.Wld, QE_LRT = r$QE.LRT,
       glmer25_beta = unname(fixef(g)), glmer25_tau2 = unname(VarCorr(g)$s[1]))
}
sets <- list(
  four = list(x = c(3, 9, 4, 12), n = c(20, 22, 25, 21)),
  typical = list(x = c(41, 18, 66, 9, 25, 77, 30, 12, 54, 38), n = c(50, 26, 71, 14, 40, 90, 33, 19, 60, 52), m = seq(-1.5, 1.2, 0.3)),
  rare = list(x = c(0, 2, 1, 5, 0, 3, 0, 8), n = c(24, 61, 40, 80, 15, 55, 33, 70), m = c(0, 0, 1, 1, 0, 1, 0, 1)),
  boundary = list(x = c(5, 9, 13, 6), n = c(20, 41, 50, 26)),
  wide = list(x = c(0, 30, 2, 28, 11, 40), n = c(25, 30, 30, 29, 24, 40)),
  large = list(x = c(5210, 880, 2400), n = c(10000, 2000, 5200)),
  single = list(x = 7, n = 20)
)
# arms within studies: metafor's rma.mv with tight control
arms <- list(x = c(14, 18, 3, 10, 33, 18, 26, 3, 7, 20, 44, 33), n = c(20, 22, 19, 30, 41, 30, 40, 15, 21, 25, 50, 52),
             study = c("a", "a", "b", "b", "c", "c", "c", "d", "e", "f", "g", "g"))
three <- function(method, d) {
  es <- escalc(measure = "PLO", xi = d$x, ni = d$n); es$study <- d$study; es$arm <- seq_along(d$x)
  r <- rma.mv(yi, vi, random = list(~ 1 | study, ~ 1 | arm), data = es, method = method, control = list(optimizer = "optim", optmethod = "BFGS", reltol = 1e-15))
  list(mu = r$beta[1], se = r$se, sigma2_study = r$sigma2[1], sigma2_arm = r$sigma2[2], loglik = as.numeric(logLik(r)))
}
values <- expand.grid(x = c(0, 1, 6, 12), n = 12, eta = c(-3, 0.4), tau = c(0.01, 0.8, 5))
out <- list(
  made_with = list(R = paste(R.version$major, R.version$minor, sep = "."), metafor = as.character(packageVersion("metafor")), lme4 = as.character(packageVersion("lme4"))),
  studies = cbind(values, loglik = mapply(study_ll, values$x, values$n, values$eta, values$tau)),
  three_level = list(events = I(arms$x), total = I(arms$n), study = I(arms$study), reml = three("REML", arms), ml = three("ML", arms)),
  sets = lapply(sets, function(d) {
    k <- length(d$x)
    c(list(events = I(d$x), total = I(d$n), exact = exact(d$x, d$n)), if (k > 1) list(peer = peer(d$x, d$n)),
      if (!is.null(d$m)) list(moderator = I(d$m), regression = exact(d$x, d$n, cbind(1, d$m))))
  })
)
write(toJSON(out, digits = I(17), auto_unbox = TRUE, pretty = TRUE, null = "null", na = "null"), "reference.json")
