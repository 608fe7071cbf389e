# Reference values for the two-arm models without random study levels, on the synthetic counts of random_studies.json.
# Run from the repository: Rscript tests/reference/glmm/two_arm.R ; it writes two_arm.json beside itself.
suppressMessages({library(metafor); library(jsonlite)})
sets <- fromJSON("tests/reference/glmm/random_studies.json")$sets
fit <- function(d, ...) {
  r <- try(suppressWarnings(rma.glmm(measure = "OR", ai = ai, n1i = n1i, ci = ci, n2i = n2i, data = d, ...)), silent = TRUE)
  if (inherits(r, "try-error")) return(list(error = "the peer finds no maximum"))
  list(beta = as.numeric(r$beta), se = r$se, tau2 = r$tau2, lrt = r$QE.LRT)
}
answers <- lapply(sets, function(s) list("UM.FS" = fit(s$counts, model = "UM.FS", nAGQ = 25), "CM.AL" = fit(s$counts, model = "CM.AL", nAGQ = 25)))
write_json(list(versions = list(R = R.version.string, metafor = as.character(packageVersion("metafor")), lme4 = as.character(packageVersion("lme4"))),
                sets = answers), "tests/reference/glmm/two_arm.json", auto_unbox = TRUE, digits = I(14), pretty = TRUE)
