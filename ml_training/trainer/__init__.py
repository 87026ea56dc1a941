"""The external trainer: takes runs of other hosts' projects, without a database."""
