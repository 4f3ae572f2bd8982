"""Attribution: whether two models rest their decisions on the same words."""
