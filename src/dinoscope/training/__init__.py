"""Self-distillation with no labels: DINO, Caron et al. 2021, https://arxiv.org/abs/2104.14294."""
