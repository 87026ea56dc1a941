"""How good does deep training make the recogniser, and how long does it take?

    python -m benchmarks.deep_training TRAIN_DIR TEST_DIR [--photos 5 10 all] [--threads 2]

For each number of photos a product: the frozen backbone, then the tuned one after each epoch, both with the
closed-form head on all photos, on photos from elsewhere. Prints a table, writes
`benchmarks/results/deep_training.json` (sizes measured earlier are kept) and draws it.
"""
