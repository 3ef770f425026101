"""The layers that functions load beside their zips: what all of them share, and cryptography for its size.

A layer is made anew only when a locked package of it changes.
"""

from collections.abc import Iterable, Mapping

from .libraries import Libraries
from .target import Target
from .template import Template, functions, in_code

SHARED, HEAVY = "libraries", "cryptography"
DESCRIPTIONS = {
    SHARED: "The packages that every function needs.",
    HEAVY: "What seals and signs, with an OpenSSL of its own: two thirds of what a function loads.",
}
ZIPS = tuple(f"{name}.zip" for name in DESCRIPTIONS)

Needs = Mapping[
    str, frozenset[str]
]  # packages of a function by the name of its zip, or of a layer by its own


def of(needs: Needs, known: Libraries) -> dict[str, frozenset[str]]:
    """The packages of each layer, from those of each function."""
    heavy = known.needed([HEAVY])
    return {SHARED: frozenset.intersection(*needs.values()) - heavy, HEAVY: heavy}


def carried(needs: Needs, layers: Needs) -> dict[str, list[str]]:
    """The layers of each function: those all of whose packages it needs."""
    return {
        name: [layer for layer, packages in layers.items() if packages <= each]
        for name, each in needs.items()
    }


def attach(whole: Template, chosen: Mapping[str, Iterable[str]], target: Target) -> None:
    """Write the layers into a template, and to each function those that it loads."""
    whole["Resources"] |= {name.capitalize(): _layer(name, target) for name in DESCRIPTIONS}
    for name, properties in functions(whole["Resources"]).items():
        properties["Layers"] = [{"Ref": layer.capitalize()} for layer in chosen[in_code(name)]]


def _layer(name: str, target: Target) -> Template:
    return {
        "Type": "AWS::Serverless::LayerVersion",
        "Properties": {
            "LayerName": {"Fn::Join": ["-", [{"Ref": "TablePrefix"}, name]]},
            "Description": DESCRIPTIONS[name],
            "ContentUri": f"./{name}.zip",
            "CompatibleRuntimes": [target.runtime],
            "CompatibleArchitectures": [target.architecture],
            "RetentionPolicy": "Retain",  # a function that is rolled back needs the one before
        },
    }
