"""placeholder until the recipe search lands"""
def augment(images, rng, settings):
    return images
