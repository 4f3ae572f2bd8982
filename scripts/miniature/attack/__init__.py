"""Adversarial attacks on classifiers, put together from TextAttack's own components.

`recipes` and `summary` are light and may be imported anywhere; `run.attack_table` loads torch and TextAttack
only when there is something left to attack.
"""
