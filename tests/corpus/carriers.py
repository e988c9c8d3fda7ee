"""What carries numbers from one place to another: variables of loops that are read later, attributes of classes."""

from collections import defaultdict

from corpus.program import Program

# ---- variables that a loop binds first, read after it


def last_group(values, labels):
    groups = defaultdict(list)
    for label, value in zip(labels, values):
        groups[label].append(value)
    total = 0.0
    for label, vs in groups.items():
        total += sum(vs) / len(vs)
    return total * sum(vs) + len(label)


def last_row_then_longer(rows, n):
    made = {}
    for k in range(n):
        made.setdefault(k % 2, []).append(rows[k] ** 2)
    total = 0.0
    for k in made:
        row = made[k]
        total += row[0] * len(row)
    row.append(total)
    return sum(v * (i + 1) for i, v in enumerate(row)) + sum(made[0])


def sometimes_bound(x, n):
    kept = {}
    for k in range(2):
        kept[k] = [x * (k + 1)]
    total = 0.0
    for k in range(n):
        if k % 2 == 0:
            picked = kept[k % 4 // 2]
        total += sum(picked) * (k + 1)
    return total + len(picked)


def same_name_twice(values, labels):
    groups = {}
    for label, value in zip(labels, values):
        groups.setdefault(label, []).append(value)
    means = {g: sum(vs) / len(vs) for g, vs in groups.items()}
    spread = {g: sum((v - means[g]) ** 2 for v in vs) for g, vs in groups.items()}
    return sum(spread[g] * v for g, vs in groups.items() for v in vs)


# ---- attributes of classes


class Spring:
    """Stiffness of the class, and of a class below it."""

    stiffness = 1.5
    made = 0

    def __init__(self, x):
        self.x = x
        Spring.made += 1

    def energy(self):
        return 0.5 * self.stiffness * self.x**2


class Stiff(Spring):
    """A class below."""

    stiffness = 4.0


def class_numbers(x, y):
    springs = [Spring(x), Stiff(y), Spring(x * y)]
    return sum(s.energy() for s in springs) * Spring.stiffness


LABELS = ["a", "b", "a", "c", "b", "a"]
VALUES = [1.0, 2.5, 1.4, 3.1, 2.2, 0.7]

PROGRAMS = [
    Program("carry_last_group", last_group, (VALUES, LABELS)),
    Program("carry_last_row_longer", last_row_then_longer, (VALUES, 6)),
    Program("carry_sometimes_bound", sometimes_bound, (0.7, 5)),
    Program("carry_same_name_twice", same_name_twice, (VALUES, LABELS)),
    Program("carry_class_numbers", class_numbers, (0.7, 1.3), wrt=(0, 1)),
]
