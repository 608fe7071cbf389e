"""The numeric core: arrays in, frozen results out; no files, no pandas, no plots, no stroke."""
