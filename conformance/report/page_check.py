"""Looks at an HTML report: whether its elements are closed as they were opened, and that it needs nothing else."""
import html.parser
import json
import re

VOID = {'meta', 'link', 'br', 'input', 'hr', 'img'}


class NotWellFormed(Exception):
    pass


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__(convert_charrefs=True)
        self.open, self.texts, self.ids, self.references = [], {}, set(), []
        self.attributes, self.texts_within = {}, {}  # of elements with an id; what their children say included

    def handle_starttag(self, tag, attrs):
        names = [name for name, _ in attrs]
        if len(names) != len(set(names)):
            raise NotWellFormed('<%s> has an attribute twice' % tag)
        for name, value in attrs:
            if name == 'id' and value in self.ids:
                raise NotWellFormed('the id %s is there twice' % value)
            if name == 'id':
                self.ids.add(value)
                self.attributes[value] = dict(attrs)
            if name in ('src', 'href', 'data', 'action', 'srcset', 'poster'):
                self.references.append(value)
            if name.startswith('on'):
                raise NotWellFormed('<%s> has a handler' % tag)
        if tag not in VOID:
            self.open.append((tag, dict(attrs).get('id')))

    def handle_endtag(self, tag):
        if not self.open or self.open[-1][0] != tag:
            raise NotWellFormed('line %d: </%s> closes %s' % (self.getpos()[0], tag, self.open[-1:]))
        self.open.pop()

    def handle_data(self, data):
        if self.open:
            self.texts[self.open[-1]] = self.texts.get(self.open[-1], '') + data
        for _, name in self.open:
            if name is not None:
                self.texts_within[name] = self.texts_within.get(name, '') + data


def read(text):
    """The data of the report and its page."""
    page = Page()
    page.feed(text)
    page.close()
    if page.open:
        raise NotWellFormed('not closed: %s' % page.open)
    foreign = [reference for reference in page.references if not re.match(r'#|data:', reference)]
    style = page.texts[('style', None)]
    if foreign or '@import' in style or 'url(' in style:
        raise NotWellFormed('it needs something else: %s' % foreign)
    return json.loads(page.texts[('script', 'data')]), page
