"""Adversarial attacks on classifiers, built from TextAttack's components.

`recipes`, `rows` and `summary` are light and may be imported anywhere; `run.attack_table` loads torch when
it is called and TextAttack only when there is something left to attack.
"""
