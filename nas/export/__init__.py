"""A trained model ▶ files that run without this package, each run and compared before it is published."""
