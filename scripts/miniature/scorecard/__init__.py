"""From agreement rows to verdicts: the noise floor, differences, and the scorecard."""
