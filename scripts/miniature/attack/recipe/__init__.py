"""Attack recipes: settings, presets and their checks."""
