"""Which images of a labelled data set to take, so that few of them show as many classes as they can."""

from collections.abc import Sequence

import numpy as np

_NOTHING = -1  # the stratum of images that show no class
_NUM_LOOKED_AT = 32  # images of a class that are compared when one of them is taken


def stratified_choice(shown: Sequence[Sequence[int]], count: int, seed: int) -> list[int]:
    """Up to `count` positions in `shown`, the classes of each image; in random order, the same for the same seed.

    Each step takes an image of the class that fewest taken images show, of the rarer one where several are equal;
    of some images of it the one that adds most new classes.  With as many images as classes, every class is there.
    """
    rng = np.random.default_rng(seed)
    strata = [frozenset(classes) or frozenset((_NOTHING,)) for classes in shown]
    waiting: dict[int, list[int]] = {}
    for position in rng.permutation(len(strata)).tolist():
        for label in strata[position]:
            waiting.setdefault(label, []).append(position)
    rarity = {label: (len(positions), label) for label, positions in waiting.items()}
    num_taken = dict.fromkeys(waiting, 0)
    taken: set[int] = set()
    while len(taken) < min(count, len(strata)):
        label = min(waiting, key=lambda each: (num_taken[each], rarity[each]))
        waiting[label] = [position for position in waiting[label] if position not in taken]
        if not waiting[label]:
            del waiting[label]
            continue
        candidates = waiting[label][:_NUM_LOOKED_AT]
        best = max(candidates, key=lambda position: sum(num_taken[each] == 0 for each in strata[position]))
        taken.add(best)
        for each in strata[best]:
            num_taken[each] += 1
    return [int(position) for position in rng.permutation(sorted(taken))]
