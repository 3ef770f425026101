"""Random values, and expressions over them: mostly of the types their attributes have."""

from hypothesis import strategies as st

NAMES = ["num", "text", "listed", "mapped", "tags", "raw", "flag", "next", "m"]

numbers = st.sampled_from(
    ["0", "1", "-3", "2.50", "10", "1E2", "0.001", "99999999999999999999999999999999999999"]
)
texts = st.sampled_from(["", "a", "ab", "b", "中"])
scalars = st.one_of(
    st.builds(lambda n: {"N": n}, numbers),
    st.builds(lambda s: {"S": s}, texts),
    st.builds(lambda b: {"B": b}, st.sampled_from([b"a", b"ab", b"\xff"])),
    st.builds(lambda b: {"BOOL": b}, st.booleans()),
    st.just({"NULL": True}),
)
sets = st.one_of(
    st.builds(lambda s: {"SS": s}, st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True)),
    st.builds(
        lambda n: {"NS": n}, st.lists(st.sampled_from(["1", "2", "3"]), min_size=1, max_size=3, unique=True)
    ),
)
values = st.recursive(
    scalars | sets,
    lambda inner: st.one_of(
        st.builds(lambda each: {"L": each}, st.lists(inner, max_size=3)),
        st.builds(lambda each: {"M": each}, st.dictionaries(st.sampled_from(["x", "y"]), inner, max_size=2)),
    ),
    max_leaves=4,
)
fitting = {
    "num": st.builds(lambda n: {"N": n}, numbers),
    "next": st.builds(lambda n: {"N": n}, st.sampled_from(["0", "1", "7"])),
    "text": st.builds(lambda s: {"S": s}, texts),
    "listed": st.builds(lambda each: {"L": each}, st.lists(scalars, max_size=3)),
    "mapped": st.builds(
        lambda each: {"M": each}, st.dictionaries(st.sampled_from(["x", "y"]), values, max_size=2)
    ),
    "tags": st.builds(
        lambda s: {"SS": s}, st.lists(st.sampled_from("abc"), min_size=1, max_size=3, unique=True)
    ),
    "raw": st.builds(lambda b: {"B": b}, st.sampled_from([b"", b"a", b"ab", b"\xff"])),
    "flag": st.builds(lambda b: {"BOOL": b}, st.booleans()),
    "m": st.builds(lambda s: {"S": s}, st.sampled_from(["me", "you"])),
}
bounds = st.sampled_from(
    [
        ({"N": "0"}, {"N": "10"}),
        ({"S": "a"}, {"S": "b"}),
        ({"B": b"a"}, {"B": b"b"}),
        ({"N": "7"}, {"N": "1"}),
    ]
)


class Words:
    """Collects what an expression needs besides its text."""

    def __init__(self, draw):
        self.draw = draw
        self.names = {}
        self.values = {}

    def name(self, name):
        alias = f"#{name}"
        self.names[alias] = name
        return alias

    def value(self, value):
        for placeholder, known in self.values.items():
            if known == value:
                return placeholder
        placeholder = f":v{len(self.values)}"
        self.values[placeholder] = value
        return placeholder

    def any_value(self, name=None):
        mostly = fitting[name] if name and self.draw(st.integers(0, 9)) else values
        return self.value(self.draw(mostly))

    def path(self):
        top = self.draw(st.sampled_from(NAMES))
        alias = self.name(top)
        if top == "listed" and self.draw(st.booleans()):
            return top, f"{alias}[{self.draw(st.integers(0, 3))}]"
        if top == "mapped" and self.draw(st.booleans()):
            return top, f"{alias}.{self.draw(st.sampled_from(['x', 'y']))}"
        return top, alias

    def params(self):
        given = {"ExpressionAttributeNames": self.names, "ExpressionAttributeValues": self.values}
        return {name: each for name, each in given.items() if each}


def comparison(words):
    top, path = words.path()
    return words.draw(st.sampled_from(COMPARISONS))(words, top, path)


def compare(words, top, path):
    sign = words.draw(st.sampled_from(["=", "<>", "<", "<=", ">", ">="]))
    return f"{path} {sign} {words.any_value(top)}"


def between(words, _, path):
    low, high = words.draw(bounds)
    return f"{path} BETWEEN {words.value(low)} AND {words.value(high)}"


def size(words, _, path):
    wanted = words.value({"N": words.draw(st.sampled_from("0123"))})
    return f"size({path}) {words.draw(st.sampled_from(['=', '>', '<=']))} {wanted}"


def attribute_type(words, _, path):
    wanted = words.value({"S": words.draw(st.sampled_from(["S", "N", "L", "M", "SS", "BOOL"]))})
    return f"attribute_type({path}, {wanted})"


COMPARISONS = [
    compare,
    between,
    size,
    attribute_type,
    lambda words, top, path: f"{path} IN ({words.any_value(top)}, {words.any_value()})",
    lambda words, top, path: f"begins_with({path}, {words.value({'S': words.draw(texts)})})",
    lambda words, top, path: f"contains({path}, {words.any_value()})",
    lambda words, top, path: f"attribute_exists({path})",
    lambda words, top, path: f"attribute_not_exists({path})",
]


def condition(words, depth=2):
    kind = words.draw(st.integers(0, 5)) if depth else 0
    if kind == 1:
        return f"NOT ({condition(words, depth - 1)})"
    if kind in {2, 3}:
        word = "AND" if kind == 2 else "OR"
        return f"({condition(words, depth - 1)}) {word} {comparison(words)}"
    return comparison(words)


def assignment(words):
    top, path = words.path()
    kind = words.draw(st.integers(0, 5))
    if kind == 0:
        return f"{path} = if_not_exists({path}, {words.any_value(top)})"
    if kind == 1:
        step = words.value({"N": words.draw(numbers)})
        return f"{path} = {path} {words.draw(st.sampled_from('+-'))} {step}"
    if kind == 2:
        return f"{path} = list_append({path}, {words.any_value('listed')})"
    if kind == 3:
        return f"{path} = {words.path()[1]}"
    return f"{path} = {words.any_value(top)}"


def update(words):
    kinds = st.sampled_from(["SET", "REMOVE", "ADD", "DELETE"])
    sections = words.draw(st.lists(kinds, min_size=1, max_size=2, unique=True))
    return " ".join(section(words, each) for each in sections)


def section(words, kind):
    count = words.draw(st.integers(1, 2))
    if kind == "SET":
        return "SET " + ", ".join(assignment(words) for _ in range(count))
    if kind == "REMOVE":
        return "REMOVE " + ", ".join(words.path()[1] for _ in range(count))
    top = words.draw(st.sampled_from(["num", "next", "tags"] if kind == "ADD" else ["tags"]))
    return f"{kind} {words.name(top)} {words.any_value(top)}"
