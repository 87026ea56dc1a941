"""Attacks against a real server process, as a stranger or a person of the shop could make them.

Memory is read from the process, times are compared with the same request undisturbed. Longer, and otherwise:

    ATTACK_ROUNDS=20 ATTACK_SEED=7 script/test tests/attacks
"""
