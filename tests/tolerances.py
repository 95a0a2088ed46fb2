"""How far apart two float32 computations of the same number may be, on any processor.

Each instruction set adds the terms of a sum in another order. While k terms of mixed sign are added
up, the partial sums are about √Σ(aᵢ bᵢ)²; each addition rounds its partial sum by up to ε/2; and k
independent roundings add up to √k of them. So a product of vectors is uncertain by about
ε √k √Σ(aᵢ bᵢ)², with ε = 2⁻²³.

`PROBABILITY` is that rule for the largest network here without convolutions, the pretrained `mlp`,
on images of noise, the worst for it: the sums of its hidden layer (k = 784) are uncertain by up to
1.2e-5, its logits (k = 128) by 2.7e-5, and its probabilities by 4.7e-6; twice that is allowed. A
temperature or a bias that is wrong by 0.1 %, or weights in float16, are still found. Convolutions
add up fewer terms.

`RELATIVE` is the same for a gradient, as a share of its largest element: it is a sum of products
with p - y, and so as uncertain as these.

Adam moves a weight by about its rate, for any size of the gradient. Where a gradient is nearly
0, its rounding decides by how much: `STEP` is the share of its rate by which a step may differ.
"""

PROBABILITY = 1e-5
RELATIVE = 1e-5
STEP = 1e-3
