"""The characteristics on which two models are compared, from per-model results to agreement rows."""
