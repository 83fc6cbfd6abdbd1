"""What the program is told: the smallest configuration, what a test puts on top of it, and the text of its file."""
import json
from pathlib import Path

SMALLEST = {
    "site": {"name": "General Hospital", "time_zone": "Europe/Berlin"},
    "database": {"url": "sqlite://data/tocsin.db"},
    "storage": {"url": "file://data/blobs", "min_free_mb": 64},
    "http": {"listen": "127.0.0.1:0"},
    "dicom": {"listen": "127.0.0.1:0", "ae_title": "TOCSIN", "accept": "loopback"},
    "hl7": {"listen": "127.0.0.1:0", "accept": "loopback", "default_authority": "GH"},
    # The others are loaded by the tests that need them.
    "inference": {"only": ["ich"]},
    "alerts": {"capture_dir": "data/mail"},
}


def configuration(**sections):
    """The smallest configuration, with these keys on top."""
    config = {name: dict(values) for name, values in SMALLEST.items()}
    for name, values in sections.items():
        if isinstance(values, list):
            config[name] = values
            continue
        config.setdefault(name, {}).update(values)
        config[name] = {k: v for k, v in config[name].items() if v is not None}
    return config


def toml(config):
    """A configuration as text; lists of tables and tables one level down are enough here."""
    lines = []

    def table(name, values):
        lines.append(f"[{name}]")
        nested = []
        for key, value in values.items():
            listed = isinstance(value, list) and value and isinstance(value[0], dict)
            if isinstance(value, dict) or listed and key in ("peers", "people", "policies", "sources", "ehrs", "patient_systems", "receivers"):
                nested.append((key, value))
            else:
                lines.append(f"{key} = {inline(value)}")
        for key, value in nested:
            if isinstance(value, dict):
                table(f"{name}.{key}", value)
            for entry in value if isinstance(value, list) else []:
                lines.append(f"[[{name}.{key}]]")
                lines.extend(f"{k} = {inline(v)}" for k, v in entry.items())

    for section, values in config.items():
        for entry in values if isinstance(values, list) else []:
            lines.append(f"[[{section}]]")
            lines.extend(f"{k} = {inline(v)}" for k, v in entry.items())
        if isinstance(values, dict):
            table(section, values)
    return "\n".join(lines) + "\n"


def inline(value):
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{k} = {inline(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list):
        return "[" + ", ".join(map(inline, value)) + "]"
    return json.dumps(value if not isinstance(value, Path) else str(value))
