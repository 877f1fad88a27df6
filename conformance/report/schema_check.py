"""Checks a document against a JSON Schema: as much of the language as conformance/report.schema.json uses. A keyword
that is not known here is an error, so that nothing is taken for checked that is not."""
import json
import re

ANNOTATIONS = {'$schema', '$defs', 'title', 'description'}
TYPES = {'object': dict, 'array': list, 'string': str, 'boolean': bool, 'number': (int, float), 'integer': int}


def is_of(type_name, value):
    if type_name in ('number', 'integer') and isinstance(value, bool):
        return False
    return isinstance(value, TYPES[type_name])


def problems(schema, value, root=None, where='report'):
    """Yields a sentence for everything that is wrong."""
    root = schema if root is None else root
    for keyword, wanted in schema.items():
        if keyword in ANNOTATIONS:
            continue
        if keyword not in CHECKS:
            raise ValueError('the validator does not know the keyword %r' % keyword)
        yield from CHECKS[keyword](schema, wanted, value, root, where)


def check_ref(_schema, wanted, value, root, where):
    target = root
    for step in wanted.removeprefix('#/').split('/'):
        target = target[step]
    yield from problems(target, value, root, where)


def check_type(_schema, wanted, value, _root, where):
    if not is_of(wanted, value):
        yield '%s: is no %s' % (where, wanted)


def check_required(_schema, wanted, value, _root, where):
    for name in wanted if isinstance(value, dict) else ():
        if name not in value:
            yield '%s: has no %r' % (where, name)


def check_properties(_schema, wanted, value, root, where):
    for name, member in value.items() if isinstance(value, dict) else ():
        if name in wanted:
            yield from problems(wanted[name], member, root, '%s.%s' % (where, name))


def check_additional(schema, wanted, value, root, where):
    for name, member in value.items() if isinstance(value, dict) else ():
        if name not in schema.get('properties', {}):
            yield from problems(wanted, member, root, '%s.%s' % (where, name))


def check_items(_schema, wanted, value, root, where):
    for index, item in enumerate(value if isinstance(value, list) else ()):
        yield from problems(wanted, item, root, '%s[%d]' % (where, index))


def check_enum(_schema, wanted, value, _root, where):
    if value not in wanted:
        yield '%s: %s is none of %s' % (where, json.dumps(value)[:40], wanted)


def check_pattern(_schema, wanted, value, _root, where):
    if isinstance(value, str) and not re.search(wanted.replace('$', r'\Z'), value):
        yield '%s: %s does not match %s' % (where, json.dumps(value)[:60], wanted)


def check_limit(name, allowed):
    def check(_schema, wanted, value, _root, where):
        if is_of('number', value) and not allowed(value, wanted):
            yield '%s: %s breaks %s %s' % (where, value, name, wanted)

    return check


CHECKS = {
    '$ref': check_ref,
    'type': check_type,
    'required': check_required,
    'properties': check_properties,
    'additionalProperties': check_additional,
    'items': check_items,
    'enum': check_enum,
    'pattern': check_pattern,
    'const': lambda schema, wanted, value, root, where: check_enum(schema, [wanted], value, root, where),
    'minimum': check_limit('minimum', lambda value, limit: value >= limit),
    'maximum': check_limit('maximum', lambda value, limit: value <= limit),
}
