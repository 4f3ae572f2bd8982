"""Methods of attribution, and the settings of each."""

# The schema of a study names the same.
METHODS: dict[str, tuple[str, ...]] = {
    "integrated-gradients": ("steps",),
    "gradient-x-input": (),
    "occlusion": (),
    "lime": ("samples",),
    "kernel-shap": ("samples",),
}
# Those that are drawn at random.
SAMPLED = tuple(name for name, settings in METHODS.items() if "samples" in settings)
