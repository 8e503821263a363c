"""Sources of data, splits, checks, and the prepared arrays that workers map."""
