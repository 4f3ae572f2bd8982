"""Settings of all tests."""

from hypothesis import settings

from attacks import attack_examples, attack_models, whole_attack  # noqa: F401  (fixtures)

# How long an example takes depends on what else the machine does; that is no property of the code.
settings.register_profile("miniature", deadline=None)
settings.load_profile("miniature")
